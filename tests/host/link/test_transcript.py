"""The numbers of tests/unit/link/test_session.py are those of transcript.py, and the host's side makes the same ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpos.link.messages import LinkError, Role
from mpos.link.session_keys import Channel, NotOfThisSession, SessionKeys, context, cryptogram
from tests.host.link.transcript import FROM_READER, N_R, N_S, READER, ROOT, TO_READER, transcript

_UNIT = Path(__file__).parents[2] / "unit" / "link" / "test_session.py"
_MADE = transcript()


@pytest.mark.parametrize("name", _MADE)
def test_the_unit_test_has_these_numbers(name: str) -> None:
    found = re.search(rf"^_{name} = h\(([^)]*)\)", _UNIT.read_text(), re.MULTILINE)
    assert found
    assert bytes.fromhex(re.sub(r'["\s]', "", found[1])) == _MADE[name]


def _channel() -> Channel:
    return Channel(SessionKeys.derive(ROOT, context(Role.FIELD, READER, N_S, N_R)))


def test_the_host_makes_the_same_numbers() -> None:
    of = context(Role.FIELD, READER, N_S, N_R)
    assert cryptogram(ROOT, 1, of) == _MADE["PROOF"]
    assert cryptogram(ROOT, 2, of) == _MADE["ANSWER"]
    channel = _channel()
    assert channel.seal(TO_READER) == _MADE["FIRST"]
    channel.seal(b"\x01\x10\x00\x00\x00\x00")
    assert channel.seal(TO_READER) == _MADE["THIRD"]
    assert channel.open(_MADE["EVENT"]) == FROM_READER


def test_what_the_host_refuses() -> None:
    channel = _channel()
    event = _MADE["EVENT"]
    for at in range(len(event)):
        changed = bytearray(event)
        changed[at] ^= 0x40
        with pytest.raises(NotOfThisSession):
            channel.open(bytes(changed))
    for n in range(len(event)):
        with pytest.raises(NotOfThisSession):
            channel.open(event[:n])
    with pytest.raises(NotOfThisSession):
        channel.open(_MADE["FIRST"])  # its own direction
    assert channel.open(event) == FROM_READER
    with pytest.raises(NotOfThisSession):
        channel.open(event)


def test_the_host_stops_at_the_last_counter() -> None:
    channel = _channel()
    channel.sent = 0xFFFE
    assert channel.seal(TO_READER) == _MADE["LAST"]
    with pytest.raises(LinkError, match="all its messages"):
        channel.seal(TO_READER)


def test_keys_are_not_shown() -> None:
    keys = SessionKeys.derive(ROOT, context(Role.FIELD, READER, N_S, N_R))
    assert keys.to_reader == _MADE["KEYS"][:16]
    assert str(keys.to_reader) not in repr(keys)
