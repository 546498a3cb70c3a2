"""The acquirer's applications, keys and lists, out of one file: records of BER-TLV, made by mpos.provision.emv_tables.

    E1  an application: UnionPay's parameter download (9F06 first, DF01 second, then the rest in any order)
    E2  a certification authority public key (9F06 first, 9F22 second; ascending): EMV 4.4 Book 2, 11.2
    E3  revoked certificates: RID, index, serial number; nine bytes each, ascending: Book 2, 5.3
    E4  the exception file: hashes of card numbers (`is_excepted`), sixteen bytes each, ascending: Book 4, 6.3.5

The file is read as it is asked, and nothing of it is kept: a record that is not wanted is stepped over by its length.
A file that is broken is E_PARAMETERS; its detail says what is wrong:

    60  the file is missing or unreadable      61  longer than 128 KB, or more than 255 records
    62  not BER-TLV: a record that ends too early      63  a record of an unknown kind
    64  an application that is incomplete or has a value out of its bounds
    65  an AID twice      66  a key that is incomplete, or none of EMV
    67  a key whose checksum is wrong      68  keys that are not in ascending order, or RID and index twice
    69  a list whose entries are not whole, or not ascending
"""

from hashlib import sha1, sha256

from micropython import const

from ..errors import E_PARAMETERS, E_TAG_DUPLICATE, E_TAG_MISSING, ReaderError
from ..util import ber_tlv
from ..util.bcd import digit_count, nibble, to_int

NO_FILE = const(60)
TOO_LONG = const(61)
NO_TLV = const(62)

_TAG_9F06_APPLICATION_IDENTIFIER_TERMINAL = const(0x9F06)
_TAG_9F09_APPLICATION_VERSION_NUMBER_TERMINAL = const(0x9F09)
_TAG_9F1B_TERMINAL_FLOOR_LIMIT = const(0x9F1B)
_TAG_9F7B_ELECTRONIC_CASH_TERMINAL_LIMIT = const(0x9F7B)
_TAG_97_TDOL = const(0x97)
_TAG_DF02_CAPK_MODULUS = const(0xDF02)
_TAG_DF03_CAPK_CHECKSUM = const(0xDF03)
_TAG_DF04_CAPK_EXPONENT = const(0xDF04)
_TAG_DF05_CAPK_EXPIRATION_DATE = const(0xDF05)
_TAG_DF11_TERMINAL_ACTION_CODE_DEFAULT = const(0xDF11)
_TAG_DF12_TERMINAL_ACTION_CODE_ONLINE = const(0xDF12)
_TAG_DF13_TERMINAL_ACTION_CODE_DENIAL = const(0xDF13)
_TAG_DF14_DEFAULT_DDOL = const(0xDF14)
_TAG_DF15_RANDOM_SELECTION_THRESHOLD = const(0xDF15)
_TAG_DF16_RANDOM_SELECTION_MAXIMUM_TARGET = const(0xDF16)
_TAG_DF17_RANDOM_SELECTION_TARGET = const(0xDF17)
_TAG_DF18_ONLINE_PIN_CAPABILITY = const(0xDF18)

_TAG_E1_APPLICATION_RECORD = const(0xE1)
_TAG_E2_CAPK_RECORD = const(0xE2)
_TAG_E3_REVOKED_CERTIFICATE_RECORD = const(0xE3)
_TAG_E4_EXCEPTION_RECORD = const(0xE4)

_END = const(2)  # of seek: from the end of the file
_FILE_MOST = const(131072)
_RECORDS_MOST = const(255)
RECORD_MOST = const(512)  # of an application or a key
HEAD = const(28)  # tag and length of a record, and its AID and DF01, or its RID and index
_RID = const(5)
_INDEX_AT = const(11)  # in a key: 9F06 05 RID 9F22 01 index

