"""The coupler: what is sent for each call, and what each of the chip's statuses means."""

import asyncio
import sys

from testing import ScriptedLine, cases, h, path, raises, requirement

sys.path.append(path("tests/unit/drivers/tda8029"))
from alpar_script import MASK, OFF, REMOVED, SYNC, cmd, nak, said

from reader.drivers.tda8029.coupler import Tda8029
from reader.errors import (
    E_CARD_ATR,
    E_CARD_FAULT,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_NO_CARD,
    E_SLOT_SILENT,
    E_SLOT_STATUS,
)

ATR = "3B600000"
START = [SYNC, MASK, OFF]
POWER_UP = cmd(0x6E, "00")
UP = (POWER_UP, cmd(0x6E, ATR))
THERE = said(0x09, "", "01")
EMPTY = said(0x09, "", "00")
SELECT = h("00A4040000")
ASK = cmd(0, SELECT)


class Pin:
    def __init__(self):
        self.levels = []

    def value(self, level):
        self.levels.append(level)


def coupler(line, reset=None):
    return Tda8029(line, reset, answer_ms=40, frame_ms=20, exchange_ms=40)


async def activated(*script):
    line = ScriptedLine(START + [UP] + list(script))
    slot = coupler(line)
    await slot.start()
    return line, slot, await slot.activate()


async def test_a_session():
    line, slot, card = await activated((ASK, cmd(0, "6A82")), OFF)
    assert (card.atr, card.protocol) == (h(ATR), 0)
    assert bytes(await card.transmit(SELECT)) == h("6A82")
    await card.release()
    await slot.stop()  # twice is once
    line.done()
    with raises(E_CARD_REMOVED):
        await card.transmit(SELECT)


async def test_start_shuts_the_chip_down_first():
    pin = Pin()
    line = ScriptedLine(START)
    await coupler(line, pin).start()
    assert pin.levels == [0, 1]
    line.done()


async def test_no_chip():
    line = ScriptedLine([(cmd(0x0A), b"")] * 3)
    slot = coupler(line)
    with raises(E_SLOT_SILENT):
        await slot.start()
    await slot.stop()  # nothing was switched on, so nothing is said
    line.done()


async def test_presence():
    line = ScriptedLine([SYNC, THERE, EMPTY, said(0x09, "", ""), said(0x09, "", "0101")])
    slot = coupler(line)
    assert await slot.is_present()
    for _ in range(3):
        assert not await slot.is_present()
    line.done()


async def test_insertion():
    line = ScriptedLine([SYNC, EMPTY, THERE, EMPTY, THERE, THERE])
    await coupler(line).wait_for_insertion(2000)
    line.done()
    line = ScriptedLine([SYNC, EMPTY])
    with raises(E_NO_CARD):
        await coupler(line).wait_for_insertion(0)
    line.done()


async def test_removal():
    line, slot, _ = await activated(OFF, THERE, EMPTY, EMPTY, THERE)
    assert await slot.wait_for_removal(2000)
    assert not await slot.wait_for_removal(0)
    line.done()


@requirement(
    "Book 1", "8.3", "A coupler's answer to reset is judged by the same rules, and rejected once leads to a warm reset."
)
async def test_a_warm_reset():
    line = ScriptedLine([SYNC, (POWER_UP, cmd(0x6E, "3B4000")), (POWER_UP, cmd(0x6E, "3B4000"))])
    card = await coupler(line).activate()  # without TB1: taken after a warm reset only
    assert card.atr == h("3B4000")
    line.done()


@cases(
    (cmd(0x6E, "3BE000008131054510"), 10),
    (cmd(0x6E, "3C600000"), 1),
    (cmd(0x6E, ""), 1),
    (nak(0x6E, 0xC4), 0xC4),
    (nak(0x6E, 0x93), 0x93),
)
async def test_rejected_twice(answer, rule):
    line = ScriptedLine([SYNC, (POWER_UP, answer), (POWER_UP, answer), OFF])
    with raises(E_CARD_ATR, rule):
        await coupler(line).activate()
    line.done()


