"""The reader's side of a session, played: a pipe with a reader at its end that answers every command with ERROR 0."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mpos.link.client import ReaderGone
from mpos.link.messages import Kind, Message, Opcode, Role, Tag
from mpos.link.session_keys import Channel, SessionKeys, context, cryptogram

ROOT = bytes(range(16))
READER = b"\xff\xff\x98\x76\x54\x32\x10\xe0"


class PlayedReader:
    """A client.Pipe. `log`: bytes of every message, both ways. `before_answer` may change what goes out."""

    def __init__(self, root: bytes = ROOT) -> None:
        self.root = root
        self.log: list[bytes] = []
        self.commands: list[tuple[int, bool]] = []  # opcode, secured
        self.channel: Channel | None = None
        self.change: Callable[[bytes], list[bytes]] = lambda message: [message]
        self.sessions = 0
        self._nonces = 0
        self._of = b""
        self._out: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def send(self, message: bytes) -> None:
        self.log.append(message)
        is_secured = message[0] == Kind.SECURED
        if is_secured:
            assert self.channel is not None
            message = self.channel.open(message)
        command = Message.decode(message)
        self.commands.append((command.opcode, is_secured))
        answer: dict[int, bytes] = {Tag.ERROR: b"\0\0"}
        if command.opcode == Opcode.OPEN_SESSION:
            self._nonces += 1
            ours = self._nonces.to_bytes(16, "big")
            self._of = context(Role(command.number_of(Tag.ROLE)), READER, command.body[Tag.NONCE], ours)
            proof = cryptogram(self.root, 1, self._of)
            answer |= {Tag.READER_ID: READER, Tag.NONCE: ours, Tag.CRYPTOGRAM: proof}
        elif command.opcode == Opcode.AUTHENTICATE:
            if command.body[Tag.CRYPTOGRAM] == cryptogram(self.root, 2, self._of):
                self.channel = Channel(SessionKeys.derive(self.root, self._of), is_reader=True)
                self.sessions += 1
                is_secured = True
            else:
                answer = {Tag.ERROR: (710).to_bytes(2, "big"), Tag.DETAIL: b"\0\0\0\1"}
        self.say(Message(Kind.RESPONSE, command.opcode, command.number, answer), is_secured)

    def say(self, message: Message, secured: bool = True) -> None:
        data = message.encode()
        if secured:
            assert self.channel is not None
            data = self.channel.seal(data)
        for part in self.change(data):
            self.bring(part)

    def bring(self, data: bytes) -> None:
        """Bytes of a message as they are."""
        self.log.append(data)
        self._out.put_nowait(data)

    def hang_up(self) -> None:
        self._out.put_nowait(None)

    async def receive(self) -> bytes:
        item = await self._out.get()
        if item is None:
            raise ReaderGone("hung up")
        return item

    async def close(self) -> None:
        pass