REVOKED = const(9)  # RID, index, serial number
EXCEPTED = const(16)  # leading bytes of the hash
_ANY_SEQUENCE = b"FF"

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Application:
    """What the acquirer wants of one AID; `partial`: also of longer names that begin with it.

    `version` (2 bytes), `tac_default`, `tac_online`, `tac_denial` (5 bytes each), `floor_limit` and `threshold` (minor
    units), `target` and `max_target` (percent), `default_ddol` and `default_tdol` (bytes, maybe none), `online_pin`,
    `ec_limit` (minor units; None: no electronic cash). Raises E_TAG_MISSING, E_TAG_DUPLICATE, E_TAG_FORMAT, E_TLV.
    """

    def __init__(self, data):
        self._data = data
        found = _objects(data)
        self.aid = bytes(_need(found, _TAG_9F06_APPLICATION_IDENTIFIER_TERMINAL))
        self.partial = is_partial(data)
        self.version = bytes(_need(found, _TAG_9F09_APPLICATION_VERSION_NUMBER_TERMINAL))
        self.tac_default = bytes(_need(found, _TAG_DF11_TERMINAL_ACTION_CODE_DEFAULT))
        self.tac_online = bytes(_need(found, _TAG_DF12_TERMINAL_ACTION_CODE_ONLINE))
        self.tac_denial = bytes(_need(found, _TAG_DF13_TERMINAL_ACTION_CODE_DENIAL))
        self.floor_limit = int.from_bytes(_need(found, _TAG_9F1B_TERMINAL_FLOOR_LIMIT), "big")
        self.threshold = int.from_bytes(_need(found, _TAG_DF15_RANDOM_SELECTION_THRESHOLD), "big")
        self.max_target = to_int(_need(found, _TAG_DF16_RANDOM_SELECTION_MAXIMUM_TARGET))
        self.target = to_int(_need(found, _TAG_DF17_RANDOM_SELECTION_TARGET))
        self.default_ddol = bytes(found.get(_TAG_DF14_DEFAULT_DDOL, b""))
        self.default_tdol = bytes(found.get(_TAG_97_TDOL, b""))
        self.online_pin = _need(found, _TAG_DF18_ONLINE_PIN_CAPABILITY) == b"\x01"
        limit = found.get(_TAG_9F7B_ELECTRONIC_CASH_TERMINAL_LIMIT)
        self.ec_limit = None if limit is None else to_int(limit)

    def get(self, tag: int) -> "memoryview | None":
        """The value of a data object of the record, or None."""
        return ber_tlv.find(self._data, tag)


class Capk:
    """A certification authority public key: `rid`, `index`, `modulus`, `exponent`, `expiry` (YYYYMMDD; 0: none is
    published), `checked`: whether the checksum is right. Raises as Application."""

    def __init__(self, data):
        self._data = data
        self.rid = bytes(data[3 : 3 + _RID])
        self.index = data[_INDEX_AT]
        found = _objects(data)
        self.modulus = bytes(_need(found, _TAG_DF02_CAPK_MODULUS))
        exponent = _need(found, _TAG_DF04_CAPK_EXPONENT)
        self.exponent = int.from_bytes(exponent, "big")
        date = found.get(_TAG_DF05_CAPK_EXPIRATION_DATE)
        self.expiry = 0 if date is None else to_int(date)
        # Book 2, 11.2.2, table 30: over RID, index, modulus, exponent
        digest = sha1(self.rid)
        digest.update(bytes((self.index,)))
        digest.update(self.modulus)
        digest.update(exponent)
        self.checked = digest.digest() == _need(found, _TAG_DF03_CAPK_CHECKSUM)

    def get(self, tag: int) -> "memoryview | None":
        """The value of a data object of the record, or None."""
        return ber_tlv.find(self._data, tag)


def _objects(data) -> dict:
    """The record's data objects by tag, read in one go; a search for each would read it a dozen times."""
    found: dict = {}
    for tag, value in ber_tlv.objects(data):
        if tag in found:
            raise ReaderError(E_TAG_DUPLICATE, tag)
        found[tag] = value
    return found


def _need(found: dict, tag: int) -> memoryview:
    if tag not in found:
        raise ReaderError(E_TAG_MISSING, tag)
    return found[tag]


def is_partial(data) -> bool:
    """Whether the application that begins with these bytes may be named by more than its AID: DF01 is 00."""
    at = 3 + data[2]
    return data[at : at + 4] == b"\xdf\x01\x01\x00"


