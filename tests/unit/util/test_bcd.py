from reader.errors import E_TAG_FORMAT
from reader.util import bcd
from testing import cases, h, raises


# EMV 4.4 Book 3, 4.3: format n, "Amount, Authorised (Numeric) 12345 is 00 00 00 01 23 45"
@cases(
    ("000000012345", 12345),
    ("000000000000", 0),
    ("999999999999", 999999999999),
    ("0156", 156),
    ("07", 7),
)
def test_numbers_there_and_back(digits, number):
    assert bcd.to_int(h(digits)) == number
    assert bcd.from_int(number, len(digits) // 2) == h(digits)


@cases((100, 1), (1000000000000, 6), (-1, 2), (1, 0))
def test_a_number_that_does_not_fit(number, size):
    with raises(E_TAG_FORMAT):
        bcd.from_int(number, size)


@cases("0A", "A0", "F1", "1234F5")
def test_a_nibble_that_is_no_digit(digits):
    assert not bcd.is_numeric(h(digits))
    with raises(E_TAG_FORMAT):
        bcd.to_int(h(digits))


# EMV 4.4 Book 3, 4.3: format cn, "Application PAN 1234567890123 is 12 34 56 78 90 12 3F FF"
@cases(
    ("1234567890123FFF", 13),
    ("12345678", 8),
    ("123F", 3),
    ("FFFF", 0),
    ("", 0),
    ("1F34", -1),
    ("F123", -1),
    ("12A4", -1),
    ("123A", -1),
    ("12FA", -1),
)
def test_digits_before_the_padding(text, count):
    assert bcd.digit_count(h(text)) == count


def test_nibbles_are_counted_from_the_left():
    assert [bcd.nibble(h("123456"), i) for i in range(6)] == [1, 2, 3, 4, 5, 6]
