"""Device: a magnetic head whose flux reversals come as they are, as times (ports.MagHead).

EdgeHead makes tracks of what some source has captured. PinEdges is such a source, for a head behind amplifiers and comparators
whose outputs change their level with each reversal. How fast a card may go there: docs/wiring.md, Magnetic head.
"""

import asyncio
from array import array
from time import ticks_diff, ticks_us

from micropython import const

from reader.drivers.swipe import Swipe
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any, Protocol

    class Edges(Protocol):
        """What captures the reversals."""

        def arm(self) -> None:
            """Forget what there is; from now on a swipe is stored."""
            ...

        def is_done(self) -> bool:
            """A swipe was seen, and the head is quiet again. Raises E_LINE_CLOSED."""
            ...

        def times(self, number: int) -> "tuple[array[int], int]":
            """The intervals of track 1, 2 or 3 in us (65535: that or longer), and how many there are."""
            ...

        def wipe(self) -> None:
            """Nothing of the swipe stays, and nothing more is stored until `arm`."""
            ...


# 85.6 mm at 210 bits per inch have 708 cells, at 75 bits 253; a one has two reversals
_MOST = (1420, 510, 1420)
_LONGEST = const(65535)
# The longest interval of a card at 5 cm/s is 7 ms; a hand that rests for as long has swiped badly
_QUIET_US = const(60_000)
_FEWEST = const(32)  # reversals; what has fewer is a card's edge, or a spark
_NONE = const(-1)


class EdgeHead:
    """start; is_swiped until it is True; read; start... and stop in the end. One task at a time."""

    def __init__(self, source: "Edges"):
        self._source = source
        self._swipe = Swipe()

    async def start(self) -> bool:
        """Arm. True: there was a swipe that nobody had asked for."""
        had = self._source.is_done()
        self._swipe.wipe()
        self._source.arm()
        return had

    def is_swiped(self) -> bool:
        return self._source.is_done()

    async def read(self) -> Swipe:
        """The tracks; the intervals are wiped. Raises E_LINE_CLOSED."""
        from reader.iso7811 import track

        swipe = self._swipe
        swipe.wipe()
        scratch = bytearray(track.SCRATCH)
        try:
            for number in range(1, 4):
                times, n = self._source.times(number)
                swipe.put(number, track.read_times_into(times, n, number, swipe.room(number), scratch))
                await asyncio.sleep_ms(0)
        except asyncio.CancelledError:
            swipe.wipe()
            raise
        finally:
            wipe(scratch)
            self._source.wipe()
        return swipe

    async def stop(self) -> None:
        """Nothing of a swipe stays, and none is stored until `start`."""
        self._swipe.wipe()
        self._source.wipe()


class PinEdges:
    """Edges of three pins (machine.Pin; None: that track has none), by their interrupts: 7 KB for a swipe."""

    def __init__(self, *pins: "Any"):
        self._captures = [_PinTrack(pin, most) for pin, most in zip(pins, _MOST)]

    def arm(self) -> None:
        self.wipe()
        for capture in self._captures:
            capture.start()

    def is_done(self) -> bool:
        now = ticks_us()
        most = 0
        for capture in self._captures:
            if not capture.is_quiet(now):
                return False
            most = max(most, capture.count)
        return most >= _FEWEST

    def times(self, number: int) -> "tuple[array[int], int]":
        capture = self._captures[number - 1]
        return capture.times, max(capture.count, 0)

    def wipe(self) -> None:
        for capture in self._captures:
            capture.stop()


class _PinTrack:
    def __init__(self, pin, most: int):
        self._pin = pin
        self._most = most if pin else 0
        self.times = array("H", bytes(2 * self._most))
        self.count = _NONE  # of the intervals; _NONE: not even the edge before the first
        self._last = 0
        self._handler = self._edge  # a bound method is made here: the interrupt's handler may not allocate one

    def start(self) -> None:
        if self._pin:
            self._pin.irq(self._handler, self._pin.IRQ_RISING | self._pin.IRQ_FALLING)

    def stop(self) -> None:
        if self._pin:
            self._pin.irq(None)
        self.count = _NONE
        for i in range(self._most):
            self.times[i] = 0

    def is_quiet(self, now: int) -> bool:
        """Nothing comes any more. Fewer edges than a card has are forgotten."""
        if self.count == _NONE:
            return True
        if ticks_diff(now, self._last) < _QUIET_US:
            return False
        if self.count < _FEWEST:
            self.count = _NONE
        return True

    def _edge(self, pin) -> None:
        now = ticks_us()
        passed = ticks_diff(now, self._last)
        self._last = now
        count = self.count
        if count < self._most:
            if count >= 0:
                self.times[count] = passed if 0 < passed < _LONGEST else _LONGEST
            self.count = count + 1
