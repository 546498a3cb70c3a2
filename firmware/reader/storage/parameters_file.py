"""The reader's parameters from one JSON file: terminal, host and contactless combinations.

Needed when the reader starts, and unloaded then (util/modules.py).

Nothing is guessed: a missing, unknown or malformed key is E_PARAMETERS, and its detail is the key's number:

     1 the file is missing, unreadable or longer than 8,192 bytes     2 not a JSON object     3 version
     4 unknown key outside the sections
    10 terminal      11 id  12 merchant  13 name  14 country  15 currency  16 exponent  17 type  18 capabilities
                     19 additional_capabilities  20 category  21 serial
    30 host          31 tpdu  32 header  33 batch  34 timeout_s  35 pin_codes
                     36 key_scheme  37 mac (also "ecb" under another scheme than master-session)
    40 contactless   41 aid  42 kernel  43 ttq  44 transaction_limit  45 cvm_limit  46 floor_limit
                     47 application_version  48 status_check  49 zero_amount  50 pan_ranges (account numbers that
                     may stand behind the AID: beginnings, or from-to; "62,510000-559999")  51 extended_selection

10, 30 and 40 are also an unknown key in that section; 40 also a list that is empty, longer than 8, or names a
combination of AID and kernel twice.
"""

from micropython import const

from ..errors import E_PARAMETERS, ReaderError
from .parameters import Parameters, Section

_FILE_MOST = const(8192)
_END = const(2)  # of seek: from the end of the file
_VERSION = const(1)
_COMBINATIONS_MOST = const(8)

_NO_FILE = const(1)
_NO_JSON = const(2)
_KEY_VERSION = const(3)
_UNKNOWN = const(4)
_TERMINAL = const(10)
_HOST = const(30)
_TPDU = const(31)
_MAC = const(37)
_CONTACTLESS = const(40)
_KERNEL = const(42)
_TTQ = const(43)

# Kinds of value, and what the two bounds of a row mean
_TEXT = const(1)  # printable ASCII; least and most characters
_DIGITS = const(2)  # a string of digits, kept as int; characters, greatest number
_HEX = const(3)  # a string of hexadecimal digits, kept as bytes; least and most bytes
_INT = const(4)  # least and greatest number
_OPTIONAL_INT = const(5)  # the same, or absent: None
_FLAG = const(6)  # true or false, absent: the first bound
_OPTIONAL_TEXT = const(7)  # as _TEXT, absent: empty
_RANGES = const(8)  # beginnings of account numbers, or from-to, with commas; digits of each; absent: None
_CHOICE = const(9)  # one of _CHOICES, from the first bound to the second; kept as its number from 1, absent: 1

# Key schemes, as dukpt/scheme.py numbers them, and MAC algorithms
_CHOICES = ("dukpt-tdes", "dukpt-aes", "master-session", "x919", "ecb")
_MASTER_SESSION = const(3)
_ECB = const(2)

_TPDU_ID = const(0x60)

# Kernels that this firmware has, and of each what it can keep of the qualifiers' promises (9F66; EMV Contactless
# Book C-3, annex A; Book C-7, 3.2.2): EMV mode, contact chip, online PIN, signature, offline data authentication for
# online authorisations, consumer device CVM; kernel 3 issuer update, kernel 7 version 01 of the signature. No magnetic
# stripe mode, no full contact flow by radio, no offline-only reader. Bits 8 and 7 of byte 2 are set per transaction
# (Book B, 3.1.1).
_TTQ_ALLOWED = ((3, b"\x37\x00\xc0\x00"), (7, b"\x37\x00\x40\x80"))
_TTQ1_EMV_MODE = const(0x20)

