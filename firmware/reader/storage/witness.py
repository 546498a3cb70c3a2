"""Which generation of the key ring is the newest, where no copy of the ring tells it: bits in a partition of its own.

Two sectors, of which one is in use. It begins with a head of 32 bytes; a nibble for each number follows, from the first
behind the head's. Flash only clears bits, so a number's history is what is cleared of its nibble:

    8 RESERVED    the number is spent, whether or not its generation comes into being
    4 COMMITTED   its generation is the newest
    2 ABANDONED   it never will be
    1 SETTLED     nothing of another generation is left

Each bit is programmed by itself, after what it stands for. When the sector is full, the other one gets a head that says
where this one ended, and this one is erased: once in 8,128 generations. Head, 24 bytes: "mPW1", the last number that was
reserved (4), the newest generation (4), and the complement of these 12, so that half a head is none.
"""

from micropython import const

from ..errors import E_STORE, ReaderError

# detail of E_STORE (key_ring.py)
_CORRUPT = const(1)
_FAULT = const(4)

SECTORS = const(2)
RESERVED = const(8)
COMMITTED = const(4)
ABANDONED = const(2)
SETTLED = const(1)

_BLOCK = const(4096)
_ERASE = const(6)  # Flash.ioctl
_PIECE = const(128)
_HEAD = const(32)
_SAID = const(12)
_NUMBERS = const(8128)  # (_BLOCK - _HEAD) * 2
_MAGIC = b"mPW1"


class Witness:
    """What `journal` (reader.ports.Flash) says when this is made. `hint`: a number that may be the last; found the sooner then.

    is_there: somebody began it; generation: the newest; reserved: the last number that is spent; state: of that number,
    the bits that are programmed.
    """

    def __init__(self, journal, hint: int = 0):
        self._journal = journal
        self._sector = 0
        self._base = -1
        head = bytearray(2 * _SAID)
        for sector in range(SECTORS):
            read_into(journal, sector, head, 0)
            if head[:4] == _MAGIC and _is_whole(head):
                base = int.from_bytes(head[4:8], "big")
                if base > self._base:
                    self._base = base
                    self._sector = sector
                    self.generation = int.from_bytes(head[8:12], "big")
        self.is_there = self._base >= 0
        if not self.is_there:
            self.generation = self._base = 0
        # The first number that is not reserved
        low = 0
        high = _NUMBERS if self.is_there else 0
        hint -= self._base
        if 0 < hint < high and self._bits(hint - 1):
            low = hint
            if hint + 1 < high and not self._bits(hint + 1):
                high = hint + 1
        while low < high:
            middle = (low + high) // 2
            if self._bits(middle):
                low = middle + 1
            else:
                high = middle
        self.reserved = self._base + low
        self.state = self._bits(low - 1) if low else COMMITTED | SETTLED
        while low:
            low -= 1
            bits = self._bits(low)
            if bits & COMMITTED and not bits & ABANDONED:
                self.generation = self._base + low + 1
                break

    def begin(self) -> None:
        """For the first time, or again from the beginning: both sectors anew, no generation."""
        self.generation = self._base = self.reserved = 0
        self._renew()

    def reserve(self) -> int:
        """A number that was never given before. Raises E_STORE."""
        if self.reserved - self._base == _NUMBERS:
            self._base = self.reserved
            self._renew()
        self.reserved += 1
        self.state = 0
        self.mark(RESERVED)
        return self.reserved

    def mark(self, bit: int) -> None:
        """One more bit of the last number that was reserved. Raises E_STORE."""
        index = self.reserved - self._base - 1
        if index < 0:
            return
        program(self._journal, self._sector, bytes((0xFF ^ bit << 4 * (index & 1),)), _HEAD + index // 2)
        self.state |= bit
        if self._bits(index) & bit == 0:
            raise ReaderError(E_STORE, _FAULT)
        if bit == COMMITTED:
            self.generation = self.reserved

    def _bits(self, index: int) -> int:
        one = bytearray(1)
        read_into(self._journal, self._sector, one, _HEAD + index // 2)
        return (one[0] >> 4 * (index & 1) & 15) ^ 15

    def _renew(self) -> None:
        old = self._sector
        self._sector = old ^ 1
        erase(self._journal, self._sector)
        said = _MAGIC + self._base.to_bytes(4, "big") + self.generation.to_bytes(4, "big")
        program(self._journal, self._sector, said + bytes([byte ^ 0xFF for byte in said]), 0)
        erase(self._journal, old)


def _is_whole(head) -> bool:
    """Whether the second half of a head is the complement of the first."""
    return int.from_bytes(head[:_SAID], "big") ^ int.from_bytes(head[_SAID:], "big") == (1 << 8 * _SAID) - 1


def read_into(flash, sector: int, out, offset: int) -> None:
    """Fill `out`. Raises E_STORE."""
    try:
        flash.readblocks(sector, out, offset)
    except OSError:
        raise ReaderError(E_STORE, _FAULT)


def program(flash, sector: int, data, offset: int) -> None:
    """Raises E_STORE."""
    try:
        flash.writeblocks(sector, data, offset)
    except OSError:
        raise ReaderError(E_STORE, _FAULT)


def is_erased(flash, sector: int) -> bool:
    """Whether every bit of the sector is set."""
    piece = bytearray(_PIECE)
    blank = b"\xff" * _PIECE
    for at in range(0, _BLOCK, _PIECE):
        read_into(flash, sector, piece, at)
        if piece != blank:
            return False
    return True


def erase(flash, sector: int) -> None:
    """Raises E_STORE, also when something is left."""
    try:
        failed = flash.ioctl(_ERASE, sector)
    except OSError:
        failed = True
    if failed or not is_erased(flash, sector):
        raise ReaderError(E_STORE, _FAULT)
