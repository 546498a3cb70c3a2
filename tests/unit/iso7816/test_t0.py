"""T=0: ISO/IEC 7816-3, 10 and 12.2; EMV 4.4 Book 1, 9.2.2 and 9.3.1, annex A.

Exchanges: openemv's emv-utils, tests/emv_ttl_tpdu_test.c, which follow annex A; they are named by their names there.
"""

from scripted_characters import ScriptedCharacters

from reader.errors import E_CARD_FAULT, E_CARD_PROTOCOL, E_CARD_REMOVED, E_CARD_TIMEOUT
from reader.iso7816.atr import parse
from reader.iso7816.t0 import T0
from testing import cases, h, raises, requirement

READ = "00 B2 01 0C 00"
RECORD = "70 1A 61 18 4F 07 A0 00 00 00 03 10 10 50 0A 56 49 53 41 20 44 45 42 49 54 87 01 01"
AUTHENTICATE = "00 82 00 00 04"
SELECT = "00 A4 04 00 0E"
PSE = "31 50 41 59 2E 53 59 53 2E 44 44 46 30 31"
FCI = "6F 24 84 0E " + PSE + " A5 12 88 01 01 5F 2D 08 65 6E 65 73 66 72 64 65 9F 11 01 01"
GET_RESPONSE = "00 C0 00 00"


def card(script, atr: str = "3B 60 00 00"):
    line = ScriptedCharacters(script)
    return line, T0(line, parse(h(atr)))


async def converse(script, command: str) -> bytes:
    line, t0 = card(script)
    response = bytes(await t0.transmit(h(command)))
    line.done()
    return response


def by_single_bytes(ins: int, data) -> bytes:
    """As a card sends them that stops before P3 bytes: INS xor FF before each."""
    sent = bytearray()
    for byte in data:
        sent.append(ins ^ 0xFF)
        sent.append(byte)
    return bytes(sent)


# The four cases


@requirement("Book 1", "9.3.1.1.1", "A case 1 command goes out with P3 00, and its status comes back as it is.")
@cases("9000", "6A81")
async def test_case_1(status):
    # test_tpdu_case_1_normal, _error
    assert await converse([("12 34 56 78 00", status)], "12 34 56 78") == h(status)


@requirement("Book 1", "9.3.1.1.2", "After 6Cxx a case 2 command is sent again with P3 xx.")
async def test_case_2():
    # test_tpdu_case_2_normal
    script = [(READ, "6C 1C"), ("00 B2 01 0C 1C", "B2" + RECORD + "9000")]
    assert await converse(script, READ) == h(RECORD + "9000")


@requirement("Book 1", "9.3.1.1.2", "An error status ends a case 2 command, at its first or second sending.")
async def test_case_2_error():
    # test_tpdu_case_2_error_early, _late
    assert await converse([(READ, "6A 81")], READ) == h("6A81")
    assert await converse([(READ, "6C 1C"), ("00 B2 01 0C 1C", "65 81")], READ) == h("6581")


async def test_case_2_of_the_right_length_at_once():
    assert await converse([("00 B2 01 0C 02", "B2 70 00 90 00")], "00 B2 01 0C 02") == h("7000 9000")


@requirement(
    "Book 1",
    "9.3.1.1.3",
    "The data of a case 3 command follow the card's procedure byte, and its status comes back as it is.",
)
@cases("9000", "6581", "6283", "6100", "6C04")
async def test_case_3(status):
    # test_tpdu_case_3_normal, _error_late
    script = [(AUTHENTICATE, "82"), ("DE AD BE EF", status)]
    assert await converse(script, AUTHENTICATE + "DE AD BE EF") == h(status)


@requirement(
    "Book 1", "9.3.1.1.3", "A status in place of the procedure byte ends the command before its data are sent."
)
async def test_case_3_error_early():
    # test_tpdu_case_3_error_early
    assert await converse([(AUTHENTICATE, "6A 81")], AUTHENTICATE + "DE AD BE EF") == h("6A81")


@requirement(
    "Book 1", "9.3.1.1.4", "The response of a case 4 command is fetched with GET RESPONSE of the length that 61xx says."
)
async def test_case_4():
    # test_tpdu_case_4_normal
    script = [(SELECT, "A4"), (PSE, "61 26"), (GET_RESPONSE + "26", "C0" + FCI + "9000")]
    assert await converse(script, SELECT + PSE + "00") == h(FCI + "9000")


