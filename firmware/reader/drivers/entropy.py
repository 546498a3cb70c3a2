"""The hardware generator behind os.urandom, watched. There is no other source: without it the reader is out of service."""

import os

from micropython import const

from reader.errors import E_ENTROPY, ReaderError

_LEAST = const(8)  # bytes drawn at once: enough that two equal draws are a fault and not chance


class Entropy:
    """ports.Entropy. A board whose generator needs something first overrides `draw`."""

    def __init__(self):
        self._last = b""

    def fill(self, buf) -> None:
        """Raises E_ENTROPY when the generator is missing, repeats itself or stands still."""
        try:
            fresh = self.draw(max(len(buf), _LEAST))
        except OSError:
            raise ReaderError(E_ENTROPY)
        if fresh == self._last or fresh.count(fresh[:1]) == len(fresh):
            raise ReaderError(E_ENTROPY)
        self._last = fresh
        buf[:] = fresh[: len(buf)]

    def draw(self, n: int) -> bytes:
        """`n` bytes from the generator. Raises OSError when there is none."""
        return os.urandom(n)
