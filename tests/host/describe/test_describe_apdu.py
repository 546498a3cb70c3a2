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
        ("0084000000", "GET CHALLENGE"),
        ("9000", "9000 all right"),
        ("6A82", "6A82 file or application not found"),
        ("9F3602000190" + "00", "9000 all right, 5 bytes: 9F36 APPLICATION_TRANSACTION_COUNTER"),
        ("800E7C00080101009000", "9000 all right, 8 bytes"),
    ],
)
def test_headlines(text, headline):
    assert apdu.lines(text)[0] == headline


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