@requirement("Book 1", "9.3.1.1.4", "An error status ends a case 4 command at any of its three exchanges.")
async def test_case_4_error():
    # test_tpdu_case_4_error_early, _early2, _late
    assert await converse([(SELECT, "6A 81")], SELECT + PSE + "00") == h("6A81")
    assert await converse([(SELECT, "A4"), (PSE, "6A 82")], SELECT + PSE + "00") == h("6A82")
    script = [(SELECT, "A4"), (PSE, "61 26"), (GET_RESPONSE + "26", "65 81")]
    assert await converse(script, SELECT + PSE + "00") == h("6581")


async def test_case_4_without_a_response():
    assert await converse([(SELECT, "A4"), (PSE, "90 00")], SELECT + PSE + "00") == h("9000")


@requirement("Book 1", "A5", "6Cxx and 61xx in turn: the record comes by parts, each announced by 61xx.")
async def test_case_2_advanced():
    # test_tpdu_case_2_normal_advanced
    record = h(RECORD)
    script = [
        (READ, "6C 1C"),
        ("00 B2 01 0C 1C", "61 1C"),
        (GET_RESPONSE + "1C", by_single_bytes(0xC0, record[:13]) + h("61 0F")),
        (GET_RESPONSE + "0F", h("C0") + record[13:] + h("90 00")),
    ]
    assert await converse(script, READ) == record + h("9000")


@requirement("Book 1", "A6", "While GET RESPONSE is answered with 61xx the rest is fetched and appended.")
async def test_case_4_advanced():
    # test_tpdu_case_4_normal_advanced
    fci = h(FCI)
    script = [
        (SELECT, "A4"),
        (PSE, "61 26"),
        (GET_RESPONSE + "26", by_single_bytes(0xC0, fci[:15]) + h("61 17")),
        (GET_RESPONSE + "17", h("C0") + fci[15:] + h("90 00")),
    ]
    assert await converse(script, SELECT + PSE + "00") == fci + h("9000")


@requirement(
    "Book 1",
    "A7",
    "After a warning to a case 4 command GET RESPONSE with P3 00 fetches the data, and the warning is the status.",
)
@cases("6286", "6283", "6310", "63C0", "9110", "9301", "9F01")
async def test_case_4_warning_first(warning):
    # test_tpdu_case_4_warning1
    script = [
        (SELECT, "A4"),
        (PSE, warning),
        (GET_RESPONSE + "00", "6C 26"),
        (GET_RESPONSE + "26", "C0" + FCI + "9000"),
    ]
    assert await converse(script, SELECT + PSE + "00") == h(FCI + warning)


async def test_case_4_warning_last():
    # test_tpdu_case_4_warning2, the second example of annex A7
    script = [(SELECT, "A4"), (PSE, "61 26"), (GET_RESPONSE + "26", "C0" + FCI + "62 86")]
    assert await converse(script, SELECT + PSE + "00") == h(FCI + "6286")


async def test_case_4_warning_without_data():
    for answer in ("6D 00", "90 00", "6A 88"):
        script = [(SELECT, "A4"), (PSE, "62 83"), (GET_RESPONSE + "00", answer)]
        assert await converse(script, SELECT + PSE + "00") == h("6283")


@requirement(
    "ISO 7816-3", "12.2.1", "A second 6Cxx for one command is its status; the command is not sent a third time."
)
async def test_6c_twice():
    assert await converse([(READ, "6C 1C"), ("00 B2 01 0C 1C", "6C 10")], READ) == h("6C10")
    script = [(SELECT, "A4"), (PSE, "61 26"), (GET_RESPONSE + "26", "6C 10"), (GET_RESPONSE + "10", "6C 08")]
    assert await converse(script, SELECT + PSE + "00") == h("6C08")


@requirement("ISO 7816-3", "12.2.1", "61xx to a case 2 command that wants fewer bytes fetches only as many.")
async def test_61_beyond_le():
    script = [("00 B2 01 0C 02", "61 08"), (GET_RESPONSE + "02", "C0 70 06 61 06")]
    assert await converse(script, "00 B2 01 0C 02") == h("7006 6106")


