"""The device over a scripted PN532: what it does about cards, and what it makes of the chip's status bytes."""

import sys

from testing import ScriptedLine, cases, h, path, raises, requirement

sys.path.append(path("tests/unit/drivers/pn532"))
from pn532_script import ACK, FIELD_OFF, NOBODY_B, RESET, SLEEP, cmd, said, start

from reader.drivers.contactless import FELICA, MAX_RESPONSE, ContactlessReader
from reader.drivers.on_demand import OnDemand
from reader.drivers.pn532.chip import MAX_DATA_OUT, Pn532
from reader.drivers.pn532.hsu import Hsu
from reader.errors import (
    E_CARD_ACCESS,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_NFC_SILENT,
    E_NFC_STATUS,
    E_NFC_VERSION,
    E_TWO_CARDS,
)
from reader.iso14443.activation import TYPE_A, TYPE_B

LIST = "4A0200"
NOBODY_A = said(LIST, "4B00")
NOBODY = [NOBODY_B, NOBODY_A]
CARD = said(LIST, "4B01 01 0344 20 07 04112233445566 067577810280")  # a DESFire's ATQA, SAK and ATS
CLASSIC = said(LIST, "4B01 01 0004 08 04 12675832")
RANDOM = said(LIST, "4B01 01 0004 20 04 08675832 0200")
TWO = said(LIST, "4B02 01 0004 08 04 12675832 02 0004 08 04 22675832")
SAYS_B = "E8253EEC 00000011 008185"
CARD_B = said("4A020300", "4B01 01 50" + SAYS_B + "0100")  # nfcpy, test_sense_ttb_target_found
TWO_B = said("4A020300", "4B02 01 50" + SAYS_B + "0100 02 50E8253EED 00000011 008185 0100")
POLL_212, POLL_424 = "4A020100FFFF0103", "4A020200FFFF0103"
SAYS_F = "F1F2F3F4F5F6F7F8 AABB"
CARD_F = said(POLL_212, "4B01 01 14 01 0102030405060708" + SAYS_F)  # nfcpy, test_sense_ttf_target_found
CARD_F_424 = [said(POLL_212, "4B00"), said(POLL_424, "4B01 01 14 01 0102030405060708" + SAYS_F)]
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


@requirement("Book D", "9.2", "Each technology is looked for in turn, so that nobody of another one stays unseen.")
async def test_a_card_of_type_b():
    # The chip forgets it over the look for type A: it is activated once more
    exchange = said("4001" + SELECT, "4100 9000")
    line, device = reader(RESET + [CARD_B, NOBODY_A] + RESET + [CARD_B, exchange])
    card = await device.look()
    assert (card.technology, card.uid, card.says) == (TYPE_B, h("E8253EEC"), h(SAYS_B))
    assert card.is_isodep
    assert bytes(await card.transmit(h(SELECT))) == h("9000")
    line.done()


async def test_a_card_that_leaves_before_it_is_activated_again():
    line, device = reader(RESET + [CARD_B, NOBODY_A] + RESET + [NOBODY_B])
    assert await device.look() is None
    line.done()


async def test_type_b_alone():
    line, device = reader(RESET + [CARD_B])
    assert (await device.look(TYPE_B)).technology == TYPE_B
    line.done()


@cases(([CARD_F],), (CARD_F_424,))
@requirement("JIS X 6319-4", "Polling", "A card is looked for at 212 and at 424 kbit/s.")
async def test_a_felica_card(found):
    line, device = reader(RESET + found)
    card = await device.look(FELICA)
    assert (card.technology, card.uid, card.says) == (FELICA, h("0102030405060708"), h(SAYS_F))
    assert not card.is_isodep
    line.done()


async def test_a_felica_card_beside_the_others():
    line, device = reader(RESET + [NOBODY_B, CARD_F, NOBODY_A] + RESET + [CARD_F])
    assert (await device.look(TYPE_A | TYPE_B | FELICA)).technology == FELICA
    line.done()


async def test_felica_of_one_system():
    line, device = reader(RESET + [said("4A0201000003 0103", "4B00"), said("4A0202000003 0103", "4B00")])
    assert await device.look(FELICA, 0x0003) is None
    line.done()