@cases(
    (0x80, E_CARD_ATR, 0),
    (0x81, E_CARD_ATR, 0),
    (0xC0, E_CARD_REMOVED, 0),
    (0x55, E_SLOT_STATUS, 0x55),
    (0x35, E_SLOT_STATUS, 0x35),
)
async def test_a_power_up_that_is_refused(status, code, detail):
    line = ScriptedLine([SYNC, (POWER_UP, nak(0x6E, status)), OFF])
    with raises(code, detail):
        await coupler(line).activate()
    line.done()


@cases((THERE, E_CARD_FAULT), (EMPTY, E_CARD_REMOVED))
async def test_power_that_is_cut(presence, code):
    for status in (0xA1, 0xE3, 0xE4):
        line = ScriptedLine([SYNC, (POWER_UP, nak(0x6E, status)), presence, OFF])
        with raises(code):
            await coupler(line).activate()
        line.done()
        line, _, card = await activated((ASK, nak(0, status)), presence, OFF)
        with raises(code):
            await card.transmit(SELECT)
        line.done()


@requirement("Book 1", "9.2.2.1", "A card on a coupler that breaks its protocol or is silent is switched off too.")
@cases(
    (b"\x22\x81", E_CARD_TIMEOUT),
    (b"\x0a\x24\x25\x26\x27\x28\x29\x83\x84\x90\x91\xa0", E_CARD_PROTOCOL),
    (b"\xc0", E_CARD_REMOVED),
)
async def test_an_exchange_that_fails_ends_the_session(statuses, code):
    for status in statuses:
        line, _, card = await activated((ASK, nak(0, status)), OFF)
        with raises(code, 0):
            await card.transmit(SELECT)
        with raises(code):
            await card.transmit(SELECT)
        line.done()


async def test_a_command_that_the_chip_does_not_understand():
    line, _, card = await activated((ASK, nak(0, 0x21)))
    with raises(E_SLOT_STATUS, 0x21):
        await card.transmit(SELECT)
    line.done()


@cases("", "90", bytes(259))
async def test_a_response_that_is_none(answer):
    line, _, card = await activated((ASK, cmd(0, answer)), OFF)
    with raises(E_CARD_PROTOCOL):
        await card.transmit(SELECT)
    line.done()


async def test_a_command_that_is_too_long():
    line, _, card = await activated(OFF)
    with raises(E_CARD_PROTOCOL):
        await card.transmit(bytes(262))
    line.done()


async def test_a_card_that_hangs_is_told_from_a_chip_that_does():
    line, _, card = await activated((ASK, b""), SYNC, OFF)
    with raises(E_CARD_TIMEOUT):
        await card.transmit(SELECT)
    line.done()
    line, _, card = await activated((ASK, b""), (cmd(0x0A), b""), (cmd(0x0A), b""), (cmd(0x0A), b""))
    with raises(E_SLOT_SILENT):
        await card.transmit(SELECT)
    line.done()


async def test_a_card_pulled_out_of_an_exchange():
    line, _, card = await activated((ASK, REMOVED), SYNC, OFF)
    with raises(E_CARD_REMOVED):
        await card.transmit(SELECT)
    line.done()


async def test_an_exchange_that_is_cancelled():
    line, slot, card = await activated((ASK, b""))
    slot._exchange_ms = 3_000
    task = asyncio.create_task(card.transmit(SELECT))
    while line.position < 5:
        await asyncio.sleep_ms(1)
    task.cancel()
    try:
        await task
        raise AssertionError("was not cancelled")
    except asyncio.CancelledError:
        pass
    with raises(E_CARD_REMOVED):
        await card.transmit(SELECT)
    line._arrived += cmd(0, "9000")
    line._script += [SYNC, OFF, UP, (ASK, cmd(0, "6A82"))]
    await slot.stop()
    again = await slot.activate()
    assert bytes(await again.transmit(SELECT)) == h("6A82")
    line.done()


async def test_a_chip_that_cannot_be_told_keeps_nothing_here():
    verify = h("00200080 08 241234FFFFFFFFFF")
    line, slot, card = await activated((cmd(0, verify), cmd(0, "9000")), *[(cmd(0x4D), b"")] * 3)
    await card.transmit(verify)
    with raises(E_SLOT_SILENT):
        await slot.stop()
    for buffer in (slot._alpar._tx, slot._alpar._rx):
        assert bytes(buffer) == bytes(len(buffer))
    line.done()
