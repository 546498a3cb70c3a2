"""Commands and responses in words."""

import pytest

from mpos.describe import apdu, reader_errors
from mpos.describe.status_words import STATUS_WORDS, meaning


@pytest.mark.parametrize(
    "text, headline",
    [
        ("00A404000E325041592E5359532E444446303100", "SELECT PPSE"),
        ("00A4040008A00000033301010100", "SELECT A000000333010101 UnionPay debit"),
        ("00A4040205A00000033300", "SELECT A000000333 (next)"),
        ("00B2010C00", "READ RECORD 1 of file 1"),
        ("80CA9F3600", "GET DATA 9F36 APPLICATION_TRANSACTION_COUNTER"),
        ("80AE800002010200", "GENERATE APPLICATION CRYPTOGRAM, ARQC asked for"),
        ("80AEC000", "GENERATE APPLICATION CRYPTOGRAM, reserved kind asked for"),
        ("80A8000002830000", "GET PROCESSING OPTIONS"),
        ("00C0000010", "GET RESPONSE"),
        ("00A404000E315041592E5359532E444446303100", "SELECT PSE"),
        ("80AE900002010200", "GENERATE APPLICATION CRYPTOGRAM, ARQC asked for, signed"),
        ("80AE400002010200", "GENERATE APPLICATION CRYPTOGRAM, TC asked for"),
        ("008800000401020304" + "00", "INTERNAL AUTHENTICATE"),
        ("008200000A00112233445566773030", "EXTERNAL AUTHENTICATE"),
        ("0020008008241234FFFFFFFFFF", "VERIFY, plain-text PIN"),
        ("0020008804AABBCCDD", "VERIFY, enciphered PIN"),
        ("0020000002AABB", "VERIFY, format of the card's own"),
        ("0020008602AABB", "VERIFY, reserved qualifier 86"),
        ("8424000004AABBCCDD", "PIN CHANGE / UNBLOCK, PIN unblocked"),
        ("8424000204AABBCCDD", "PIN CHANGE / UNBLOCK, PIN changed"),
        ("8424000904AABBCCDD", "PIN CHANGE / UNBLOCK, reserved qualifier 09"),
        ("841E000004AABBCCDD", "APPLICATION BLOCK"),
        ("8418000004AABBCCDD", "APPLICATION UNBLOCK"),
        ("8416000004AABBCCDD", "CARD BLOCK"),
        ("04DC020C06AABBCCDDEEFF", "UPDATE RECORD 2 of file 1"),
        ("04DA9F7906AABBCCDDEEFF", "PUT DATA 9F79 ELECTRONIC_CASH_BALANCE"),
        ("04D6000004AABBCCDD", "UPDATE BINARY"),
        ("00B0000000", "READ BINARY"),
        ("0084000000", "GET CHALLENGE"),
        ("9000", "9000 all right"),
        ("6A82", "6A82 file or application not found"),
        ("9F3602000190" + "00", "9000 all right, 5 bytes: 9F36 APPLICATION_TRANSACTION_COUNTER"),
        ("800E7C00080101009000", "9000 all right, 8 bytes"),
    ],
)
def test_headlines(text, headline):
    assert apdu.lines(text)[0] == headline


@pytest.mark.parametrize("command", [None, True])
@pytest.mark.parametrize("qualifier", ["80", "88", "00", "FF"])
@pytest.mark.parametrize("head", ["002000", "042000", "842400", "8C2400"])
def test_a_pin_block_is_never_shown(head, qualifier, command):
    block = "241234FFFFFFFFFF"
    whole = bytes.fromhex(head + qualifier + "08" + block)
    decoded = apdu.decode(whole, command=command)
    shown = "\n".join([decoded.headline, *decoded.details])
    assert "1234" not in shown and "FFFF" not in shown and "8 bytes of data" in shown
    # cut off, or with more than it says
    for broken in (whole[:-3], whole + b"\x12\x34\x56"):
        decoded = apdu.decode(broken, command=True)
        assert "1234" not in "\n".join([decoded.headline, *decoded.details])


def test_a_pin_is_never_shown():
    assert "241234" not in "\n".join(apdu.lines("0020008008241234FFFFFFFFFF"))
    assert "112233" not in "\n".join(apdu.lines("8424000003112233"))


def test_data_of_other_commands():
    assert "  0102" in apdu.lines("00880000020102")


PDOL = "9F66049F02069F3704"
OPTIONS = "80A8000010830E" + "26C00080" + "000000001234" + "A1B2C3D4" + "00"


def test_processing_options_with_the_pdol():
    lines = apdu.lines(OPTIONS, pdol=PDOL)
    assert "  9F02 AMOUNT_AUTHORISED: 12.34" in lines
    assert "      - cardholder verification required" in lines


@pytest.mark.parametrize("pdol", [None, "9F6604", "9F"])
def test_processing_options_without_it(pdol):
    assert apdu.lines(OPTIONS, pdol=pdol)[2] == "  14 bytes for the PDOL: 26C00080000000001234A1B2C3D4"


def test_processing_options_without_template():
    assert "the data do not begin with 83" in apdu.lines("80A8000002840000")[2]


def test_format_1():
    lines = apdu.lines("80061C00080102009000")
    assert lines[0] == "9000 all right, 8 bytes: 80 RESPONSE_TEMPLATE_FORMAT_1"
    assert "      - file 1, records 1 to 2, 0 under offline authentication" in lines


def test_malformed_data_of_a_response():
    lines = apdu.lines("6F109F9000")
    assert lines[0] == "9000 all right, 3 bytes"
    assert "not well-formed" in lines[1]


def test_a_wrong_lc_is_said_when_the_direction_is_known():
    decoded = apdu.decode(bytes.fromhex("00A4040008A000"), command=True)
    assert "Lc says 8 bytes, 2 follow" in decoded.details


def test_unknown_instruction_when_the_direction_is_known():
    assert apdu.headline(bytes.fromhex("00FF0000"), True) == "command FF"


@pytest.mark.parametrize("text", ["00", "1234", "6001", "0102030405"])
def test_neither(text):
    with pytest.raises(ValueError):
        apdu.lines(text)


def test_headline_never_raises():
    assert apdu.headline(b"", True) == "0 bytes that are no command APDU"
    assert apdu.headline(b"\x12", False) == "1 bytes that are no response APDU"


@pytest.mark.parametrize(
    "status, text",
    [
        (0x6110, "16 more bytes are waiting"),
        (0x6C00, "wrong Le: 256 would be right"),
        (0x63C2, "verification failed, 2 tries left"),
        (0x6A99, "wrong parameters"),
        (0x6299, "warning, nothing changed"),
        (0x1234, "not a status word of the standard"),
    ],
)
def test_status_words(status, text):
    assert meaning(status) == text
    assert all(meaning(word) == sentence for word, sentence in STATUS_WORDS.items())


def test_reader_errors():
    assert reader_errors.sentence(605).startswith("E_ISO_MAC (605): The answer's MAC is wrong")
    assert "detail 55 (0x37)" in reader_errors.sentence(601, 55)
    assert reader_errors.sentence(12345).startswith("UNKNOWN (12345)")
    for number, (name, sentence) in reader_errors.ERRORS.items():
        assert name.startswith("E_") and sentence.endswith(".") and 100 < number < 900