class EmvTables:
    """The file at `path`. Every method raises E_PARAMETERS when it cannot be read."""

    def __init__(self, path: str):
        self._path = path

    def check(self) -> None:
        """Read the whole file once. Raises E_PARAMETERS."""
        from .emv_tables_check import check

        check(self._path)

    def aids(self) -> "Iterator[tuple[bytes, bool]]":
        """Each AID with whether it may be a part of the name, in the file's order.

        The file is closed whenever this waits, since nobody knows whether it will be asked for the next one.
        """
        head = bytearray(HEAD)
        at = 0
        while at >= 0:
            next_at = -1
            with open_file(self._path) as file:
                for kind, start, length in records(file, at, head):
                    if kind == _TAG_E1_APPLICATION_RECORD:
                        next_at = start + length
                        break
            at = next_at
            if at >= 0:
                first = _value(head)
                yield bytes(first[3 : 3 + first[2]]), is_partial(first)

    def application(self, name) -> "Application | None":
        """The application whose AID is the name, or the longest of those that begin it and may. EMV Book 1, 12.3."""
        size = len(name)
        head = bytearray(HEAD)
        longest = best = best_length = 0
        with open_file(self._path) as file:
            for kind, start, length in records(file, 0, head):
                if kind == _TAG_E1_APPLICATION_RECORD:
                    first = _value(head)
                    n = first[2]
                    if longest < n <= size and first[3 : 3 + n] == name[:n] and (n == size or is_partial(first)):
                        longest = n
                        best = start
                        best_length = length
            return _made(Application, file, best, best_length) if longest else None

    def capk(self, rid, index: int) -> "Capk | None":
        """The key, if there is one and its checksum is right."""
        head = bytearray(HEAD)
        with open_file(self._path) as file:
            for kind, start, length in records(file, 0, head):
                if kind == _TAG_E2_CAPK_RECORD and length > _INDEX_AT:
                    first = _value(head)
                    if first[_INDEX_AT] == index and first[3 : 3 + _RID] == rid:
                        key = _made(Capk, file, start, length)
                        return key if key.checked else None
        return None

    def is_revoked(self, rid, index: int, serial) -> bool:
        """Whether the certificate with this serial number (3 bytes) was taken back. Book 2, 5.3, step 10."""
        return self._is_listed(_TAG_E3_REVOKED_CERTIFICATE_RECORD, bytes(rid) + bytes((index,)) + bytes(serial))

    def is_excepted(self, pan, sequence: int) -> bool:
        """Whether the card is in the exception file, with its sequence number or with any. Book 4, 6.3.5.

        `pan`: the value of 5A; `sequence`: of 5F34, or less than 0. The file has SHA-256 over the digits of both in
        ASCII (FF: any sequence number), the first 16 bytes of it.
        """
        digits = bytearray(digit_count(pan))
        for i in range(len(digits)):
            digits[i] = 48 + nibble(pan, i)
        found = False
        for suffix in (b"%02d" % max(sequence, 0), _ANY_SEQUENCE):
            digest = sha256(digits)
            digest.update(suffix)
            found = found or self._is_listed(_TAG_E4_EXCEPTION_RECORD, digest.digest()[:EXCEPTED])
        for i in range(len(digits)):
            digits[i] = 0
        return found

    def _is_listed(self, kind: int, entry: bytes) -> bool:
        """Binary search in each list of that kind."""
        size = len(entry)
        head = bytearray(HEAD)
        here = bytearray(size)
        with open_file(self._path) as file:
            for found, start, length in records(file, 0, head):
                low = 0
                high = length // size if found == kind else 0
                while low < high:
                    middle = (low + high) // 2
                    read_into(file, start + middle * size, here)
                    if here == entry:
                        return True
                    if bytes(here) < entry:
                        low = middle + 1
                    else:
                        high = middle
        return False


def open_file(path: str):
    """The file. Raises E_PARAMETERS."""
    try:
        return open(path, "rb")
    except OSError:
        raise ReaderError(E_PARAMETERS, NO_FILE)


def read_into(file, at: int, buffer) -> int:
    """Fill `buffer` from position `at`, as far as the file goes: how many bytes. Raises E_PARAMETERS."""
    try:
        file.seek(at)
        return file.readinto(buffer) or 0
    except OSError:
        raise ReaderError(E_PARAMETERS, NO_FILE)


def records(file, at: int, head) -> "Iterator[tuple[int, int, int]]":
    """Each record from `at` on: its tag, where its value begins, how long that is. `head` (HEAD bytes) has the first
    bytes of the record. Raises E_PARAMETERS.
    """
    size = file.seek(0, _END)
    if size > _FILE_MOST:
        raise ReaderError(E_PARAMETERS, TOO_LONG)
    left = _RECORDS_MOST
    while at < size:
        if not left:
            raise ReaderError(E_PARAMETERS, TOO_LONG)
        left -= 1
        n = read_into(file, at, head)
        # One byte of tag; a length in as few bytes as possible or not (Book 3, Annex B2)
        start = _value_at(head)
        length = head[1]
        if start == 3:
            length = head[2]
        elif start == 4:
            length = head[2] << 8 | head[3]
        if not start or start > n or length > size - at - start:
            raise ReaderError(E_PARAMETERS, NO_TLV)
        yield head[0], at + start, length
        at += start + length


def _value_at(head) -> int:
    """Where the value of the record begins; 0: its length is none."""
    first = head[1]
    if first < 0x80:
        return 2
    return first - 0x7E if first in (0x81, 0x82) else 0


def _value(head) -> memoryview:
    """The first bytes of the record's value."""
    return memoryview(head)[_value_at(head) :]


def _made(kind, file, start: int, length: int) -> "Any":
    """An Application or a Capk of the record's value. Raises E_PARAMETERS."""
    if length > RECORD_MOST:
        raise ReaderError(E_PARAMETERS, TOO_LONG)
    data = bytearray(length)
    read_into(file, start, data)
    try:
        return kind(data)
    except ReaderError:
        raise ReaderError(E_PARAMETERS, NO_TLV)
