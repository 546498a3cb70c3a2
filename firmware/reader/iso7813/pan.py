"""The account number's check digit: ISO/IEC 7812-1, Annex B (modulus 10, double-add-double)."""

from micropython import const

_0 = const(0x30)


def check_digit_is_right(track, at: int, digits: int) -> bool:
    """Whether the last of the `digits` digits at `at` checks those before it."""
    total = 0
    for i in range(digits):
        value = track[at + digits - 1 - i] - _0 << (i & 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