@requirement("ISO 7816-3", "12.2.1", "P3 00 means 256 bytes of response.")
async def test_256_bytes():
    data = bytes(range(256))
    assert await converse([(READ, h("B2") + data + h("9000"))], READ) == data + h("9000")
    script = [(SELECT, "A4"), (PSE, "61 00"), (GET_RESPONSE + "00", h("C0") + data + h("9000"))]
    assert await converse(script, SELECT + PSE + "00") == data + h("9000")
    assert await converse([(READ, "6C 00"), (READ, h("B2") + data + h("9000"))], READ) == data + h("9000")


async def test_the_longest_command():
    data = bytes(range(255))
    script = [("00 D6 00 00 FF", "D6"), (data, "61 02"), (GET_RESPONSE + "02", "C0 01 02 90 00")]
    assert await converse(script, bytes(h("00D60000FF")) + data + h("00")) == h("0102 9000")


# Procedure bytes


@requirement("Book 1", "9.2.2.3.1", "A procedure byte equal to INS has all remaining data bytes sent or received.")
async def test_ack():
    assert await converse([(AUTHENTICATE, "82"), ("01 02 03 04", "9000")], AUTHENTICATE + "01 02 03 04") == h("9000")
    assert await converse([(READ[:-2] + "02", "B2 70 00 90 00")], READ[:-2] + "02") == h("7000 9000")


@requirement("Book 1", "9.2.2.3.1", "A procedure byte equal to INS xor FF has one data byte sent or received.")
async def test_ack_of_one_byte():
    script = [(AUTHENTICATE, "7D"), ("01", "7D"), ("02", "7D"), ("03", "7D"), ("04", "9000")]
    assert await converse(script, AUTHENTICATE + "01 02 03 04") == h("9000")
    assert await converse([("00 B2 01 0C 03", "4D 70 4D 01 4D 41 90 00")], "00 B2 01 0C 03") == h("700141 9000")


async def test_one_byte_then_all():
    script = [(AUTHENTICATE, "7D"), ("01", "7D"), ("02", "82"), ("03 04", "9000")]
    assert await converse(script, AUTHENTICATE + "01 02 03 04") == h("9000")
    assert await converse([("00 B2 01 0C 04", "4D 70 B2 02 41 42 90 00")], "00 B2 01 0C 04") == h("70024142 9000")


async def test_the_card_stops_before_the_end():
    assert await converse([("00 B2 01 0C 04", "4D 70 62 82")], "00 B2 01 0C 04") == h("70 6282")
    assert await converse([(AUTHENTICATE, "7D"), ("01", "67 00")], AUTHENTICATE + "01 02 03 04") == h("6700")


@requirement("Book 1", "9.2.2.3.1", "60 has the terminal wait for another procedure byte, wherever one may come.")
async def test_null():
    script = [(SELECT, "60 60 A4"), (PSE, "60 61 26"), (GET_RESPONSE + "26", "60 C0" + FCI + "60 60 9000")]
    assert await converse(script, SELECT + PSE + "00") == h(FCI + "9000")
    assert await converse(
        [(AUTHENTICATE, "60 7D"), ("01", "60 82"), ("02 03 04", "60 9000")], AUTHENTICATE + "01020304"
    )
    # Not between SW1 and SW2
    assert await converse([("12 34 56 78 00", "65 60")], "12 34 56 78") == h("6560")


async def test_nulls_end():
    assert await converse([("12 34 56 78 00", 128 * "60" + "9000")], "12 34 56 78") == h("9000")
    _line, t0 = card([("12 34 56 78 00", 129 * "60" + "9000")])
    with raises(E_CARD_PROTOCOL):
        await t0.transmit(h("12 34 56 78"))


async def test_nulls_of_all_headers_together():
    # Or a card that announces its response byte by byte had hours of them
    half = 65 * "60"
    script = [(SELECT, half + "A4"), (PSE, "61 02"), (GET_RESPONSE + "02", half + "C0 6F 00 9000")]
    _line, t0 = card(script)
    with raises(E_CARD_PROTOCOL):
        await t0.transmit(h(SELECT + PSE + "00"))