_TERMINAL_KEYS = (
    (11, "id", _TEXT, 8, 8),  # 9F1C, DE41
    (12, "merchant", _TEXT, 15, 15),  # 9F16, DE42
    (13, "name", _TEXT, 1, 40),  # 9F4E
    (14, "country", _DIGITS, 4, 999),  # 9F1A
    (15, "currency", _DIGITS, 4, 999),  # 5F2A, DE49
    (16, "exponent", _INT, 0, 4),  # 5F36
    (17, "type", _DIGITS, 2, 36),  # 9F35
    (18, "capabilities", _HEX, 3, 3),  # 9F33
    (19, "additional_capabilities", _HEX, 5, 5),  # 9F40
    (20, "category", _DIGITS, 4, 9999),  # 9F15
    (21, "serial", _TEXT, 8, 8),  # 9F1E
)
_HOST_KEYS = (
    (_TPDU, "tpdu", _HEX, 5, 5),
    (32, "header", _HEX, 6, 6),
    (33, "batch", _INT, 0, 999999),  # DE60
    (34, "timeout_s", _INT, 1, 300),
    (35, "pin_codes", _OPTIONAL_TEXT, 0, 20),  # DE39 by which the host asks for the PIN, like 1A,70
    (36, "key_scheme", _CHOICE, 0, 2),
    (_MAC, "mac", _CHOICE, 3, 4),  # of the packets of master-session
)
_CONTACTLESS_KEYS = (
    (41, "aid", _HEX, 5, 16),
    (_KERNEL, "kernel", _INT, 1, 255),
    (_TTQ, "ttq", _HEX, 4, 4),
    (44, "transaction_limit", _OPTIONAL_INT, 0, 999999999999),
    (45, "cvm_limit", _OPTIONAL_INT, 0, 999999999999),
    (46, "floor_limit", _OPTIONAL_INT, 0, 999999999999),
    (47, "application_version", _HEX, 2, 2),  # 9F09
    (48, "status_check", _FLAG, 0, 0),
    (49, "zero_amount", _FLAG, 1, 1),
    (50, "pan_ranges", _RANGES, 1, 12),
    (51, "extended_selection", _FLAG, 0, 0),
)


def load(path: str) -> Parameters:
    """Read and check the file at `path`. Raises E_PARAMETERS."""
    import json

    try:
        with open(path, "rb") as file:
            # Asked first: a buffer for the longest file would not fit a heap that other things have cut up
            size = file.seek(0, _END)
            if size > _FILE_MOST:
                raise ReaderError(E_PARAMETERS, _NO_FILE)
            file.seek(0)
            text = file.read(size)
    except OSError:
        raise ReaderError(E_PARAMETERS, _NO_FILE)
    try:
        document = json.loads(text)
    except ValueError:  # UnicodeError is one
        raise ReaderError(E_PARAMETERS, _NO_JSON)
    return parse(document)


def parse(document) -> Parameters:
    """Check what the file holds, as json gives it. Raises E_PARAMETERS."""
    if not isinstance(document, dict):
        raise ReaderError(E_PARAMETERS, _NO_JSON)
    if _value(document.get("version"), _INT, _VERSION, _VERSION) is None:
        raise ReaderError(E_PARAMETERS, _KEY_VERSION)
    for name in document:
        if name not in ("version", "terminal", "host", "contactless"):
            raise ReaderError(E_PARAMETERS, _UNKNOWN)
    terminal = _section(_TERMINAL, document.get("terminal"), _TERMINAL_KEYS)
    host = _section(_HOST, document.get("host"), _HOST_KEYS)
    # the UnionPay frame: a TPDU is 60, destination, source
    if host.tpdu[0] != _TPDU_ID:
        raise ReaderError(E_PARAMETERS, _TPDU)
    if host.mac == _ECB and host.key_scheme != _MASTER_SESSION:
        raise ReaderError(E_PARAMETERS, _MAC)
    host.terminal_id = terminal.id
    host.merchant_id = terminal.merchant
    return Parameters(terminal, host, _combinations(document.get("contactless")))


