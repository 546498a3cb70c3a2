"""ISO/IEC 7812-1, Annex B: the check digit."""

from reader.iso7813.pan import check_digit_is_right
from testing import cases


@cases(
    # An example that is printed in many places, of Luhn's formula: 7992739871 and its check digit
    (b"79927398713", True),
    (b"79927398710", False),
    (b"6212340000000019", True),
    (b"6212340000000000004", True),
    (b"6212340000000091", False),
)
def test_check_digit(number, right):
    assert check_digit_is_right(number, 0, len(number)) == right


def test_every_other_last_digit_is_wrong():
    right = [d for d in range(10) if check_digit_is_right(b"621234000000001%d" % d, 0, 16)]
    assert right == [9]


def test_one_wrong_digit_is_seen():
    for at in range(16):
        for digit in range(0x30, 0x3A):
            number = bytearray(b"6212340000000019")
            same = number[at] == digit
            number[at] = digit
            assert check_digit_is_right(number, 0, 16) == same


def test_inside_a_track():
    assert check_digit_is_right(memoryview(b"B6212340000000019^"), 1, 16)
