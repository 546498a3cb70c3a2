"""The device over a scripted PN532: what it does about cards, and what it makes of the chip's status bytes."""

import sys

from testing import ScriptedLine, cases, h, path, raises

sys.path.append(path("tests/unit/drivers/pn532"))
from pn532_script import ACK, FIELD_OFF, NOBODY_B, RESET, SLEEP, cmd, said, start

from reader.drivers.contactless import MAX_RESPONSE, ContactlessReader
from reader.drivers.pn532.chip import MAX_DATA_OUT, Pn532
from reader.drivers.pn532.hsu import Hsu
from reader.errors import (
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_NFC_STATUS,
    E_NFC_VERSION,
    E_TWO_CARDS,
)
from reader.iso14443.activation import TYPE_A

LIST = "4A0200"
NOBODY_A = said(LIST, "4B00")
NOBODY = [NOBODY_B, NOBODY_A]
CARD = said(LIST, "4B01 01 0344 20 07 04112233445566 067577810280")  # a DESFire's ATQA, SAK and ATS
CLASSIC = said(LIST, "4B01 01 0004 08 04 12675832")
RANDOM = said(LIST, "4B01 01 0004 20 04 08675832 0200")
TWO = said(LIST, "4B02 01 0004 08 04 12675832 02 0004 08 04 22675832")
PRESENT = said("0006", "0100")
ABSENT = said("0006", "0101")
SELECT = "00A4040000"


def reader(steps):
    line = ScriptedLine(steps)
    return line, ContactlessReader(Pn532(Hsu(line, ack_ms=40, frame_ms=20), exchange_ms=60))


async def with_card(steps, found=CARD):
    line, device = reader(RESET + [NOBODY_B, found] + steps)
    return line, await device.look()


async def test_start():
    line, device = reader(start())
    await device.start()
    line.done()


async def test_start_of_another_chip():
    steps = start()
    steps[5] = said("02", "0307010607")
    _, device = reader(steps[:6])
    with raises(E_NFC_VERSION, 0x07):
        await device.start()


async def test_look():
    line, device = reader(RESET + NOBODY + NOBODY + [NOBODY_B, CARD])
    assert await device.look() is None
    assert await device.look() is None
    card = await device.look()
    assert (card.technology, card.uid) == (TYPE_A, h("04112233445566"))
    assert card.says == h("0344 20 067577810280")
    assert card.is_isodep
    line.done()


async def test_a_card_without_iso14443_4():
    line, card = await with_card([said("40013004", "4100" + 16 * "5A")], CLASSIC)
    assert not card.is_isodep
    assert card.says == h("0004 08")
    assert bytes(await card.transmit(h("3004"))) == h(16 * "5A")
    line.done()


async def test_a_card_that_was_found_starts_afresh():
    line, device = reader(RESET + [NOBODY_B, CARD] + RESET + NOBODY + [FIELD_OFF, SLEEP] + RESET + [NOBODY_B, CARD])
    assert (await device.look()).is_isodep
    assert await device.look() is None
    await device.stop()
    assert (await device.look()).is_isodep
    line.done()


async def test_two_cards():
    line, device = reader(RESET + [NOBODY_B, TWO, FIELD_OFF])
    with raises(E_TWO_CARDS):
        await device.look()
    line.done()


async def test_a_card_that_makes_no_sense():
    line, device = reader(RESET + [NOBODY_B, said(LIST, "4B01 01 0344 20 07 04112233445566 0570"), FIELD_OFF])
    with raises(E_CARD_PROTOCOL):
        await device.look()
    line.done()


async def test_a_fault_of_the_chip_while_waiting():
    line, device = reader(RESET + [NOBODY_B, (cmd(LIST), ACK + h("0000FF01FF7F8100")), (ACK, b"")])
    with raises(E_NFC_STATUS, 0x7F):
        await device.look()
    line.done()


async def test_transmit_keeps_the_response_until_the_next():
    line, card = await with_card([said("4001" + SELECT, "4100 6F00 9000"), said("400100B2010C00", "4100 6A83")])
    first = await card.transmit(h(SELECT))
    assert bytes(first) == h("6F009000")
    second = await card.transmit(h("00B2010C00"))
    assert bytes(second) == h("6A83")
    line.done()


async def test_the_longest_short_apdus():
    # ISO/IEC 7816-4, 5.1: 5 + 255 + 1 bytes there, 256 + 2 back; both fit one exchange
    command, response = 261 * "5A", 258 * "A5"
    line, card = await with_card([said("4001" + command, "4100" + response)])
    assert bytes(await card.transmit(h(command))) == h(response)
    line.done()