async def test_nulls_of_the_next_command():
    _line, t0 = card([("12 34 56 78 00", 65 * "60" + "9000")] * 2)
    for _ in range(2):
        assert bytes(await t0.transmit(h("12 34 56 78"))) == h("9000")


@requirement("Book 1", "9.2.2.3.1", "A procedure byte of 61 to 6F or 90 to 9F is SW1, and SW2 follows.")
@cases("6100", "6200", "64FF", "6F00", "9000", "9FFF", "6D6D", "9090")
async def test_status(status):
    assert await converse([("80 1A 00 00 00", status)], "80 1A 00 00") == h(status)


@requirement("Book 1", "9.2.2.3.1", "Any other procedure byte is an error of the card.")
@cases(
    ("00", READ),
    ("B3", READ),  # INS + 1, which once asked for Vpp
    ("4C", READ),
    ("FF", READ),
    ("5F", READ),
    ("80", READ),
    ("A0", READ),
    ("83", AUTHENTICATE + "01 02 03 04"),
)
async def test_invalid_procedure_byte(byte, command):
    _line, t0 = card([(h(command)[:5], byte + "9000")])
    with raises(E_CARD_PROTOCOL):
        await t0.transmit(h(command))


@requirement("ISO 7816-3", "10.3.3", "A card that asks for data where none are left breaks the protocol.")
@cases(
    ("12 34 56 78", [("12 34 56 78 00", "34 9000")]),
    ("12 34 56 78", [("12 34 56 78 00", "CB 9000")]),
    (AUTHENTICATE + "01 02 03 04", [(AUTHENTICATE, "82"), ("01 02 03 04", "82 9000")]),
    ("00 B2 01 0C 02", [("00 B2 01 0C 02", "B2 01 02 B2 03 9000")]),
    ("00 B2 01 0C 01", [("00 B2 01 0C 01", "4D 01 4D 02 9000")]),
)
async def test_ack_without_data(command, script):
    _line, t0 = card(script)
    with raises(E_CARD_PROTOCOL):
        await t0.transmit(h(command))


@requirement(
    "ISO 7816-3",
    "10.3.2",
    "INS with the left half 6 or 9 is invalid; such a command is refused without asking the card.",
)
@cases("60", "61", "6F", "90", "9F")
async def test_invalid_ins(ins):
    line, t0 = card([])
    assert bytes(await t0.transmit(h("00" + ins + "0000"))) == h("6D00")
    line.done()


@cases("", "00", "00A404", "00A4040002A0", "00B00000000100", 300 * "00")
async def test_no_command_at_all(command):
    line, t0 = card([])
    assert bytes(await t0.transmit(h(command))) == h("6700")
    line.done()


# Bounds


@requirement(
    "ISO 7816-4",
    "5.1",
    "A response holds 256 bytes of data at most: a card that offers more by GET RESPONSE gets no more asked.",
)
async def test_more_than_256_bytes():
    script = [(SELECT, "A4"), (PSE, "61 FF"), (GET_RESPONSE + "FF", "C0" + 255 * "11" + "61 10")]
    script += [(GET_RESPONSE + "01", "C0 22 61 0F")]
    assert await converse(script, SELECT + PSE + "00") == h(255 * "11" + "22" + "610F")


async def test_6c_beyond_256_bytes():
    script = [(SELECT, "A4"), (PSE, "61 FF"), (GET_RESPONSE + "FF", "C0" + 255 * "11" + "61 10")]
    script.append((GET_RESPONSE + "01", "6C 10"))
    line, t0 = card(script)
    with raises(E_CARD_PROTOCOL):
        await t0.transmit(h(SELECT + PSE + "00"))
    line.done()


@requirement(
    "Book 1", "9.3.1.3", "Each GET RESPONSE brings a byte at least; a card that only promises data breaks the protocol."
)
async def test_61_for_ever():
    line, t0 = card([(SELECT, "A4"), (PSE, "61 10"), (GET_RESPONSE + "10", "61 10")])
    with raises(E_CARD_PROTOCOL):
        await t0.transmit(h(SELECT + PSE + "00"))
    line.done()


