"""What a transaction leaves for the host: a reversal that is due, results of issuer scripts, a sale approved offline.

Kept in a store until the phone has taken them over; nothing is ever overwritten. Stored: the last number given (2
bytes), then for each notice its number (2), its length (2) and its body, in the objects of the link; at the end the
CRC-16 of all before it (ISO/IEC 13239), against accidents.
"""

from micropython import const

from ..errors import E_NOTICES_FULL, E_STORE, ReaderError
from ..util.edc import crc16

_HEAD = const(2)
_ROW = const(4)
_CRC = const(2)
_MOST = const(3072)  # bytes of the store
_ROOM = const(1024)  # what one transaction may leave at the most


class Notices:
    """`store`: a ports.Store."""

    def __init__(self, store):
        self._store = store

    def create(self) -> None:
        """Once, when the reader is personalised."""
        if self._store.load() is None:
            self._save(bytearray(_HEAD))

    def check(self) -> int:
        """How many there are. Raises E_STORE when the store is empty, damaged, or not ours."""
        return len(self._rows(self._load()))

    def need_room(self) -> None:
        """Before a transaction begins. Raises E_NOTICES_FULL when it might have to leave more than there is room for."""
        if len(self._load()) + _ROOM > _MOST:
            raise ReaderError(E_NOTICES_FULL)

    def add(self, body) -> int:
        """Store one; its number. Raises E_NOTICES_FULL, E_STORE."""
        kept = self._load()
        if len(kept) + _ROW + len(body) > _MOST:
            raise ReaderError(E_NOTICES_FULL)
        number = (kept[0] << 8 | kept[1]) % 0xFFFF + 1
        kept[:_HEAD] = number.to_bytes(2, "big")
        self._save(kept + number.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body)
        return number

    def replace(self, number: int, body) -> None:
        """Notice `number` says something else now. Raises E_NOTICES_FULL, E_STORE."""
        kept = self._load()
        for at, end in self._rows(kept):
            if kept[at] << 8 | kept[at + 1] == number:
                if len(kept) - (end - at) + _ROW + len(body) > _MOST:
                    raise ReaderError(E_NOTICES_FULL)
                self._save(kept[: at + 2] + len(body).to_bytes(2, "big") + body + kept[end:])
                return
        raise ReaderError(E_STORE)

    def oldest(self) -> "tuple[int, bytes] | None":
        """Number and body of the first that is still here."""
        kept = self._load()
        rows = self._rows(kept)
        if not rows:
            return None
        at, end = rows[0]
        return kept[at] << 8 | kept[at + 1], bytes(kept[at + _ROW : end])

    def take(self, number: int) -> None:
        """The phone has notice `number`: forget it. One that is not here has been taken before."""
        kept = self._load()
        for at, end in self._rows(kept):
            if kept[at] << 8 | kept[at + 1] == number:
                self._save(kept[:at] + kept[end:])
                return

    def _rows(self, kept) -> list:
        """First and last-plus-one position of each notice, its number and length included."""
        rows = []
        at = _HEAD
        while at < len(kept):
            end = at + _ROW + (kept[at + 2] << 8 | kept[at + 3]) if at + _ROW <= len(kept) else 0
            if not at < end <= len(kept):
                raise ReaderError(E_STORE)
            rows.append((at, end))
            at = end
        return rows

    def _load(self) -> bytearray:
        stored = self._store.load()
        if stored is None or len(stored) < _HEAD + _CRC:
            raise ReaderError(E_STORE)
        kept = bytearray(stored)[:-_CRC]
        if crc16(kept).to_bytes(2, "big") != bytes(stored[-_CRC:]):
            raise ReaderError(E_STORE)
        return kept

    def _save(self, kept) -> None:
        self._store.save(bytes(kept) + crc16(kept).to_bytes(2, "big"))
