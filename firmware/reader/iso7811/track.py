"""A track of a card: how its number fixes the kind and the number of its characters, and the attempts to read it.

ISO/IEC 7811-2, clause 9, and ISO/IEC 7813, clause 7: 79 characters of 7 bits, 40 of 5, 107 of 5, with the sentinels
and the check character. AAMVA's driving licences have 82 of 7 bits on tracks 1 and 3. What is longer is refused.
"""

from micropython import const

from ..util.wipe import wipe
from .characters import read_into
from .f2f import decode_into

SCRATCH = const(96)  # bytes: 768 bits; 85.6 mm at 210 bits per inch are 708
LENGTH = const(127)  # of a result above 0; characters.BACKWARD is the bit above

_ALPHANUMERIC = const(7)
_NUMERIC = const(5)
_MOST_ALPHANUMERIC = const(79)
_MOST_2 = const(37)
_MOST_3 = const(104)


def read_bits_into(bits, n: int, number: int, out) -> int:
    """Read track `number` (1 to 3) from the first `n` of a head's `bits`, the first bit in the MSB of byte 0.

    `out` gets the ASCII characters between the sentinels: at most 79, 37, 104. Returns how many (result & LENGTH), with
    BACKWARD (128) added when the card was swiped the other way; below 0: the negative reason, and `out` is as it was.
    """
    return _read(bits, n, number, out, 0)


def read_times_into(times, n: int, number: int, out, scratch) -> int:
    """The same from the first `n` of the times between flux reversals (array('H'), any unit).

    scratch: SCRATCH bytes, wiped before this returns.
    """
    count = decode_into(times, n, scratch)
    result = _read(scratch, count, number, out, 1)
    wipe(scratch)
    return result


def _read(bits, n: int, number: int, out, alone: int) -> int:
    if number == 1:
        return read_into(bits, n, _ALPHANUMERIC, out, _MOST_ALPHANUMERIC, alone)
    if number == 2:
        return read_into(bits, n, _NUMERIC, out, _MOST_2, alone)
    result = read_into(bits, n, _NUMERIC, out, _MOST_3, alone)
    return result
