"""Device: a magnetic head whose flux reversals come as they are, as times (ports.MagHead)."""

import asyncio

from micropython import const

from reader.drivers.swipe import Swipe
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from array import array
    from typing import Protocol

    class Edges(Protocol):
        """What captures the reversals."""

        def arm(self) -> None:
            """Forget what there is; from now on a swipe is stored."""
            ...

        def is_done(self) -> bool:
            """A swipe was stored and the head is quiet again. Raises E_LINE_CLOSED."""
            ...

        def times(self, number: int) -> "tuple[array[int], int]":
            """The intervals of track 1, 2 or 3 in us (65535: that or longer), and how many there are."""
            ...

        def wipe(self) -> None:
            """Nothing of the swipe stays, and nothing more is stored until `arm`."""
            ...


_SCRATCH = const(256)  # iso7811/track.py


class EdgeHead:
    """start; is_swiped until it is True; read; start... and stop in the end. One task at a time."""

    def __init__(self, source: "Edges"):
        self._source = source
        self._swipe = Swipe()

    async def start(self) -> bool:
        had = self._source.is_done()
        self._swipe.wipe()
        self._source.arm()
        return had

    def is_swiped(self) -> bool:
        return self._source.is_done()

    async def read(self) -> Swipe:
        from reader.iso7811 import track

        scratch = bytearray(_SCRATCH)
        try:
            for number in range(1, 4):
                times, n = self._source.times(number)
                out = self._swipe.room(number)
                self._swipe.put(number, track.read_times_into(times, n, number, out, scratch))
                await asyncio.sleep_ms(0)
        except asyncio.CancelledError:
            self._swipe.wipe()
            raise
        finally:
            self._source.wipe()
            wipe(scratch)
        return self._swipe

    async def stop(self) -> None:
        self._source.wipe()
        self._swipe.wipe()