@cases(
    (MAX_DATA_OUT, [MAX_DATA_OUT]),
    (MAX_DATA_OUT + 1, [MAX_DATA_OUT, 1]),
    (2 * MAX_DATA_OUT, [MAX_DATA_OUT, MAX_DATA_OUT]),
    (600, [MAX_DATA_OUT, MAX_DATA_OUT, 76]),
)
async def test_a_long_command_goes_in_parts(size, parts):
    command = bytes(i * 7 & 0xFF for i in range(size))
    steps, at = [], 0
    for n in parts:
        last = at + n == size
        steps.append(said((h("4001") if last else h("4041")) + command[at : at + n], "4100" + ("9000" if last else "")))
        at += n
    line, card = await with_card(steps)
    assert bytes(await card.transmit(command)) == h("9000")
    line.done()


async def test_a_long_response_comes_in_parts():
    line, card = await with_card(
        [
            said("4001" + SELECT, "4140" + 100 * "11"),
            said("4001", "4140" + 100 * "22"),
            said("4001", "4100" + 58 * "33"),
        ]
    )
    response = await card.transmit(h(SELECT))
    assert len(response) == MAX_RESPONSE
    assert bytes(response) == h(100 * "11" + 100 * "22" + 58 * "33")
    line.done()


@cases(
    ([said("4001" + SELECT, "4100" + 259 * "11")],),
    ([said("4001" + SELECT, "4140" + 200 * "11"), said("4001", "4100" + 59 * "22")],),
    ([said("4001" + SELECT, "4140" + 10 * "11"), said("4001", "4140")],),  # would never end
)
async def test_an_overlong_response(steps):
    line, card = await with_card(steps)
    with raises(E_CARD_PROTOCOL):
        await card.transmit(h(SELECT))
    line.done()


async def test_a_response_in_the_middle_of_a_command():
    line, card = await with_card([said(h("4041") + bytes(MAX_DATA_OUT), "4100 9000")])
    with raises(E_CARD_PROTOCOL):
        await card.transmit(bytes(MAX_DATA_OUT + 1))
    line.done()


@cases(
    # status, what follows, found
    ("01", [PRESENT], E_CARD_TIMEOUT),
    ("01", [ABSENT] + RESET + [NOBODY_A], E_CARD_REMOVED),
    ("01", [ABSENT] + RESET + [CARD], E_CARD_TIMEOUT),
    ("01", [ABSENT] + RESET + [CLASSIC], E_CARD_REMOVED),  # another one
    ("01", [ABSENT] + RESET + [TWO], E_CARD_REMOVED),
    ("41", [PRESENT], E_CARD_TIMEOUT),  # MI beside an error means nothing
    ("02", [PRESENT], E_CARD_PROTOCOL),
    ("03", [PRESENT], E_CARD_PROTOCOL),
    ("04", [PRESENT], E_CARD_PROTOCOL),
    ("05", [PRESENT], E_CARD_PROTOCOL),
    ("06", [PRESENT], E_CARD_PROTOCOL),
    ("0B", [PRESENT], E_CARD_PROTOCOL),
    ("13", [PRESENT], E_CARD_PROTOCOL),
    ("13", [ABSENT] + RESET + [NOBODY_A], E_CARD_REMOVED),
    ("29", [], E_CARD_REMOVED),
    ("2A", [], E_CARD_REMOVED),
    ("2B", [], E_CARD_REMOVED),
)
async def test_the_chip_reports_an_error(status, steps, code):
    line, card = await with_card([said("4001" + SELECT, "41" + status)] + steps)
    with raises(code):
        await card.transmit(h(SELECT))
    line.done()


@cases("07", "09", "0A", "0D", "0E", "10", "23", "25", "26", "27", "2D", "2E")
async def test_the_chip_reports_an_error_of_its_own(status):
    line, card = await with_card([said("4001" + SELECT, "41" + status)])
    with raises(E_NFC_STATUS, int(status, 16)):
        await card.transmit(h(SELECT))
    line.done()


@cases((CLASSIC, CLASSIC, E_CARD_TIMEOUT), (CLASSIC, NOBODY_A, E_CARD_REMOVED))
async def test_a_silent_card_without_iso14443_4(found, again, code):
    # Diagnose 6 is for 14443-4 only
    line, card = await with_card([said("40013004", "4101")] + RESET + [again], found)
    with raises(code):
        await card.transmit(h("3004"))
    line.done()


async def test_a_silent_card_with_a_random_uid():
    other = said(LIST, "4B01 01 0004 20 04 08112233 0200")
    line, card = await with_card([said("4001" + SELECT, "4101"), ABSENT] + RESET + [other], RANDOM)
    with raises(E_CARD_TIMEOUT):
        await card.transmit(h(SELECT))
    line.done()


@cases("00", "01", "27")
async def test_release(status):
    line, card = await with_card([said("4001" + SELECT, "4100 11223344 9000"), said("5200", "53" + status), FIELD_OFF])
    response = await card.transmit(h(SELECT))
    await card.release()
    assert bytes(response) == bytes(6)
    line.done()


async def test_stop():
    line, device = reader([FIELD_OFF, SLEEP])
    await device.stop()
    line.done()
