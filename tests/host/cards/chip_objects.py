"""Data objects as a terminal takes them apart: BER-TLV, data object lists, fixed lengths. EMV 4.4 Book 3, annexes A, B."""

from __future__ import annotations


class BrokenError(Exception):
    """No transaction: what the card says makes no sense, or it says nothing."""


def objects(data: bytes) -> list[tuple[str, bytes]]:
    """Objects of one level. Raises BrokenError."""
    found = []
    at = 0
    while at < len(data):
        if data[at] == 0:
            at += 1
            continue
        start = at
        at += 1
        if data[start] & 0x1F == 0x1F:
            while True:
                if at >= len(data) or at - start > 2:
                    raise BrokenError("tag")
                at += 1
                if not data[at - 1] & 0x80:
                    break
        tag = data[start:at].hex().upper()
        if at >= len(data):
            raise BrokenError("length")
        n = data[at]
        at += 1
        if n >= 0x80:
            more = n & 0x7F
            if not 1 <= more <= 2 or at + more > len(data):
                raise BrokenError("length")
            n = int.from_bytes(data[at : at + more], "big")
            at += more
        if at + n > len(data):
            raise BrokenError("too long")
        found.append((tag, data[at : at + n]))
        at += n
    return found


def template(data: bytes, tag: str) -> bytes:
    rows = objects(data)
    if len(rows) != 1 or rows[0][0] != tag:
        raise BrokenError(f"no template {tag}")
    return rows[0][1]


def one(rows: list[tuple[str, bytes]], tag: str) -> bytes | None:
    values = [value for found, value in rows if found == tag]
    if len(values) > 1:
        raise BrokenError(f"{tag} twice")
    return values[0] if values else None


def list_entries(dol: bytes) -> list[tuple[str, int]]:
    entries = []
    at = 0
    while at < len(dol):
        size = 2 if dol[at] & 0x1F == 0x1F else 1
        if at + size >= len(dol) or dol[at + size] > 0x7F:
            raise BrokenError("list")
        entries.append((dol[at : at + size].hex().upper(), dol[at + size]))
        at += size + 1
    return entries


# Book 3, annex A: what is fixed in length, and what is digits
LENGTHS = {
    "5F24": (3, 3), "5F25": (3, 3), "5A": (4, 10), "57": (8, 19), "5F20": (0, 26), "5F34": (1, 1), "82": (2, 2),
    "9F07": (2, 2), "9F0D": (5, 5), "9F0E": (5, 5), "9F0F": (5, 5), "9F27": (1, 1), "9F36": (2, 2), "9F26": (8, 8),
    "5F28": (2, 2), "9F08": (2, 2), "8F": (1, 1), "9F14": (1, 1), "9F23": (1, 1), "9F10": (1, 32),
}  # fmt: skip
DIGITS = {"5F24", "5F25", "5F28", "5F34"}
