"""The coupler's driver against the bench's TDA8029, over TCP: what each does when the other, or the card, misbehaves."""

from __future__ import annotations

import pytest

from mpos.bench.icc import atr as atrs
from mpos.bench.icc_chip import IccChip
from mpos.bench.icc_faults import Fault, Faults
from mpos.bench.icc_slot import IccSlot
from mpos.bench.tda8029_chip import serve_coupler
from tests.contract.icc.world import (
    CARD_ATR,
    CARD_FAULT,
    CARD_PROTOCOL,
    CARD_REMOVED,
    CARD_TIMEOUT,
    CLOSED,
    FRAME,
    NO_CARD,
    SILENT,
    STATUS,
    T0_DIRECT,
    T0_INVERSE,
    T1_DIRECT,
    T1_INVERSE,
    Card,
    Coupler,
    Once,
    Slot,
    device,
    good,
    run_couplers,
)

ATRS = (T0_DIRECT, T0_INVERSE, T1_DIRECT, T1_INVERSE)
CHECK, MASK, POWER_OFF, POWER_UP, CARD_COMMAND = 0x09, 0x0A, 0x4D, 0x6E, 0x00

# The frames of a session without faults (device.py). The first is the transport's own, which repeats it whatever happens.
START = [MASK, MASK, POWER_OFF]
FRAMES = [*START, CHECK, CHECK, POWER_UP, *[CARD_COMMAND] * 4, POWER_OFF]


def commands(coupler: Coupler) -> list[int]:
    return [frame[3] for direction, frame, _ in coupler.trace if direction == ">"]


async def test_sessions_of_both_protocols_and_conventions() -> None:
    couplers = [Coupler(Slot(Card(atr))) for atr in ATRS]
    found = await run_couplers(couplers)
    for i, atr in enumerate(ATRS):
        assert found[i, 0] == found[i, 1] == good(atr)
        assert commands(couplers[i])[: len(FRAMES)] == FRAMES
        assert not couplers[i].slot.powered and couplers[i].slot.violations == []


# What a spoilt answer, met once, does to a command to the chip alone, and to one to the card. 0: nothing.
ONCE = {
    "silence": (0, CARD_TIMEOUT),
    "bad-lrc": (0, FRAME),
    "short": (0, FRAME),
    "long": (0, FRAME),
    "wrong-code": (0, CARD_TIMEOUT),
    "garbage": (0, 0),
    "drop": (CLOSED, CLOSED),
}


@pytest.mark.parametrize("kind", ONCE)
async def test_an_answer_that_is_spoilt_at_every_frame(kind: str) -> None:
    couplers = [Coupler(Slot(Card())) for _ in FRAMES]
    for n, coupler in enumerate(couplers):
        coupler.spoilings[n] = kind
    found = await run_couplers(couplers)
    for n, code in enumerate(FRAMES):
        expected = ONCE[kind][code == CARD_COMMAND]
        where = f"{kind} at frame {n} ({code:02X}h)"
        if expected:
            assert found[n, 0][1:2] == [str(expected)], where
        else:
            assert found[n, 0] == good(), where
        assert found[n, 1] == good(), where
        card = couplers[n].slot.again
        assert isinstance(card, Card)


async def test_a_command_is_given_to_the_card_once_at_most() -> None:
    kinds = [kind for kind in ONCE if kind != "drop"]
    couplers = [Coupler(Slot(Card())) for _ in kinds]
    for kind, coupler in zip(kinds, couplers, strict=True):
        coupler.spoilings[FRAMES.index(CARD_COMMAND)] = kind
    await run_couplers(couplers)
    for kind, coupler in zip(kinds, couplers, strict=True):
        given = [command for direction, command, _ in coupler.slot.trace if direction == ">"]
        assert given.count(given[0]) == 2, kind  # once in each session


async def test_a_chip_that_stays_silent_or_broken() -> None:
    couplers = [Coupler(Slot(Card())) for _ in range(3)]
    for kind, coupler in zip(("silence", "bad-lrc", "wrong-code"), couplers, strict=True):
        coupler.spoilings = dict.fromkeys(range(3, 8), kind)
    couplers.append(Coupler(Slot(Card())))
    couplers[3].spoilings = dict.fromkeys(range(99), "silence")
    found = await run_couplers(couplers)
    assert found[0, 0] == found[2, 0] == ["wait", str(SILENT), "0"]
    assert found[1, 0] == ["wait", str(FRAME), "0"]
    assert [found[i, 1] for i in range(3)] == [good()] * 3
    assert found[3, 0] == found[3, 1] == ["start", str(SILENT), "0"]  # as on a line with nobody at its other end


STATUSES = {
    0xC0: (CARD_REMOVED, 0),
    0x22: (CARD_TIMEOUT, 0),
    0x81: (CARD_TIMEOUT, 0),
    0x0A: (CARD_PROTOCOL, 0),
    0x26: (CARD_PROTOCOL, 0),
    0x83: (CARD_PROTOCOL, 0),
    0xA0: (CARD_PROTOCOL, 0),
    0xA1: (CARD_FAULT, 0),  # the card is still there
    0xE3: (CARD_FAULT, 0),
    0xE4: (CARD_FAULT, 0),
    0x21: (STATUS, 0x21),
    0x55: (STATUS, 0x55),
}


