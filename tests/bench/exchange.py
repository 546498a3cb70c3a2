"""What a tap costs on the line to the PN532: the bytes of its frames, and the time that a UART takes for them.

Nothing is timed: at a rate of so many baud a byte takes ten bits (start, eight, stop), whatever stands around it.
"""

from __future__ import annotations

from mpos.bench.cards import make_card
from mpos.bench.field import Field
from mpos.bench.pn532_chip import IN_DATA_EXCHANGE
from mpos.bench.world import World
from mpos.link.messages import Interface
from mpos.phone.sale import Sale

CARD = "tap-online"
BAUDS = (115_200, 460_800)
_CNY = 156
_AMOUNT = 1234
_CARD_TIMEOUT_S = 5
_BITS = 10
_FROM_CHIP = 0xD5
_TO_CHIP = 0xD4

Frame = tuple[str, bytes]  # direction, all bytes


class TapFailed(RuntimeError):
    """The sale of the bench was not approved, or its frames make no sense."""


async def tap() -> dict[str, float]:
    """line.*: of one sale by tap, from the first APDU to the last."""
    async with World(Field(*make_card(CARD))) as world, await world.connect() as reader:
        sale = Sale(reader, world.acquirer_address, interfaces=Interface.CONTACTLESS)
        record = await sale.run(_AMOUNT, _CNY, _CARD_TIMEOUT_S)
        if record.outcome != "approved":
            raise TapFailed(f"the sale ended as {record.outcome}: {record.error_text or record.response_code}")
        return figures([(direction, data) for direction, data, _ in world.chip.trace])


def figures(trace: list[Frame]) -> dict[str, float]:
    """From the frames of a conversation. An exchange is a command, its ACK, and its answer."""
    exchanges = [(at, body) for at, (way, data) in enumerate(trace) if way == ">" and (body := _body(data, _TO_CHIP))]
    exchanges = [(at, body[1:]) for at, body in exchanges if body[0] == IN_DATA_EXCHANGE]
    if not exchanges:
        raise TapFailed("no APDU went through the chip")
    apdus = everything = 0
    for at, command in exchanges:
        try:
            sent, acknowledged, answered = (data for _, data in trace[at : at + 3])
        except ValueError:
            raise TapFailed("an exchange has no answer") from None
        answer = _body(answered, _FROM_CHIP)
        if answer[:1] != bytes((IN_DATA_EXCHANGE + 1,)):
            raise TapFailed(f"answered by {answer[:1].hex()} and not by its own code")
        # Target and status are the chip's; what is behind them is the APDU
        apdus += len(command) - 1 + len(answer) - 2
        everything += len(sent) + len(acknowledged) + len(answered)
    count = len(exchanges)
    found: dict[str, float] = {
        "line.apdus": count,
        "line.bytes": everything,
        "line.overhead": (everything - apdus) / count,
    }
    for baud in BAUDS:
        found[f"line.overhead_ms_{baud}"] = milliseconds(found["line.overhead"], baud)
        found[f"line.ms_{baud}"] = milliseconds(everything, baud)
    return found


def milliseconds(count: float, baud: int) -> float:
    return count * _BITS * 1000 / baud


def _body(data: bytes, identifier: int) -> bytes:
    """What a frame has between TFI and DCS; nothing of an ACK, and of what is no frame of this direction."""
    at = data.find(b"\x00\xff") + 2
    head = 5 if data[at : at + 2] == b"\xff\xff" else 2
    length = int.from_bytes(data[at + 2 : at + 4], "big") if head == 5 else data[at] if at < len(data) else 0
    body = data[at + head : at + head + length]
    return body[1:] if body[:1] == bytes((identifier,)) else b""
