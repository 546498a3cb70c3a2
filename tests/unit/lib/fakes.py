"""Stand-ins for the parts a board supplies: clock, entropy, store (contracts in reader/ports.py)."""

from reader.errors import E_ENTROPY, E_STORE, ReaderError

_TICKS_MASK = 0x3FFFFFFF  # where MicroPython's ticks wrap


class FakeClock:
    """A clock that stands still until the test moves it. It starts shortly before the ticks wrap."""

    def __init__(self, now=(2026, 3, 14, 15, 9, 26), ticks: int = _TICKS_MASK - 999):
        self._now = now
        self._ticks = ticks

    def ticks_ms(self) -> int:
        return self._ticks

    def now(self):
        return self._now

    def set(self, now) -> None:
        """Sets local time: (year, month, day, hour, minute, second)."""
        self._now = now

    def advance(self, ms: int) -> None:
        """Moves the ticks on, and leaves local time alone."""
        self._ticks = (self._ticks + ms) & _TICKS_MASK


class FixedEntropy:
    """Hands out the given bytes in order. Without bytes (None) the generator is broken: E_ENTROPY.

    AssertionError when more is asked for than was given: a test states all the randomness it uses.
    """

    def __init__(self, data: bytes | None):
        self._data = data
        self.used = 0

    def fill(self, buf) -> None:
        if self._data is None:
            raise ReaderError(E_ENTROPY)
        end = self.used + len(buf)
        if end > len(self._data):
            raise AssertionError(f"{len(buf)} bytes of entropy asked for, {len(self._data) - self.used} left")
        buf[:] = self._data[self.used : end]
        self.used = end


class MemoryStore:
    """A store in memory.

    At save number `fail_at` (from 1) the power goes: ReaderError(E_STORE), or `error` if one is given, and what is
    stored afterwards is the old state, or with `keeps_new` the new one: the two outcomes the contract allows.
    """

    def __init__(
        self,
        data: bytes | None = None,
        fail_at: int = 0,
        keeps_new: bool = False,
        error=None,
    ):
        self.data = data
        self.saves = 0
        self._fail_at = fail_at
        self._keeps_new = keeps_new
        self._error = error

    def load(self) -> bytes | None:
        return self.data

    def save(self, data) -> None:
        self.saves += 1
        fails = self.saves == self._fail_at
        if not fails or self._keeps_new:
            self.data = bytes(data)
        if fails:
            raise self._error or ReaderError(E_STORE)
