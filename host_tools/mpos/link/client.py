"""A reader at the other end of a pipe: commands that are answered, events as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from mpos.describe.reader_errors import ERRORS
from mpos.link.messages import TYPE_SALE, Interface, Kind, LinkError, Message, Opcode, Tag, bcd

ANSWER_TIMEOUT_S = 5.0


class ReaderGone(RuntimeError):
    """The link to the reader is lost."""


class ReaderRefused(Exception):
    """The reader answered a command with an error number."""

    def __init__(self, opcode: int, code: int, detail: int):
        self.opcode, self.code, self.detail = opcode, code, detail
        name, sentence = ERRORS.get(code, ("?", "the reader gave a number this tool does not know"))
        what = Opcode(opcode).name if opcode in list(Opcode) else f"command {opcode:02X}"
        super().__init__(f"reader refused {what}: {code} {name} ({detail:X}): {sentence}")


class Pipe(Protocol):
    """A transport: whole messages in both directions."""

    async def send(self, message: bytes) -> None: ...

    async def receive(self) -> bytes:
        """Raises ReaderGone when nothing more will come."""
        ...

    async def close(self) -> None: ...


class ReaderClient:
    """Use as `async with ReaderClient(pipe) as reader`. Events are taken with `event()`."""

    def __init__(self, pipe: Pipe):
        self.pipe = pipe
        self._events: asyncio.Queue[Message | Exception] = asyncio.Queue()
        self._answers: dict[tuple[int, int], asyncio.Future[Message]] = {}
        self._next = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> ReaderClient:
        self._task = asyncio.create_task(self._listen(), name="reader link")
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.pipe.close()

    async def command(
        self, opcode: Opcode, body: dict[int, bytes] | None = None, timeout_s: float = ANSWER_TIMEOUT_S
    ) -> Message:
        """Send a command, wait for its response. Raises ReaderRefused, ReaderGone, TimeoutError."""
        self._next = self._next % 0xFFFF + 1
        return await self.command_as(self._next, opcode, body, timeout_s)

    async def command_as(
        self, number: int, opcode: Opcode, body: dict[int, bytes] | None = None, timeout_s: float = ANSWER_TIMEOUT_S
    ) -> Message:
        """As `command`, under a message id of the caller's choice (a repeat of a command carries its id again)."""
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[opcode, number] = answer
        try:
            await self.pipe.send(Message(Kind.COMMAND, opcode, number, body or {}).encode())
            message = await asyncio.wait_for(answer, timeout_s)
        finally:
            self._answers.pop((opcode, number), None)
        code = message.number_of(Tag.ERROR)
        if code and opcode != Opcode.LAST_RESULT:
            raise ReaderRefused(opcode, code, message.number_of(Tag.DETAIL))
        return message

    async def event(self, timeout_s: float) -> Message:
        """The next event. Raises ReaderGone, LinkError, TimeoutError."""
        item = await asyncio.wait_for(self._events.get(), timeout_s)
        if isinstance(item, Exception):
            raise item
        return item

    async def start_sale(
        self, amount: int, currency: int, timeout_s: int, interfaces: Interface = Interface.CONTACTLESS
    ) -> int:
        """Begin a sale of `amount` minor units by one of `interfaces`; returns the transaction's number."""
        answer = await self.command(
            Opcode.START,
            {
                Tag.TYPE: bytes([TYPE_SALE]),
                Tag.AMOUNT: bcd(amount, 6),
                Tag.CURRENCY: bcd(currency, 2),
                Tag.TIMEOUT: timeout_s.to_bytes(2, "big"),
                Tag.INTERFACES: bytes([interfaces]),
            },
        )
        return answer.number_of(Tag.TRANSACTION)

    async def online_result(self, transaction: int, frame: bytes) -> None:
        """Hand the host's answer to the reader."""
        await self.command(Opcode.ONLINE_RESULT, {Tag.TRANSACTION: transaction.to_bytes(2, "big"), Tag.PACKET: frame})

    async def online_failed(self, transaction: int, code: int) -> None:
        """Tell the reader why there is no answer (802: none came, 803: the host could not be reached)."""
        await self.command(
            Opcode.ONLINE_RESULT,
            {Tag.TRANSACTION: transaction.to_bytes(2, "big"), Tag.ERROR: code.to_bytes(2, "big")},
        )

    async def answer_prompt(self, transaction: int, choice: int) -> None:
        """What the cardholder chose: the number of a label from 0, 0xFF none of them; or 1 for yes, 0 for no."""
        await self.command(
            Opcode.CONTINUE, {Tag.TRANSACTION: transaction.to_bytes(2, "big"), Tag.CHOICE: bytes([choice])}
        )

    async def notices(self) -> AsyncIterator[Message]:
        """Take over what earlier transactions left for the host. A notice is forgotten by the reader when the next
        one is asked for, so that one whose keeping failed comes again."""
        taken: dict[int, bytes] = {}
        while True:
            notice = await self.command(Opcode.NOTICE, taken)
            if Tag.NOTICE_ID not in notice.body:
                return
            yield notice
            taken = {Tag.NOTICE_ID: notice.body[Tag.NOTICE_ID]}

    async def acknowledge(self, transaction: int) -> None:
        await self.command(Opcode.ACKNOWLEDGE, {Tag.TRANSACTION: transaction.to_bytes(2, "big")})

    async def _listen(self) -> None:
        while True:
            try:
                message = Message.decode(await self.pipe.receive())
            except LinkError as error:
                self._events.put_nowait(error)
                continue
            except ReaderGone as error:
                self._events.put_nowait(error)
                for answer in self._answers.values():
                    if not answer.done():
                        answer.set_exception(error)
                return
            if message.kind == Kind.EVENT:
                self._events.put_nowait(message)
                continue
            waiting = self._answers.get((message.opcode, message.number))
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
