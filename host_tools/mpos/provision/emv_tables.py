"""The file of applications, keys and lists that a reader's contact kernel reads (firmware/reader/storage/emv_tables.py).

    build(...)     records of BER-TLV: E1 applications, E2 keys, E3 revoked certificates, E4 exception file
    parse(data)    what such a file holds; TablesError says what is wrong with it

The facts are data: `aids.json` and `capks.json` beside this file, each entry with its source.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent

# Bounds of the reader
FILE_MOST = 131072
RECORDS_MOST = 255
RECORD_MOST = 512
MODULUS_LEAST, MODULUS_MOST = 64, 248  # bytes: EMV 4.4 Book 2, B2.1
EXPONENTS = (3, 65537)
REVOKED_SIZE = 9  # RID, index, serial number
EXCEPTION_SIZE = 16
ANY_SEQUENCE = "FF"

_APPLICATION, _CAPK, _REVOKED, _EXCEPTION = 0xE1, 0xE2, 0xE3, 0xE4
_SHA_1 = _RSA = b"\x01"  # Book 2, B3.1, B2.4
# Bytes of the values that have one length
_LENGTHS = {
    0x9F09: 2,
    0x9F1B: 4,
    0x9F22: 1,
    0x9F7B: 6,
    0xDF01: 1,
    0xDF05: 4,
    0xDF11: 5,
    0xDF12: 5,
    0xDF13: 5,
    0xDF15: 4,
    0xDF16: 1,
    0xDF17: 1,
    0xDF18: 1,
}
_SCHEMES = {
    "A000000333": "UnionPay",
    "A000000003": "Visa",
    "A000000004": "Mastercard",
    "A000000065": "JCB",
    "A000000025": "Amex",
    "A000000152": "Discover",
    "A000000324": "Discover",
}


class TablesError(ValueError):
    """What cannot go into the file, or a file that is none."""


@dataclass(frozen=True)
class Application:
    """Limits in minor units, random selection in percent."""

    aid: bytes
    partial: bool
    version: bytes
    tac_default: bytes
    tac_online: bytes
    tac_denial: bytes
    floor_limit: int
    threshold: int
    max_target: int
    target: int
    ddol: bytes
    tdol: bytes
    online_pin: bool
    ec_limit: int | None
    name: str = ""

    @property
    def scheme(self) -> str:
        return _SCHEMES.get(self.aid[:5].hex().upper(), "")


@dataclass(frozen=True)
class Capk:
    """`expiry`: YYYYMMDD, or None; `checksum`: as it is published, or as the file has it."""

    rid: bytes
    index: int
    modulus: bytes
    exponent: int
    expiry: int | None
    checksum: bytes
    test: bool | None = None  # None: not known
    source: str = ""

    @property
    def scheme(self) -> str:
        return _SCHEMES.get(self.rid.hex().upper(), "")

    @property
    def bits(self) -> int:
        return 8 * len(self.modulus)

    @property
    def checksum_right(self) -> bool:
        return self.checksum == checksum(self.rid, self.index, self.modulus, self.exponent)


@dataclass
class Tables:
    """What a file holds. The lists are what the file has: nine bytes, and hashes."""

    applications: list[Application] = field(default_factory=list)
    capks: list[Capk] = field(default_factory=list)
    revoked: list[bytes] = field(default_factory=list)
    exceptions: list[bytes] = field(default_factory=list)


def checksum(rid: bytes, index: int, modulus: bytes, exponent: int) -> bytes:
    """SHA-1 over RID, index, modulus, exponent: Book 2, 11.2.2."""
    return hashlib.sha1(rid + bytes((index,)) + modulus + exponent_bytes(exponent)).digest()


def exponent_bytes(exponent: int) -> bytes:
    return exponent.to_bytes(1 if exponent < 256 else 3, "big")


def published_applications() -> list[Application]:
    """Those of aids.json."""
    return [application_of(row) for row in json.loads((_HERE / "aids.json").read_text())["applications"]]


def published_capks(test: bool | None = None) -> list[Capk]:
    """Those of capks.json: all, or those of test cards, or those of real ones."""
    keys = [capk_of(row) for row in json.loads((_HERE / "capks.json").read_text())["keys"]]
    return [key for key in keys if test is None or key.test == test]


def kinds(capks: Iterable[Capk]) -> dict[tuple[bytes, int], bool | None]:
    """Which of the keys, by RID and index, are published as those of test cards (True), of real ones (False), or not."""
    published = {(key.rid, key.index, key.modulus): key.test for key in published_capks()}
    return {(key.rid, key.index): published.get((key.rid, key.index, key.modulus)) for key in capks}


def application_of(row: Application | Mapping[str, Any]) -> Application:
    """From a row as aids.json has them; bytes may be bytes or hex. Raises TablesError."""
    if isinstance(row, Application):
        return row
    try:
        application = Application(
            aid=_bytes(row["aid"]),
            partial=bool(row["partial"]),
            version=_bytes(row["version"]),
            tac_default=_bytes(row["tac_default"]),
            tac_online=_bytes(row["tac_online"]),
            tac_denial=_bytes(row["tac_denial"]),
            floor_limit=row["floor_limit"],
            threshold=row["threshold"],
            max_target=row["max_target"],
            target=row["target"],
            ddol=_bytes(row.get("ddol", b"")),
            tdol=_bytes(row.get("tdol", b"")),
            online_pin=bool(row["online_pin"]),
            ec_limit=row.get("ec_limit"),
            name=row.get("name", ""),
        )
        _check_application(application)
    except TablesError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise TablesError(f"an application needs more, or something else: {error!r}") from None
    return application


def capk_of(row: Capk | Mapping[str, Any]) -> Capk:
    """From a row as capks.json has them: bytes may be bytes or hex, the index a number or hex, the checksum absent.

    Raises TablesError, also for a checksum that is wrong.
    """
    if isinstance(row, Capk):
        key = row
    else:
        try:
            index = row["index"]
            rid, modulus, exponent = _bytes(row["rid"]), _bytes(row["modulus"]), int(row["exponent"])
            number = index if isinstance(index, int) else int(index, 16)
            given = row.get("checksum")
            key = Capk(
                rid,
                number,
                modulus,
                exponent,
                int(row["expiry"]) if row.get("expiry") else None,
                _bytes(given) if given else checksum(rid, number, modulus, exponent),
                row.get("test"),
                row.get("source", ""),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise TablesError(f"a key needs more, or something else: {error!r}") from None
    _check_capk(key)
    return key


def _check_application(application: Application) -> None:
    def ask(good: bool, what: str) -> None:
        if not good:
            raise TablesError(f"AID {application.aid.hex().upper()}: {what}")

    ask(5 <= len(application.aid) <= 16, "an AID has 5 to 16 bytes")
    ask(len(application.version) == 2, "the version has two bytes")
    for code in (application.tac_default, application.tac_online, application.tac_denial):
        ask(len(code) == 5, "an action code has five bytes")
    ask(0 <= application.floor_limit < 2**32, "the floor limit takes four bytes")
    ask(0 <= application.threshold < 2**32, "the threshold takes four bytes")
    ask(0 <= application.target <= application.max_target <= 99, "targets are percents, the maximum not the smaller")
    ask(len(application.ddol) <= 252 and len(application.tdol) <= 252, "a list has at most 252 bytes")
    ask(application.ec_limit is None or 0 <= application.ec_limit < 10**12, "the electronic cash limit has 12 digits")


def _check_capk(key: Capk) -> None:
    def ask(good: bool, what: str) -> None:
        if not good:
            raise TablesError(f"key {key.rid.hex().upper()} {key.index:02X}: {what}")

    ask(len(key.rid) == 5 and 0 <= key.index <= 255, "a RID has five bytes, an index one")
    ask(MODULUS_LEAST <= len(key.modulus) <= MODULUS_MOST, "a modulus has 64 to 248 bytes")
    ask(key.modulus[0] > 0x7F and key.modulus[-1] & 1 == 1, "the modulus has its first bit set, and is odd")
    ask(key.exponent in EXPONENTS, "the exponent is 3 or 65537")
    ask(key.expiry is None or _is_date(key.expiry), "the date is YYYYMMDD")
    ask(key.checksum_right, "the checksum is wrong")


def _is_date(number: int) -> bool:
    return 1900_00_00 < number < 2100_00_00 and 1 <= number // 100 % 100 <= 12 and 1 <= number % 100 <= 31


def exception_hash(pan: str, sequence: int | None) -> bytes:
    """The entry of the exception file: the reader knows a card again, and the file shows no number.

    `sequence` None: whatever the card's sequence number is.
    """
    suffix = ANY_SEQUENCE if sequence is None else f"{sequence:02d}"
    return hashlib.sha256((pan + suffix).encode()).digest()[:EXCEPTION_SIZE]


def build(
    applications: Iterable[Application | Mapping[str, Any]] | None = None,
    capks: Iterable[Capk | Mapping[str, Any]] | None = None,
    extra_capks: Iterable[Capk | Mapping[str, Any]] = (),
    revoked: Iterable[tuple[bytes, int, bytes]] = (),
    exceptions: Iterable[tuple[str, int | None]] = (),
    *,
    test: bool = False,
) -> bytes:
    """The file. Raises TablesError.

    `applications` None: those of aids.json. `capks` None: those of capks.json, of real cards, or with `test` of test
    cards. `extra_capks` come on top, and replace one of the same RID and index. `revoked`: (RID, index, serial number).
    `exceptions`: (number of the card, its sequence number or None for any).
    """
    chosen = published_applications() if applications is None else [application_of(row) for row in applications]
    keys: dict[tuple[bytes, int], Capk] = {}
    for key in published_capks(test) if capks is None else [capk_of(row) for row in capks]:
        if (key.rid, key.index) in keys:
            raise TablesError(f"key {key.rid.hex().upper()} {key.index:02X} is there twice")
        keys[key.rid, key.index] = key
    for key in map(capk_of, extra_capks):
        keys[key.rid, key.index] = key
    aids = [application.aid for application in chosen]
    if len(set(aids)) != len(aids):
        raise TablesError("an AID is there twice")
    out = [_record(_APPLICATION, _application_objects(application)) for application in chosen]
    out += [_record(_CAPK, _capk_objects(keys[name])) for name in sorted(keys)]
    serials = {_revoked_entry(*entry) for entry in revoked}
    out += [_record(_REVOKED, b"".join(sorted(serials)))] if serials else []
    hashes = {exception_hash(pan, sequence) for pan, sequence in exceptions}
    out += [_record(_EXCEPTION, b"".join(sorted(hashes)))] if hashes else []
    data = b"".join(out)
    longest = max(map(len, out[: len(chosen) + len(keys)]), default=0)
    if len(data) > FILE_MOST or len(out) > RECORDS_MOST or longest > RECORD_MOST:
        raise TablesError("the reader has no room for so much")
    return data


def _revoked_entry(rid: bytes, index: int, serial: bytes) -> bytes:
    entry = rid + bytes((index,)) + serial
    if len(rid) != 5 or len(entry) != REVOKED_SIZE:
        raise TablesError("a revoked certificate is a RID (five bytes), an index, a serial number (three bytes)")
    return entry


def _application_objects(a: Application) -> Iterator[tuple[int, bytes]]:
    yield 0x9F06, a.aid
    yield 0xDF01, b"\0" if a.partial else b"\1"
    yield 0x9F09, a.version
    yield 0xDF11, a.tac_default
    yield 0xDF12, a.tac_online
    yield 0xDF13, a.tac_denial
    yield 0x9F1B, a.floor_limit.to_bytes(4, "big")
    yield 0xDF15, a.threshold.to_bytes(4, "big")
    yield 0xDF16, bytes.fromhex(f"{a.max_target:02d}")
    yield 0xDF17, bytes.fromhex(f"{a.target:02d}")
    if a.ddol:
        yield 0xDF14, a.ddol
    if a.tdol:
        yield 0x97, a.tdol
    yield 0xDF18, b"\1" if a.online_pin else b"\0"
    if a.ec_limit is not None:
        yield 0x9F7B, bytes.fromhex(f"{a.ec_limit:012d}")


def _capk_objects(key: Capk) -> Iterator[tuple[int, bytes]]:
    yield 0x9F06, key.rid
    yield 0x9F22, bytes((key.index,))
    if key.expiry:
        yield 0xDF05, bytes.fromhex(f"{key.expiry:08d}")
    yield 0xDF06, _SHA_1
    yield 0xDF07, _RSA
    yield 0xDF02, key.modulus
    yield 0xDF04, exponent_bytes(key.exponent)
    yield 0xDF03, key.checksum


def _record(tag: int, value: bytes | Iterable[tuple[int, bytes]]) -> bytes:
    if not isinstance(value, bytes):
        value = b"".join(_object(inner, data) for inner, data in value)
    return _object(tag, value)


def _object(tag: int, value: bytes) -> bytes:
    size = len(value)
    if size > 0xFFFF:
        raise TablesError("a list has at most 65,535 bytes")
    length = (
        bytes((size,)) if size < 0x80 else bytes((0x81, size)) if size < 0x100 else b"\x82" + size.to_bytes(2, "big")
    )
    return tag.to_bytes(1 if tag < 0x100 else 2, "big") + length + value


def parse(data: bytes) -> Tables:
    """What the file holds. Raises TablesError, for all that the reader refuses (emv_tables_check.py of the firmware)."""
    tables = Tables()
    for before, (tag, value) in enumerate(_objects(data)):
        if (
            len(data) > FILE_MOST
            or before >= RECORDS_MOST
            or (tag in (_APPLICATION, _CAPK) and len(value) > RECORD_MOST)
        ):
            raise TablesError("the reader has no room for so much")
        if tag == _APPLICATION:
            tables.applications.append(_parsed(_application_from, value, (0x9F06, 0xDF01)))
        elif tag == _CAPK:
            tables.capks.append(_parsed(_capk_from, value, (0x9F06, 0x9F22)))
        elif tag == _REVOKED:
            tables.revoked += _entries(value, REVOKED_SIZE)
        elif tag == _EXCEPTION:
            tables.exceptions += _entries(value, EXCEPTION_SIZE)
        else:
            raise TablesError(f"a record of an unknown kind: {tag:X}")
    names = [(key.rid, key.index) for key in tables.capks]
    if names != sorted(set(names)):
        raise TablesError("the keys are not in ascending order")
    if len({a.aid for a in tables.applications}) != len(tables.applications):
        raise TablesError("an AID is there twice")
    return tables


def _objects(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        try:
            tag = data[at]
            at += 1
            if tag & 0x1F == 0x1F:
                tag = tag << 8 | data[at]
                at += 1
                if tag & 0x80:
                    raise TablesError("a tag of more than two bytes")
            size = data[at]
            at += 1
            if size >= 0x80:
                if size not in (0x81, 0x82):
                    raise TablesError("a length of more than two bytes, or none")
                more = size & 0x7F
                size = int.from_bytes(data[at : at + more], "big")
                at += more
        except IndexError:
            size = FILE_MOST
        if at + size > len(data):
            raise TablesError("the file ends in the middle of a record")
        yield tag, data[at : at + size]
        at += size


def _parsed(make: Callable[[dict[int, bytes]], Any], value: bytes, first: tuple[int, ...]) -> Any:
    objects: dict[int, bytes] = {}
    for tag, data in _objects(value):
        if tag in objects:
            raise TablesError(f"{tag:X} is twice in one record")
        if len(data) != _LENGTHS.get(tag, len(data)):
            raise TablesError(f"{tag:X} has {len(data)} bytes, not {_LENGTHS[tag]}")
        objects[tag] = data
    # The reader finds a record by its first bytes
    if tuple(objects)[: len(first)] != first:
        raise TablesError(f"a record lacks {' and '.join(f'{tag:X}' for tag in first)} at its beginning")
    try:
        return make(objects)
    except (KeyError, ValueError, IndexError) as error:
        if isinstance(error, TablesError):
            raise
        raise TablesError(f"a record lacks something: {error!r}") from None


def _application_from(objects: dict[int, bytes]) -> Application:
    limit = objects.get(0x9F7B)
    application = Application(
        aid=objects[0x9F06],
        partial=(b"\1", b"\0").index(objects[0xDF01]) == 1,
        version=objects[0x9F09],
        tac_default=objects[0xDF11],
        tac_online=objects[0xDF12],
        tac_denial=objects[0xDF13],
        floor_limit=int.from_bytes(objects[0x9F1B], "big"),
        threshold=int.from_bytes(objects[0xDF15], "big"),
        max_target=int(objects[0xDF16].hex()),
        target=int(objects[0xDF17].hex()),
        ddol=objects.get(0xDF14, b""),
        tdol=objects.get(0x97, b""),
        online_pin=objects[0xDF18] == b"\1",
        ec_limit=None if limit is None else int(limit.hex()),
    )
    _check_application(application)
    return application


def _capk_from(objects: dict[int, bytes]) -> Capk:
    date = objects.get(0xDF05)
    if (objects[0xDF06], objects[0xDF07]) != (_SHA_1, _RSA):
        raise TablesError("a key is for SHA-1 and RSA")
    key = Capk(
        objects[0x9F06],
        objects[0x9F22][0],
        objects[0xDF02],
        int.from_bytes(objects[0xDF04], "big"),
        None if date is None else int(date.hex()),
        objects[0xDF03],
    )
    _check_capk(key)
    return key


def _entries(value: bytes, size: int) -> list[bytes]:
    entries = [value[i : i + size] for i in range(0, len(value), size)]
    if len(value) % size or entries != sorted(set(entries)):
        raise TablesError("a list is not whole, or not in ascending order")
    return entries


def _bytes(value: bytes | str) -> bytes:
    return bytes.fromhex(value) if isinstance(value, str) else bytes(value)