class OneByteEach:
    """A card that gives one byte to each GET RESPONSE, and has 300 of them. What it was asked is in `asked`."""

    clock_khz = 3580

    def __init__(self):
        self.asked = []
        self._arrived = b""

    async def send(self, data) -> None:
        self.asked.append(data[4])
        n = len(self.asked)
        self._arrived = bytes((0x3F, n & 0xFF, 0x61, 0xFF)) if n > 1 else h("61 00")

    async def receive_into(self, out, first_etu: int, next_etu: int) -> int:
        n = min(len(out), len(self._arrived))
        out[:n] = self._arrived[:n]
        self._arrived = self._arrived[n:]
        return n

    def discard(self) -> None:
        assert not self._arrived


async def test_get_response_by_single_bytes():
    line = OneByteEach()
    response = await T0(line, parse(h("3B 60 00 00"))).transmit(h(READ))
    assert line.asked == [0, 0] + list(range(255, 0, -1))
    assert len(response) == 258
    assert bytes(response[255:]) == h("01 61 FF")


async def test_data_before_an_error_are_dropped():
    script = [(SELECT, "A4"), (PSE, "61 26"), (GET_RESPONSE + "26", "3F 6F 3F 24 65 81")]
    assert await converse(script, SELECT + PSE + "00") == h("6581")


# Time


@requirement("Book 1", "9.2.2.1", "The work waiting time is 960 * D * WI etu, and the terminal waits D * 480 etu more.")
@cases(
    ("3B 60 00 00", 9600 + 480),
    ("3B F0 12 00 00 10 00", 2 * (9600 + 480)),  # specific mode, D 2
    ("3B F0 13 00 00 10 00", 4 * (9600 + 480)),
    ("3B 70 13 00 00", 9600 + 480),  # negotiable mode: D 1 is in use
    ("3B E0 00 00 40 01", 960 + 480),  # WI 1
)
async def test_waiting_time(atr, etu):
    line, t0 = card([(READ, "6C 02"), (READ[:-2] + "02", "B2 70 00 90 00")], atr)
    await t0.transmit(h(READ))
    assert set(line.waits) == {(etu, etu)}


@requirement("Book 1", "9.2.2.1", "A card that exceeds the work waiting time has failed.")
@cases(
    ("", READ),  # no procedure byte
    ("60", READ),
    ("90", READ),  # no SW2
    ("B2 70 00", READ),  # data missing
    ("4D", READ),
    ("4D 70", READ),
    ("B2" + 256 * "00", READ),  # no status
    ("6C", READ),
    ("7D", AUTHENTICATE + "01 02 03 04"),
)
async def test_silence(answer, command):
    script = [(h(command)[:5], answer)] + ([("01", "")] if answer == "7D" else [])
    line, t0 = card(script)
    with raises(E_CARD_TIMEOUT):
        await t0.transmit(h(command))
    line.done()


@cases(0, 1, 2, 3, 4)
async def test_the_card_leaves_after_any_exchange(step):
    script = [
        (SELECT, "A4"),
        (PSE, "62 86"),
        (GET_RESPONSE + "00", "6C 26"),
        (GET_RESPONSE + "26", "C0" + FCI + "9000"),
        (READ, None),
    ][: step + 1]
    script[step] = (script[step][0], None)
    _line, t0 = card(script)
    with raises(E_CARD_REMOVED):
        await t0.transmit(h(SELECT + PSE + "00"))
        await t0.transmit(h(READ))


async def test_the_slot_cuts_the_power():
    _line, t0 = card([(READ, E_CARD_FAULT)])
    with raises(E_CARD_FAULT):
        await t0.transmit(h(READ))


async def test_what_comes_too_late_is_dropped():
    line, t0 = card([("12 34 56 78 00", "90 00 41"), ("12 34 56 78 00", "6A 81")])
    assert bytes(await t0.transmit(h("12 34 56 78"))) == h("9000")
    assert bytes(await t0.transmit(h("12 34 56 78"))) == h("6A81")
    assert line.discarded == 1


async def test_nothing_is_left_behind():
    _line, t0 = card([("00 B2 01 0C 02", "B2 70 00 90 00")])
    response = await t0.transmit(h("00 B2 01 0C 02"))
    t0.wipe()
    assert bytes(response) == bytes(4)
