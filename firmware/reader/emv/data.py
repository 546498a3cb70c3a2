"""The data objects of one transaction, all in one buffer: EMV 4.4 Book 3, 5.5 and 10.2.

A row in the buffer is the tag (two bytes), the length (one byte), the value. A transaction holds from twenty to
eighty, so they are searched from the start, which costs no heap; what is not here is mostly known without a search.
"""

from micropython import const

from ..errors import E_DATA_FULL, E_TAG_DUPLICATE, E_TAG_FORMAT, E_TAG_MISSING, ReaderError
from ..util.wipe import wipe
from . import tag_formats

_HEADER = const(3)
_SEEN = const(32)


class DataStore:
    """`capacity` bytes, rows of 3 + length included. Put twice is E_TAG_DUPLICATE, one too many E_DATA_FULL."""

    def __init__(self, capacity: int):
        self._view = memoryview(bytearray(capacity))
        self._used = 0
        self._seen = bytearray(_SEEN)  # a bit for the last byte of each tag that was put

    def _find(self, tag: int) -> int:
        if not self._seen[tag >> 3 & 0x1F] & 1 << (tag & 7):
            return -1
        view = self._view
        at = 0
        high = tag >> 8
        low = tag & 0xFF
        while at < self._used:
            if view[at + 1] == low and view[at] == high:
                return at
            at += _HEADER + view[at + 2]
        return -1

    def get(self, tag: int) -> "memoryview | None":
        """The value, valid until `wipe`; None when it is not here."""
        at = self._find(tag)
        if at < 0:
            return None
        start = at + _HEADER
        return self._view[start : start + self._view[at + 2]]

    def need(self, tag: int) -> memoryview:
        """The value. Raises E_TAG_MISSING (detail: the tag)."""
        value = self.get(tag)
        if value is None:
            raise ReaderError(E_TAG_MISSING, tag)
        return value

    def put(self, tag: int, value) -> None:
        """Keep a data object of the reader's own.

        Raises E_TAG_FORMAT (also for a tag without a row in tag_formats), E_TAG_DUPLICATE, E_DATA_FULL.
        """
        row = tag_formats.row(tag)
        if row == tag_formats.UNKNOWN:
            raise ReaderError(E_TAG_FORMAT, tag)
        self._put(tag, row, value)

    def put_card(self, tag: int, value, source: int = tag_formats.CARD) -> bool:
        """Keep a data object that the card sent; False when it is none that a card supplies, and is ignored.

        A card that sends, say, an amount (9F02) of its own thus changes nothing. `source`: CONTACTLESS or
        RECORD for less, see tag_formats. Raises as `put`.
        """
        row = tag_formats.row(tag)
        if row == tag_formats.UNKNOWN or not tag_formats.is_from(row, source):
            return False
        self._put(tag, row, value)
        return True

    def put_issuer(self, tag: int, value) -> bool:
        """Keep a data object of the issuer's answer; False when it is none of those, and is ignored. Raises as `put`."""
        return self.put_card(tag, value, tag_formats.ISSUER)

    def set(self, tag: int, value) -> None:
        """Put or replace a data object of the reader's own, or one that the card sends again (a second cryptogram).

        A view on the old value shows the new one when the length is the same, zeros otherwise. Raises E_TAG_FORMAT,
        E_DATA_FULL; then the old one is still here.
        """
        row = tag_formats.row(tag)
        if row == tag_formats.UNKNOWN:
            raise ReaderError(E_TAG_FORMAT, tag)
        tag_formats.check(tag, row, value)
        old = self.get(tag)
        if old is None:
            self._append(tag, value)
        elif len(old) == len(value):
            old[:] = value
        else:
            at = self._find(tag)
            self._append(tag, value)
            self._forget(at)

    def drop(self, tag: int) -> None:
        """Forget one data object, if it is here: its value is zeroed where it stands, its place stays taken."""
        at = self._find(tag)
        if at >= 0:
            self._forget(at)

    def _forget(self, at: int) -> None:
        start = at + _HEADER
        wipe(self._view[start : start + self._view[at + 2]])
        self._view[at] = 0
        self._view[at + 1] = 0

    def _put(self, tag: int, row: int, value) -> None:
        # Book 3, 10.2: a primitive data object that comes twice ends the transaction
        if self._find(tag) >= 0:
            raise ReaderError(E_TAG_DUPLICATE, tag)
        tag_formats.check(tag, row, value)
        self._append(tag, value)

    def _append(self, tag: int, value) -> None:
        n = len(value)
        at = self._used
        if at + _HEADER + n > len(self._view):
            raise ReaderError(E_DATA_FULL, tag)
        view = self._view
        view[at] = tag >> 8
        view[at + 1] = tag & 0xFF
        view[at + 2] = n
        view[at + _HEADER : at + _HEADER + n] = value
        self._used = at + _HEADER + n
        self._seen[tag >> 3 & 0x1F] |= 1 << (tag & 7)

    def copy(self, end: int, out) -> memoryview:
        """The rows up to `end` (a former `used`) in `out`, for the caller to wipe and for `restore`."""
        rows = memoryview(out)[:end]
        rows[:] = self._view[:end]
        return rows

    def restore(self, rows) -> None:
        """Forget everything, and have what `copy` gave. Raises E_DATA_FULL."""
        self.wipe()
        at = 0
        while at < len(rows):
            end = at + _HEADER + rows[at + 2]
            self._append(rows[at] << 8 | rows[at + 1], memoryview(rows)[at + _HEADER : end])
            at = end

    @property
    def used(self) -> int:
        """Bytes of the buffer that hold something."""
        return self._used

    def wipe(self) -> None:
        """Forget everything and overwrite it."""
        wipe(self._view[: self._used])
        wipe(self._seen)
        self._used = 0
