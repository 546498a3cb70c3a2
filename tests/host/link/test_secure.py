"""The phone's side of a session, with a played reader: opened, renewed in the middle of everything, believing nobody else."""

from __future__ import annotations

import asyncio

import pytest

from mpos.link import secure
from mpos.link.client import ReaderClient, ReaderGone, ReaderRefused
from mpos.link.messages import Kind, LinkError, Message, Opcode, Role, Tag
from mpos.link.secure import SecurePipe, open_session
from mpos.link.session_keys import OVERHEAD
from mpos.server.key_service import CHALLENGES_MOST, KeyRefused, KeyService
from tests.host.link.played_reader import READER, ROOT, PlayedReader

_STATE = Message(Kind.EVENT, Opcode.STATE, 1, {Tag.READER_STATE: b"\2"})
_FAULT = Message(Kind.EVENT, Opcode.FAULT, 0, {Tag.ERROR: (708).to_bytes(2, "big"), Tag.DETAIL: b"\0\0\0\2"})
_LIMIT_S = 5


def _service() -> KeyService:
    return KeyService(lambda _role, reader_id: ROOT if reader_id == READER else None)


async def _opened(reader: PlayedReader, renew_at: int = secure.RENEW_AT) -> SecurePipe:
    return await open_session(reader, _service(), renew_at=renew_at)


async def test_commands_and_events_go_through() -> None:
    played = PlayedReader()
    async with ReaderClient(await _opened(played)) as reader:
        await reader.command(Opcode.CANCEL)
        played.say(_STATE)
        assert (await reader.event(_LIMIT_S)).opcode == Opcode.STATE
    assert played.commands == [(Opcode.OPEN_SESSION, False), (Opcode.AUTHENTICATE, False), (Opcode.CANCEL, True)]


async def test_the_bytes_that_docs_link_md_names() -> None:
    played = PlayedReader()
    pipe = await _opened(played)
    assert sum(map(len, played.log)) == 135 and len(played.log) == 4
    message = _STATE.encode()
    played.say(_STATE)
    assert await pipe.receive() == message
    assert len(played.log[-1]) == len(message) + OVERHEAD == len(message) + 18
    await pipe.close()


async def test_it_is_renewed_in_the_middle_of_everything() -> None:
    played = PlayedReader()
    pipe = await _opened(played, renew_at=7)
    async with ReaderClient(pipe) as reader:
        for i in range(40):
            if i % 3 == 0:
                played.say(_STATE)
            await reader.command(Opcode.CANCEL)
        for _ in range(14):
            assert (await reader.event(_LIMIT_S)).opcode == Opcode.STATE
    assert pipe.renewals == played.sessions - 1 >= 6
    assert pipe.ignored == 0
    # Only the first handshake is in clear
    assert [opcode for opcode, secured in played.commands if not secured] == [Opcode.OPEN_SESSION, Opcode.AUTHENTICATE]


async def test_an_event_between_the_two_sessions() -> None:
    played = PlayedReader()
    pipe = await _opened(played)
    old = played.channel
    assert old is not None

    def with_event_before(answer: bytes) -> list[bytes]:
        # Under the old keys, on its way when the new ones were agreed
        return [old.seal(_STATE.encode()), answer] if played.sessions == 2 else [answer]

    played.change = with_event_before
    await pipe.renew()
    assert await asyncio.wait_for(pipe.receive(), _LIMIT_S) == _STATE.encode()
    played.change = lambda answer: [answer]
    played.bring(old.seal(_STATE.encode()))  # after it: nobody's any more
    played.say(_STATE)
    await asyncio.wait_for(pipe.receive(), _LIMIT_S)
    assert pipe.ignored == 1
    await pipe.close()


