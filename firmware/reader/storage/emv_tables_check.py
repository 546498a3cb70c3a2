"""The whole file of applications and keys, read once when the reader starts, and unloaded then (app/modules.py).

What the numbers mean is in emv_tables.py.
"""

from micropython import const

from ..crypto import rsa
from ..errors import E_PARAMETERS, ReaderError
from .emv_tables import (
    EXCEPTED,
    HEAD,
    NO_TLV,
    RECORD_MOST,
    REVOKED,
    TOO_LONG,
    Application,
    Capk,
    open_file,
    read_into,
    records,
)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_UNKNOWN = const(63)
_APPLICATION = const(64)
_AID_TWICE = const(65)
_KEY = const(66)
_CHECKSUM = const(67)
_KEY_ORDER = const(68)
_LIST = const(69)

_TAG_9F09_APPLICATION_VERSION_NUMBER_TERMINAL = const(0x9F09)
_TAG_9F1B_TERMINAL_FLOOR_LIMIT = const(0x9F1B)
_TAG_9F7B_ELECTRONIC_CASH_TERMINAL_LIMIT = const(0x9F7B)
_TAG_DF05_CAPK_EXPIRATION_DATE = const(0xDF05)
_TAG_DF06_CAPK_HASH_ALGORITHM = const(0xDF06)
_TAG_DF07_CAPK_ALGORITHM = const(0xDF07)
_TAG_DF11_TERMINAL_ACTION_CODE_DEFAULT = const(0xDF11)
_TAG_DF12_TERMINAL_ACTION_CODE_ONLINE = const(0xDF12)
_TAG_DF13_TERMINAL_ACTION_CODE_DENIAL = const(0xDF13)
_TAG_DF15_RANDOM_SELECTION_THRESHOLD = const(0xDF15)
_TAG_DF16_RANDOM_SELECTION_MAXIMUM_TARGET = const(0xDF16)
_TAG_DF17_RANDOM_SELECTION_TARGET = const(0xDF17)
_TAG_DF18_ONLINE_PIN_CAPABILITY = const(0xDF18)

_TAG_E1_APPLICATION_RECORD = const(0xE1)
_TAG_E2_CAPK_RECORD = const(0xE2)
_TAG_E3_REVOKED_CERTIFICATE_RECORD = const(0xE3)
_TAG_E4_EXCEPTION_RECORD = const(0xE4)

_AID_LEAST = const(5)
_AID_MOST = const(16)
_ALGORITHM = b"\x01"  # SHA-1 and RSA: Book 2, B2.4, B3.1

_NO_DATE = b"\0\0\0\0"

# Bytes of the values that have one length
_LENGTHS = (
    (_TAG_9F09_APPLICATION_VERSION_NUMBER_TERMINAL, 2),
    (_TAG_DF11_TERMINAL_ACTION_CODE_DEFAULT, 5),
    (_TAG_DF12_TERMINAL_ACTION_CODE_ONLINE, 5),
    (_TAG_DF13_TERMINAL_ACTION_CODE_DENIAL, 5),
    (_TAG_9F1B_TERMINAL_FLOOR_LIMIT, 4),
    (_TAG_DF15_RANDOM_SELECTION_THRESHOLD, 4),
    (_TAG_DF16_RANDOM_SELECTION_MAXIMUM_TARGET, 1),
    (_TAG_DF17_RANDOM_SELECTION_TARGET, 1),
    (_TAG_DF18_ONLINE_PIN_CAPABILITY, 1),
    (_TAG_9F7B_ELECTRONIC_CASH_TERMINAL_LIMIT, 6),
)


def check(path: str) -> None:
    """Raises E_PARAMETERS, detail 60 to 69."""
    names: list = []
    last = b""
    head = bytearray(HEAD)
    with open_file(path) as file:
        for kind, start, length in records(file, 0, head):
            if kind == _TAG_E1_APPLICATION_RECORD:
                name = _application(_read(file, start, length))
                if name in names:
                    raise ReaderError(E_PARAMETERS, _AID_TWICE)
                names.append(name)
            elif kind == _TAG_E2_CAPK_RECORD:
                name = _key(_read(file, start, length))
                if name <= last:
                    raise ReaderError(E_PARAMETERS, _KEY_ORDER)
                last = name
            elif kind == _TAG_E3_REVOKED_CERTIFICATE_RECORD:
                _list(file, start, length, REVOKED)
            elif kind == _TAG_E4_EXCEPTION_RECORD:
                _list(file, start, length, EXCEPTED)
            else:
                raise ReaderError(E_PARAMETERS, _UNKNOWN)


def _read(file, start: int, length: int) -> bytearray:
    if length > RECORD_MOST:
        raise ReaderError(E_PARAMETERS, TOO_LONG)
    data = bytearray(length)
    if read_into(file, start, data) != length:
        raise ReaderError(E_PARAMETERS, NO_TLV)
    return data


def _application(data) -> bytes:
    """The AID."""
    n = data[2] if len(data) > 3 + _AID_LEAST else 0
    indicator = data[3 + n : 7 + n]
    good = data[:2] == b"\x9f\x06" and _AID_LEAST <= n <= _AID_MOST
    good = good and indicator in (b"\xdf\x01\x01\x00", b"\xdf\x01\x01\x01")
    application: Any = None
    try:
        if good:
            application = Application(data)
            # Book 3, 10.6.2: the maximum is not below the target
            good = application.target <= application.max_target
            for tag, size in _LENGTHS:
                value = application.get(tag)
                good = good and (value is None or len(value) == size)
    except ReaderError:
        good = False
    if not good:
        raise ReaderError(E_PARAMETERS, _APPLICATION)
    return application.aid


def _key(data) -> bytes:
    """RID and index."""
    good = data[:3] == b"\x9f\x06\x05" and data[8:11] == b"\x9f\x22\x01" and len(data) > 12
    key: Any = None
    try:
        if good:
            key = Capk(data)
            good = (
                rsa.is_key(key.modulus, key.exponent)
                and key.get(_TAG_DF06_CAPK_HASH_ALGORITHM) == _ALGORITHM
                and key.get(_TAG_DF07_CAPK_ALGORITHM) == _ALGORITHM
                and len(key.get(_TAG_DF05_CAPK_EXPIRATION_DATE) or _NO_DATE) == len(_NO_DATE)
            )
    except ReaderError:
        good = False
    if not good:
        raise ReaderError(E_PARAMETERS, _KEY)
    if not key.checked:
        raise ReaderError(E_PARAMETERS, _CHECKSUM)
    return key.rid + bytes((key.index,))


def _list(file, start: int, length: int, size: int) -> None:
    """Entries of `size` bytes, each greater than the one before."""
    if length % size:
        raise ReaderError(E_PARAMETERS, _LIST)
    entry = bytearray(size)
    last = b""
    for at in range(start, start + length, size):
        read_into(file, at, entry)
        if bytes(entry) <= last:
            raise ReaderError(E_PARAMETERS, _LIST)
        last = bytes(entry)
