"""A terminal for the acquirer's tests: it reads a virtual card and packs a 0200 by hand, byte after byte."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partialmethod

import iso8583
from psec import des, mac, pinblock

from mpos.acquirer import dukpt
from mpos.bench import test_keys
from mpos.bench.cards import QpbocCard, make_card
from mpos.describe.iso8583_spec import SPEC

TPDU, HEADER = bytes.fromhex("6000030000"), bytes.fromhex("603100310000")
ANSWER_TPDU = bytes.fromhex("6000000003")
NOW = datetime.datetime(2026, 11, 23, 12, 34, 56)
TTQ = bytes.fromhex("26000080")


def tlv(tag: str, value: bytes) -> bytes:
    return bytes.fromhex(tag) + bytes([len(value)]) + value


def objects(data: bytes, into: dict[str, bytes]) -> dict[str, bytes]:
    """Every primitive object of a card's answer, tag in hex -> value (lengths under 128 only)."""
    at = 0
    while at < len(data):
        size = 2 if data[at] & 0x1F == 0x1F else 1
        tag, n = data[at : at + size].hex().upper(), data[at + size]
        value = data[at + size + 1 : at + size + 1 + n]
        if data[at] & 0x20:
            objects(value, into)
        else:
            into[tag] = value
        at += size + 1 + n
    return into


def read_card(card: QpbocCard, amount: int, currency: str = "0156", date: str = "261123") -> dict[str, bytes]:
    """What a terminal knows after PPSE, SELECT, GPO and READ RECORD with this card."""
    terminal = {
        "9F66": TTQ,
        "9F02": bytes.fromhex(f"{amount:012d}"),
        "9F03": bytes(6),
        "9F1A": bytes.fromhex("0156"),
        "95": bytes(5),
        "5F2A": bytes.fromhex(currency),
        "9A": bytes.fromhex(date),
        "9C": b"\x00",
        "9F37": bytes.fromhex("A1B2C3D4"),
    }
    pdol = b"".join(terminal.values())
    card.power_on()
    known: dict[str, bytes] = {}
    for command in (
        "00A404000E325041592E5359532E444446303100",
        f"00A40400{len(card.profile.aid):02X}{card.profile.aid.hex()}00",
        f"80A80000{len(pdol) + 2:02X}83{len(pdol):02X}{pdol.hex()}00",
        "00B2010C00",
        "00B2020C00",
    ):
        answer = card.exchange(bytes.fromhex(command))
        assert answer is not None and answer[-2:] == b"\x90\x00", command
        objects(answer[:-2], known)
    known.update(terminal)
    known["84"] = card.profile.aid
    known |= {"9F33": bytes.fromhex("E0E1C8"), "9F34": bytes.fromhex("1F0302"), "9F35": b"\x22"}
    return known


CHIP_ORDER = [
    "9F26",
    "9F27",
    "9F10",
    "9F37",
    "9F36",
    "95",
    "9A",
    "9C",
    "9F02",
    "5F2A",
    "82",
    "9F1A",
    "9F03",
    "9F33",
    "9F34",
    "9F35",
    "84",
    "9F41",
    "9F63",
]


