"""Characters of a track (ISO/IEC 7811-2, clause 9; ISO/IEC 7813, clause 7): from a head's bits to ASCII.

A character is its lowest bit first and odd parity last. Before the first one, the start sentinel, and behind the last
one, the longitudinal redundancy check (LRC), there are only zeros. The LRC makes each column of bits even over all
characters from the start sentinel on; its own parity bit is odd parity again.

Parity and LRC let some errors pass when one looks for a track anywhere among the bits. So it must stand alone: with
more zeros at both sides than can follow one another inside a track, or with the end of the bits there. It must also
be the only one: a track that reads in two ways is refused.
"""

import micropython
from micropython import const

from .reasons import (
    ALL_ONES,
    AMBIGUOUS,
    EMPTY,
    LRC,
    NO_END,
    NO_START,
    PARITY,
    TOO_LONG,
    TWO_STARTS,
)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    ptr8 = bytearray

BACKWARD = const(128)  # added to a length: the card was swiped the other way
_READ = const(8)  # bits of a count of characters in the word that _frame returns


def read_into(bits, n: int, width: int, out, most: int = 104, alone: int = 0) -> int:
    """Read the one track in the first `n` of `bits` (the first bit in the MSB of byte 0), forward or backward.

    width: 5 (digits and : ; < = > ?) or 7 (ASCII 20 to 5F). `out` gets the characters between the sentinels, at most
    `most`, as ASCII. alone: 1 demands the zeros at both sides; 0 lets the end of the bits stand for them, as in a
    head that keeps no zeros before the first one, and the zeros that end the check character may be missing there.
    Returns the number of characters, plus BACKWARD when they came last to first; below 0: the negative reason of the
    attempt that got furthest, and `out` is as it was.
    """
    n = min(n, 8 * len(bits))
    most = min(most, len(out))
    reason = EMPTY
    furthest = -1
    good = 0
    for step in (1, -1):
        at = -1
        while True:
            at = _next_start(bits, n, at + 1, step, width, alone)
            if at < 0:
                break
            said = _frame(bits, n, at, step, width, alone, out, most, 0)
            if said > 0:
                if good:
                    return -AMBIGUOUS
                good, start, way = said, at, step
            elif -said >> _READ > furthest:
                furthest = -said >> _READ
                reason = -said & 0xFF
    if not good:
        return -reason
    _frame(bits, n, start, way, width, alone, out, most, 1)
    return good if way > 0 else good + BACKWARD


@micropython.viper
def _next_start(bits: ptr8, n: int, at: int, step: int, width: int, alone: int) -> int:
    """The first one-bit from `at` on that has the zeros before it, counted along `step`; -1: none."""
    need = 2 * width - 1
    zeros = 0
    origin = 0
    if step < 0:
        origin = n - 1
    i = 0
    if alone == 0:
        zeros = need
    if at > 0:
        # What is before `at` counts
        i = at - 1
        zeros = 0
    while i < n:
        p = origin + step * i
        if (bits[p >> 3] << (p & 7)) & 0x80:
            if zeros >= need and i >= at:
                return i
            zeros = 0
        else:
            zeros += 1
        i += 1
    return -1


@micropython.viper
def _frame(bits: ptr8, n: int, at: int, step: int, width: int, alone: int, out: ptr8, most: int, write: int) -> int:
    """The track whose first bit is number `at` along `step`: its length, or -(characters read << 8 | reason)."""
    origin = 0
    if step < 0:
        origin = n - 1
    start = 0x0B
    offset = 0x30
    if width == 7:
        start = 0x05
        offset = 0x20
    end = (1 << (width - 1)) - 1
    if width == 7:
        end = 0x1F
    read = 0
    check = 0
    last = 0
    result = 0
    while True:
        # One character: its value, and how many ones
        value = 0
        ones = 0
        i = 0
        while i < width:
            if at < n:
                p = origin + step * at
                if (bits[p >> 3] << (p & 7)) & 0x80:
                    value |= 1 << i
                    ones += 1
            elif last == 0:
                return 0 - (read << _READ | int(NO_END))
            at += 1
            i += 1
        value &= (1 << (width - 1)) - 1
        if read == 0 and value != start:
            if ones == width:
                return 0 - int(ALL_ONES)
            return 0 - int(NO_START)
        if (ones & 1) == 0:
            if ones == 0:
                return 0 - (read << _READ | int(NO_END))
            return 0 - (read << _READ | int(PARITY))
        check ^= value
        if last:
            break
        if read:
            if value == end:
                last = 1
            elif value == start:
                return 0 - (read << _READ | int(TWO_STARTS))
            elif result == most:
                return 0 - (read << _READ | int(TOO_LONG))
            else:
                if write:
                    out[result] = value + offset
                result += 1
        read += 1
    read += 1
    if check:
        return 0 - (read << _READ | int(LRC))
    if result == 0:
        return 0 - (read << _READ | int(EMPTY))
    # Nothing but zeros for longer than there can be inside a track
    i = 2 * width - 1
    while i:
        if at >= n:
            if alone:
                return 0 - (read << _READ | int(NO_END))
            break
        p = origin + step * at
        if (bits[p >> 3] << (p & 7)) & 0x80:
            return 0 - (read << _READ | int(NO_END))
        at += 1
        i -= 1
    return result
