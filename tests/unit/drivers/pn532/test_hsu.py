"""The transport over scripted lines: every fault of a frame, and what is sent because of it.

After nfcpy's TestChipset (tests/base_clf_pn53x.py), which tries the start byte, both checksums, a missing ACK and silence.
"""

import asyncio
import io
import sys

from testing import ScriptedLine, cases, h, path, raises

sys.path.append(path("tests/unit/drivers/pn532"))
from pn532_script import ACK, ERROR, NACK, WAKE, cmd, rsp, said, sync

from reader.drivers.pn532 import frame
from reader.drivers.pn532.hsu import Hsu
from reader.drivers.pn532.transport import Transport
from reader.errors import (
    E_LINE_CLOSED,
    E_NFC_FRAME,
    E_NFC_SILENT,
    E_NFC_STATUS,
)

_MP_STREAM_POLL = 3  # py/stream.h
_POLL_RD = 1
VERSION = rsp("0332010607")
ASK = cmd("02")


def hsu(line, ack_ms=40, frame_ms=20):
    return Transport(Hsu(line, ack_ms, frame_ms))


def room(transport):
    """Where a command's data go."""
    return transport._bus.data


async def ask(transport, ms=60, twice=True):
    return bytes(await transport.command(0x02, 0, ms, twice))


@cases(0, 1, 3)
async def test_a_command_and_its_answer_in_any_pieces(chunk):
    line = ScriptedLine([(ASK, ACK + VERSION)], chunk)
    assert await ask(hsu(line)) == h("32010607")
    assert line.position == 1


async def test_data_of_the_largest_command_and_answer():
    data = bytes(i & 0xFF for i in range(frame.MAX_DATA))
    line = ScriptedLine([said(b"\x00" + data, b"\x01" + data)])
    transport = hsu(line)
    assert len(room(transport)) == frame.MAX_DATA
    room(transport)[:] = data
    assert bytes(await transport.command(0x00, len(data), 60)) == data
    line.done()


@cases(
    h("FF00A500FF03035500"),  # noise with a false start code
    h("000000000000"),  # a long preamble, 6.2.1.6
    rsp("4B00"),  # an answer that was late
    NACK,
    ERROR,
)
async def test_what_comes_before_the_ack_is_dropped(before):
    line = ScriptedLine([(ASK, before + ACK + VERSION)])
    assert await ask(hsu(line)) == h("32010607")
    line.done()


async def test_an_answer_without_ack_does_not_count():
    # It may be the answer to an older command of the same code
    line = ScriptedLine([(ASK, VERSION), (ASK, ACK + VERSION)])
    assert await ask(hsu(line)) == h("32010607")
    line.done()


async def test_an_exchange_with_a_card_is_not_sent_twice():
    line = ScriptedLine([(ASK, b""), (ACK, b"")])
    with raises(E_NFC_SILENT):
        await ask(hsu(line), twice=False)
    line.done()


async def test_a_command_to_the_chip_is_sent_three_times():
    line = ScriptedLine([(ASK, b""), (ASK, b""), (ASK, b""), (ACK, b"")])
    with raises(E_NFC_SILENT):
        await ask(hsu(line))
    line.done()


@cases(
    "0000FF 06FB D5 03 32010607 E800",  # LCS
    "0000FF 06FA D5 03 32010607 E900",  # DCS
    "0000FF 06FA D4 03 32010607 E900",  # TFI
    "0000FF 06FA D5 03 3201",  # short
    "0000FF 06FA D5 03 32010607 A5A5A5 E800",  # long
    "0000FF FFFF 010AF5 D503",  # longer than any frame
)
async def test_a_broken_answer_is_asked_for_again(broken):
    line = ScriptedLine([(ASK, ACK + h(broken)), (NACK, VERSION)])
    assert await ask(hsu(line), 400) == h("32010607")
    line.done()


