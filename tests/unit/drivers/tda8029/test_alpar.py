"""ALPAR over scripted lines: every fault of a frame, and what is sent because of it. The first three frames are those that
published hosts of the TDA8029 show.
"""

import asyncio
import sys

from testing import ScriptedLine, cases, h, path, raises

sys.path.append(path("tests/unit/drivers/tda8029"))
from alpar_script import INSERTED, REMOVED, SYNC, cmd, frame, nak, said

from reader.drivers.tda8029.alpar import MAX_DATA, Alpar
from reader.errors import E_CARD_REMOVED, E_LINE_CLOSED, E_SLOT_FRAME, E_SLOT_SILENT, E_SLOT_STATUS

CHECK = 0x09
ASK = cmd(CHECK)
THERE = cmd(CHECK, "01")


def alpar(line):
    return Alpar(line, answer_ms=40, frame_ms=20)


async def ask(transport, **options):
    return bytes(await transport.command(CHECK, **options))


def test_frames_as_published():
    assert cmd(0x0A) == h("600000 0A 6A")
    assert cmd(0x6E, "00") == h("600001 6E 00 0F")
    assert cmd(CHECK) == h("600000 09 69")


@cases(0, 1, 3)
async def test_a_command_and_its_answer_in_any_pieces(chunk):
    line = ScriptedLine([SYNC, (ASK, THERE)], chunk)
    assert await ask(alpar(line)) == b"\x01"
    line.done()


async def test_the_largest_command_and_answer():
    data = bytes(i & 0xFF for i in range(MAX_DATA))
    line = ScriptedLine([SYNC, said(0, data, data[:258])])
    transport = alpar(line)
    assert len(transport.data) == MAX_DATA
    transport.data[:] = data
    assert bytes(await transport.command(0, MAX_DATA)) == data[:258]
    line.done()


@cases(
    h("00FF5A"),  # noise
    cmd(0, "9000"),  # another command's answer, late
    nak(0, 0x81),
    INSERTED,
    INSERTED + REMOVED,
)
async def test_what_comes_before_the_answer_is_dropped(before):
    line = ScriptedLine([SYNC, (ASK, before + THERE)])
    assert await ask(alpar(line)) == b"\x01"
    line.done()


async def test_what_lies_in_the_line_at_the_start_is_dropped():
    line = ScriptedLine([("", THERE + nak(CHECK, 1) + h("60000109")), SYNC, (ASK, cmd(CHECK, "00"))])
    # The frame that has no end takes the mask's answer with it; asked again, the chip says it
    line._script.insert(1, SYNC)
    assert await ask(alpar(line)) == b"\x00"


async def test_an_answer_after_the_time_is_not_taken_for_the_next():
    line = ScriptedLine([SYNC, (cmd(0, "00A40400"), b"")])
    transport = alpar(line)
    transport.data[:4] = h("00A40400")
    with raises(E_SLOT_SILENT):
        await transport.command(0, 4, twice=False)
    line._arrived += cmd(0, "9000")  # late
    line._script += [SYNC, (cmd(0, "00B20100"), cmd(0, "6A83"))]
    transport.data[:4] = h("00B20100")
    assert bytes(await transport.command(0, 4, twice=False)) == h("6A83")


async def test_the_first_answer_to_a_command_sent_twice_is_not_the_next_ones():
    line = ScriptedLine([SYNC, (ASK, b""), (ASK, THERE), SYNC, (ASK, THERE)])
    transport = alpar(line)
    assert await ask(transport) == b"\x01"
    line._arrived += cmd(CHECK, "00")
    assert await ask(transport) == b"\x01"
    line.done()


@cases(
    cmd(CHECK, "01")[:-1] + b"\x00",  # LRC
    cmd(CHECK, "01")[:4],  # no end
    h("60 FFFF 09 00"),  # longer than any
    b"",
)
async def test_a_broken_answer_is_asked_for_again(broken):
    line = ScriptedLine([SYNC, (ASK, broken), (ASK, THERE)])
    assert await ask(alpar(line)) == b"\x01"
    line.done()


@cases((cmd(CHECK, "01")[:-1] + b"\x00", E_SLOT_FRAME), (cmd(CHECK, "01")[:4], E_SLOT_FRAME), (b"", E_SLOT_SILENT))
async def test_one_that_stays_so(broken, code):
    line = ScriptedLine([SYNC] + [(ASK, broken)] * 3)
    with raises(code):
        await ask(alpar(line))
    line.done()


