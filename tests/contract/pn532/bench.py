"""The bench's side of the contract tests: chips with cards before them, and what device.py says of each."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from mpos.bench import pn532_frames as frames
from mpos.bench.field import Field, Target, TargetRemoved
from mpos.bench.pn532_bus import serve_bus
from mpos.bench.pn532_chip import Pn532Chip, serve_chip
from mpos.bench.pn532_faults import Faults
from tests.contract.device_process import sessions

LIMIT_S = 60
ON_ONE_READER = 10  # that many chips fit the heap of one
DEVICE = Path(__file__).with_name("device.py")

CARD_REMOVED, CARD_PROTOCOL, CARD_TIMEOUT, TWO_CARDS, NO_CARD, CARD_ACCESS = 101, 102, 103, 104, 106, 114
SILENT, FRAME, STATUS, CLOSED = 201, 202, 203, 205

# What each fault, met once, does to a command of the chip and to an exchange with the card. 0: nothing. A card that cannot
# be released properly has gone, which is no fault of the session; nor is a chip that is sent to sleep and does not say so.
ONCE = {
    "no-ack": (0, SILENT),
    "lost-ack": (0, SILENT),
    "bad-ack": (0, SILENT),
    "nack": (0, SILENT),
    "garbage-before-ack": (0, 0),  # but for the exchange where frames are fetched: the ACK behind noise is lost
    "garbage": (0, 0),
    "short": (0, 0),
    "long": (0, 0),
    "bad-lcs": (0, 0),
    "bad-dcs": (0, 0),
    "bad-tfi": (0, 0),
    "wrong-code": (SILENT, CARD_TIMEOUT),
    "error-frame": (STATUS, STATUS),
    "silence": (SILENT, CARD_TIMEOUT),
    "late": (SILENT, CARD_TIMEOUT),
    "drop": (CLOSED, CLOSED),
}

UID = "04112233445566"


class Card:
    """Answers 6F00.. to the first, 256 bytes to the second, 9000 to the third APDU of a session."""

    def __init__(self, uid: str = UID, ats: str | None = "067577810280", sak: int = 0x20):
        self.uid, self.atqa, self.sak = bytes.fromhex(uid), b"\x03\x44", sak
        self.ats = bytes.fromhex(ats) if ats else None
        self.got: list[bytes] = []
        self.powered = 0
        self.mute_at: int | None = None
        self.vanish_at: int | None = None
        self.delay_ms = 0.0
        self.answers = [bytes.fromhex("6F009000"), bytes(range(256)) + b"\x90\x00", b"\x90\x00"]

    def power_on(self) -> None:
        self.powered += 1
        self.got = []

    def exchange(self, command: bytes) -> bytes | None:
        number = len(self.got)
        self.got.append(command)
        if number == self.mute_at:
            return None
        if number == self.vanish_at:
            raise TargetRemoved
        return self.answers[number]


GOOD = ["ok", UID, "6f009000", bytes(range(256)).hex() + "9000", "9000"]


async def device(*arguments: str) -> dict[tuple[int, str], list[str]]:
    """What device.py prints, by session and "first" or "again"."""
    return await sessions(str(DEVICE), *arguments, limit_s=LIMIT_S)


async def serve_on(stack: AsyncExitStack, chip: Pn532Chip, bus: str) -> str:
    """Join the chip by a bus as device.py names it; returns where device.py finds it."""
    name, _, wired = bus.partition("+")
    line = serve_chip(chip) if name == "plain" else serve_bus(chip, name, irq=bool(wired))
    return f"{bus}@{await stack.enter_async_context(line)}"


async def run(*chips: Pn532Chip, bus: str = "plain") -> dict[tuple[int, str], list[str]]:
    """Two sessions on each."""
    async with AsyncExitStack() as stack:
        places = [await serve_on(stack, chip, bus) for chip in chips]
        parts = [places[at : at + ON_ONE_READER] for at in range(0, len(places), ON_ONE_READER)]
        found = await asyncio.gather(*[device("sessions", *part) for part in parts])
    return {
        (number + at * ON_ONE_READER, which): words
        for at, one in enumerate(found)
        for (number, which), words in one.items()
    }


async def act(*scripts: tuple[Pn532Chip, str], bus: str = "plain") -> list[list[str]]:
    """What came of the steps ("look:3 send:00A4 stop") on each chip; `start` comes first by itself."""
    async with AsyncExitStack() as stack:
        told = []
        for chip, steps in scripts:
            told.append("/".join([await serve_on(stack, chip, bus), "start", *steps.split()]))
        found = await device("act", *told)
    return [found[number, "did"][1:] for number in range(len(scripts))]


def chip(*targets: Target, faults: Faults | None = None) -> Pn532Chip:
    return Pn532Chip(Field(*(targets or (Card(),))), faults)


def commands(trace: list[tuple[str, bytes, float]]) -> list[int]:
    """The codes of the command frames that the chip heard."""
    found = []
    for direction, data, _ in trace:
        if direction == ">" and data not in (frames.ACK, frames.NACK):
            found.append(data[9] if data[3:5] == b"\xff\xff" else data[6])
    return found
