"""Characters of a track (ISO/IEC 7811-2, clause 9; ISO/IEC 7813, clause 7): from bits to ASCII.

A character is its lowest bit first and odd parity last. Before the first one, the start sentinel, and behind the last
one, the longitudinal redundancy check (LRC), there are zeros. The LRC makes each column of bits even over all
characters from the start sentinel on; its own parity bit is odd parity again.

Looked for anywhere among the bits, a short track is soon found that nobody wrote. So a track must stand alone: with
more zeros at both ends than can follow one another within a track, or with the end of the bits there. And it must be the
only one: bits that read in two ways are refused.
"""

import micropython
from micropython import const

from .reasons import ALL_ONES, AMBIGUOUS, EMPTY, LRC, NO_END, NO_START, PARITY, TOO_LONG, TWO_STARTS

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    ptr8 = bytearray

BACKWARD = const(128)  # added to a length: the last character came first

# What `read_into` does beside reading
ALONE = const(1)  # the zeros must be there: the end of the bits does not stand for them
COMPARE = const(2)  # `out` has the characters already; others are refused (AMBIGUOUS)
# And what it tells _frame
_WRITE = const(4)
_INVERTED = const(8)

_READ = const(8)  # bits of a reason in a word of _frame; above it, how many characters were read


def read_into(bits, n: int, width: int, out, most: int = 104, how: int = 0) -> int:
    """Read the one track among the first `n` of `bits` (the first bit in the MSB of byte 0), forward or backward.

    width: 5 (digits and : ; < = > ?) or 7 (ASCII 20 to 5F). `out` gets the characters between the sentinels, at most
    `most`, as ASCII. how: 0, or ALONE and COMPARE. Without ALONE the bits may begin with the first one-bit and end with
    the last one, as a head keeps them, so that zeros at the end of the LRC are missing; they may also be inverted.
    Returns the number of characters, plus BACKWARD; below 0: the negative reason of the attempt that got furthest, and
    `out` is as it was.
    """
    n = min(n, 8 * len(bits))
    most = min(most, len(out))
    if most <= 0:
        return -TOO_LONG
    reason = EMPTY
    furthest = -1
    good = start = way = 0
    while True:
        for step in (1, -1):
            at = _next_start(bits, n, 0, step, width, how)
            while at >= 0:
                said = _frame(bits, n, at, step, width, how, out, most)
                if said > 0:
                    if good:
                        return -AMBIGUOUS
                    good, start, way = said, at, step
                elif -said >> _READ > furthest and not how & _INVERTED:
                    furthest = -said >> _READ
                    reason = -said & 0xFF
                at = _next_start(bits, n, at + 1, step, width, how)
        if good:
            break
        if how & (ALONE | _INVERTED):
            return -reason
        how |= _INVERTED
    if not how & COMPARE:
        _frame(bits, n, start, way, width, how | _WRITE, out, most)
    return good if way > 0 else good + BACKWARD


@micropython.viper
def _next_start(bits: ptr8, n: int, at: int, step: int, width: int, how: int) -> int:
    """The first one-bit from `at` on, along `step`, that has enough zeros before it; -1: none."""
    origin = 0
    if step < 0:
        origin = n - 1
    zero = 0
    if how & _INVERTED:
        zero = 0x80
    need = 2 * width - 1
    zeros = 0
    if (how & ALONE) == 0:
        zeros = need
    if at:
        zeros = 0  # the bit before is the last start
    while at < n:
        p = origin + step * at
        if ((bits[p >> 3] << (p & 7)) & 0x80) == zero:
            zeros += 1
        elif zeros >= need:
            return at
        else:
            zeros = 0
        at += 1
    return -1


@micropython.viper
def _frame(bits: ptr8, n: int, at: int, step: int, width: int, how: int, out: ptr8, most: int) -> int:
    """The track whose first bit is number `at` along `step`: its length, or -(characters read << _READ | reason)."""
    origin = 0
    if step < 0:
        origin = n - 1
    zero = 0
    if how & _INVERTED:
        zero = 0x80
    start = 0x0B  # with its parity bit
    end = 0x0F
    base = 0x30
    if width == 7:
        start = 0x45
        end = 0x1F
        base = 0x20
    parity = 1 << (width - 1)
    first = at
    read = 0
    length = 0
    check = 0
    last = 0
    before = 0  # the character before the end sentinel
    while True:
        value = 0
        odd = 0
        bit = 1
        while bit <= parity:
            if at < n:
                p = origin + step * at
                if ((bits[p >> 3] << (p & 7)) & 0x80) != zero:
                    value |= bit
                    odd ^= 1
            elif last == 0:
                return 0 - (read << _READ | int(NO_END))
            at += 1
            bit <<= 1
        if read == 0 and value != start:
            break
        if odd == 0:
            if value == 0:
                return 0 - (read << _READ | int(NO_END))
            return 0 - (read << _READ | int(PARITY))
        value &= parity - 1
        check ^= value
        if last:
            break
        if read:
            if value == end:
                last = 1
            elif value == start & (parity - 1):
                return 0 - (read << _READ | int(TWO_STARTS))
            elif length == most:
                return 0 - (read << _READ | int(TOO_LONG))
            else:
                if how & _WRITE:
                    out[length] = value + base
                elif how & COMPARE and out[length] != value + base:
                    return 0 - (read << _READ | int(AMBIGUOUS))
                length += 1
                before = value
        read += 1
    if read == 0:
        # No start sentinel. Four characters of ones are in no track, either way round
        i = 0
        while i < 4 * width and first + i < n:
            p = origin + step * (first + i)
            if ((bits[p >> 3] << (p & 7)) & 0x80) == zero:
                return 0 - int(NO_START)
            i += 1
        return 0 - int(ALL_ONES)
    read += 1
    if check:
        return 0 - (read << _READ | int(LRC))
    if length == 0:
        return 0 - (read << _READ | int(EMPTY))
    # An end sentinel and an LRC of ones, ten ones in a row, are taken for > and ? by a clock that slips by half a cell
    # and back again. The standard keeps > from data
    if how & ALONE and width == 5 and before == 0x0E:
        return 0 - (read << _READ | int(AMBIGUOUS))
    # What follows: zeros, more than there can be within a track
    i = 2 * width - 1
    while i:
        if at >= n:
            if how & (ALONE | _INVERTED):
                return 0 - (read << _READ | int(NO_END))
            break
        p = origin + step * at
        if ((bits[p >> 3] << (p & 7)) & 0x80) != zero:
            return 0 - (read << _READ | int(NO_END))
        at += 1
        i -= 1
    return length
