"""The data objects of one transaction, all in one buffer: EMV 4.4 Book 3, 5.5 and 10.2.

A row in the buffer is the tag (two bytes), the length (one byte), the value. A transaction holds about forty, so
they are searched from the start, which costs no heap.
"""

from micropython import const

from ..errors import E_DATA_FULL, E_TAG_DUPLICATE, E_TAG_FORMAT, E_TAG_MISSING, ReaderError
from ..util.wipe import wipe
from . import tag_formats

_HEADER = const(3)


class DataStore:
    """`capacity` bytes, rows of 3 + length included. Put twice is E_TAG_DUPLICATE, one too many E_DATA_FULL."""

    def __init__(self, capacity: int):
        self._buffer = bytearray(capacity)
        self._view = memoryview(self._buffer)
        self._used = 0

    def _find(self, tag: int) -> int:
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

    def put_card(self, tag: int, value) -> bool:
        """Keep a data object that the card sent; False when it is none that a card supplies, and is ignored.

        A card that sends, say, an amount (9F02) of its own thus changes nothing. Raises as `put`.
        """
        row = tag_formats.row(tag)
        if row == tag_formats.UNKNOWN or not tag_formats.from_card(row):
            return False
        self._put(tag, row, value)
        return True

    def _put(self, tag: int, row: int, value) -> None:
        # Book 3, 10.2: a primitive data object that comes twice ends the transaction
        # Two bytes that stand nowhere are no tag either: that spares most tags, which are new, the search by rows
        if self._buffer.find(tag.to_bytes(2, "big"), 0, self._used) >= 0 and self._find(tag) >= 0:
            raise ReaderError(E_TAG_DUPLICATE, tag)
        tag_formats.check(tag, row, value)
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

    @property
    def used(self) -> int:
        """Bytes of the buffer that hold something."""
        return self._used

    def wipe(self) -> None:
        """Forget everything and overwrite it."""
        wipe(self._view[: self._used])
        self._used = 0
