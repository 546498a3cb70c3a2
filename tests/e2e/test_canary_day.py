"""A day at the till, with all that can come to it; then every byte that left the reader, and every byte that it kept, is
searched for what was on the cards, typed, or in the key store.

What the phone's messages say is searched as they were before they were encrypted for the link, and after.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from psec import pinblock, tools

from mpos.acquirer import Acquirer, dukpt, dukpt_aes
from mpos.bench import test_keys
from mpos.bench.cards import CARDS, make_card
from mpos.bench.customer import Customer
from mpos.bench.radio import Radio
from mpos.bench.run import typist
from mpos.bench.telling import collect
from mpos.bench.world import World
from mpos.link.client import Pipe
from mpos.link.messages import Opcode, Tag
from mpos.phone.sale import Record, Story
from mpos.provision import keys as reader_keys
from tests.e2e.conftest import AMOUNT, customer_sale
from tests.e2e.shared import Hands

# Each interface, each way to verify the cardholder, each way to go wrong; the host's as well
DAY = (
    *("approved", "approved-19", "tap-online", "tap-offline", "tap-pin-demanded", "visa", "visa-offline", "cash"),
    *("insufficient-funds", "counterfeit", "removed-mid-read", "two-cards", "transit"),
    *("chip", "pin-offline", "pin-enciphered", "online-pin", "offline-approved", "no-track2", "dda-1984"),
    *("stripe-approved", "stripe-pin", "stripe-tracks-1-2-3", "stripe-tracks-2-3", "stripe-backward", "stripe-bad-lrc"),
    *("stripe-half", "stripe-fallback", "stripe-scratched"),
)
HOST_FAULTS = ("silent", "wrong-mac", "wrong-stan")
LEAST_DIGITS = 6  # of a part of a secret that is looked for: shorter ones are anywhere by chance


class Tapped:
    """A pipe that remembers what went through it."""

    def __init__(self, pipe: Pipe, heard: list[bytes]):
        self.pipe = pipe
        self._heard = heard

    async def send(self, message: bytes) -> None:
        self._heard.append(message)
        await self.pipe.send(message)

    async def receive(self) -> bytes:
        message = await self.pipe.receive()
        self._heard.append(message)
        return message

    async def close(self) -> None:
        await self.pipe.close()


def profiles(card: Any) -> list[Any]:
    """Of whatever a customer may have; a card that goes wrong holds the one that it is."""
    card = getattr(card, "card", card)
    if hasattr(card, "applications"):
        return [profile for each in card.applications for profile in profiles(each)]
    return [card.profile] if hasattr(card, "profile") else []


def secrets_of_card(name: str) -> dict[str, bytes]:
    """The account number, the tracks and the PIN in every form in which they could be seen."""
    found: dict[str, bytes] = {}
    for card in make_card(name):
        for profile in profiles(card):
            pan = profile.pan
            found |= {
                f"{name}: PAN": pan.encode(),
                f"{name}: PAN packed": bytes.fromhex(pan + "F" * (len(pan) % 2)),
                # Zeros would be found anywhere
                f"{name}: PAN's middle": pan[5:-3].encode() if len(set(pan[5:-3])) > 3 else b"",
                f"{name}: PAN as digits": bytes(map(int, pan)),
            }
            for number in (1, 2, 3):
                track = getattr(profile, f"track{number}", lambda: b"")()
                data = track if isinstance(track, bytes) else track.encode()
                found[f"{name}: track {number}"] = data[2:-2]
                found[f"{name}: end of track {number}"] = data[-15:-1]
            if hasattr(profile, "master_key"):
                found[f"{name}: card master key"] = profile.master_key()
            for pin in (CARDS[name].pin or "").split(","):
                if pin.isdigit():
                    block = pinblock.encode_pinblock_iso_2(pin)
                    found[f"{name}: PIN block, format 2"] = block
                    account = bytes.fromhex("0000" + pan[-13:-1])
                    found[f"{name}: PIN block, format 0"] = tools.xor(b"\x04" + block[1:], account)
    return found


def secrets_of_keys(ksns: list[str]) -> dict[str, bytes]:
    """The keys that the reader was given, those of every packet, and those that they come from."""
    reader = test_keys.READER_ID
    found = {
        "BDK": test_keys.BDK,
        "AES BDK": test_keys.AES_BDK,
        "TDES initial key": test_keys.initial_key(test_keys.BDK, test_keys.KSN_BASE),
        "AES initial key": reader_keys.aes_initial_key(test_keys.AES_BDK, reader),
        "session master": test_keys.SESSION_MASTER,
        "session root": reader_keys.session_root(test_keys.SESSION_MASTER, reader),
        "block master": test_keys.BLOCK_MASTER,
        "block key": reader_keys.block_key(test_keys.BLOCK_MASTER, reader),
        "terminal master key": test_keys.MASTER_KEY,
    }
    found |= {f"card key {slot}": key for slot, _, key in test_keys.CARD_KEYS if len(set(key)) > 2}
    for ksn in ksns:
        serial = bytes.fromhex(ksn)
        keys = (
            dukpt.derive(test_keys.BDK, serial)
            if len(serial) == dukpt.KSN_BYTES
            else dukpt_aes.derive(test_keys.AES_BDK, serial)
        )
        found |= {f"{use} key of {ksn}": getattr(keys, use) for use in ("pin", "mac_request", "mac_response", "data")}
        if len(serial) == dukpt.KSN_BYTES:
            found[f"key of {ksn}"] = dukpt.transaction_key(test_keys.BDK, serial)
    return found


def in_text_too(secrets: dict[str, bytes]) -> dict[str, bytes]:
    known = {name: value for name, value in secrets.items() if len(value) >= LEAST_DIGITS}
    known |= {f"{name}, in hex": value.hex().encode() for name, value in known.items()}
    return known | {f"{name}, upper": value.upper() for name, value in known.items() if name.endswith("in hex")}


def hits(secrets: dict[str, bytes], seen: dict[str, bytes]) -> list[str]:
    """Which secret is where."""
    known = in_text_too(secrets)
    return [f"{name} {where}" for where, data in seen.items() for name, value in known.items() if value in data]


class Day:
    """The till: what was seen of it."""

    def __init__(self, folder: Path, scheme: str):
        self.folder = folder
        self.air: list[bytes] = []
        self.said: list[bytes] = []
        self.stories: list[Story] = []
        self.records: list[Record] = []
        self.secrets: dict[str, bytes] = {}
        self.hands = Hands()
        radio = Radio()
        radio.on_air(lambda direction, pdu: self.air.append(bytes(pdu)))
        self.there = World(state=folder / "reader", scheme=scheme, radio=radio, typist=self.hands)
        self.logs: list[str] = []
        self.told: list[str] = []

    async def customer(self, reader: Any, name: str, fault: str | None = None) -> None:
        there = self.there
        self.secrets |= secrets_of_card(name)
        entry = CARDS[name]
        self.hands.at_pad = typist(entry.pin)
        story = Story()
        async with Acquirer(fault=fault or entry.fault, state=self.folder / "books.json") as host:
            there.acquirer, there.acquirer_address = host, f"{host.host}:{host.port}"
            customer = Customer(there.field, there.slot, there.head, name)
            amount = int(Decimal(entry.amount) * 100) if entry.amount else AMOUNT
            options = {"story": story, "choice": entry.choice, "host_timeout_s": 0.5}
            record = await customer_sale(there, reader, customer, amount, **options)
            self.logs += [text for _, text in host.log]
        there.field.clear()
        there.slot.remove()
        self.told += [line.text for line in collect(story, there.field, there.slot, there.head, [])]
        self.stories.append(story)
        self.records.append(record)

    def seen(self) -> dict[str, bytes]:
        """Everything that left the reader, and everything that it has, by where."""
        there = self.there
        found = {
            "on the air": b"".join(self.air),
            "on the air, put together": b"".join(pdu[4:] for pdu in self.air),
            "in the messages": b"".join(self.said),
            "in the reader's output": there.output.encode(),
            "in the acquirer's log": "\n".join(self.logs).encode(),
            "in the stories": repr([story.lines for story in self.stories]).encode(),
            "in what is told": "\n".join(self.told).encode(),
            "in the packets": b"".join(line.packet for story in self.stories for line in story.lines),
            "in the records": "\n".join(record.to_json() for record in self.records).encode(),
        }
        for path in self.folder.rglob("*"):
            if path.is_file():
                found[f"in the file {path.name}"] = path.read_bytes()
        return found


@pytest.mark.parametrize("scheme", ["dukpt-tdes", "dukpt-aes", "master-session"])
async def test_a_day(scheme: str, tmp_path: Path):
    day = Day(tmp_path, scheme)
    names = DAY if scheme == "dukpt-tdes" else DAY[::3]
    async with day.there:
        client = await day.there.connect()
        client.pipe = Tapped(client.pipe, day.said)
        async with client as reader:
            for name in names:
                await day.customer(reader, name)
            for fault in HOST_FAULTS:
                await day.customer(reader, "approved", fault)
            await reader.command(Opcode.SELF_TEST)
            await reader.command(Opcode.LOG, {Tag.LOG_NUMBER: bytes(4)})
            await reader.command(Opcode.KEY_STATUS)
        ksns = sorted({record.ksn for record in day.records if record.ksn})
        secrets = day.secrets | secrets_of_keys(ksns if scheme != "master-session" else [])
        seen = day.seen()
    assert not hits(secrets, seen)
    # And it was a day: sales of each kind, on the air and encrypted
    outcomes = {record.outcome for record in day.records}
    assert outcomes == {"approved", "declined", "error"}
    assert {record.interface for record in day.records} >= {"contact", "contactless", "swipe"}
    assert len(seen["on the air"]) > 8_000 and len(seen["in the messages"]) > 8_000
    assert seen["in the file ring"] and any(name.startswith("in the file receipts") for name in seen) is False
    assert scheme == "master-session" or len(ksns) > 5


def test_what_is_looked_for_would_be_found():
    secrets = secrets_of_card("stripe-pin") | secrets_of_card("online-pin") | secrets_of_keys([])
    for name, value in in_text_too(secrets).items():
        assert any(name in hit for hit in hits(secrets, {"here": b"\x00\x01" + value + b"\x02"}))
