"""ISO 8583:1987 messages with a binary bitmap of 64 fields, strict in both directions.

A dialect is anything with a table `FIELDS`: constant bytes, four for each field in ascending order - field number,
value kind, bytes of its BCD length prefix (0: fixed length; at most 2), greatest length. Lengths count what the kind
holds: digits, characters or bytes.

Values: str of digits (N, N_LEFT), str (AN, TEXT), bytes-like (B). Errors carry the field number as detail, 0 for
the message itself.
"""

from binascii import hexlify, unhexlify

from micropython import const

from reader.errors import E_ISO_FIELD, E_ISO_FORMAT, E_ISO_LENGTH, ReaderError

# Value kinds. Digits are packed, two to a byte; what fills an odd number of them to whole bytes is a zero
N = const(1)  # digits at the right, the filler before them
N_LEFT = const(2)  # digits at the left, the filler behind them
AN = const(3)  # ASCII letters, digits and blanks
TEXT = const(4)  # any printable ASCII
B = const(5)  # bytes

_ROW = const(4)
_LONGEST = const(1024)
_HEAD = const(10)  # message type and bitmap


def pack(dialect, mti: str, fields, out) -> int:
    """Write the message into `out` (bytearray or view) and return its length.

    `mti`: four digits. `fields`: {number: value}. Raises E_ISO_FIELD for a field that the dialect has not,
    E_ISO_FORMAT for a value of the wrong kind, E_ISO_LENGTH when it is too short or long or `out` is too small.
    """
    room = min(len(out), _LONGEST)
    if len(mti) != 4 or not mti.isdigit():
        raise ReaderError(E_ISO_FORMAT)
    if room < _HEAD:
        raise ReaderError(E_ISO_LENGTH)
    out[0:2] = unhexlify(mti)
    out[2:_HEAD] = bytes(_HEAD - 2)
    at = _HEAD
    left = len(fields)
    table = dialect.FIELDS
    for row in range(0, len(table), _ROW):
        number = table[row]
        if number not in fields:
            continue
        left -= 1
        kind = table[row + 1]
        prefix = table[row + 2]
        data, length = _encode(number, kind, fields[number])
        if length > table[row + 3] or (not prefix and length < table[row + 3]) or not length:
            raise ReaderError(E_ISO_LENGTH, number)
        end = at + prefix + len(data)
        if end > room:
            raise ReaderError(E_ISO_LENGTH, number)
        # Arithmetic, since formatting a number takes as many instructions as all the rest of a field
        if prefix > 1:
            out[at] = length // 1000 << 4 | length // 100 % 10
            at += 1
        if prefix:
            out[at] = length // 10 % 10 << 4 | length % 10
            at += 1
        out[at:end] = data
        at = end
        out[2 + ((number - 1) >> 3)] |= 0x80 >> ((number - 1) & 7)
    if left:
        raise ReaderError(E_ISO_FIELD, _stranger(table, fields))
    return at


def unpack(dialect, data):
    """(mti, {number: value}) of a whole message; B values are views on `data`.

    Raises E_ISO_FIELD for a field that the dialect has not, E_ISO_FORMAT for digits, fillers or characters that
    are none, E_ISO_LENGTH when a field reaches past the end or its prefix past the limit, or bytes are left over.
    """
    view = memoryview(data)
    size = len(view)
    if not _HEAD <= size <= _LONGEST:
        raise ReaderError(E_ISO_LENGTH)
    mti = _digits(view[0:2], 0)
    table = dialect.FIELDS
    rows = _announced(table, bytearray(view[2:_HEAD]))
    fields = {}
    at = _HEAD
    for row in rows:
        number = table[row]
        kind = table[row + 1]
        prefix = table[row + 2]
        length = table[row + 3]
        if prefix:
            if at + prefix > size:
                raise ReaderError(E_ISO_LENGTH, number)
            said = 0
            while prefix:
                pair = view[at]
                if pair > 0x99 or pair & 15 > 9:
                    raise ReaderError(E_ISO_FORMAT, number)
                said = said * 100 + (pair >> 4) * 10 + (pair & 15)
                at += 1
                prefix -= 1
            if not 0 < said <= length:
                raise ReaderError(E_ISO_LENGTH, number)
            length = said
        end = at + ((length + 1) >> 1 if kind <= N_LEFT else length)
        if end > size:
            raise ReaderError(E_ISO_LENGTH, number)
        fields[number] = _decode(number, kind, length, view[at:end])
        at = end
    if at != size:
        raise ReaderError(E_ISO_LENGTH)
    return mti, fields


def _encode(number: int, kind: int, value):
    """(bytes of the value, its length in digits, characters or bytes)."""
    if kind == B:
        if isinstance(value, str):
            raise ReaderError(E_ISO_FORMAT, number)
        return value, len(value)
    if not isinstance(value, str):
        raise ReaderError(E_ISO_FORMAT, number)
    length = len(value)
    if kind <= N_LEFT:
        if length and not value.isdigit():
            raise ReaderError(E_ISO_FORMAT, number)
        if length & 1:
            value = "0" + value if kind == N else value + "0"
        return unhexlify(value), length
    data = value.encode()
    _check_text(number, kind, data)
    return data, length


def _decode(number: int, kind: int, length: int, view):
    if kind == B:
        return view
    if kind <= N_LEFT:
        digits = _digits(view, number)
        if not length & 1:
            return digits
        if digits[0 if kind == N else -1] != "0":
            raise ReaderError(E_ISO_FORMAT, number)
        return digits[1:] if kind == N else digits[:-1]
    data = bytes(view)
    _check_text(number, kind, data)
    return data.decode()


def _announced(table, bitmap: bytearray) -> list[int]:
    """Rows of the fields in the bitmap, which is used up. Raises E_ISO_FIELD for the lowest that is in no row."""
    rows = []
    for row in range(0, len(table), _ROW):
        bit = table[row] - 1
        mask = 0x80 >> (bit & 7)
        bit >>= 3
        if bitmap[bit] & mask:
            bitmap[bit] ^= mask
            rows.append(row)
    for i in range(8):
        if bitmap[i]:
            bit = 0
            while not bitmap[i] & (0x80 >> bit):
                bit += 1
            raise ReaderError(E_ISO_FIELD, 8 * i + bit + 1)
    return rows


def _digits(view, number: int) -> str:
    """Digits of packed bytes. Raises E_ISO_FORMAT."""
    digits = hexlify(view).decode()
    if not digits.isdigit():
        raise ReaderError(E_ISO_FORMAT, number)
    return digits


def _check_text(number: int, kind: int, data) -> None:
    if kind == TEXT:
        if len(data) and (min(data) < 0x20 or max(data) > 0x7E):
            raise ReaderError(E_ISO_FORMAT, number)
        return
    if data.isdigit() or data.isalpha():  # most are; these look at ASCII alone
        return
    for c in data:
        if not (0x30 <= c <= 0x39 or 0x41 <= c <= 0x5A or 0x61 <= c <= 0x7A or c == 0x20):
            raise ReaderError(E_ISO_FORMAT, number)


def _stranger(table, fields) -> int:
    """The lowest field number that is not in the table."""
    for number in sorted(fields):
        for row in range(0, len(table), _ROW):
            if table[row] == number:
                break
        else:
            return number
    return 0
