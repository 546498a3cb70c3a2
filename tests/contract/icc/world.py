"""What the contract tests of the chip slot have in common: a card, slots that take it back, and the driver's process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from mpos.bench.icc import atr as atrs
from mpos.bench.icc_chip import IccChip
from mpos.bench.icc_faults import Fault, Faults
from mpos.bench.icc_slot import CMDVCC_N, IccSlot, serve_slot
from mpos.bench.tda8029_chip import Tda8029Chip, serve_coupler
from tests.contract.device_process import sessions

LIMIT_S = 120
AT_ONCE = 12
DEVICE = Path(__file__).with_name("device.py")

CARD_REMOVED, CARD_PROTOCOL, CARD_TIMEOUT, NO_CARD, CARD_ATR, CARD_FAULT = 101, 102, 103, 106, 107, 108
CLOSED, SILENT, FRAME, STATUS = 205, 211, 212, 213

T0_DIRECT = atrs.basic_t0(b"T0")
T0_INVERSE = atrs.basic_t0(b"T0", inverse=True)
T1_DIRECT = atrs.basic_t1(b"T1")
T1_INVERSE = atrs.basic_t1(b"T1", inverse=True)

SELECTED = bytes.fromhex("6F048400A5009000")
RECORD = bytes(range(30, 200)) + b"\x90\x00"
RESPONSES = [SELECTED.hex(), RECORD.hex(), "9000", "6985"]


class Card:
    """A ContactTarget. got: its commands since it was last reset."""

    def __init__(self, atr: bytes = T0_DIRECT, record: bytes = RECORD):
        self.atr = atr
        self.protocol = atrs.facts(atr).protocols[0]
        self.record = record
        self.got: list[bytes] = []
        self.resets = 0

    def power_on(self) -> None:
        self.resets += 1
        self.got = []

    def exchange(self, command: bytes) -> bytes | None:
        self.got.append(command)
        return {0xA4: SELECTED, 0xB2: self.record, 0xDA: b"\x90\x00"}.get(command[1], b"\x69\x85")


def good(atr: bytes = T0_DIRECT) -> list[str]:
    return ["ok", atr.hex(), str(atrs.facts(atr).protocols[0]), *RESPONSES]


class Once(Faults):
    """Faults that do not come back, as those of one character would: it is not counted when it does not get through."""

    def meet(self, place: str, number: int) -> Fault | None:
        rule = super().meet(place, number)
        if rule is not None:
            self.rules.remove(rule)
        return rule


class Slot(IccSlot):
    """An IccSlot whose card comes back as soon as the reader has understood that it is gone.

    It switches the contacts off when it learns of it, and once more when it lets the session go.
    """

    def __init__(self, chip: IccChip | Card, faults: Faults | None = None):
        self.again = chip
        super().__init__(chip, faults)

    def receive(self, kind: int, payload: bytes) -> None:
        was_off = not self._command
        super().receive(kind, payload)
        if kind == CMDVCC_N and payload == b"\x01" and was_off:
            self.put_back()

    def put_back(self) -> None:
        if self.chip is None:
            self.insert(self.again)


class Coupler(Tda8029Chip):
    """A Tda8029Chip whose card comes back after the reader has switched it off."""

    def _frame(self, frame: bytes) -> None:
        super()._frame(frame)
        if frame[3] == 0x4D and isinstance(self.slot, Slot):
            self.slot.put_back()


async def device(*arguments: str) -> dict[tuple[int, int], list[str]]:
    """What device.py prints, by number of the address and of the session."""
    found = await sessions(str(DEVICE), *arguments, limit_s=LIMIT_S)
    return {(number, int(which)): said for (number, which), said in found.items()}


async def run_slots(slots: Sequence[IccSlot], *what: str) -> dict[tuple[int, int], list[str]]:
    """What becomes of the sessions on each slot; a few at a time, as many as the heap has room for."""
    found = {}
    for at in range(0, len(slots), AT_ONCE):
        async with AsyncExitStack() as stack:
            some = slots[at : at + AT_ONCE]
            addresses = [await stack.enter_async_context(serve_slot(slot)) for slot in some]
            for (number, which), said in (await device("slot", *(what or ("sessions",)), *addresses)).items():
                found[at + number, which] = said
    return found


async def run_couplers(couplers: Sequence[Tda8029Chip], *what: str) -> dict[tuple[int, int], list[str]]:
    """The same for couplers."""
    found = {}
    for at in range(0, len(couplers), AT_ONCE):
        async with AsyncExitStack() as stack:
            some = couplers[at : at + AT_ONCE]
            addresses = [await stack.enter_async_context(serve_coupler(coupler)) for coupler in some]
            for (number, which), said in (await device("coupler", *(what or ("sessions",)), *addresses)).items():
                found[at + number, which] = said
    return found
