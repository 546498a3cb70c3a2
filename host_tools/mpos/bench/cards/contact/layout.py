"""The files of a card before they are written: objects by record, so that a personality can spoil exactly one."""

from __future__ import annotations

from dataclasses import dataclass, field

from mpos.bench.cards.tlv import tlv

_Place = tuple[int, int]  # short file identifier, record number


@dataclass
class Layout:
    """records: the objects of each record. raw: whole records that replace the encoded ones. aip, afl: of the card.

    signed: the record whose objects are under offline data authentication.
    """

    records: dict[_Place, list[tuple[int, bytes]]] = field(default_factory=dict)
    raw: dict[_Place, bytes] = field(default_factory=dict)
    aip: bytes = b""
    afl: bytes = b""
    signed: _Place = (1, 1)

    def encoded(self) -> dict[_Place, bytes]:
        """Every record as READ RECORD gives it."""
        done = {place: tlv(0x70, *(tlv(tag, value) for tag, value in rows)) for place, rows in self.records.items()}
        return done | self.raw

    def static_data(self) -> bytes:
        """EMV 4.4 Book 3, 10.3: the signed record without its template, and the AIP (tag list 9F4A names 82)."""
        return b"".join(tlv(tag, value) for tag, value in self.records[self.signed]) + self.aip

    def place_of(self, tag: int) -> _Place:
        """The record that has the object. Raises KeyError."""
        for place, rows in self.records.items():
            if any(found == tag for found, _ in rows):
                return place
        raise KeyError(f"{tag:X}")

    def get(self, tag: int) -> bytes:
        return next(value for found, value in self.records[self.place_of(tag)] if found == tag)

    def put(self, tag: int, value: bytes) -> None:
        """Replace the object's value where it stands."""
        place = self.place_of(tag)
        self.records[place] = [(found, value if found == tag else old) for found, old in self.records[place]]

    def drop(self, tag: int) -> None:
        place = self.place_of(tag)
        self.records[place] = [(found, old) for found, old in self.records[place] if found != tag]

    def add(self, place: _Place, tag: int, value: bytes) -> None:
        self.records.setdefault(place, []).append((tag, value))
