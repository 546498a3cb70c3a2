"""The real driver against the bench's chip, over TCP: what each of them does when the other, or the card, misbehaves.

The driver runs in MicroPython (device.py beside this file), as on the reader; nothing of it is replaced.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from mpos.bench.field import Field, Target
from mpos.bench.pn532_chip import IN_DATA_EXCHANGE, IN_LIST_PASSIVE_TARGET, IN_RELEASE, POWER_DOWN, Pn532Chip
from mpos.bench.pn532_faults import ACK_KINDS, Fault, Faults
from tests.contract.pn532.bench import (
    CARD_PROTOCOL,
    CARD_REMOVED,
    CARD_TIMEOUT,
    FRAME,
    GOOD,
    NO_CARD,
    ONCE,
    SILENT,
    STATUS,
    TWO_CARDS,
    Card,
    chip,
    commands,
    device,
    run,
    serve_on,
)

# The command frames of a session without faults (device.py) at the one speed, and which are exchanges with the card
START = ["14", "00", "02", "12", "32", "32", "32", "32"]
WAIT = ["32", "32", "4A", "4A"]
EXCHANGES = ["40", "40", "40", "40"]  # the second of the three APDUs goes in two parts
END = ["52", "32", "16"]
FRAMES = [int(code, 16) for code in START + WAIT + EXCHANGES + END]
LINE_TEST = 1  # the transport repeats it by itself, whatever the fault
FIRST_EXCHANGE = len(START + WAIT)


async def test_a_session() -> None:
    card = Card()
    one = chip(card)
    found = await run(one)
    assert found[0, "first"] == GOOD
    assert found[0, "again"] == GOOD
    assert commands(one.trace)[: len(FRAMES)] == FRAMES
    assert not one.field.carrier
    # The command of 304 bytes, which took two frames, arrived in one piece
    assert [len(command) for command in card.got] == [5, 304, 5]


DAMAGED = [kind for kind in ONCE if kind not in (*ACK_KINDS, "drop", "silence", "late", "wrong-code", "error-frame")]


def diagonal(first: int) -> list[str]:
    """A kind of damage for each frame, each kind in turn."""
    return [DAMAGED[(first + n) % len(DAMAGED)] for n in range(len(FRAMES))]


@pytest.mark.parametrize(
    "kinds",
    [diagonal(0), diagonal(len(DAMAGED) // 2), *([kind] * len(FRAMES) for kind in ONCE if kind not in DAMAGED)],
    ids=lambda kinds: kinds[0] if len(set(kinds)) == 1 else f"damaged, {kinds[0]} first",
)
async def test_a_fault_at_every_frame(kinds: list[str]) -> None:
    chips = [chip(faults=Faults(Fault(kind, frame=n))) for n, kind in enumerate(kinds)]
    found = await run(*chips)
    for n, (code, kind) in enumerate(zip(FRAMES, kinds, strict=True)):
        expected = ONCE[kind][code == IN_DATA_EXCHANGE]
        if (n == LINE_TEST or code == POWER_DOWN) and kind != "drop":
            expected = 0
        if code == IN_RELEASE and expected == STATUS:
            expected = 0
        where = f"{kind} at frame {n} ({code:02X}h)"
        assert chips[n].faults.hits == 1, where
        if expected:
            assert found[n, "first"][1:2] == [str(expected)], where
        elif code == IN_LIST_PASSIVE_TARGET and kind in ("lost-ack", "bad-ack"):
            # What was activated already does not answer the repeated command
            assert found[n, "first"] in (GOOD, ["wait", str(NO_CARD), "0"]), where
        else:
            assert found[n, "first"] == GOOD, where
        assert found[n, "again"] == GOOD, where


@pytest.mark.parametrize("first", [0, len(DAMAGED) // 2])
async def test_an_answer_that_stays_broken(first: int) -> None:
    """Each kind at every third frame, each frame with two kinds."""
    kinds = diagonal(first)
    chips = [chip(faults=Faults(Fault(kind, frame=n, times=99))) for n, kind in enumerate(kinds)]
    found = await run(*chips)
    for n, kind in enumerate(kinds):
        assert found[n, "again"] == GOOD, (kind, n)
        if n == LINE_TEST or FRAMES[n] == POWER_DOWN:
            continue
        assert found[n, "first"][1:2] == [str(FRAME)], (kind, n)
        # An answer and three times again; fewer where a busy machine lets the time for it run out
        assert 2 <= chips[n].faults.hits <= 4, (kind, n)


async def test_an_exchange_is_done_once_at_most_whatever_the_line_does() -> None:
    cards = [Card() for _ in ONCE]
    faults = [Fault(kind, frame=FIRST_EXCHANGE) for kind in ONCE]
    chips = [chip(card, faults=Faults(fault)) for card, fault in zip(cards, faults, strict=True)]
    await run(*chips)
    for one, fault in zip(chips, faults, strict=True):
        sent = [data for direction, data, _ in one.field.trace if direction == ">"]
        # the second session sends the card's three commands, the first did not, or once, before it gave up
        selects = sent.count(sent[0])
        assert selects == (1 if fault.kind in ("no-ack", "nack", "drop") else 2), fault.kind


@pytest.mark.parametrize("n", range(3))
async def test_a_card_removed_at_each_apdu(n: int) -> None:
    before, within, mute = Card(), Card(), Card()
    within.vanish_at = n
    mute.mute_at = n
    chips = [chip(before), chip(within), chip(mute)]
    chips[0].field.before_exchange = lambda target, command, number: number == n and chips[0].field.clear()
    found = await run(*chips)
    assert found[0, "first"] == [f"apdu{n}", str(CARD_REMOVED), "0"]
    assert found[1, "first"] == [f"apdu{n}", str(CARD_REMOVED), "0"]
    assert found[2, "first"] == [f"apdu{n}", str(CARD_TIMEOUT), "0"]
    # Where there is no card any more there is none; the mute one is as mute again
    assert found[0, "again"] == found[1, "again"] == ["wait", str(NO_CARD), "0"]
    assert found[2, "again"] == [f"apdu{n}", str(CARD_TIMEOUT), "0"]
    assert before.got == before.got[:n]


async def test_a_card_removed_between_the_parts_of_a_command() -> None:
    one = chip()
    removed = []

    def look() -> float:
        if commands(one.trace)[-2:] == [IN_DATA_EXCHANGE] * 2 and not removed:
            removed.append(True)
            one.field.clear()
        return 0.0

    one.field.clock = look
    found = await run(one)
    assert found[0, "first"] == ["apdu1", str(CARD_REMOVED), "0"]


@pytest.mark.parametrize(
    ("status", "code", "detail"),
    [
        (0x02, CARD_PROTOCOL, 0),
        (0x13, CARD_PROTOCOL, 0),
        (0x2B, CARD_REMOVED, 0),
        (0x0E, STATUS, 0x0E),
        (0x27, STATUS, 0x27),
    ],
)
async def test_the_chip_reports_an_error(status: int, code: int, detail: int) -> None:
    one = chip()
    one.statuses[1] = status
    found = await run(one)
    assert found[0, "first"] == ["apdu1", str(code), str(detail)]
    assert found[0, "again"] == GOOD


async def test_an_overlong_response() -> None:
    fits, longer = Card(), Card()
    fits.answers[0] = bytes(256) + b"\x90\x00"
    longer.answers[0] = bytes(257) + b"\x90\x00"
    longest = Card()
    longest.answers[0] = bytes(600)  # three frames with MI
    found = await run(chip(fits), chip(longer), chip(longest))
    assert found[0, "first"][2] == 256 * "00" + "9000"
    assert found[1, "first"] == ["apdu0", str(CARD_PROTOCOL), "0"]
    assert found[2, "first"] == ["apdu0", str(CARD_PROTOCOL), "0"]


async def test_what_may_lie_in_the_field() -> None:
    classic = Card("12675832", None, 0x08)
    odd = Card(ats="0570")
    found = await run(
        Pn532Chip(Field()),
        chip(Card(), Card("01020304")),
        chip(classic),
        chip(odd),
        chip(Card("08112233")),
        chip(Card("04112233445566778899")),
    )
    assert found[0, "first"] == ["wait", str(NO_CARD), "0"]
    assert found[1, "first"] == ["wait", str(TWO_CARDS), "0"]
    # without ISO/IEC 14443-4 an APDU is no command of the card's that the chip knows
    assert found[2, "first"] == ["apdu0", str(STATUS), str(0x7F)]
    assert found[3, "first"] == ["wait", str(CARD_PROTOCOL), "0"]
    assert found[4, "first"][1] == "08112233"
    assert found[5, "first"][1] == "04112233445566778899"


async def test_every_session_starts_the_card_afresh() -> None:
    card = Card()
    await run(chip(card))
    assert card.powered >= 2


@pytest.mark.parametrize("event", ["write", "read"])
async def test_cancel_at_every_step(event: str) -> None:
    """At the nth write the ACK and the answer are still to come, at the nth read one of them may be."""
    reached = set()
    together = 8
    for first in range(1, 200, together):
        async with AsyncExitStack() as stack:
            places = [await serve_on(stack, chip(), "plain") for _ in range(together)]
            runs = [device("cancel", where, event, str(first + i)) for i, where in enumerate(places)]
            all_found = await asyncio.gather(*runs)
        for n, found in enumerate(all_found, first):
            if found[0, "first"] == ["ok", "ended", "before"]:
                continue
            assert found[0, "first"][1] == "cancelled", n
            assert found[0, "next"] == ["ok", "1.6"], n
            assert found[0, "again"] == GOOD, n
            reached.add(found[0, "first"][0])
        if all_found[-1][0, "first"] == ["ok", "ended", "before"]:
            break
    # A read may bring the answer along with the ACK, more so on a busy machine: not every step is met at one of them
    assert reached >= ({"start", "wait", "apdu1", "release"} if event == "write" else {"wait", "apdu1"})


async def test_the_supply_fails_at_each_apdu() -> None:
    """The chip sleeps, has forgotten everything and hears nothing but a wake-up."""
    chips = [chip() for _ in range(3)]
    for at, one in enumerate(chips):

        def fail(target: Target, command: bytes, number: int, one: Pn532Chip = one, at: int = at) -> None:
            if number == at:
                one.power_cycle()

        one.field.before_exchange = fail
    found = await run(*chips)
    for n in range(3):
        # The answer under way still comes, from a card without carrier: a time-out that the sleeping chip cannot explain
        assert found[n, "first"] == [f"apdu{n}", str(SILENT), "0"]
        assert found[n, "again"] == GOOD
