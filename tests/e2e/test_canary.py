"""A whole run searched for what must never be in clear: on the air, on the line to the host, in logs and in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpos.acquirer import Acquirer
from mpos.bench import test_keys
from mpos.bench.cards import CARDS, Profile, make_card
from mpos.bench.field import Field
from mpos.bench.radio import Radio
from mpos.bench.world import World
from mpos.phone.sale import Story
from tests.e2e.conftest import sale


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
        # fragments of one message lie one behind the other once ATT's header and the fragment's byte are gone
        seen = {
            "on the air": b"".join(air),
            "on the air, put together": b"".join(pdu[4:] for pdu in air),
            "in the reader's output": there.output.encode(),
            "in the acquirer's log": "\n".join(text for _, text in acquirer.log).encode(),
            "in the story": repr(story.lines).encode(),
            "in the packets": b"".join(line.packet for line in story.lines),
            "in the record": record.to_json().encode(),
        }
        for path in tmp_path.rglob("*"):
            if path.is_file():
                seen[f"in the file {path.name}"] = path.read_bytes()
    hits = [
        f"{name} {where}"
        for where, data in seen.items()
        for name, value in secrets_of(profile).items()
        if value in data
    ]
    assert not hits
    assert len(seen["on the air"]) > 200