@cases(
    (3, [TWO_B]),
    (3, [CARD_B, CARD]),
    (7, [NOBODY_B, CARD_F, CARD]),
    (7, [CARD_B, CARD_F]),
    (4, [said(POLL_212, "4B02 01 14 01 0102030405060708" + SAYS_F + "02 14 01 0202030405060708" + SAYS_F)]),
)
@requirement("Book D", "9.3", "Two cards, of one technology or of two, are a collision; the field is reset.")
async def test_more_than_one_card(technologies, found):
    line, device = reader(RESET + found + [FIELD_OFF])
    with raises(E_TWO_CARDS):
        await device.look(technologies)
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


@requirement(
    "Book D", "9.2", "When nobody comes for long the carrier has pauses, after which every card starts afresh."
)
async def test_the_carrier_has_pauses_in_a_long_wait():
    line, device = reader(
        12 * (RESET + 8 * NOBODY)
        + RESET
        + 4 * NOBODY
        + [FIELD_OFF]
        + 2 * (RESET + 3 * NOBODY + [FIELD_OFF])
        + RESET
        + [NOBODY_B, CARD]
    )
    for _ in range(100 + 5 + 3 + 5 + 3 + 5):
        assert await device.look() is None
    assert (await device.look()).is_isodep
    line.done()


@requirement(
    "Book D", "9.6", "A card that an activation left half-way starts afresh: the field is reset in a wait, too."
)
async def test_every_eighth_look_starts_afresh():
    line, device = reader(RESET + 8 * NOBODY + RESET + [NOBODY_B, CARD])
    for _ in range(8):
        assert await device.look() is None
    assert (await device.look()).is_isodep
    line.done()


async def test_after_a_card_the_wait_begins_anew():
    line, device = reader(12 * (RESET + 8 * NOBODY) + RESET + 3 * NOBODY + [NOBODY_B, CARD] + RESET + 2 * NOBODY)
    for _ in range(99):
        assert await device.look() is None
    assert await device.look() is not None
    assert await device.look() is None
    assert await device.look() is None
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


async def test_a_wrong_key():
    # UM0701-02, 7.1: 14h; and the card starts afresh to go on with it
    command = "4001 60 04 FFFFFFFFFFFF 12675832"
    steps = [said(command, "4114")] + RESET + [CLASSIC, said(command, "4100")]
    line, card = await with_card(steps, CLASSIC)
    with raises(E_CARD_ACCESS, 0x14):
        await card.transmit(h(command)[2:])
    assert await card.is_present()
    assert bytes(await card.transmit(h(command)[2:])) == b""
    line.done()


async def test_raw():
    # NTAG GET_VERSION
    line, card = await with_card([said("4260", "4300 0004040201000F03")], CLASSIC)
    assert bytes(await card.raw(h("60"))) == h("0004040201000F03")
    line.done()


async def test_felica_frames():
    line, device = reader(RESET + [CARD_F, said("42 0C04 0102030405060708 0000", "4300 0D05 0102030405060708 000000")])
    card = await device.look(FELICA)
    assert bytes(await card.transmit(h("0C04 0102030405060708 0000"))) == h("0D05 0102030405060708 000000")
    line.done()


@cases(
    ([("4A020100AABB0103", True)], E_CARD_TIMEOUT),
    ([("4A020100AABB0103", False), ("4A020200AABB0103", False)], E_CARD_REMOVED),
    ([("4A020100AABB0103", False), ("4A020200AABB0103", True)], E_CARD_TIMEOUT),
)
async def test_a_silent_felica_card(again, code):
    # Each of its systems has an IDm of its own: it is looked for in the one that it was found in
    again = [said(poll, "4B01 01 14 01 0102030405060708" + SAYS_F if answers else "4B00") for poll, answers in again]
    line, device = reader(RESET + [CARD_F, said("42 0600", "4301")] + RESET + again)
    card = await device.look(FELICA)
    with raises(code):
        await card.transmit(h("0600"))
    line.done()


async def test_a_silent_card_of_type_b_with_another_pupi():
    # ISO/IEC 14443-3, 7.9.2: a PUPI may be drawn afresh
    other = said("4A020300", "4B01 01 50 11223344 00000011 008185 0100")
    line, device = reader(RESET + [CARD_B, said("4001" + SELECT, "4101"), ABSENT] + RESET + [other])
    card = await device.look(TYPE_B)
    with raises(E_CARD_TIMEOUT):
        await card.transmit(h(SELECT))
    line.done()