@dataclass
class Terminal:
    """Packs sales under the published BDK; every call uses the next KSN and the next trace number."""

    counter: int = 0
    stan: int = 0
    batch: str = "000001"
    ksn_base: bytes = test_keys.KSN_BASE
    bdk: bytes = test_keys.BDK
    keys: dukpt.TransactionKeys | None = field(default=None)
    ksn: bytes = b""

    def next_keys(self) -> dukpt.TransactionKeys:
        self.counter += 1
        while self.counter.bit_count() > 10:
            self.counter += 1
        self.ksn = (int.from_bytes(self.ksn_base, "big") + self.counter).to_bytes(10, "big")
        self.keys = dukpt.derive(self.bdk, self.ksn)
        return self.keys

    def sale(
        self,
        card: QpbocCard | None = None,
        amount: int = 1234,
        *,
        change: Callable[[dict[int, bytes]], None] = lambda fields: None,
        chip: Callable[[dict[str, bytes]], None] = lambda known: None,
        track: bytes | None = None,
        stan: int | None = None,
        mti: str = "0200",
    ) -> bytes:
        """The whole frame of a genuine sale. `change` may alter the encoded fields and `chip` the card's data,
        before the MAC is made; `track` replaces track 2 in clear, already padded."""
        card = card or make_card("approved")[0]
        self.next_keys()
        if stan is None:
            self.stan += 1
            stan = self.stan
        known = read_card(card, amount)
        return self.packed(known, stan, amount, change, chip, track, mti)

    def _by_chip(
        self,
        way: str,
        known: dict[str, bytes],
        amount: int = 1234,
        *,
        pin: str = "",
        change: Callable[[dict[int, bytes]], None] = lambda fields: None,
        chip: Callable[[dict[str, bytes]], None] = lambda known: None,
    ) -> bytes:
        """The whole frame of a sale: `known` is what card and terminal have said; `pin` goes to the host."""
        self.next_keys()
        self.stan += 1

        def more(fields: dict[int, bytes]) -> None:
            fields[22] = bytes.fromhex(way + ("10" if pin else "20"))
            fields[23] = bytes.fromhex(f"{int(known['5F34'].hex()):04d}")
            if pin:
                account = known["57"].hex().upper().split("D")[0]
                self.add_pin(fields, pin, account)
            change(fields)

        return self.packed(dict(known), self.stan, amount, more, chip, None, "0200")

    insert = partialmethod(_by_chip, "05")
    tap = partialmethod(_by_chip, "07")

    def swipe(
        self,
        track2: str | None = None,
        track3: str | None = None,
        amount: int = 1234,
        *,
        pin: str = "",
        reads: str = "6",
        condition: str = "0",
        change: Callable[[dict[int, bytes]], None] = lambda fields: None,
    ) -> bytes:
        """The whole frame of a sale by stripe: the tracks' characters without sentinels; what the terminal reads and
        its chip condition code (DE60.4 and .5); `pin` goes to the host."""
        self.next_keys()
        self.stan += 1
        fields = self.common(self.stan, amount)
        fields[22] = bytes.fromhex("0210" if pin else "0220")
        fields[60] = bytes.fromhex(f"001322{self.batch}000{reads}{condition}0")
        if track2 is not None:
            encrypted = self.encrypted(self.padded(stripe_bytes(track2)))
            fields[35] = bytes.fromhex(f"{len(encrypted):02d}") + encrypted
        if track3 is not None:
            encrypted = self.encrypted(self.padded(stripe_bytes(track3)))
            fields[36] = bytes.fromhex(f"{len(encrypted):04d}") + encrypted
        if pin:
            account = track2.split("=")[0] if track2 is not None else (track3 or "")[2:].split("=")[0]
            self.add_pin(fields, pin, account)
        change(fields)
        return self.frame(fields)

    def packed(
        self,
        known: dict[str, bytes],
        stan: int,
        amount: int,
        change: Callable[[dict[int, bytes]], None],
        chip: Callable[[dict[str, bytes]], None],
        track: bytes | None,
        mti: str,
    ) -> bytes:
        known["9F41"] = bytes.fromhex(f"{stan:08d}")
        chip(known)
        if track is None:
            track = self.padded(known["57"])
        encrypted = self.encrypted(track)
        de55 = b"".join(tlv(tag, known[tag]) for tag in CHIP_ORDER if tag in known)
        fields = self.common(stan, amount) | {
            22: bytes.fromhex("0720"),
            23: bytes.fromhex("0001"),
            35: bytes.fromhex(f"{len(encrypted):02d}") + encrypted,
            55: bytes.fromhex(f"{len(de55):04d}") + de55,
            60: bytes.fromhex(f"001322{self.batch}000600"),
        }
        change(fields)
        return self.frame(fields, mti)

    def common(self, stan: int, amount: int) -> dict[int, bytes]:
        """What is the same however the card was read."""
        return {
            3: bytes.fromhex("000000"),
            4: bytes.fromhex(f"{amount:012d}"),
            11: bytes.fromhex(f"{stan:06d}"),
            12: bytes.fromhex("123456"),
            13: bytes.fromhex("1123"),
            25: bytes.fromhex("00"),
            41: b"MPOS0001",
            42: b"104110058120001",
            49: b"156",
            53: bytes.fromhex("0610000000000000"),
            57: bytes.fromhex("0017DF010A") + self.ksn + bytes.fromhex("DF020101"),
        }

    def frame(self, fields: dict[int, bytes], mti: str = "0200") -> bytes:
        """MAC and frame around encoded fields."""
        assert self.keys is not None
        bitmap = sum(1 << 64 - number for number in [*fields, 64])
        message = bytes.fromhex(mti) + bitmap.to_bytes(8, "big")
        message += b"".join(fields[number] for number in sorted(fields))
        return framed(message + self.mac(self.keys.mac_request, message))

    def read(self, answer: bytes, mac_key: bytes | None = None) -> dict[str, str]:
        """Decode an answer and check its MAC, under the last KSN's response key unless another is given."""
        assert self.keys is not None
        fields = decode(answer)
        key = mac_key or self.keys.mac_response
        body = answer[13:]
        assert body[-8:] == self.mac(key, body[:-8])
        return fields

    # What depends on the key scheme

    def padded(self, clear: bytes) -> bytes:
        return padded(clear)

    def encrypted(self, track: bytes) -> bytes:
        assert self.keys is not None
        return des.encrypt_tdes_cbc(self.keys.data, bytes(8), track)

    def mac(self, key: bytes, data: bytes) -> bytes:
        return mac.generate_retail_mac(key[:8], key[8:], data, 1)

    def add_pin(self, fields: dict[int, bytes], pin: str, account: str) -> None:
        assert self.keys is not None
        fields |= pin_fields(self.keys, pin, account)


def stripe_bytes(characters: str) -> bytes:
    """A track's characters, four bits each: 0 to ? are 30 to 3F in ASCII; F fills up."""
    digits = "".join(f"{ord(character) - 0x30:X}" for character in characters)
    return bytes.fromhex(digits + "F" * (len(digits) % 2))


def padded(clear: bytes) -> bytes:
    """ISO 9797-1, padding method 2."""
    return clear + b"\x80" + bytes(-(len(clear) + 1) % 8)


def encrypt(key: bytes, clear: bytes) -> bytes:
    return des.encrypt_tdes_cbc(key, bytes(8), padded(clear))


def pin_fields(keys: dukpt.TransactionKeys, pin: str, account: str) -> dict[int, bytes]:
    clear = pinblock.encode_pinblock_iso_0(pin, account)
    return {
        26: bytes.fromhex("12"),
        52: des.encrypt_tdes_ecb(keys.pin, clear),
        53: bytes.fromhex("2610000000000000"),
    }


def framed(message: bytes) -> bytes:
    body = TPDU + HEADER + message
    return len(body).to_bytes(2, "big") + body


def decode(answer: bytes) -> dict[str, str]:
    assert int.from_bytes(answer[:2], "big") == len(answer) - 2
    assert answer[2:7] == ANSWER_TPDU and answer[7:13] == HEADER
    return iso8583.decode(answer[13:], SPEC)[0]