async def test_what_the_chip_says_of_a_command() -> None:
    couplers = [Coupler(Slot(Card())) for _ in STATUSES]
    for status, coupler in zip(STATUSES, couplers, strict=True):
        coupler.statuses[1] = status
    found = await run_couplers(couplers)
    for i, (status, (code, detail)) in enumerate(STATUSES.items()):
        assert found[i, 0] == ["apdu1", str(code), str(detail)], f"{status:02X}"
        assert found[i, 1] == good(), f"{status:02X}"


async def test_a_command_that_reached_the_chip_damaged_is_sent_again() -> None:
    coupler = Coupler(Slot(Card()))
    coupler.statuses[1] = 0xF0
    found = await run_couplers([coupler])
    assert found[0, 0] == found[0, 1] == good()


async def test_answers_to_reset() -> None:
    old = IccChip(Card(), atr=atrs.basic_t0(b"", tb1=0x25), warm_atr=T0_DIRECT)
    slots = [
        Slot(Card(), Faults(Fault("mute", reset=0))),
        Slot(Card(), Faults(Fault("wrong-ts", reset=0))),
        Slot(Card(), Faults(Fault("wrong-ts", reset=0, times=2))),
        Slot(Card(T1_DIRECT), Faults(Fault("bad-tck", reset=0))),
        Slot(old),
        Slot(IccChip(Card(), atr=atrs.basic_t1(b"", ifsc=0x05))),
    ]
    found = await run_couplers([Coupler(slot) for slot in slots])
    assert found[0, 0] == ["activate", str(CARD_ATR), "0"]
    assert found[0, 1] == good()
    assert found[1, 0] == found[1, 1] == good()
    assert found[2, 0] == ["activate", str(CARD_ATR), str(0xC4)]  # the chip's own word for it
    assert found[2, 1] == good()
    assert found[3, 0] == found[3, 1] == good(T1_DIRECT)
    assert found[4, 0] == found[4, 1] == good()
    assert found[5, 0] == found[5, 1] == ["activate", str(CARD_ATR), "10"]
    assert not any(slot.powered for slot in slots)


async def test_a_card_that_hangs_and_a_slot_that_cuts_the_power() -> None:
    slots = [Slot(Card(), Once(Fault(kind, apdu=1))) for kind in ("silence", "power")]
    found = await run_couplers([Coupler(slot) for slot in slots])
    assert found[0, 0] == ["apdu1", str(CARD_TIMEOUT), "0"]
    assert found[1, 0] == ["apdu1", str(CARD_FAULT), "0"]
    assert found[0, 1] == found[1, 1] == good()


async def test_an_empty_slot() -> None:
    found = await run_couplers([Coupler(IccSlot())])
    assert found[0, 0] == found[0, 1] == ["wait", str(NO_CARD), "0"]


@pytest.mark.parametrize("n", range(4))
async def test_a_card_removed_at_each_apdu(n: int) -> None:
    within = Slot(Card(T1_DIRECT), Once(Fault("removal", apdu=n)))
    found = await run_couplers([Coupler(within)])
    assert found[0, 0] == [f"apdu{n}", str(CARD_REMOVED), "0"]
    assert found[0, 1] == good(T1_DIRECT)


class Leaving(Coupler):
    """The card goes before the nth frame of the reader's, or before the answer to it."""

    def __init__(self, slot: Slot, n: int, is_before: bool):
        super().__init__(slot)
        self.n, self.is_before = n, is_before

    def _frame(self, frame: bytes) -> None:
        if self.frames == self.n and self.is_before:
            self.slot.remove()
        super()._frame(frame)

    def _answer_to(self, code: int, head: int, data: bytes) -> None:
        if self.frames == self.n and not self.is_before:
            self.slot.remove()
        super()._answer_to(code, head, data)


@pytest.mark.parametrize("is_before", [True, False], ids=["before the command", "before the answer"])
async def test_a_card_removed_at_each_frame(is_before: bool) -> None:
    couplers = [Leaving(Slot(Card()), n, is_before) for n in range(len(FRAMES))]
    found = await run_couplers(couplers)
    for n, code in enumerate(FRAMES):
        where = f"frame {n} ({code:02X}h)"
        first = found[n, 0]
        if n < FRAMES.index(POWER_UP) or code == POWER_OFF:
            # It comes back when the reader switches it off, or nobody misses it any more
            assert first == good() or first == ["wait", str(NO_CARD), "0"] or first[1] == str(CARD_REMOVED), where
        elif is_before or n + 1 < len(FRAMES) - 1:
            assert first[1:] == [str(CARD_REMOVED), "0"], where
        else:
            assert first == good(), where
        assert found[n, 1] == good(), where


@pytest.mark.parametrize("n", [1, 4, 8, 12, 14, 16, 18, 21])
async def test_a_session_that_is_cancelled(n: int) -> None:
    coupler = Coupler(Slot(Card()))
    async with serve_coupler(coupler) as address:
        found = await device("coupler", "cancel", address, str(n))
    assert found[0, 0][-1] == "cancelled"
    assert found[0, 1] == good()
    assert not coupler.slot.powered