async def test_what_others_say_is_not_believed() -> None:
    played = PlayedReader()
    pipe = await _opened(played)
    played.say(_STATE)
    sealed = played.log[-1]
    changed = bytearray(sealed)
    changed[12] ^= 1
    for forged in (sealed, bytes(changed), sealed[:-1], _STATE.encode(), b"", b"\x04", played.log[0]):
        played.bring(forged)
    played.bring(Message(Kind.RESPONSE, Opcode.CANCEL, 1, {Tag.ERROR: b"\0\0"}).encode())
    played.bring(_FAULT.encode())  # a hint: the reader says in clear that something came that was not ours
    assert await asyncio.wait_for(pipe.receive(), _LIMIT_S) == _STATE.encode()
    seen = []
    while not seen or seen[-1] != _FAULT.encode():
        try:
            seen.append(await asyncio.wait_for(pipe.receive(), _LIMIT_S))
        except LinkError:
            continue  # too short to be a message
    assert seen == [_FAULT.encode()]
    assert pipe.ignored >= 6
    await pipe.close()


async def test_a_device_without_the_key_is_no_reader() -> None:
    with pytest.raises(KeyRefused, match="does not have its key"):
        await _opened(PlayedReader(bytes(16)))


async def test_an_unknown_reader() -> None:
    service = KeyService(lambda _role, _reader_id: None)
    with pytest.raises(KeyRefused, match="FFFF9876543210E0"):
        await open_session(PlayedReader(), service)


async def test_a_session_is_not_confirmed_in_clear() -> None:
    played = PlayedReader()

    def in_clear(_answer: bytes) -> list[bytes]:
        if played.sessions:
            return [Message(Kind.RESPONSE, Opcode.AUTHENTICATE, 2, {Tag.ERROR: b"\0\0"}).encode()]
        return [_answer]

    played.change = in_clear
    with pytest.raises(LinkError, match="does not have its keys"):
        await _opened(played)


async def test_the_readers_refusal_is_passed_on() -> None:
    played = PlayedReader()

    def waits(answer: bytes) -> list[bytes]:
        body: dict[int, bytes] = {Tag.ERROR: (711).to_bytes(2, "big"), Tag.DETAIL: b"\0\0\0\x08"}
        return [Message(Kind.RESPONSE, Opcode.OPEN_SESSION, 1, body).encode()]

    played.change = waits
    with pytest.raises(ReaderRefused) as caught:
        await _opened(played)
    assert (caught.value.code, caught.value.detail) == (711, 8)


async def test_who_listens_hears_that_it_was_closed() -> None:
    pipe = await _opened(PlayedReader())
    listening = asyncio.create_task(pipe.receive())
    await pipe.close()
    with pytest.raises(ReaderGone):
        await asyncio.wait_for(listening, _LIMIT_S)


async def test_a_reader_that_leaves() -> None:
    played = PlayedReader()
    pipe = await _opened(played)
    played.hang_up()
    with pytest.raises(ReaderGone):
        await asyncio.wait_for(pipe.receive(), _LIMIT_S)
    await pipe.close()


async def test_a_reader_that_leaves_during_the_handshake() -> None:
    played = PlayedReader()
    played.change = lambda _answer: []
    opening = asyncio.create_task(_opened(played))
    await asyncio.sleep(0)
    played.hang_up()
    with pytest.raises(ReaderGone):
        await asyncio.wait_for(opening, _LIMIT_S)


async def test_a_message_that_is_too_long_for_a_session() -> None:
    pipe = await _opened(PlayedReader())
    with pytest.raises(LinkError, match="1006"):
        await pipe.send(bytes(1007))
    await pipe.close()


async def test_a_challenge_is_good_once() -> None:
    service = _service()
    with pytest.raises(KeyRefused, match="challenge"):
        await service.open(Role.FIELD, READER, bytes(16), bytes(16), bytes(16))
    theirs = await service.challenge()
    for said in ("does not have its key", "challenge"):
        with pytest.raises(KeyRefused, match=said):
            await service.open(Role.FIELD, READER, theirs, bytes(16), bytes(16))


async def test_challenges_that_nobody_answers_make_room() -> None:
    service = _service()
    first = await service.challenge()
    for _ in range(CHALLENGES_MOST):
        last = await service.challenge()
    for theirs, said in ((first, "challenge"), (last, "does not have its key")):
        with pytest.raises(KeyRefused, match=said):
            await service.open(Role.FIELD, READER, theirs, bytes(16), bytes(16))
