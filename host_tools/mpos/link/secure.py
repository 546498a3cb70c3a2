"""A pipe of secured messages over any other pipe: the session of docs/link.md, as the phone holds it.

    secure = await open_session(pipe, key_service)
    async with ReaderClient(secure) as reader: ...

The session is renewed before it has had all its messages, whatever else is going on.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from mpos.link.client import ANSWER_TIMEOUT_S, Pipe, ReaderGone, ReaderRefused
from mpos.link.messages import HEADER, Kind, LinkError, Message, Opcode, Role, Tag
from mpos.link.session_keys import MOST, Channel, NotOfThisSession, SessionKeys

RENEW_AT = MOST - 1024  # of the direction that has had more messages
_NOBODY = "the reader did not answer within {:.0f} s: is it switched on, and of this protocol?"


class Opened(Protocol):
    @property
    def cryptogram(self) -> bytes: ...

    @property
    def keys(self) -> SessionKeys: ...


class KeyService(Protocol):
    """Where a phone has its session keys from (mpos.server.key_service)."""

    async def challenge(self) -> bytes: ...

    async def open(self, role: Role, reader_id: bytes, theirs: bytes, ours: bytes, proof: bytes) -> Opened: ...


class SecurePipe:
    """Whole messages, each sealed on its way. Made by `open_session`.

    What comes in clear is not believed and not handed out, but a FAULT, which the reader sends when something came that
    was no message of this session: anybody could send one, so it is a hint and no more.
    """

    def __init__(self, pipe: Pipe, service: KeyService, role: Role = Role.FIELD, renew_at: int = RENEW_AT):
        self.pipe = pipe
        self.reader_id = b""
        self.ignored = 0  # messages that were none of this session's
        self.renewals = 0
        self._service = service
        self._role = role
        self._renew_at = renew_at
        self._channel: Channel | None = None
        self._next: Channel | None = None  # from AUTHENTICATE to its answer
        self._messages: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._answer: tuple[Opcode, int, asyncio.Future[Message]] | None = None
        self._handshakes = 0
        self._sending = asyncio.Lock()
        self._listener: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Raises ReaderRefused, ReaderGone, LinkError; the key service's refusal passes through."""
        self._listener = asyncio.create_task(self._listen(), name="secured link")
        try:
            async with self._sending:
                await self._handshake()
        except BaseException:
            await self._stop()
            raise

    async def send(self, message: bytes) -> None:
        async with self._sending:
            channel = self._open_channel()
            if channel.used >= self._renew_at:
                await self._handshake()
                self.renewals += 1
                channel = self._open_channel()
            await self.pipe.send(channel.seal(message))

    async def receive(self) -> bytes:
        item = await self._messages.get()
        if isinstance(item, Exception):
            raise item
        return item

    async def renew(self) -> None:
        """Other keys from here on; what is going on in the reader goes on."""
        async with self._sending:
            await self._handshake()
            self.renewals += 1

    async def close(self) -> None:
        await self._stop()
        await self.pipe.close()
        self._messages.put_nowait(ReaderGone("the link was closed"))

    async def _stop(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    def _open_channel(self) -> Channel:
        if self._channel is None:
            raise LinkError("the session is not open")
        return self._channel

    async def _handshake(self) -> None:
        """Under the running session, if there is one: so the reader knows that it is the same phone."""
        theirs = await self._service.challenge()
        offered = await self._ask(
            Opcode.OPEN_SESSION, {Tag.ROLE: bytes([self._role]), Tag.NONCE: theirs}, self._channel
        )
        reader_id, ours, proof = (offered.body.get(tag, b"") for tag in (Tag.READER_ID, Tag.NONCE, Tag.CRYPTOGRAM))
        if self.reader_id not in (b"", reader_id):
            raise LinkError("another reader answered than the one the session was opened with")
        opened = await self._service.open(self._role, reader_id, theirs, ours, proof)
        following = self._next = Channel(opened.keys)
        try:
            await self._ask(Opcode.AUTHENTICATE, {Tag.CRYPTOGRAM: opened.cryptogram}, self._channel)
        finally:
            self._next = None
        if self._channel is not following:
            raise LinkError("the session was confirmed by somebody who does not have its keys")
        self.reader_id = reader_id

    async def _ask(self, opcode: Opcode, body: dict[int, bytes], channel: Channel | None) -> Message:
        self._handshakes = self._handshakes % 0xFFFF + 1
        message = Message(Kind.COMMAND, opcode, self._handshakes, body).encode()
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answer = opcode, self._handshakes, answer
        try:
            await self.pipe.send(message if channel is None else channel.seal(message))
            said = await asyncio.wait_for(answer, ANSWER_TIMEOUT_S)
        except TimeoutError:
            raise ReaderGone(_NOBODY.format(ANSWER_TIMEOUT_S)) from None
        finally:
            self._answer = None
        code = said.number_of(Tag.ERROR)
        if code:
            raise ReaderRefused(opcode, code, said.number_of(Tag.DETAIL))
        return said

    async def _listen(self) -> None:
        while True:
            try:
                self._take(await self.pipe.receive())
            except LinkError as error:
                self._messages.put_nowait(error)
            except ReaderGone as error:
                self._messages.put_nowait(error)
                if self._answer is not None and not self._answer[2].done():
                    self._answer[2].set_exception(error)
                return

    def _take(self, message: bytes) -> None:
        is_secured = message[:1] == bytes([Kind.SECURED])
        try:
            inside = self._opened(message) if is_secured else message
            if len(inside) < HEADER:
                raise LinkError("a message is too short to be one")
        except NotOfThisSession:
            self.ignored += 1
            return
        kind, opcode, number = inside[0], inside[1], int.from_bytes(inside[2:4], "big")
        awaited = self._answer
        if kind == Kind.RESPONSE and awaited is not None and awaited[:2] == (opcode, number):
            # In clear only an answer to what was asked in clear, or a refusal
            said = Message.decode(inside)
            if is_secured or self._channel is None:
                self._settle(said)
                return
        if is_secured or (kind == Kind.EVENT and opcode == Opcode.FAULT):
            self._messages.put_nowait(inside)
        else:
            self.ignored += 1

    def _settle(self, said: Message) -> None:
        assert self._answer is not None
        if not self._answer[2].done():
            self._answer[2].set_result(said)

    def _opened(self, message: bytes) -> bytes:
        """Between AUTHENTICATE and its answer the reader's messages may be of either session; then only of the new one."""
        following = self._next
        if following is not None:
            with contextlib.suppress(NotOfThisSession):
                inside = following.open(message)
                # The reader knows the new keys: whatever comes from here on is under them
                self._channel, self._next = following, None
                return inside
        if self._channel is None:
            raise NotOfThisSession("no session is open")
        return self._channel.open(message)


async def open_session(
    pipe: Pipe, service: KeyService, role: Role = Role.FIELD, renew_at: int = RENEW_AT
) -> SecurePipe:
    """Open a session over `pipe`. Raises as SecurePipe.open; the pipe stays open then."""
    secure = SecurePipe(pipe, service, role, renew_at)
    await secure.open()
    return secure
