"""The slot's driver against the bench's slot, over TCP: both protocols, both conventions, and all that can go wrong.

The driver runs in MicroPython (device.py beside this file), as on the reader; nothing of it is replaced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from mpos.bench.icc import atr as atrs
from mpos.bench.icc.t0 import T0Options
from mpos.bench.icc.t1 import T1Options
from mpos.bench.icc_chip import IccChip
from mpos.bench.icc_faults import PLACES, Fault, Faults
from mpos.bench.icc_slot import SETTINGS, IccSlot, serve_slot
from tests.contract.icc.world import (
    AT_ONCE,
    CARD_ATR,
    CARD_FAULT,
    CARD_PROTOCOL,
    CARD_REMOVED,
    CARD_TIMEOUT,
    CLOSED,
    NO_CARD,
    T0_DIRECT,
    T0_INVERSE,
    T1_DIRECT,
    T1_INVERSE,
    Card,
    Once,
    Slot,
    device,
    good,
    run_slots,
)
from tests.harness.requirements import requirement

ATRS = (T0_DIRECT, T0_INVERSE, T1_DIRECT, T1_INVERSE)
FASTER = 0x13  # TA1: D is 4


class Watched(Slot):
    """A Slot that keeps the UART's settings."""

    def __init__(self, chip: IccChip | Card, faults: Faults | None = None):
        self.settings: list[tuple[int, int, int]] = []
        super().__init__(chip, faults)

    def receive(self, kind: int, payload: bytes) -> None:
        if kind == SETTINGS:
            self.settings.append((int.from_bytes(payload[:4], "big"), payload[4], payload[5]))
        super().receive(kind, payload)


@requirement("ISO 7816-3", "6.2.1", "RST is low when the supply comes on, and no character is sent without a supply.")
@requirement("ISO 7816-3", "6.4", "The contacts are switched off RST first, the supply last.")
@requirement("ISO 7816-3", "8.1", "A card of either convention is understood, by the first character of its answer.")
async def test_sessions_of_both_protocols_and_conventions() -> None:
    slots = [Watched(Card(atr)) for atr in ATRS]
    found = await run_slots(slots)
    for i, atr in enumerate(ATRS):
        assert found[i, 0] == good(atr)
        assert found[i, 1] == good(atr)
        assert slots[i].violations == []
        assert not slots[i].powered
    # 3,580 kHz / 372; two stop bits; odd parity once the inverse convention is known, and even again after a reset
    even, odd = (9624, 0, 2), (9624, 1, 2)
    assert slots[0].settings == [even] == slots[2].settings
    assert slots[1].settings == [even, odd, even, odd] == slots[3].settings


