"""A track of a card: how its number fixes the kind and the number of its characters, and the attempts to read it.

ISO/IEC 7811-2, clause 9, and ISO/IEC 7813, clause 7: 79 characters of 7 bits, 40 of 5, 107 of 5, with the sentinels
and the check character. AAMVA's driving licences have 82 of 7 bits on tracks 1 and 3. What is longer is refused.

A swipe is read right or refused. Times are therefore decoded twice, from the first one on and from the last one back,
with a clock that comes from the other side each time: where one of them was misled, the other has nothing that agrees.
Bits that a head has made out of the times itself have only what characters.py asks of them.
"""

from micropython import const

from ..util.wipe import wipe
from .characters import ALONE, BACKWARD, COMPARE, read_into
from .f2f import COUNT, MASK, stretch_into
from .reasons import ALL_ONES, AMBIGUOUS, CLOCK, EMPTY, NO_END, NO_START

SCRATCH = const(96)  # bytes: 768 bits; 85.6 mm at 210 bits per inch are 708
LENGTH = const(127)  # of a result above 0; BACKWARD is the bit above

_NUMERIC = const(5)
_ALPHANUMERIC = const(7)
_MOST_ALPHANUMERIC = const(79)
_MOST_2 = const(37)
_MOST_3 = const(104)
_STRAY = const(16)  # times at both ends of a swipe that are nothing: the head wakes up, the card leaves it


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
    found = stretch_into(times, n, scratch)
    result = _read(scratch, found & MASK, number, out, ALONE)
    if result > 0:
        back = stretch_into(times, n, scratch, -1)
        again = _read(scratch, back & MASK, number, out, ALONE | COMPARE)
        if again != result ^ BACKWARD:
            wipe(memoryview(out)[: result & LENGTH])
            result = -AMBIGUOUS if again > 0 or again == -AMBIGUOUS else -CLOCK
    elif n - (found >> COUNT) > _STRAY and -result in (EMPTY, NO_START, NO_END):
        result = -CLOCK  # it stopped half-way
    wipe(scratch)
    return result


def _read(bits, n: int, number: int, out, how: int) -> int:
    if number == 1:
        return read_into(bits, n, _ALPHANUMERIC, out, _MOST_ALPHANUMERIC, how)
    if number == 2:
        return read_into(bits, n, _NUMERIC, out, _MOST_2, how)
    result = read_into(bits, n, _NUMERIC, out, _MOST_3, how)
    if -result in (NO_START, ALL_ONES):
        result = read_into(bits, n, _ALPHANUMERIC, out, _MOST_ALPHANUMERIC, how)
    return result
