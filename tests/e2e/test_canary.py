"""A whole run searched for what must never be in clear: on the air, on the line to the host, in logs and in files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from psec import pinblock, tools

from mpos.acquirer import Acquirer
from mpos.bench import test_keys
from mpos.bench.cards import CARDS, Profile, make_card
from mpos.bench.customer import Customer
from mpos.bench.field import Field
from mpos.bench.icc_slot import IccSlot
from mpos.bench.mag_head import MagHead
from mpos.bench.radio import Radio
from mpos.bench.run import typist
from mpos.bench.telling import collect
from mpos.bench.world import World
from mpos.link.messages import Interface
from mpos.phone.sale import Record, Story
from tests.e2e.conftest import customer_sale, insert_sale, sale


def secrets_of(profile: Profile) -> dict[str, bytes]:
    """Every form in which the card's secrets could be seen: packed, as digits, as hex."""
    pan = profile.pan
    track = profile.track2()
    key = test_keys.initial_key(test_keys.BDK, test_keys.KSN_BASE)
    found = {
        "PAN": pan.encode(),
        "PAN packed": bytes.fromhex(pan + "F" * (len(pan) % 2)),
        "PAN middle digits": pan[5:-3].encode(),
        "track": track[:16],
        "track discretionary data": track[-6:],
        "BDK": test_keys.BDK,
        "initial key": key,
        "card master key": profile.master_key(),
    }
    found |= {f"{name} in hex": value.hex().encode() for name, value in found.items() if len(value) > 5}
    return found | {
        f"{name} in upper hex": value.hex().upper().encode() for name, value in found.items() if len(value) > 5
    }


def hits(profile: Profile, seen: dict[str, bytes], more: dict[str, bytes] | None = None) -> list[str]:
    """Which secret is where."""
    secrets = secrets_of(profile) | (more or {})
    return [f"{name} {where}" for where, data in seen.items() for name, value in secrets.items() if value in data]


def what_was_seen(there: World, story: Story, acquirer: Acquirer, record: Record, air: list[bytes], files: Path):
    """Everything that left the reader, by where."""
    # fragments of one message lie one behind the other once ATT's header and the fragment's byte are gone
    seen = {
        "on the air": b"".join(air),
        "on the air, put together": b"".join(pdu[4:] for pdu in air),
        "in the reader's output": there.output.encode(),
        "in the acquirer's log": "\n".join(text for _, text in acquirer.log).encode(),
        "in the story": repr(story.lines).encode(),
        "in what is told": "\n".join(
            line.text for line in collect(story, there.field, there.slot, there.head, acquirer.log)
        ).encode(),
        "in the packets": b"".join(line.packet for line in story.lines),
        "in the record": record.to_json().encode(),
    }
    for path in files.rglob("*"):
        if path.is_file():
            seen[f"in the file {path.name}"] = path.read_bytes()
    return seen


@pytest.mark.parametrize("name", ["approved", "approved-19", "insufficient-funds", "counterfeit", "removed-mid-read"])
async def test_nothing_in_clear(name: str, tmp_path: Path):
    (card,) = make_card(name)
    profile = getattr(card, "card", card).profile  # a card that goes wrong holds the one that it is
    air: list[bytes] = []
    story = Story()
    radio = Radio()
    radio.on_air(lambda direction, pdu: air.append(bytes(pdu)))
    acquirer = Acquirer(state=tmp_path / "acquirer.json")
    async with World(Field(card), state=tmp_path / "reader", acquirer=acquirer, radio=radio) as there:
        async with await there.connect() as reader:
            record = await sale(there, reader, story=story)
        assert record.outcome == CARDS[name].outcome
        if record.masked_pan:
            assert record.masked_pan == profile.pan[:6] + "*" * (len(profile.pan) - 10) + profile.pan[-4:]
        seen = what_was_seen(there, story, acquirer, record, air, tmp_path)
    assert not hits(profile, seen)
    assert len(seen["on the air"]) > 200