@cases((cmd(CHECK, "01")[:-1] + b"\x00", E_SLOT_FRAME), (b"", E_SLOT_SILENT))
async def test_a_command_that_must_not_be_repeated_is_not(broken, code):
    line = ScriptedLine([SYNC, (ASK, broken)])
    with raises(code):
        await ask(alpar(line), twice=False)
    line.done()


@cases(0xF0, 0xFF)
async def test_a_command_that_the_chip_did_not_get_is_sent_again(status):
    line = ScriptedLine([SYNC, (ASK, nak(CHECK, status)), (ASK, THERE)])
    assert await ask(alpar(line), twice=False) == b"\x01"
    line.done()


async def test_one_that_never_gets_there():
    line = ScriptedLine([SYNC] + [(ASK, nak(CHECK, 0xF0))] * 3)
    with raises(E_SLOT_SILENT):
        await ask(alpar(line))
    line.done()


@cases((nak(CHECK, 0x55), 0x55), (frame(0xE0, CHECK), 0))
async def test_a_refusal(answer, detail):
    line = ScriptedLine([SYNC, (ASK, answer), (ASK, THERE)])
    transport = alpar(line)
    with raises(E_SLOT_STATUS, detail):
        await ask(transport)
    assert await ask(transport) == b"\x01"  # and the line is in step
    line.done()


async def test_nobody_at_the_other_end():
    line = ScriptedLine([(cmd(0x0A), b"")] * 3)
    with raises(E_SLOT_SILENT):
        await alpar(line).synchronise()
    line.done()


async def test_a_card_that_leaves_ends_the_wait_early():
    line = ScriptedLine([SYNC, (ASK, REMOVED)])
    with raises(E_CARD_REMOVED):
        await ask(alpar(line), answer_ms=60_000, twice=False)


async def test_the_chip_may_still_answer_after_it():
    line = ScriptedLine([SYNC, (ASK, REMOVED + nak(CHECK, 0xC0))])
    with raises(E_SLOT_STATUS, 0xC0):
        await ask(alpar(line), answer_ms=60_000, twice=False)


@cases(0, 1, 2)
async def test_a_line_that_is_closed(after):
    script = [SYNC, (ASK, THERE)][:after] + [(cmd(0x0A) if not after else ASK, None)]
    line = ScriptedLine(script)
    transport = alpar(line)
    with raises(E_LINE_CLOSED):
        await ask(transport)
        await ask(transport)
    with raises(E_LINE_CLOSED):
        await ask(transport)


async def test_a_line_that_takes_nothing():
    line = ScriptedLine([])
    line.write = lambda buf: None
    with raises(E_SLOT_SILENT):
        await ask(alpar(line))


async def test_a_line_that_takes_little():
    line = ScriptedLine([SYNC, (ASK, THERE)])
    write = line.write
    line.write = lambda buf: write(buf[:1])
    assert await ask(alpar(line)) == b"\x01"
    line.done()


@cases(
    OSError(5),
)
async def test_a_line_that_breaks(error):
    def broken(buf):
        raise error

    line = ScriptedLine([])
    line.write = broken
    with raises(E_LINE_CLOSED):
        await ask(alpar(line))
    line = ScriptedLine([(cmd(0x0A), b"\x00")])
    line.readinto = broken
    with raises(E_LINE_CLOSED):
        await ask(alpar(line))


async def test_a_command_that_is_cancelled():
    line = ScriptedLine([SYNC, (ASK, b"")])
    transport = Alpar(line, answer_ms=3_000)
    task = asyncio.create_task(ask(transport))
    while line.position < 2:
        await asyncio.sleep_ms(1)
    task.cancel()
    try:
        await task
        raise AssertionError("was not cancelled")
    except asyncio.CancelledError:
        pass
    line._arrived += THERE  # its answer comes now, and is not the next one's
    line._script += [SYNC, (ASK, cmd(CHECK, "00"))]
    assert await ask(transport) == b"\x00"
    line.done()


async def test_a_stale_line_does_not_spoil_the_command():
    line = ScriptedLine([SYNC, said(0, "AABBCC", "9000")])
    transport = alpar(line)
    transport.data[:3] = h("AABBCC")
    assert bytes(await transport.command(0, 3)) == h("9000")
    line.done()


async def test_wipe():
    line = ScriptedLine([SYNC, said(0, "0020008008241234FFFFFFFFFF", "9000")])
    transport = alpar(line)
    transport.data[:13] = h("0020008008241234FFFFFFFFFF")
    await transport.command(0, 13)
    transport.wipe()
    assert not any(transport._tx) and not any(transport._rx)
