"""PIN blocks: ISO 9564-1. The examples of openemv/pinblock's tests, and that the blocks come apart again."""

from fakes import FixedEntropy

from reader.errors import E_ENTROPY, E_TAG_FORMAT
from reader.iso9564 import account_into, format0_into, format2_into, format4_into
from testing import cases, h, raises, requirement


def block0(digits, pan):
    out = bytearray(8)
    packed = h(pan + "F" * (len(pan) % 2))
    account = bytearray(8)
    account_into(packed, len(pan), account)
    format0_into(bytes(digits), account, out)
    return bytes(out)


@requirement("ISO 9564-1", "9.3.3", "Format 2 is the control field 2, the length, the digits and fillers F.")
@cases(
    ((1, 2, 3, 4), "241234FFFFFFFFFF"),
    ((1, 2, 3, 4, 5), "2512345FFFFFFFFF"),
    ((0, 9) * 6, "2C090909090909FF"),
)
def test_format_2(digits, block):
    out = bytearray(8)
    format2_into(bytes(digits), out)
    assert bytes(out) == h(block)


@requirement(
    "ISO 9564-1",
    "9.3.1",
    "Format 0 is the PIN field exclusive-or the twelve rightmost digits of the PAN without check digit.",
)
@cases(
    # openemv/pinblock, iso9564_format0 test: PIN 1234 with the account digits 123456789012
    ((1, 2, 3, 4), "6212341234567890128", "041226CBA9876FED"),
    ((0, 9) * 6, "6212340000000019", None),
)
def test_format_0(digits, pan, block):
    got = block0(digits, pan)
    if block:
        assert got == h(block)
    account = h("0000" + pan[-13:-1])
    plain = bytes([got[i] ^ account[i] for i in range(8)])
    assert plain[0] == len(digits)
    for i in range(14):
        byte = plain[1 + i // 2]
        assert (byte & 15 if i & 1 else byte >> 4) == (digits[i] if i < len(digits) else 15)


@requirement("ISO 9564-1", "9.1", "A PIN has 4 to 12 decimal digits.")
@cases(((),), ((1, 2, 3),), ((1,) * 13,), ((1, 2, 3, 10),))
def test_no_pin(digits):
    with raises(E_TAG_FORMAT):
        format2_into(bytes(digits), bytearray(8))
    with raises(E_TAG_FORMAT):
        format4_into(bytes(digits), FixedEntropy(bytes(8)), bytearray(16))


@cases(
    ("621234123456", 12, "0000062123412345"),
    ("62123412", 8, "0000000006212341"),
    ("6212341234567", 13, "0000621234123456"),
)
def test_a_short_account_has_zeros_before_it(pan, digits, field):
    out = bytearray(b"\xaa" * 8)
    account_into(h(pan + "F" * (digits & 1)), digits, out)
    assert bytes(out) == h(field)


@cases(("62123412", 7), ("62123412345678901234", 20), ("6212", 19))
def test_no_account(pan, digits):
    with raises(E_TAG_FORMAT):
        account_into(h(pan), digits, bytearray(8))


@requirement(
    "ISO 9564-1", "9.4.2", "Format 4 is the control field 4, the length, the digits, fillers A and 64 random bits."
)
@cases(
    # X9.24-3:2017, test vectors, "Calculation of AES PIN block format 4", as openemv/dukpt has it (dukpt_aes128_test.c)
    ((1, 2, 3, 4), "441234AAAAAAAAAA 2F69ADDE2E9E7ACE"),
    ((1, 2, 3, 4, 5), "4512345AAAAAAAAA 2F69ADDE2E9E7ACE"),
    ((0, 9) * 6, "4C090909090909AA 2F69ADDE2E9E7ACE"),
)
def test_format_4(digits, block):
    out = bytearray(16)
    format4_into(bytes(digits), FixedEntropy(h("2F69ADDE2E9E7ACE")), out)
    assert out == h(block)


def test_format_4_without_entropy_or_room():
    with raises(E_ENTROPY):
        format4_into(b"\x01\x02\x03\x04", FixedEntropy(None), bytearray(16))
    for n in (8, 15, 17):
        with raises(E_TAG_FORMAT):
            format4_into(b"\x01\x02\x03\x04", FixedEntropy(bytes(8)), bytearray(n))


@requirement("ISO 9564-1", "9.4.2", "The account number field of format 4 has the whole PAN, and before it its length.")
@cases(
    ("6212341111111111", 16, "46212341111111111 000000000000000"),
    ("6212341234567890128", 19, "76212341234567890128 000000000000"),
    ("621234123456", 12, "0621234123456 0000000000000000000"),
    ("62123412", 8, "0000062123412 0000000000000000000"),
)
def test_account_of_format_4(pan, digits, field):
    out = bytearray(b"\xaa" * 16)
    account_into(h(pan + "F" * (digits & 1)), digits, out)
    assert out == h(field)