@pytest.mark.parametrize(
    "name", ["chip", "pin-offline", "pin-enciphered", "online-pin", "offline-approved", "no-track2", "cash"]
)
async def test_nothing_of_a_chip_in_clear(name: str, tmp_path: Path):
    """The same by insert; of the PIN not even its block, and what the reader keeps for the host has the track encrypted."""
    (card,) = make_card(name)
    profile = card.applications[0].profile
    air: list[bytes] = []
    story = Story()
    radio = Radio()
    radio.on_air(lambda direction, pdu: air.append(bytes(pdu)))
    acquirer = Acquirer(state=tmp_path / "acquirer.json")
    options = {"slot": IccSlot(card), "typist": typist(CARDS[name].pin), "acquirer": acquirer, "radio": radio}
    async with World(state=tmp_path / "reader", **options) as there:
        async with await there.connect() as reader:
            record = await insert_sale(there, reader, name, story=story)
        assert record.outcome == "approved", record
        seen = what_was_seen(there, story, acquirer, record, air, tmp_path)
    pin = CARDS[name].pin or ""
    block = pinblock.encode_pinblock_iso_2(pin) if pin else b""
    account = bytes.fromhex("0000" + profile.pan[-13:-1])
    blocks = {}
    if pin:
        blocks = {
            "PIN block": block,
            "PIN block for the host": tools.xor(b"\x04" + block[1:], account),
            "PIN typed": pin.encode() + b"E",
            "PIN as digits": bytes(int(digit) for digit in pin),
        }
    assert not hits(profile, seen, blocks)
    assert len(seen["on the air"]) > 200
    if name in ("offline-approved", "cash"):
        assert record.notices[0]["kind"] == "offline" and len(bytes.fromhex(record.notices[0]["track2"])) % 8 == 0


@pytest.mark.parametrize("edges", [False, True], ids=["asic", "edges"])
@pytest.mark.parametrize("name", ["stripe-approved", "stripe-pin", "stripe-tracks-2-3", "stripe-tracks-1-2-3"])
async def test_nothing_of_a_stripe_in_clear(name: str, edges: bool, tmp_path: Path):
    """The same by swipe: neither a track nor its parts, as characters or packed; and nothing is left in the head."""
    (card,) = make_card(name)
    profile = card.profile
    air: list[bytes] = []
    story = Story()
    radio = Radio()
    radio.on_air(lambda direction, pdu: air.append(bytes(pdu)))
    acquirer = Acquirer(state=tmp_path / "acquirer.json")
    head = MagHead(asic=None) if edges else MagHead()
    options = {"head": head, "typist": typist(CARDS[name].pin), "acquirer": acquirer, "radio": radio}
    async with World(state=tmp_path / "reader", **options) as there:
        async with await there.connect() as reader:
            customer = Customer(there.field, there.slot, head, name)
            record = await customer_sale(there, reader, customer, story=story, interfaces=Interface.SWIPE)
        assert record.outcome == "approved", record
        assert head.asic is None or not any(any(bits) for bits in head.asic.memory.values())
        seen = what_was_seen(there, story, acquirer, record, air, tmp_path)
    tracks = {
        f"track {number} {form}": data
        for number, text in ((1, profile.track1()), (2, profile.track2()), (3, profile.track3()))
        for form, data in (
            ("as characters", text.encode()),
            ("without its ends", text[6:-4].encode()),
            ("packed", bytes.fromhex(re.sub("[^0-9D]", "", text.replace("=", "D"))[:24])),
        )
    }
    secrets = {
        "PAN": profile.pan.encode(),
        "PAN packed": bytes.fromhex(profile.pan + "F" * (len(profile.pan) % 2)),
        "PAN middle digits": profile.pan[5:-3].encode(),
        "name": profile.name.encode(),
        "CVN and what is before it": profile.discretionary().encode(),
        "BDK": test_keys.BDK,
        **tracks,
    }
    secrets |= {f"{each} in hex": value.hex().encode() for each, value in secrets.items()}
    secrets |= {f"{each} in upper hex": value.hex().upper().encode() for each, value in secrets.items()}
    found = [f"{each} {where}" for where, data in seen.items() for each, value in secrets.items() if value in data]
    assert not found
    assert len(seen["on the air"]) > 200