async def test_a_broken_answer_is_asked_for_three_times():
    broken = h("0000FF 06FA D5 03 32010607 E900")
    line = ScriptedLine([(ASK, ACK + broken), (NACK, broken), (NACK, broken), (NACK, broken), (ACK, b"")])
    with raises(E_NFC_FRAME):
        await ask(hsu(line), 1000)
    line.done()


async def test_silence_after_a_broken_answer():
    line = ScriptedLine([(ASK, ACK + h("0000FF 06FA D503")), (NACK, b""), (ACK, b"")])
    with raises(E_NFC_FRAME):
        await ask(hsu(line), 150)
    line.done()


async def test_silence_after_the_ack_aborts():
    line = ScriptedLine([(ASK, ACK), (ACK, b"")])
    with raises(E_NFC_SILENT):
        await ask(hsu(line))
    line.done()


async def test_an_answer_to_another_command_is_not_the_answer():
    line = ScriptedLine([(ASK, ACK + rsp("4B00")), (ACK, b"")])
    with raises(E_NFC_SILENT):
        await ask(hsu(line))
    line.done()
    line = ScriptedLine([(ASK, ACK + rsp("4B00") + VERSION)])
    assert await ask(hsu(line)) == h("32010607")


async def test_the_error_frame():
    line = ScriptedLine([(ASK, ACK + ERROR), (ACK, b"")])
    with raises(E_NFC_STATUS, 0x7F):
        await ask(hsu(line))
    line.done()


async def test_after_a_fault_the_line_is_tested_before_the_next_command():
    # The late ACK and answer of the first command are dropped, although they look like the second's
    late = ACK + rsp("03FFFFFFFF")
    steps = sync()
    line = ScriptedLine([(ASK, ACK), (ACK, b""), (ACK, late), steps[1], (ASK, ACK + VERSION)])
    transport = hsu(line)
    with raises(E_NFC_SILENT):
        await ask(transport)
    assert await ask(transport) == h("32010607")
    line.done()


async def test_the_line_test_keeps_the_command_that_waits_for_it():
    line = ScriptedLine([(ASK, ACK), (ACK, b"")] + sync() + [said("3205000102", "33")])
    transport = hsu(line)
    with raises(E_NFC_SILENT):
        await ask(transport)
    room(transport)[:4] = h("05000102")
    await transport.command(0x32, 4, 60)
    line.done()


async def test_a_command_sent_twice_is_followed_by_a_line_test():
    # The first ACK was late: the second copy's ACK and answer come after the answer that was taken
    steps = sync()
    line = ScriptedLine([(ASK, b""), (ASK, ACK + VERSION), (ACK, ACK + VERSION), steps[1], said("4A0200", "4B00")])
    transport = hsu(line)
    assert await ask(transport) == h("32010607")
    room(transport)[:2] = h("0200")
    assert bytes(await transport.command(0x4A, 2, 60)) == h("00")
    line.done()


async def test_the_line_test_is_tried_three_times():
    line = ScriptedLine(
        [
            (ACK, b""),
            (cmd("000001"), ACK + rsp("010000")),  # another one's echo
            (ACK, b""),
            (cmd("000002"), ACK + rsp("010001")),
            (ACK, b""),
            (cmd("000003"), b""),
        ]
    )
    with raises(E_NFC_SILENT):
        await hsu(line).synchronise()
    line.done()


async def test_wake():
    # 7.2.11: the HSU wakes the chip at the fifth rising edge; 55h 55h and zeros as libnfc sends them (pn532_uart.c)
    line = ScriptedLine([(WAKE, b""), (ACK, b"")])
    await hsu(line).wake()
    line.done()


async def test_cancel_while_the_ack_is_awaited():
    line = ScriptedLine([(ASK, b""), (ACK, b"")] + sync() + [(ASK, ACK + VERSION)])
    await cancelled(line, 1)


