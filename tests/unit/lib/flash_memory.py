"""Raw flash in memory, with NOR semantics and power that goes at any operation; and a key ring in it.

power = Power()
keys, journal, secret = ring_parts(power)
power.cut(3, shape)                          the third operation from now on is the last, and not whole
try: KeyRing(keys, journal, secret).write(...)
except PowerCut: power.restore()
"""

import sys

from reader.storage.key_ring import KeyRing

BLOCK = 4096
# In how many ways an operation can be cut. A board takes one of them: what it adds is another processor, and minutes
SHAPES = 6 if sys.platform == "linux" else 1
_BLANK = b"\xff" * 64


class PowerCut(Exception):
    """The device is off: nothing that runs may go on. Not a ReaderError, and not an OSError."""


class Power:
    """What the parts of one device hang on. `operations`: how many programs, erases and saves there were."""

    def __init__(self):
        self.operations = 0
        self._cut_at = 0
        self._is_off = False
        self.shape = 0

    def cut(self, at: int, shape: int = 0) -> None:
        """At operation `at` (1: the next one) the power goes; `shape` (below SHAPES): what is done of it."""
        self._cut_at = self.operations + at
        self.shape = shape

    def restore(self) -> bool:
        """The power is back, and stays. True: it had gone."""
        was_off = self._is_off
        self._is_off = False
        self._cut_at = 0
        return was_off

    def is_last(self) -> bool:
        """For the parts, before each operation. Raises PowerCut when the device is off already."""
        self.live()
        self.operations += 1
        self._is_off = self.operations == self._cut_at
        return self._is_off

    def live(self) -> None:
        if self._is_off:
            raise PowerCut


class FlashMemory:
    """reader.ports.Flash. Only what was programmed takes memory.

    `erases`: how many of each sector; `fails`: every operation raises OSError; `sticks`: bits are no longer cleared.
    """

    def __init__(self, sectors: int = 16, power: Power = None, cut_at: int = 0, shape: int = 0):
        self.power = power or Power()
        self.erases = [0] * sectors
        self.fails = False
        self.sticks = False
        self._sectors = {}
        if cut_at:
            self.power.cut(cut_at, shape)

    def image(self, sector: int) -> bytearray:
        """The sector's bytes up to the last that is not FF: for tests to look at, and to spoil."""
        kept = self._sectors.get(sector)
        if kept is None:
            kept = self._sectors[sector] = bytearray()
        return kept

    def copy(self) -> dict:
        """An image of all of it, for `put_back`."""
        return {sector: bytes(kept) for sector, kept in self._sectors.items()}

    def put_back(self, image: dict) -> None:
        self._sectors.clear()  # first: the heap is small
        for sector, kept in image.items():
            self._sectors[sector] = bytearray(kept)

    def readblocks(self, block, buf, offset=0):
        self._bounds(block, offset, len(buf))
        kept = self._sectors.get(block, b"")
        n = max(0, min(len(buf), len(kept) - offset))
        if n:
            buf[:n] = kept[offset : offset + n]
        for at in range(n, len(buf), len(_BLANK)):
            k = min(len(_BLANK), len(buf) - at)
            buf[at : at + k] = _BLANK[:k]

    def writeblocks(self, block, buf, offset):
        self._bounds(block, offset, len(buf))
        if offset % BLOCK + len(buf) > BLOCK:
            raise AssertionError("a program across sectors")
        cut = self.power.is_last()
        if self.sticks:
            return
        kept = self.image(block)
        end = offset + len(buf)
        while len(kept) < end:
            kept += _BLANK[: end - len(kept)]
        if not cut:
            for i in range(len(buf)):
                kept[offset + i] &= buf[i]
            return
        for i in range(len(buf)):
            kept[offset + i] &= buf[i] | self._spared(i, len(buf))
        raise PowerCut

    def ioctl(self, op, arg):
        if op == 4:
            return len(self.erases)
        if op == 5:
            return BLOCK
        if op != 6:
            return None
        self._bounds(arg, 0, 0)
        cut = self.power.is_last()
        self.erases[arg] += 1
        if not cut:
            self._sectors.pop(arg, None)
            return 0
        kept = self.image(arg)
        for i in range(len(kept)):
            kept[i] |= 0xFF ^ self._spared(i, len(kept))
        raise PowerCut

    def _spared(self, i, n):
        """Bits of byte i of n that the cut operation does not reach."""
        shape = self.power.shape
        if shape == 0:
            return 0xFF
        if shape == 1:
            return 0
        if shape == 2:
            return 0 if i < n // 2 else 0xFF
        if shape == 3:
            return 0xFF if i < n // 2 else 0
        if shape == 4:
            return (i * 37 ^ i >> 3) * 151 & 0xFF  # some bits here and there
        return 0xFF if i == n - 1 else 0

    def _bounds(self, block, offset, length):
        self.power.live()
        if self.fails:
            raise OSError(5)
        if not (0 <= block < len(self.erases) and offset >= 0 and offset + length <= BLOCK):
            raise AssertionError("outside of the flash")


class PoweredStore:
    """reader.ports.Store on the same power: a cut save is the old state, or the new one (odd shapes)."""

    def __init__(self, power: Power, data=None):
        self.data = data
        self._power = power

    def load(self):
        self._power.live()
        return None if self.data is None else bytearray(self.data)

    def save(self, data) -> None:
        cut = self._power.is_last()
        if not cut or self._power.shape & 1:
            self.data = bytes(data)
        if cut:
            raise PowerCut


class Counting:
    """reader.ports.Entropy whose bytes count up from `seed`: never for anything but tests."""

    def __init__(self, seed: int = 1):
        self._next = seed

    def fill(self, buf) -> None:
        for i in range(len(buf)):
            buf[i] = self._next & 0xFF
            self._next += 1


def ring_parts(power: Power = None):
    """Blank: keys, journal, secret. `power` is in each of them."""
    power = power or Power()
    return FlashMemory(16, power), FlashMemory(8, power), PoweredStore(power)


def new_ring(*changes, power: Power = None) -> KeyRing:
    """A ring that was created, with these (section, bytes) in it."""
    ring = KeyRing(*ring_parts(power))
    ring.create(Counting())
    if changes:
        ring.write(changes)
    return ring