def _combinations(entries) -> tuple:
    if not isinstance(entries, list) or not 1 <= len(entries) <= _COMBINATIONS_MOST:
        raise ReaderError(E_PARAMETERS, _CONTACTLESS)
    combinations: list = []
    for entry in entries:
        combination = _section(_CONTACTLESS, entry, _CONTACTLESS_KEYS)
        _check_qualifiers(combination.kernel, combination.ttq)
        for other in combinations:
            if other.aid == combination.aid and other.kernel == combination.kernel:
                raise ReaderError(E_PARAMETERS, _CONTACTLESS)
            # Equal ones once: they stay in the heap as long as the reader runs
            if other.ttq == combination.ttq:
                combination.ttq = other.ttq
            if other.application_version == combination.application_version:
                combination.application_version = other.application_version
            if other.pan_ranges == combination.pan_ranges:
                combination.pan_ranges = other.pan_ranges
        combinations.append(combination)
    return tuple(combinations)


def _check_qualifiers(kernel: int, ttq: bytes) -> None:
    for number, allowed in _TTQ_ALLOWED:
        if number == kernel:
            for i in range(len(allowed)):
                if ttq[i] & (0xFF ^ allowed[i]):
                    raise ReaderError(E_PARAMETERS, _TTQ)
            if not ttq[0] & _TTQ1_EMV_MODE:
                raise ReaderError(E_PARAMETERS, _TTQ)
            return
    raise ReaderError(E_PARAMETERS, _KERNEL)


def _section(number: int, values, keys) -> Section:
    if not isinstance(values, dict):
        raise ReaderError(E_PARAMETERS, number)
    section = Section()
    for key, name, kind, low, high in keys:
        value = _value(values.get(name), kind, low, high)
        # None is also what a key of the wrong kind comes to; only an optional one may be absent
        if value is None and (kind not in (_OPTIONAL_INT, _RANGES) or name in values):
            raise ReaderError(E_PARAMETERS, key)
        setattr(section, name, value)
    for name in values:
        if not any(row[1] == name for row in keys):
            raise ReaderError(E_PARAMETERS, number)
    return section


def _value(value, kind: int, low: int, high: int):
    """The value as it is kept, or None when it is not of its kind or out of its bounds."""
    if kind == _OPTIONAL_TEXT:
        if value is None:
            return ""
        kind = _TEXT
    if kind == _CHOICE:
        if value is None:
            return 1
        return _CHOICES.index(value) - low + 1 if value in _CHOICES[low : high + 1] else None
    if kind == _FLAG:
        if value is None:
            return low == 1
        return value if isinstance(value, bool) else None
    if kind in (_INT, _OPTIONAL_INT):
        # a JSON true is no number, though in some Pythons bool is a kind of int
        return value if type(value) is int and low <= value <= high else None
    if not isinstance(value, str):
        return None
    if kind == _TEXT:
        return value if low <= len(value) <= high and all(" " <= c <= "~" for c in value) else None
    if kind == _DIGITS:
        if len(value) != low or not all("0" <= c <= "9" for c in value):
            return None
        return int(value) if int(value) <= high else None
    if kind == _RANGES:
        return value if all(_is_range(part, low, high) for part in value.split(",")) else None
    return _hex(value, low, high)


def _is_range(text: str, low: int, high: int) -> bool:
    """Digits, or as many digits with a hyphen between, the smaller number first."""
    first, hyphen, last = text.partition("-")
    for part in (first, last) if hyphen else (first,):
        if not low <= len(part) <= high or not all("0" <= c <= "9" for c in part):
            return False
    return not hyphen or (len(first) == len(last) and first <= last)


def _hex(value: str, low: int, high: int) -> "bytes | None":
    # bytes.fromhex would also take blanks
    if len(value) % 2 or not low <= len(value) // 2 <= high:
        return None
    if not all(c in "0123456789ABCDEFabcdef" for c in value):
        return None
    return bytes(int(value[i : i + 2], 16) for i in range(0, len(value), 2))
