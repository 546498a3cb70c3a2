"""BER-TLV data objects as EMV uses them: EMV 4.4 Book 3, Annex B (ISO 8825-1 with definite lengths).

Bounds: tags of 1 to 3 bytes, length fields of 1 to 3 bytes (values up to 65,535 bytes), templates nested to
`DEPTH_MOST`. Whatever breaks a bound, or ends too early, is E_TLV. A length may be coded in more bytes than it
needs (BER, not DER). Bytes 00 before, between and after data objects are padding (Book 3, Annex B1).

A parsed value is a view on the caller's buffer: it lives as long as the buffer stays untouched.
"""

from micropython import const

from ..errors import E_TAG_DUPLICATE, E_TAG_MISSING, E_TLV, ReaderError

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Iterator

_DEPTH_MOST = const(6)
_TAG_BYTES_MOST = const(3)
_CONSTRUCTED = const(0x20)
_MULTI_BYTE = const(0x1F)
_MORE = const(0x80)
_LENGTH_1 = const(0x81)
_LENGTH_2 = const(0x82)

DEPTH_MOST = _DEPTH_MOST


def skip_padding(data, at: int) -> int:
    """The first position from `at` on that holds no padding 00 (Book 3, Annex B1)."""
    n = len(data)
    while at < n and data[at] == 0:
        at += 1
    return at


def read_tag(data, at: int) -> tuple[int, int]:
    """The tag at `at` and the position after it. Raises E_TLV when it is cut off or too long."""
    n = len(data)
    if at >= n:
        raise ReaderError(E_TLV)
    tag = data[at]
    at += 1
    if tag & _MULTI_BYTE != _MULTI_BYTE:
        return tag, at
    # Book 3, Annex B1: subsequent bytes; bit 8 says that another one follows
    for i in range(1, _TAG_BYTES_MOST):
        if at >= n:
            raise ReaderError(E_TLV)
        byte = data[at]
        at += 1
        # ISO 8825-1, 8.1.2.4.2: the first subsequent byte has a bit among 7 to 1
        if i == 1 and byte & 0x7F == 0:
            raise ReaderError(E_TLV)
        tag = tag << 8 | byte
        if not byte & _MORE:
            return tag, at
    raise ReaderError(E_TLV)


def read_length(data, at: int) -> tuple[int, int]:
    """The length at `at` and the position after it. Raises E_TLV: cut off, indefinite, or longer than 3 bytes."""
    n = len(data)
    if at >= n:
        raise ReaderError(E_TLV)
    first = data[at]
    at += 1
    if first < _MORE:
        return first, at
    # Book 3, Annex B2: one or two length bytes follow; 80 (indefinite) is not used
    if first == _LENGTH_1 and at < n:
        return data[at], at + 1
    if first == _LENGTH_2 and at + 1 < n:
        return data[at] << 8 | data[at + 1], at + 2
    raise ReaderError(E_TLV)


def read(data, at: int = 0) -> tuple[int, int, int]:
    """Tag, first and last-plus-one position of the value of the data object at `at`. Raises E_TLV."""
    tag, at = read_tag(data, at)
    length, at = read_length(data, at)
    if length > len(data) - at:
        raise ReaderError(E_TLV)
    return tag, at, at + length


def is_constructed(tag: int) -> bool:
    """Bit 6 of the first byte of the tag (Book 3, Annex B1)."""
    while tag > 0xFF:
        tag >>= 8
    return tag & _CONSTRUCTED != 0


def objects(data) -> "Iterator[tuple[int, memoryview]]":
    """Each data object of one level: (tag, value). Raises E_TLV at the first that is broken."""
    view = memoryview(data)
    at = skip_padding(view, 0)
    while at < len(view):
        tag, start, at = read(view, at)
        yield tag, view[start:at]
        at = skip_padding(view, at)


def check(data, depth: int = _DEPTH_MOST) -> None:
    """Read everything, templates included, down to `depth` levels. Raises E_TLV."""
    if depth <= 0:
        raise ReaderError(E_TLV)
    for tag, value in objects(data):
        if is_constructed(tag):
            check(value, depth - 1)


def only(data, tag: int) -> memoryview:
    """The value of the one data object `tag` that, padding aside, is all of `data`. Raises E_TLV."""
    view = memoryview(data)
    found, start, end = read(view, skip_padding(view, 0))
    if found != tag or skip_padding(view, end) != len(view):
        raise ReaderError(E_TLV)
    return view[start:end]


def find(data, *path: int) -> "memoryview | None":
    """The value at `path`: a tag of this level, then one inside it, and so on. None when a step is missing.

    Every level that is passed is read to its end. Raises E_TLV, and E_TAG_DUPLICATE (detail: the tag) when a level
    holds the tag twice, since it is then not said which one counts.
    """
    if len(path) > _DEPTH_MOST:
        raise ReaderError(E_TLV)
    found: memoryview | None = memoryview(data)
    for wanted in path:
        inside = found
        found = None
        for tag, value in objects(inside):
            if tag == wanted:
                if found is not None:
                    raise ReaderError(E_TAG_DUPLICATE, wanted)
                found = value
        if found is None:
            return None
    return found


def need(data, *path: int) -> memoryview:
    """As `find`; raises E_TAG_MISSING (detail: the last tag of the path) instead of returning None."""
    value = find(data, *path)
    if value is None:
        raise ReaderError(E_TAG_MISSING, path[-1])
    return value


class Writer:
    """Data objects one after the other into the caller's buffer; `length` bytes are filled."""

    def __init__(self, out):
        self._out = out
        self.length = 0

    def _byte(self, value: int) -> None:
        self._out[self.length] = value
        self.length += 1

    def put(self, tag: int, value) -> "Writer":
        """Append one object, its length in as few bytes as it needs. Raises E_TLV when it does not fit."""
        n = len(value)
        if tag > 0xFFFFFF or n > 0xFFFF or self.length + size_of(tag, n) > len(self._out):
            raise ReaderError(E_TLV)
        if tag > 0xFFFF:
            self._byte(tag >> 16)
        if tag > 0xFF:
            self._byte(tag >> 8 & 0xFF)
        self._byte(tag & 0xFF)
        if n > 0xFF:
            self._byte(_LENGTH_2)
            self._byte(n >> 8)
        elif n > 0x7F:
            self._byte(_LENGTH_1)
        self._byte(n & 0xFF)
        self._out[self.length : self.length + n] = value
        self.length += n
        return self


def size_of(tag: int, length: int) -> int:
    """Bytes that a data object takes whose value has `length` bytes."""
    tag_bytes = 1 if tag <= 0xFF else 2 if tag <= 0xFFFF else 3
    return tag_bytes + (1 if length < _MORE else 2 if length <= 0xFF else 3) + length
