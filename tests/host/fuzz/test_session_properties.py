"""Both sides of a session, which have no code in common, for every message: sealed by one, opened by the other, and by nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpos.link.messages import Role
from mpos.link.session_keys import OVERHEAD, Channel, NotOfThisSession, SessionKeys, context, cryptogram
from tests.fuzz import device
from tests.fuzz.properties import EVERY

device.install()
from reader.errors import ReaderError
from reader.link import handshake
from reader.link.session import HEAD, MAC, Session

_LONGEST = 1000
_BODIES = st.one_of(st.binary(max_size=80), st.binary(min_size=_LONGEST - 20, max_size=_LONGEST))
_ROOTS = st.binary(min_size=16, max_size=16)
_IDS = st.binary(min_size=8, max_size=8)
_NONCES = st.binary(min_size=16, max_size=16)


class _Door:
    def __init__(self) -> None:
        self.challenge = bytearray(handshake.CHALLENGE)
        self.refusals = self.refused_ms = 0


def _message(head: int, body: bytes) -> bytes:
    """A message of any kind but a secured one."""
    head &= 0xFFFFFFFF
    kind = head >> 24 if head >> 24 != 4 else 1
    return bytes([kind]) + head.to_bytes(4, "big")[1:] + len(body).to_bytes(2, "big") + body


def _pair(keys: SessionKeys) -> tuple[Session, Channel]:
    reader = Session()
    parts = (keys.to_reader, keys.to_reader_mac, keys.from_reader, keys.from_reader_mac, keys.number)
    reader.begin(Role.FIELD, b"".join(parts))
    return reader, Channel(keys)


def _keys(seed: bytes) -> SessionKeys:
    return SessionKeys.derive(seed, b"context")


@EVERY
@given(_ROOTS, st.sampled_from(list(Role)), _IDS, _NONCES, _NONCES)
def test_both_sides_agree_on_every_handshake(
    root: bytes, role: Role, reader: bytes, theirs: bytes, ours: bytes
) -> None:
    of = context(role, reader, theirs, ours)
    door = _Door()
    assert handshake.prove(door, root, role, reader, theirs, ours) == cryptogram(root, 1, of)
    keys = handshake.admit(door, root, cryptogram(root, 2, of), 0)
    expected = SessionKeys.derive(root, of)
    assert bytes(keys) == b"".join(
        (expected.to_reader, expected.to_reader_mac, expected.from_reader, expected.from_reader_mac, expected.number)
    )


@EVERY
@given(_ROOTS, st.lists(st.tuples(st.booleans(), st.integers(0, 0xFFFFFFFF), _BODIES), max_size=5))
def test_what_one_seals_the_other_opens(seed: bytes, messages: list[tuple[bool, int, bytes]]) -> None:
    reader, phone = _pair(_keys(seed))
    for to_reader, head, body in messages:
        message = _message(head, body)
        if to_reader:
            assert bytes(reader.open(memoryview(bytearray(phone.seal(message))))) == message
        else:
            buf = bytearray(HEAD) + message + bytes(MAC)
            sealed = bytes(reader.seal(buf, len(message)))
            assert len(sealed) == len(message) + OVERHEAD
            assert phone.open(sealed) == message


@EVERY
@given(_ROOTS, st.integers(0, 0xFFFFFFFF), _BODIES, st.data())
def test_nothing_else_changes_anything(seed: bytes, head: int, body: bytes, data: st.DataObject) -> None:
    reader, phone = _pair(_keys(seed))
    message = _message(head, body)
    good = phone.seal(message)
    at = data.draw(st.integers(0, len(good) - 1))
    flipped = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    cut = good[: data.draw(st.integers(0, len(good) - 1))]
    for other in (flipped, cut, data.draw(st.binary(max_size=60)), Channel(_keys(seed[::-1])).seal(message)):
        if other == good:
            continue
        with pytest.raises(ReaderError):
            reader.open(memoryview(bytearray(other)))
        with pytest.raises(NotOfThisSession):
            Channel(_keys(seed), is_reader=True).open(other)
    assert bytes(reader.open(memoryview(bytearray(good)))) == message
    with pytest.raises(ReaderError):
        reader.open(memoryview(bytearray(good)))
