"""Two-frequency coherent phase recording, F2F (ISO/IEC 7811-2, clause 8): bits from the times between flux reversals.

A reversal begins each bit cell, and a one has another in its middle: a zero is one time T, a one is two of T/2.

A clock runs along with the cells. It has a period, which follows the speed of the hand and its change, and a phase:
how late the last reversal was. A reversal that lies beside its place by itself (jitter) is then counted once, while one
that was taken for another shifts all that follow by half a cell, and the clock does not go with it.

Nothing is guessed. What lies too far from where the clock expects it ends the stretch of cells, and another one begins
behind. A good track is one stretch, from the zeros before its start sentinel to those behind its check character; one
that a scratch has cut lacks some of that, and characters.py refuses it.
"""

import micropython
from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    ptr8 = bytearray
    ptr16 = bytearray

COUNT = const(12)  # bits of each of the two counts in a word of `stretch_into`
MASK = const(4095)  # and so many times are looked at; 85.6 mm at 210 bits per inch, all ones, have 1,416

_SYNC = const(4)  # so many times in a row that are alike are zeros
_LONGEST = const(65535)  # as a time: that, or longer

# Places of reversals, in sixteenths of a period from where the cell should have begun
_MIDDLE = const(12)  # before: the middle of a one, from here on: the end of a zero
_ZERO_LATEST = const(22)
_ONE_EARLIEST = const(11)  # the end of a one
_ONE_LATEST = const(21)
# Lengths of half a one, the same
_HALF_LEAST = const(3)
_HALF_MOST = const(12)


def decode_into(times, n: int, bits, direction: int = 1, skip: int = 0) -> int:
    """Decode the first `n` of `times` (array('H'), any unit) into `bits`, the first bit in the MSB of byte 0.

    direction: 1, or -1 to read the times from the last one on. skip: as many are left out at the beginning.
    Returns the number of bits, 0: none. They are the longest stretch of cells, as far as `bits` has room.
    """
    return stretch_into(times, n, bits, direction, skip) & MASK


def stretch_into(times, n: int, bits, direction: int = 1, skip: int = 0) -> int:
    """The same; returns the number of times that the bits have, << COUNT, and in the low COUNT bits theirs."""
    n = min(n, len(times), MASK)
    room = min(8 * len(bits), MASK)
    at = max(skip, 0)
    longest = first = behind = 0
    while at < n and room:
        found = _stretch(times, n, at, direction, bits, room, 0)
        if found & MASK > longest:
            longest = found & MASK
            first = at
            behind = found >> COUNT
        at = found >> COUNT
    if longest:
        _stretch(times, n, first, direction, bits, room, 1)
    return (behind - first) << COUNT | longest


@micropython.viper
def _stretch(times: ptr16, n: int, at: int, direction: int, bits: ptr8, room: int, write: int) -> int:
    """The first stretch of cells from the time number `at` on: where it ends, << COUNT, and how many cells it has.

    The first zeros are the first _SYNC times of which each is within 3/10 of their mean.
    """
    origin = 0
    if direction < 0:
        origin = n - 1
    cell = 0  # the period, in sixteenths of the unit
    alike = 0
    while alike < _SYNC:
        if at + _SYNC > n:
            return n << COUNT
        cell = 0
        i = 0
        while i < _SYNC:
            cell += times[origin + direction * (at + i)]
            i += 1
        alike = 0
        while alike < _SYNC:
            time = times[origin + direction * (at + alike)]
            if time * 40 < cell * 7:
                break
            if time * 40 > cell * 13:
                break
            if time == _LONGEST:
                break
            alike += 1
        at += 1
    at += _SYNC - 1
    cell *= 4
    count = _SYNC
    late = 0  # of the last reversal
    drift = 0  # of the period, 32 times as much
    byte = 0
    while at < n:
        if count >= room:
            break
        time = times[origin + direction * at] << 4
        at += 1
        bit = 0
        place = time + late
        if place * 16 < cell * _MIDDLE:
            half = 0
            if at < n:
                half = times[origin + direction * at] << 4
            at += 1
            bit = 1
            place += half
            # `at` behind a broken cell: the next stretch begins there
            if time * 16 < cell * _HALF_LEAST:
                break
            if half * 16 < cell * _HALF_LEAST:
                break
            if half * 16 > cell * _HALF_MOST:
                break
            if place * 16 < cell * _ONE_EARLIEST:
                break
            if place * 16 > cell * _ONE_LATEST:
                break
        elif place * 16 > cell * _ZERO_LATEST:
            break
        late = place - cell
        drift += late
        # The parts that follow a hand which takes a card from 6 to 46 cm/s within a swipe, and yet average
        cell += ((late * 3) >> 3) + (drift >> 5)
        late >>= 3
        byte = byte << 1 | bit
        count += 1
        if (count & 7) == 0:
            if write:
                bits[(count >> 3) - 1] = byte
            byte = 0
    if at > n:
        at = n
    if write and (count & 7):
        bits[count >> 3] = byte << (8 - (count & 7))
    return at << COUNT | count