@requirement(
    "ISO 7816-3", "9.3", "PPS raises the speed of a card that offers a higher one, and both sides then use it."
)
@requirement(
    "ISO 7816-3",
    "6.3.1",
    "A card in negotiable mode that does not hold to its offer is reset and used at the first speed.",
)
async def test_pps() -> None:
    kinds = ("agree", "defaults", "silent", "garbage", "other-protocol")
    atrs_ = [atrs.basic_t0(b"", ta1=FASTER), atrs.basic_t1(b"", ta1=FASTER)]
    slots = [Watched(IccChip(Card(atr), pps=kind)) for kind in kinds for atr in atrs_]
    found = await run_slots(slots)
    for i, slot in enumerate(slots):
        kind, atr = kinds[i // 2], atrs_[i % 2]
        assert found[i, 0] == found[i, 1] == good(atr), kind
        assert slot.violations == []
        speeds = [speed for speed, _, _ in slot.settings]
        assert speeds == ([9624, 38495, 9624, 38495] if kind == "agree" else [9624]), kind
        assert slot.again.resets == (2 if kind in ("agree", "defaults") else 4), kind


@requirement(
    "ISO 7816-3", "8.3", "In specific mode the speed of TA1 holds right after the answer to reset, without PPS."
)
@requirement(
    "Book 1",
    "8.3.3.1",
    "A card that offers a speed the reader does not take in negotiable mode is used at the first one.",
)
async def test_speeds_without_pps() -> None:
    specific = atrs.basic_t1(b"", ta1=0x12, ta2=0x01)
    negotiable = atrs.basic_t0(b"", ta1=0x96)
    slots = [Watched(Card(specific)), Watched(Card(negotiable))]
    found = await run_slots(slots)
    assert found[0, 0] == found[0, 1] == good(specific)
    assert found[1, 0] == found[1, 1] == good(negotiable)
    assert [speed for speed, _, _ in slots[0].settings] == [9624, 19247, 9624, 19247]
    assert [speed for speed, _, _ in slots[1].settings] == [9624]


@requirement(
    "ISO 7816-3", "10.3", "A T=0 card may ask for its data byte by byte and for time, and announce answers by 61xx."
)
@requirement("ISO 7816-3", "11.6", "A T=1 card may chain, ask for time and change its block size.")
async def test_what_a_card_may_do() -> None:
    t0 = [T0Options(nulls=3), T0Options(one_by_one=True), T0Options(case_2="61"), T0Options(part=50)]
    t1 = [T1Options(wtx=(1, 2)), T1Options(ifs=40), T1Options(part=16)]
    chips = [IccChip(Card(T0_INVERSE), t0=each) for each in t0] + [IccChip(Card(T1_INVERSE), t1=each) for each in t1]
    found = await run_slots([Slot(chip) for chip in chips])
    for i, chip in enumerate(chips):
        assert found[i, 0] == found[i, 1] == good(chip.atr), i


@requirement("ISO 7816-3", "7.1", "The extra guard time of TC1 is kept between the characters that the reader sends.")
async def test_a_card_that_wants_guard_time() -> None:
    chips = [IccChip(Card(atrs.basic_t0(b"", tc1=2))), IccChip(Card(atrs.basic_t1(b"", tc1=2, cwi=3)))]
    found = await run_slots([Slot(chip) for chip in chips])
    for i, chip in enumerate(chips):
        assert found[i, 0] == found[i, 1] == good(chip.atr), i


@requirement(
    "Book 1", "8.3", "An answer that is rejected after the cold reset gets one warm reset, whose answer counts."
)
@requirement("Book 1", "8.3", "An answer that is rejected after the warm reset too ends the session.")
async def test_a_rejected_answer_to_reset() -> None:
    kinds = [kind for kind in PLACES["reset"] if kind not in ("mute", "short", "bad-tck")]
    once = [Slot(Card(T1_DIRECT), Faults(Fault(kind, reset=0))) for kind in [*kinds, "bad-tck"]]
    always = [Slot(Card(T1_DIRECT), Faults(Fault(kind, reset=0, times=2))) for kind in [*kinds, "bad-tck"]]
    old = IccChip(Card(), atr=atrs.basic_t0(b"", tb1=0x25), warm_atr=T0_DIRECT)
    found = await run_slots([*once, *always, Slot(old)])
    for i in range(len(once)):
        assert found[i, 0] == found[i, 1] == good(T1_DIRECT), kinds
        assert once[i].again.resets == 3
    for i in range(len(once), 2 * len(once)):
        assert found[i, 0] == ["activate", str(CARD_ATR), "1"]
        assert found[i, 1] == good(T1_DIRECT)
    assert found[2 * len(once), 0][3:] == good()[3:]


@requirement("Book 1", "6.1.3.1", "A card that gives no answer to reset is switched off, without a second reset.")
@requirement("Book 1", "8.1", "A card whose answer to reset stops for 10,080 etu is switched off.")
async def test_a_mute_card() -> None:
    slots = [Slot(Card(), Faults(Fault(kind, reset=0))) for kind in ("mute", "short")]
    found = await run_slots(slots)
    for i, slot in enumerate(slots):
        assert found[i, 0] == ["activate", str(CARD_ATR), "0"]
        assert found[i, 1] == good()
        assert isinstance(slot.again, Card) and slot.again.resets == 2
        assert slot.violations == []


# What becomes of a session when what the card sends meets a fault once. 0: nothing, the protocol recovers.
ONCE_T0 = {"silence": CARD_TIMEOUT, "short": CARD_TIMEOUT, "procedure": CARD_PROTOCOL}
ONCE_T1 = ("silence", "bad-edc", "bad-sequence", "bad-nad", "bad-pcb", "len-255", "len-more", "short", "long", "parity")
SENDINGS_T0 = 6  # SELECT: ACK, 61xx, data; READ RECORD: 6Cxx, data; PUT DATA: ACK ...
SENDINGS_T1 = 5  # IFS, and an answer each


@requirement("ISO 7816-3", "10.2", "A T=0 card that is silent past its work waiting time is switched off.")
@requirement("ISO 7816-3", "10.3.3", "A procedure byte that does not exist ends the session.")
async def test_a_fault_at_every_sending_of_t0() -> None:
    cases = [(kind, n) for kind in ONCE_T0 for n in range(SENDINGS_T0)]
    slots = [Slot(Card(atrs.basic_t0(b"")), Faults(Fault(kind, block=n))) for kind, n in cases]
    found = await run_slots(slots)
    for i, (kind, n) in enumerate(cases):
        assert slots[i].faults.hits == 1, (kind, n)
        assert found[i, 0][1] == str(ONCE_T0[kind]), (kind, n)
        assert found[i, 1] == good(slots[i].again.atr), (kind, n)
        assert slots[i].violations == []


@requirement(
    "ISO 7816-3", "11.6.3", "A T=1 block that comes damaged, once, is asked for again, and the session goes on."
)
async def test_a_fault_at_every_sending_of_t1() -> None:
    cases = [(kind, n) for kind in ONCE_T1 for n in range(SENDINGS_T1)]
    slots = [Slot(Card(T1_DIRECT), Faults(Fault(kind, block=n))) for kind, n in cases]
    found = await run_slots(slots)
    for i, (kind, n) in enumerate(cases):
        assert slots[i].faults.hits == 1, (kind, n)
        assert found[i, 0] == found[i, 1] == good(T1_DIRECT), (kind, n)


@requirement(
    "Book 1", "9.2.5.1", "Three blocks in a row without a valid answer end the session, and the card is switched off."
)
async def test_blocks_that_stay_broken() -> None:
    cases = [(kind, n) for kind in ("silence", "bad-edc", "bad-pcb", "abort") for n in (0, 2)]
    slots = [Slot(Card(T1_DIRECT), Faults(Fault(kind, block=n, times=20))) for kind, n in cases]
    found = await run_slots(slots)
    for i, (kind, n) in enumerate(cases):
        assert found[i, 0][0] == ("activate" if n == 0 else "apdu1"), (kind, n)
        assert found[i, 0][1] == str(CARD_TIMEOUT if kind == "silence" else CARD_PROTOCOL), (kind, n)
        assert not slots[i].powered and slots[i].violations == []


async def test_a_block_that_the_card_does_not_get() -> None:
    slots = [Slot(Card(T1_DIRECT), Faults(Fault(kind, heard=n))) for kind in ("bad-edc", "ignored") for n in range(5)]
    found = await run_slots(slots)
    for i in range(len(slots)):
        assert found[i, 0] == found[i, 1] == good(T1_DIRECT), i


@requirement("Book 1", "9.2.2.1", "A T=0 card that asks for time without end is stopped.")
@requirement("Book 1", "9.2.4.2", "A T=1 card that is silent past its block waiting time is switched off.")
async def test_an_application_that_hangs() -> None:
    slots = [Slot(Card(atr), Faults(Fault("silence", apdu=1))) for atr in (T0_DIRECT, T1_DIRECT)]
    found = await run_slots(slots)
    for i, atr in enumerate((T0_DIRECT, T1_DIRECT)):
        # A T=1 card whose application hangs still answers to R-blocks, each time with another
        assert found[i, 0] == ["apdu1", str((CARD_TIMEOUT, CARD_PROTOCOL)[i]), "0"]
        assert found[i, 1] == good(atr)
        assert slots[i].violations == []


async def test_the_slot_cuts_the_power() -> None:
    places = [Fault("power", apdu=1), Fault("power", character=2), Fault("power", character=40)]
    slots = [Slot(Card(atr), Once(place)) for place in places for atr in ATRS]
    found = await run_slots(slots)
    for i, slot in enumerate(slots):
        assert found[i, 0][1:] == [str(CARD_FAULT), "0"], i
        assert found[i, 1] == good(ATRS[i % 4]), i
        assert slot.violations == []


async def test_a_character_changed_on_the_line() -> None:
    """T=1 sees it and recovers. So does the reader when it is its own: the echo is another."""
    first = 2 * len(T1_DIRECT) // 2  # the reader's first character after the answer to reset
    slots = [
        Slot(Card(T1_DIRECT), Faults(Fault("change", character=first + 7, value=0x10))),
        Slot(Card(T1_DIRECT), Faults(Fault("lost", character=first + 7))),
        Slot(Card(T1_DIRECT), Faults(Fault("parity", character=first + 7))),
    ]
    found = await run_slots(slots)
    for i in range(len(slots)):
        assert found[i, 0] == found[i, 1] == good(T1_DIRECT), i


async def test_an_empty_slot_and_one_that_is_gone() -> None:
    found = await run_slots([IccSlot()])
    assert found[0, 0] == found[0, 1] == ["wait", str(NO_CARD), "0"]

    class Leaving(Slot):
        """The bench ends in the middle of the first session."""

        def exchange(self, command: bytes) -> bytes | None:
            if self.apdus == 1 and self.hang_up:
                self.hang_up()
            return super().exchange(command)

        hang_up: Callable[[], object] | None = None

    slot = Leaving(Card())
    async with serve_slot(slot) as address:
        host, port = address.split(":")

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection(host, int(port))
            if slot.hang_up is None:
                slot.hang_up = lambda: (writer.transport.abort(), back.transport.abort())

            async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
                while data := await source.read(4096):
                    target.write(data)

            await asyncio.gather(copy(reader, back), copy(there, writer), return_exceptions=True)
            writer.close()

        server = await asyncio.start_server(relay, "127.0.0.1", 0)
        try:
            name = server.sockets[0].getsockname()
            found = await device("slot", "sessions", f"{name[0]}:{name[1]}")
        finally:
            server.close()
    assert found[0, 0] == ["apdu1", str(CLOSED), "0"]
    assert found[0, 1] == good()


LANES = AT_ONCE


class Swept(Slot):
    """Gone after `lane` characters of the first session, `lane + LANES` of the second, and so on."""

    def __init__(self, card: Card, lane: int):
        self.lane = lane
        self.counts: list[int] = []  # characters of each session
        super().__init__(card)
        self.before_character = self.look

    def _power(self, on: bool) -> None:
        if on and not self._command:
            self.counts.append(0)
        super()._power(on)

    def look(self, direction: str, number: int) -> None:
        if self.counts[-1] == self.lane + (len(self.counts) - 1) * LANES:
            self.remove()
        else:
            self.counts[-1] += 1


@requirement(
    "Book 1", "6.2", "A card that is pulled out at any character ends the session, and the contacts are switched off."
)
@pytest.mark.parametrize("atr", ATRS, ids=["T=0", "T=0 inverse", "T=1", "T=1 inverse"])
async def test_removal_at_every_character(atr: bytes) -> None:
    whole = Slot(Card(atr, bytes(range(40)) + b"\x90\x00"))
    await run_slots([whole], "sweep", "1")
    total = whole.characters
    assert total > 80
    rounds = total // LANES + 1
    slots = [Swept(Card(atr, whole.again.record), lane) for lane in range(LANES)]
    found = await run_slots(slots, "sweep", str(rounds))
    assert len(found) == LANES * rounds
    for (lane, session), what in found.items():
        gone_at = lane + session * LANES
        if gone_at < total:
            assert what[1:] == [str(CARD_REMOVED), "0"], (gone_at, total, what)
        else:
            assert what[0] == "ok", (gone_at, total, what)
    for slot in slots:
        assert slot.violations == [] and not slot.powered


@pytest.mark.parametrize("atr", (T0_DIRECT, T1_INVERSE), ids=["T=0", "T=1 inverse"])
@pytest.mark.parametrize("n", [1, 4, 7, 10, 13, 16, 19, 22])
async def test_a_session_that_is_cancelled(atr: bytes, n: int) -> None:
    slot = Slot(Card(atr))
    async with serve_slot(slot) as address:
        found = await device("slot", "cancel", address, str(n))
    assert found[0, 0][-1] == "cancelled"
    assert found[0, 1] == good(atr)
    assert slot.violations == [] and not slot.powered
