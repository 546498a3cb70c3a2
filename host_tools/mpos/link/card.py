"""A card that is not for payment, at the reader: opened, spoken to and closed by the phone (docs/link.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mpos.describe.reader_errors import ERRORS
from mpos.link.client import ReaderClient
from mpos.link.messages import CardEvent, CardType, KeyKind, Message, Opcode, Operation, Tag, Technology

ANY = Technology.A | Technology.B | Technology.FELICA
ANY_SYSTEM = 0xFFFF
EXCHANGE_TIMEOUT_S = 30.0  # of one command: a card may ask for much time, and many blocks may be read


class CardLost(Exception):
    """The card is closed: nobody presented one, there were two, or it has left."""

    def __init__(self, event: CardEvent, code: int):
        self.event, self.code = event, code
        super().__init__(f"{code} {ERRORS.get(code, ('?', ''))[0]}: {ERRORS.get(code, ('', 'no reason given'))[1]}")


@dataclass(frozen=True)
class Found:
    """What the reader says of the card: `uid` is its UID, PUPI or IDm, `says` what it answered when it was activated."""

    technology: Technology
    type: CardType
    uid: bytes
    says: bytes
    version: bytes


class PassedCard:
    """Use as `async with PassedCard(reader) as card`; `card.found` says what it is.

    Every method raises ReaderRefused, ReaderGone, TimeoutError; entering raises CardLost too.
    """

    def __init__(
        self,
        reader: ReaderClient,
        technologies: Technology = ANY,
        system_code: int = ANY_SYSTEM,
        timeout_s: int = 10,
    ):
        self._reader = reader
        self._technologies = technologies
        self._system_code = system_code
        self._timeout_s = timeout_s
        self.found: Found

    async def __aenter__(self) -> PassedCard:
        await self._reader.command(
            Opcode.CARD_OPEN,
            {
                Tag.TECHNOLOGY: bytes([self._technologies]),
                Tag.SYSTEM_CODE: self._system_code.to_bytes(2, "big"),
                Tag.TIMEOUT: self._timeout_s.to_bytes(2, "big"),
            },
        )
        while True:
            event = await self._reader.event(self._timeout_s + EXCHANGE_TIMEOUT_S)
            if event.opcode == Opcode.CARD_FOUND:
                self.found = _found(event)
                return self
            if event.opcode == Opcode.CARD:
                raise lost(event)

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Twice is once."""
        await self._command(Opcode.CARD_CLOSE, {})

    async def apdu(self, command: bytes) -> bytes:
        """One command APDU; the response with its status word."""
        return (await self._command(Opcode.CARD_APDU, {Tag.APDU: command})).body[Tag.APDU]

    async def authenticate(self, slot: int, kind: KeyKind, block: int = 0) -> None:
        """Let the card see the key of the reader's slot: for a sector of MIFARE Classic, or an NTAG's password."""
        body: dict[int, bytes] = {Tag.KEY_SLOT: bytes([slot])}
        if kind != KeyKind.PASSWORD:
            body |= {Tag.KEY_KIND: bytes([kind]), Tag.BLOCK: block.to_bytes(2, "big")}
        await self._command(Opcode.CARD_AUTHENTICATE, body)

    async def fetch(self, block: int, count: int = 1) -> bytes:
        """Blocks of MIFARE Classic (16 bytes each), pages of Ultralight or NTAG (4)."""
        body: dict[int, bytes] = {Tag.BLOCK: block.to_bytes(2, "big"), Tag.COUNT: bytes([count])}
        return (await self._command(Opcode.CARD_FETCH, body)).body[Tag.DATA]

    async def store(self, block: int, data: bytes) -> None:
        """One block of MIFARE Classic, one page of Ultralight or NTAG."""
        await self._command(Opcode.CARD_STORE, {Tag.BLOCK: block.to_bytes(2, "big"), Tag.DATA: data})

    async def store_trailer(self, block: int, access: bytes, slot_a: int, slot_b: int) -> None:
        """The trailer of a sector: access bits and user byte (4 bytes), keys by their slots."""
        body: dict[int, bytes] = {
            Tag.BLOCK: block.to_bytes(2, "big"),
            Tag.DATA: access,
            Tag.KEY_SLOT: bytes([slot_a, slot_b]),
        }
        await self._command(Opcode.CARD_STORE, body)

    async def fetch_felica(self, services: Sequence[int], blocks: Sequence[int]) -> bytes:
        """`blocks`: numbers; in bits 12 to 15 which of `services`, from 0."""
        return (await self._command(Opcode.CARD_FETCH, _lists(services, blocks))).body[Tag.DATA]

    async def store_felica(self, services: Sequence[int], blocks: Sequence[int], data: bytes) -> None:
        await self._command(Opcode.CARD_STORE, _lists(services, blocks) | {Tag.DATA: data})

    async def value(self, operation: Operation, block: int, operand: int = 0, target: int | None = None) -> int:
        """The value of block `target` (without it: `block`) after the operation."""
        blocks = block.to_bytes(2, "big") + (b"" if target is None else target.to_bytes(2, "big"))
        body: dict[int, bytes] = {
            Tag.OPERATION: bytes([operation]),
            Tag.BLOCK: blocks,
            Tag.VALUE: operand.to_bytes(4, "big"),
        }
        return int.from_bytes((await self._command(Opcode.CARD_VALUE, body)).body[Tag.VALUE], "big", signed=True)

    async def _command(self, opcode: Opcode, body: dict[int, bytes]) -> Message:
        return await self._reader.command(opcode, body, EXCHANGE_TIMEOUT_S)


def lost(event: Message) -> CardLost:
    return CardLost(CardEvent(event.number_of(Tag.CARD_EVENT)), event.number_of(Tag.ERROR))


def _found(event: Message) -> Found:
    body = event.body
    return Found(
        Technology(event.number_of(Tag.TECHNOLOGY)),
        CardType(event.number_of(Tag.CARD_TYPE)),
        body[Tag.UID],
        body[Tag.CARD_SAYS],
        body.get(Tag.CARD_VERSION, b""),
    )


def _lists(services: Sequence[int], blocks: Sequence[int]) -> dict[int, bytes]:
    return {
        Tag.SERVICE: b"".join(code.to_bytes(2, "big") for code in services),
        Tag.BLOCK: b"".join(block.to_bytes(2, "big") for block in blocks),
    }