@cases((PRESENT, E_CARD_TIMEOUT), (None, E_CARD_REMOVED))
@requirement(
    "Book D",
    "10.3",
    "A card that asks for waiting time without end is given up; a chip that is silent too is its own error.",
)
async def test_a_card_that_never_answers(present, code):
    steps = [(cmd("4001" + SELECT), ACK), (ACK, b""), (ACK, b""), said("000001", "010001")]
    steps += [present] if present else [ABSENT] + RESET + [NOBODY_A]
    line, card = await with_card(steps)
    with raises(code):
        await card.transmit(h(SELECT))
    line.done()


async def test_a_chip_that_never_answers():
    again = [(ACK, b""), (cmd("000001"), b""), (ACK, b""), (cmd("000002"), b""), (ACK, b""), (cmd("000003"), b"")]
    line, card = await with_card([(cmd("4001" + SELECT), ACK), (ACK, b"")] + again + [(ACK, b"")])
    with raises(E_NFC_SILENT):
        await card.transmit(h(SELECT))
    line.done()


@cases((CARD, [PRESENT], True), (CARD, [ABSENT] + RESET + [NOBODY_A], False), (CLASSIC, RESET + [CLASSIC], True))
async def test_is_present(found, steps, present):
    line, card = await with_card(steps, found)
    assert await card.is_present() == present
    line.done()


RELEASE = said("5200", "5300")


@requirement(
    "Book D", "9.5", "A card has been removed when it stays silent several times in a row, each time newly come."
)
async def test_removal():
    there, gone = RESET + [CARD], RESET + [NOBODY_A]
    line, card = await with_card([RELEASE] + there + gone + gone + there + gone + gone + gone + [FIELD_OFF])
    assert await card.wait_for_removal(5000)
    line.done()


async def test_a_card_that_stays():
    line, card = await with_card([RELEASE] + RESET + [CARD, FIELD_OFF])
    assert not await card.wait_for_removal(0)
    line.done()


async def test_removal_of_one_of_two():
    # What cannot be understood is there all the same
    broken = said(LIST, "4B01 01 0344 20 07 04112233445566 0570")
    line, card = await with_card([RELEASE] + RESET + [broken, FIELD_OFF])
    assert not await card.wait_for_removal(0)
    line.done()


@cases(
    ("067577810280", [said("4E010202", "4F00")], 2),  # a DESFire: every rate both ways
    ("067511810280", [said("4E010101", "4F00")], 1),
    ("067512810280", [], 0),  # 212 kbit/s one way, 424 the other
    ("067500810280", [], 0),
    ("0565810280", [], 0),  # no TA(1)
)
@requirement("ISO 14443-4", "5.3", "PPS is asked for with a rate that card and reader have in both directions.")
async def test_speed_up(ats, steps, rate):
    line, card = await with_card(steps, said(LIST, "4B01 01 0344 20 07 04112233445566" + ats))
    assert await card.speed_up() == rate
    line.done()


async def test_speed_up_that_fails():
    line, card = await with_card([said("4E010202", "4F01")])
    with raises(E_NFC_STATUS, 0x01):
        await card.speed_up()
    line.done()


@cases((CARD_B, TYPE_B), (CARD_F, FELICA), (CLASSIC, TYPE_A))
async def test_no_speed_up_for_others(found, technology):
    line, device = reader(RESET + [found])
    assert await (await device.look(technology)).speed_up() == 0
    line.done()


@cases("00", "01", "27")
async def test_release(status):
    line, card = await with_card([said("4001" + SELECT, "4100 11223344 9000"), said("5200", "53" + status), FIELD_OFF])
    response = await card.transmit(h(SELECT))
    await card.release()
    assert bytes(response) == bytes(6)
    line.done()


async def test_stop_after_the_card_was_let_go():
    line, card = await with_card([said("5200", "5300"), FIELD_OFF, SLEEP])
    await card.release()
    await card._reader.stop()  # the carrier is off already
    line.done()


async def test_stop():
    line, device = reader([FIELD_OFF, SLEEP])
    await device.stop()
    line.done()


async def test_on_demand():
    """Each start makes a new one; what is off needs no stop."""
    made = []

    class Device:
        def __init__(self):
            made.append(self)
            self.said = []

        async def start(self):
            self.said.append("start")

        async def look(self, technologies, system_code):
            self.said.append((technologies, system_code))
            return self

        async def stop(self):
            self.said.append("stop")

    device = OnDemand(Device)
    await device.stop()
    assert made == []
    await device.start()
    await device.start()
    assert await device.look() is made[0]
    await device.look(FELICA, 0x12FC)
    await device.stop()
    await device.start()
    assert [each.said for each in made] == [["start", "start", (3, 0xFFFF), (4, 0x12FC), "stop"], ["start"]]
