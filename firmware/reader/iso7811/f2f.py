"""Two-frequency coherent phase recording, F2F (ISO/IEC 7811-2, clause 8): bits from the times between flux reversals.

A reversal begins each bit cell, and a one has another in the middle: a zero is one time T, a one is two of T/2. T
changes with the speed of the hand and is followed from cell to cell.

Nothing is guessed. A time that is neither T nor, with the next one, two halves of T ends the stretch of cells, and
another begins behind it. A good track is one stretch, from the zeros before its start sentinel to those behind its
check character; of one that a scratch has cut, some of that is missing, and characters.py refuses it.
"""

import micropython
from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    ptr8 = bytearray
    ptr16 = bytearray

_MOST = const(4095)  # times that are looked at; 85.6 mm at 210 bits per inch, all ones, have 1,416
_COUNT = const(12)  # bits of a count in the word that _stretch returns
_SYNC = const(4)  # so many times in a row that are alike are the first zeros


def decode_into(times, n: int, bits, direction: int = 1, skip: int = 0) -> int:
    """Decode the first `n` of `times` (array('H'), any unit) into `bits`, the first bit in the MSB of byte 0.

    direction: 1, or -1 to read the times from the last one on. skip: as many are left out at the beginning.
    Returns the number of bits, 0: none; they are the longest stretch of cells, and end where `bits` is full.
    """
    n = min(n, len(times), _MOST)
    room = min(8 * len(bits), _MOST)
    at = skip
    longest = best = 0
    while at < n:
        found = _stretch(times, n, at, direction, bits, room, 0)
        if found & _MOST > longest:
            longest = found & _MOST
            best = at
        at = found >> _COUNT
    if longest:
        _stretch(times, n, best, direction, bits, room, 1)
    return longest


@micropython.viper
def _stretch(times: ptr16, n: int, at: int, direction: int, bits: ptr8, room: int, write: int) -> int:
    """The first stretch of cells from the time number `at` on: where it ends, and in the 12 low bits how many."""
    origin = 0
    if direction < 0:
        origin = n - 1
    # The first zeros
    alike = 1
    last = 0
    while alike < _SYNC:
        if at >= n:
            return n << _COUNT
        time = times[origin + direction * at]
        at += 1
        off = time - last
        if off < 0:
            off = 0 - off
        if off * 4 > last:
            alike = 0
        if time == 65535:
            alike = 0
        alike += 1
        last = time
    count = 0
    cell = 0
    while count < _SYNC:
        count += 1
        cell += times[origin + direction * (at - count)]
    cell *= 4  # 16 times T
    byte = 0
    while at < n:
        if count >= room:
            break
        time = times[origin + direction * at] << 4
        bit = 0
        used = 1
        if time * 4 < cell * 3:
            # Half a one, and the next the other half
            if at + 1 >= n:
                break
            if time * 4 < cell:
                break
            half = times[origin + direction * (at + 1)] << 4
            if half * 4 < cell:
                break
            if half * 4 > cell * 3:
                break
            time += half
            bit = 1
            used = 2
            if time * 8 < cell * 5:
                break
        if time * 8 > cell * 11:
            break
        at += used
        # A hand takes the card from 6 to 46 cm/s within a swipe: 3/8 is the part that follows it best and yet averages
        cell += ((time - cell) * 3) >> 3
        byte = byte << 1 | bit
        count += 1
        if write and (count & 7) == 0:
            bits[(count >> 3) - 1] = byte
    if write and (count & 7):
        bits[count >> 3] = byte << (8 - (count & 7))
    return at << _COUNT | count
