"""Packed decimal digits, two to a byte, the first digit in the high nibble.

EMV 4.4 Book 3, 4.3: format n (right-justified, leading zeros) and cn (left-justified, trailing F).
"""

from micropython import const

from ..errors import E_TAG_FORMAT, ReaderError

_F = const(0xF)


def nibble(data, index: int) -> int:
    """Digit number `index`, counted from the left, from 0."""
    byte = data[index >> 1]
    return byte & 15 if index & 1 else byte >> 4


def is_numeric(data) -> bool:
    """True when every nibble is a decimal digit (format n)."""
    good = True
    for byte in data:
        good = good and byte & 15 <= 9 and byte >> 4 <= 9
    return good


def digit_count(data) -> int:
    """Digits before the F padding of a cn value, or -1 when it is none: a digit after an F, or a nibble A-E."""
    n = 2 * len(data)
    count = 0
    while count < n and nibble(data, count) <= 9:
        count += 1
    for i in range(count, n):
        if nibble(data, i) != _F:
            return -1
    return count


def int_into(value: int, out) -> None:
    """Write `value` as packed digits that fill `out`, leading zeros. Raises E_TAG_FORMAT when it does not fit."""
    if value < 0:
        raise ReaderError(E_TAG_FORMAT)
    for i in range(len(out) - 1, -1, -1):
        pair = value % 100
        out[i] = pair // 10 << 4 | pair % 10
        value //= 100
    if value:
        raise ReaderError(E_TAG_FORMAT)


def from_int(value: int, size: int) -> bytes:
    """`value` as `size` bytes of packed digits. Raises E_TAG_FORMAT when it does not fit."""
    out = bytearray(size)
    int_into(value, out)
    return bytes(out)


def to_int(data) -> int:
    """The number that packed digits (format n) spell. Raises E_TAG_FORMAT for a nibble above 9."""
    if not is_numeric(data):
        raise ReaderError(E_TAG_FORMAT)
    value = 0
    for byte in data:
        value = value * 100 + (byte >> 4) * 10 + (byte & 15)
    return value
