"""A fuzzer's bytes, taken from the front. After their end there are zeros, or nothing."""

from __future__ import annotations


class Feed:
    def __init__(self, data: bytes):
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    @property
    def position(self) -> int:
        return self._at

    def since(self, position: int) -> bytes:
        """What was taken from there on."""
        return self._data[position : self._at]

    def byte(self) -> int:
        """The next byte; 0 when there is none."""
        return self.take(1)[0] if self.left else 0

    def below(self, n: int) -> int:
        """A number from 0 to n - 1 (n up to 256)."""
        return self.byte() % n

    def take(self, n: int) -> bytes:
        """The next `n` bytes, fewer at the end."""
        taken = self._data[self._at : self._at + n]
        self._at += len(taken)
        return taken

    def block(self) -> bytes:
        """Bytes behind a byte that counts them."""
        return self.take(self.byte())

    def long_block(self) -> bytes:
        """The same, of which the feed has only the first eight: length shall not cost the fuzzer bytes."""
        n = self.byte()
        return self.take(min(n, 8)).ljust(n, b"\x00")

    def rest(self) -> bytes:
        return self.take(self.left)
