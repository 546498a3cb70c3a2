"""No account number comes out, whatever goes in; and nothing but ValueError is raised."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpos.describe import apdu, iso8583, tlv
from mpos.describe.hexinput import parse_hex
from mpos.describe.masking import mask, scrub, scrub_hex

PAN = "6212340000000019"


def check_digit(body: str) -> str:
    for digit in "0123456789":
        total = 0
        for place, character in enumerate(reversed(body + digit)):
            doubled = int(character) * (1 + place % 2)
            total += doubled // 10 + doubled % 10
        if total % 10 == 0:
            return digit
    raise AssertionError("one of ten digits fits")


# 13 to 19 digits, of any range that pays
pans = st.builds(
    lambda first, rest: first + rest + check_digit(first + rest),
    st.sampled_from("2345689"),
    st.text("0123456789", min_size=11, max_size=17),
)
blobs = st.binary(max_size=80)


def decoders(text: str):
    """Everything that each decoder makes of this hex."""
    for decode in (tlv.lines, apdu.lines, iso8583.lines):
        try:
            yield "\n".join(decode(text))
        except ValueError as error:
            yield str(error)
    data = parse_hex(text)
    yield apdu.headline(data, True)
    yield apdu.headline(data, False)
    try:
        yield "\n".join(" ".join(row) for row in iso8583.rows(data))
    except ValueError as error:
        yield str(error)


def assert_absent(pan: str, text: str) -> None:
    """Not as it is, not with blanks in it, not as the hex of its characters."""
    assert pan not in text
    assert pan not in re.sub(r"\s", "", text)
    assert pan.encode().hex().upper() not in text.upper()


def packed(digits: str) -> bytes:
    return bytes.fromhex(digits + "F" * (len(digits) % 2))


def put(tag: bytes, value: bytes) -> bytes:
    return tag + bytes([len(value)]) + value


@settings(max_examples=300, deadline=None)
@given(pans, blobs, blobs, st.booleans())
def test_no_pan_anywhere_in_a_blob(pan, before, after, characters):
    value = pan.encode() if characters else packed(pan)
    data = before + value + after
    for text in decoders(data.hex()):
        assert_absent(pan, text)


@settings(max_examples=300, deadline=None)
@given(
    pans,
    st.sampled_from(
        ["57", "5A", "50", "9F12", "9F1F", "9F20", "5F20", "56", "9F6B", "9F10", "C1", "DF01", "86", "9F63"]
    ),
    st.sampled_from(["", "70", "77", "61"]),
    st.integers(0, 3),
)
def test_no_pan_in_any_object(pan, tag, template, form):
    value = (
        packed(pan),
        pan.encode(),
        bytes.fromhex((pan + "D4912220123456789F0")[: (len(pan) + 18) // 2 * 2]),
        # Not at the beginning of a byte
        bytes.fromhex("F" + pan + "F" * ((len(pan) + 1) % 2)),
    )[form]
    data = put(bytes.fromhex(tag), value)
    if template:
        data = put(bytes.fromhex(template), data)
    for text in decoders(data.hex()):
        assert_absent(pan, text)
    for text in decoders((data + b"\x90\x00").hex()):
        assert_absent(pan, text)


@settings(max_examples=200, deadline=None)
@given(
    pans, st.sampled_from([2, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 47, 48, 54, 55, 57, 59, 60, 61, 62, 63])
)
def test_no_pan_in_any_field(pan, number):
    bitmap = (1 << 64 - number).to_bytes(8, "big")
    for value in (packed(pan), pan.encode()):
        digits = len(pan) if len(value) < len(pan) else len(value)
        for prefix in (
            b"",
            bytes([int(f"{digits:02d}", 16)]),
            bytes.fromhex(f"{digits:04d}"),
            bytes.fromhex(f"{len(value):04d}"),
        ):
            message = bytes.fromhex("0200") + bitmap + prefix + value
            for text in decoders(message.hex()):
                assert_absent(pan, text)


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.binary(min_size=1, max_size=300), st.text(max_size=60)))
def test_nothing_but_value_error(data):
    text = data.hex() if isinstance(data, bytes) else data
    for decode in (tlv.lines, apdu.lines, iso8583.lines):
        try:
            assert all(isinstance(line, str) for line in decode(text))
        except ValueError as error:
            # A sentence that does not echo what was typed in
            assert str(error)
    if isinstance(data, bytes):
        assert apdu.headline(data, True) and apdu.headline(data, False)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_nothing_but_value_error_behind_a_plausible_head(data):
    for head in ("0200", "0210", "6000030000603100310000" + "0200"):
        try:
            iso8583.lines(head + data.hex())
        except ValueError as error:
            assert str(error)
    for head in ("80A80000", "00A40400", "00B2010C", "80CA9F36", "00200080"):
        apdu.lines(head + data.hex() + "9000")


@pytest.mark.parametrize(
    "digits, masked",
    [
        (PAN, "621234******0019"),
        ("6212340000000000194", "621234*********0194"),
        ("123456789012", "123456**9012"),
        ("12345678901", "*" * 11),
        ("", ""),
    ],
)
def test_mask(digits, masked):
    assert mask(digits) == masked


def test_scrub_finds_numbers_inside_longer_runs_and_leaves_others():
    assert scrub(f"99{PAN}77").count("*") >= 6 and PAN not in scrub(f"99{PAN}77")
    assert scrub("merchant 104110058120001") == "merchant 104110058120001"
    assert scrub("FFFF9876543210E00001") == "FFFF9876543210E00001"
    assert scrub_hex(PAN.encode()).count("**") >= 6
    assert scrub_hex(b"*" * 3) == "2A2A2A"


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "nothing"),
        ("  ", "nothing"),
        ("9F0", "3 hex digits"),
        ("xyz", "not hex"),
        ("9F02 06 zz", "not hex"),
        ("00" * 65_537, "too long"),
    ],
)
def test_input_that_is_no_hex(text, says):
    for decode in (tlv.lines, apdu.lines, iso8583.lines):
        with pytest.raises(ValueError, match=says):
            decode(text)


@pytest.mark.parametrize("text", ["9F0206", "9f 02 06", "9F:02:06", "0x9F 0x02 0x06", "9F-02,06\n"])
def test_input_as_people_paste_it(text):
    assert parse_hex(text) == bytes.fromhex("9F0206")
