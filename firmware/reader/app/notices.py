"""What a transaction leaves for the host: a reversal that is due, results of issuer scripts, a sale approved offline.

Kept in a store until the phone has taken them over; nothing is ever overwritten. Stored: the last number given (2
bytes), then for each notice its number (2), its length (2) and its body, in the objects of the link; at the end the
CRC-16 of all before it (ISO/IEC 13239), against accidents.

What is stored also stands in a buffer that is there from the start: no notice is lost for want of memory.
"""

from micropython import const

from ..errors import E_NOTICES_FULL, E_STORE, ReaderError
from ..util.edc import crc16

_HEAD = const(2)
_ROW = const(4)
_CRC = const(2)
_MOST = const(1536)  # bytes of the store, the CRC not counted
_ROOM = const(512)  # what one transaction may leave at the most: a reversal, and a sale to be cleared

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from ..ports import Store


class Notices:
    """`store`: what keeps them when the power goes. One task at a time; nothing here waits."""

    def __init__(self, store: "Store"):
        self._store = store
        self._kept = memoryview(bytearray(_MOST + _CRC))
        self._end = 0  # of what is stored, the CRC not counted; 0: it must be read first

    def create(self) -> None:
        """Once, when the reader is personalised."""
        if self._store.load() is None:
            self._put(0, 0)
            self._save(_HEAD)

    def check(self) -> int:
        """How many there are. Raises E_STORE when the store is empty, damaged, or not ours."""
        self._load()
        count = 0
        at = _HEAD
        while at < self._end:
            at = self._after(at)
            count += 1
        return count

    def need_room(self) -> None:
        """Before a transaction begins. Raises E_NOTICES_FULL when it might have to leave more than there is room for."""
        self._load()
        if self._end + _ROOM > _MOST:
            raise ReaderError(E_NOTICES_FULL)

    def add(self, body) -> int:
        """Store one; its number. Raises E_NOTICES_FULL, E_STORE."""
        self._load()
        number = self._get(0) % 0xFFFF + 1
        self._splice(self._end, self._end, number, body)
        return number

    def replace(self, number: int, body) -> None:
        """Notice `number` says something else now. Raises E_NOTICES_FULL, E_STORE."""
        at = self._find(number)
        if at < 0:
            raise ReaderError(E_STORE)
        self._splice(at, self._after(at), number, body)

    def oldest(self) -> "tuple[int, bytes] | None":
        """Number and body of the first that is still here."""
        self._load()
        if self._end == _HEAD:
            return None
        return self._get(_HEAD), bytes(self._kept[_HEAD + _ROW : self._after(_HEAD)])

    def take(self, number: int) -> None:
        """The phone has notice `number`: forget it. One that is not here has been taken before."""
        at = self._find(number)
        if at >= 0:
            self._splice(at, self._after(at), 0, b"")

    def _find(self, number: int) -> int:
        """Where notice `number` begins, or -1."""
        self._load()
        at = _HEAD
        while at < self._end:
            if self._get(at) == number:
                return at
            at = self._after(at)
        return -1

    def _after(self, at: int) -> int:
        """Where the notice that begins at `at` ends."""
        end = at + _ROW + self._get(at + 2) if at + _ROW <= self._end else 0
        if not at < end <= self._end:
            raise ReaderError(E_STORE)
        return end

    def _splice(self, at: int, after: int, number: int, body) -> None:
        """Store notice `number` (0: none) in the place of what stands from `at` to `after`."""
        kept = self._kept
        end = self._end
        size = _ROW + len(body) if number else 0
        new_end = end + size - (after - at)
        if new_end > _MOST:
            raise ReaderError(E_NOTICES_FULL)
        self._end = 0  # until it is stored, the old state is the one that counts
        kept[at + size : new_end] = kept[after:end]
        if number:
            if at == end:
                self._put(0, number)
            self._put(at, number)
            self._put(at + 2, len(body))
            kept[at + _ROW : at + size] = body
        self._save(new_end)

    def _get(self, at: int) -> int:
        return self._kept[at] << 8 | self._kept[at + 1]

    def _put(self, at: int, value: int) -> None:
        self._kept[at] = value >> 8
        self._kept[at + 1] = value & 0xFF

    def _load(self) -> None:
        if self._end:
            return
        stored = self._store.load()
        if stored is None or not _HEAD + _CRC <= len(stored) <= _MOST + _CRC:
            raise ReaderError(E_STORE)
        self._kept[: len(stored)] = stored
        end = len(stored) - _CRC
        if crc16(self._kept[:end]) != self._get(end):
            raise ReaderError(E_STORE)
        self._end = end

    def _save(self, end: int) -> None:
        self._put(end, crc16(self._kept[:end]))
        self._store.save(self._kept[: end + _CRC])
        self._end = end
