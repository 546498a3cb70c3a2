"""What KEY_STATUS tells of a reader's key store (firmware/reader/app/key_status.py): names, check values, what is left. No key."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

RECORD = 24
# firmware/reader/storage/sections.py; a test keeps them equal
SECTIONS = {
    1: "TDES",
    2: "AES",
    3: "SESSION_ROOT",
    4: "BLOCK_KEY",
    5: "SERIALS",
    6: "UPDATE_KEY",
    7: "CARD_KEYS",
    8: "MASTER_KEY",
    9: "WORKING_KEYS",
    10: "BONDS",
    11: "READER_ID",
    12: "BLOCK_KEY_TDES",
    13: "IN_FIELD",
}
_SAID = {
    "TDES": "TDES DUKPT",
    "AES": "AES DUKPT",
    "SESSION_ROOT": "root of the sessions",
    "BLOCK_KEY": "key block protection key",
    "SERIALS": "last numbers of key blocks and files",
    "UPDATE_KEY": "verifies firmware updates",
    "CARD_KEYS": "keys of cards, by slot",
    "MASTER_KEY": "master key of master/session",
    "WORKING_KEYS": "working keys of the last sign-in",
    "BONDS": "bonds of phones",
    "READER_ID": "reader id",
    "BLOCK_KEY_TDES": "key block protection key, version B",
    "IN_FIELD": "out of the factory",
}
_SERIAL_LENGTHS = {"TDES": 10, "AES": 12, "READER_ID": 8, "SERIALS": 12, "CARD_KEYS": 2}
_CHECK_LENGTHS = {"T": 3, "A": 4}


@dataclass(frozen=True)
class KeyInfo:
    """One section. serial: as the reader gives it, hex, "" where there is none; check: hex; left: keys, None where it has no
    counter."""

    section: str
    algorithm: str
    size: int
    serial: str
    check: str
    left: int | None

    @property
    def meaning(self) -> str:
        return _SAID.get(self.section, "unknown to this tool")

    @property
    def shown(self) -> str:
        """The serial number, as a person reads it."""
        serial = bytes.fromhex(self.serial)
        if self.section in ("TDES", "AES"):
            return f"next KSN {self.serial}"
        if self.section == "SERIALS":
            block, parameters, tables = (int.from_bytes(serial[at : at + 4], "big") for at in (0, 4, 8))
            return f"key block {block}, parameters {parameters}, tables {tables}"
        if self.section == "CARD_KEYS":
            bits = int.from_bytes(serial, "big")
            return "slots " + ", ".join(str(slot) for slot in range(1, 17) if bits >> (16 - slot) & 1)
        return self.serial

    def record(self) -> dict[str, Any]:
        return asdict(self)


def parse(data: bytes) -> list[KeyInfo]:
    """Raises ValueError when the records are not whole."""
    if len(data) % RECORD:
        raise ValueError("the reader's account of its keys breaks off")
    found = []
    for at in range(0, len(data), RECORD):
        record = data[at : at + RECORD]
        name = SECTIONS.get(record[0], f"section {record[0]}")
        algorithm = chr(record[1]) if record[1] else ""
        serial = record[4 : 4 + _SERIAL_LENGTHS.get(name, 0)].hex().upper()
        has_counter = name in ("TDES", "AES")
        check = "" if has_counter else record[16 : 16 + _CHECK_LENGTHS.get(algorithm, 0)].hex().upper()
        left = int.from_bytes(record[20:24], "big") if has_counter else None
        found.append(KeyInfo(name, algorithm, int.from_bytes(record[2:4], "big"), serial, check, left))
    return found