async def test_cancel_while_the_answer_is_awaited():
    line = ScriptedLine([(ASK, ACK), (ACK, b"")] + sync() + [(ASK, ACK + VERSION)])
    await cancelled(line, 1)


async def cancelled(line, position):
    transport = hsu(line, 5000, 5000)
    task = asyncio.create_task(ask(transport, 5000))
    while line.position < position:
        await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    try:
        await task
        raise AssertionError("not cancelled")
    except asyncio.CancelledError:
        pass
    assert await ask(transport) == h("32010607")
    line.done()


class NarrowLine(io.IOBase):
    """A line that takes `takes` bytes at a time and `room` in all, like a UART's send buffer, and never answers."""

    def __init__(self, takes, room=1000):
        self.takes = takes
        self.room = room
        self.got = bytearray()

    def write(self, buf):
        n = min(self.takes, self.room, len(buf))
        self.room -= n
        self.got += bytes(buf[:n])
        return n or None

    def readinto(self, buf):
        return None

    def ioctl(self, request, flags):
        return 0 if request == _MP_STREAM_POLL else -1


async def test_a_frame_goes_out_in_pieces():
    line = NarrowLine(4)
    with raises(E_NFC_SILENT):
        await ask(hsu(line), twice=False)
    assert bytes(line.got) == ASK + ACK[:4]


async def test_a_line_that_takes_nothing():
    line = NarrowLine(0)
    with raises(E_NFC_SILENT):
        await ask(hsu(line))
    assert bytes(line.got) == b""


async def test_cancel_in_the_middle_of_sending():
    # The chip waits for the rest of the frame: it gets it before the abort, or it would swallow that
    line = NarrowLine(100, room=4)
    transport = hsu(line)
    task = asyncio.create_task(ask(transport))
    while not line.got:
        await asyncio.sleep(0)
    task.cancel()
    try:
        await task
        raise AssertionError("not cancelled")
    except asyncio.CancelledError:
        pass
    assert len(line.got) == 4
    line.room = 1000
    with raises(E_NFC_SILENT):
        await ask(transport)
    assert bytes(line.got[: len(ASK) + len(ACK)]) == ASK + ACK


async def test_a_closed_line():
    line = ScriptedLine([(ASK, None)])
    with raises(E_LINE_CLOSED):
        await ask(hsu(line))


class FailingLine(NarrowLine):
    """A socket whose far end has reset the connection."""

    def __init__(self, reading):
        super().__init__(100)
        self.reading = reading

    def write(self, buf):
        if not self.reading:
            raise OSError(104)
        return super().write(buf)

    def readinto(self, buf):
        raise OSError(104)

    def ioctl(self, request, flags):
        return flags & _POLL_RD if request == _MP_STREAM_POLL else -1


@cases(False, True)
async def test_a_line_that_fails(reading):
    with raises(E_LINE_CLOSED):
        await ask(hsu(FailingLine(reading)))


async def test_a_line_that_closes_under_the_writer():
    class Closed(NarrowLine):
        def write(self, buf):
            return 0

    with raises(E_LINE_CLOSED):
        await ask(hsu(Closed(0)))


async def test_wipe():
    line = ScriptedLine([said("4001A5A5", "4100A5A5")])
    transport = hsu(line)
    room(transport)[:3] = h("01A5A5")
    answer = await transport.command(0x40, 3, 60)
    assert bytes(answer) == h("00A5A5")
    transport._bus.wipe()
    assert bytes(answer) == bytes(3)
    assert bytes(room(transport)) == bytes(frame.MAX_DATA)


async def test_a_line_that_fails_while_a_command_is_given_up():
    class Failing(NarrowLine):
        def write(self, buf):
            if len(self.got) >= len(ASK):
                raise OSError(104)
            return super().write(buf)

    transport = hsu(Failing(100))
    with raises(E_NFC_SILENT):
        await ask(transport, twice=False)
    with raises(E_LINE_CLOSED):
        await ask(transport)
