"""The sign-in as the phone leads it: the reader's request to the host, the host's answer to the reader, keys in neither's clear."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mpos.describe.error_details import DETAILS
from mpos.describe.reader_errors import ERRORS
from mpos.link.client import ReaderClient
from mpos.link.messages import Message, Opcode, Tag

E_SIGN_IN = 510
_APPROVED, _DECLINED = 3, 4


class SignInFailed(Exception):
    """The reader has no working keys; code: its error number, 0 when the host said no; the text says why."""

    def __init__(self, code: int, detail: int, text: str):
        super().__init__(text)
        self.code = code
        self.detail = detail


async def sign_in(
    reader: ReaderClient,
    forward: Callable[[int, bytes], Awaitable[None]],
    timeout_s: float,
    heard: Callable[[Message], Awaitable[None]] | None = None,
) -> None:
    """One sign-in to its end. `forward(number, packet)` takes the packet to the host and hands the answer in; `heard` sees
    every event. Raises SignInFailed, ReaderRefused, ReaderGone, TimeoutError."""
    number = (await reader.command(Opcode.SIGN_IN)).number_of(Tag.TRANSACTION)
    while True:
        event = await reader.event(timeout_s)
        if heard is not None:
            await heard(event)
        if event.number != number:
            continue  # of a transaction before this one
        if event.opcode == Opcode.ONLINE_REQUEST:
            await forward(number, event.body[Tag.PACKET])
        elif event.opcode == Opcode.RESULT:
            await reader.acknowledge(number)
            _judge(event)
            return


def _judge(event: Message) -> None:
    outcome = event.number_of(Tag.OUTCOME)
    if outcome == _APPROVED:
        return
    if outcome == _DECLINED:
        raise SignInFailed(0, 0, f"the host refused the sign-in with {event.text_of(Tag.RESPONSE_CODE)}")
    code, detail = event.number_of(Tag.ERROR), event.number_of(Tag.DETAIL)
    text = ERRORS[code][1] if code in ERRORS else f"error {code}"
    if why := DETAILS.get(code, {}).get(detail):
        text += f" Here: {why}."
    raise SignInFailed(code, detail, text)
