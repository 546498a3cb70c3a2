"""The head's drivers against the bench's head, over TCP: every revision, both directions, and all that can go wrong.

The drivers run in MicroPython (device.py beside this file), as on the reader; nothing of them is replaced.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mpos.bench import f2f
from mpos.bench.f2f import Stripe
from mpos.bench.mag_asic import DeltaAsic
from tests.contract.head.world import (
    CLOSED,
    FULL,
    HEAD,
    OTHER,
    PARTS,
    TRACK_1,
    TRACK_2,
    TRACK_3,
    Swiper,
    good,
    run_heads,
)

BACK = {"direction": "back"}
TRACKS = (TRACK_1, TRACK_2, TRACK_3)
LOST = good(None, None, None)
BEHIND_HANDSHAKE = 2


def is_clear(head: Swiper) -> bool:
    """Nothing of a card is in the ASIC."""
    return head.asic is not None and head.asic.strobes == 0 and not head.asic.memory


@pytest.mark.parametrize("kind", PARTS)
async def test_each_revision_and_direction(kind: str) -> None:
    heads = [Swiper(part, (FULL, {}), (FULL, BACK), (FULL, {})) for part in PARTS[kind]]
    found = await run_heads(kind, heads, "sessions", "3")
    for i, head in enumerate(heads):
        assert found[i, 0] == found[i, 2] == good(*TRACKS)
        assert found[i, 1] == good(*TRACKS, back=True)
        assert head.violations == []
        assert head.asic is None or (head.asic.watchdogs == 0 and is_clear(head))


@pytest.mark.parametrize("kind", PARTS)
async def test_a_card_that_takes_its_time(kind: str) -> None:
    """The reader answers the ZEROES FLAG while the card is still passing, and clears a head that it is passing still."""
    swipes: list[dict[str, Any]] = [{"speed_cm_s": 15}, {"speed_cm_s": 90, **BACK}, {"speed_cm_s": 30, **BACK}]
    head = Swiper(PARTS[kind][0], *[(FULL, {**options, "paced": True}) for options in swipes])
    found = await run_heads(kind, [head], "sessions", "3")
    assert [found[0, i] for i in range(3)] == [good(*TRACKS, back="direction" in options) for options in swipes]
    assert head.violations == []


@pytest.mark.parametrize("kind", PARTS)
async def test_tracks_that_are_empty(kind: str) -> None:
    stripes = [Stripe(track2=TRACK_2), Stripe(TRACK_1), Stripe(None, TRACK_2, TRACK_3)]
    heads = [Swiper(PARTS[kind][0], (stripe, {}), (stripe, BACK)) for stripe in stripes]
    found = await run_heads(kind, heads, "sessions", "2")
    for i, tracks in enumerate([(None, TRACK_2, None), (TRACK_1, None, None), (None, TRACK_2, TRACK_3)]):
        assert found[i, 0] == good(*tracks)
        assert found[i, 1] == good(*tracks, back=True)
        assert heads[i].violations == []


@pytest.mark.parametrize("kind", ["asic", "3v"])
async def test_scratches_before_and_behind_the_data(kind: str) -> None:
    """One-bits among the clocking zeros: the ASIC stores from the first of them on."""
    zeros = np.zeros(20, np.int8)
    scratch = np.array([1, 0, 0, 1], np.int8)
    bits = [
        np.concatenate([scratch, zeros, f2f.encode(text, width), zeros, scratch])
        for text, width in ((TRACK_1[:50], 7), (TRACK_2[:24], 5), (TRACK_3[:60], 5))
    ]
    head = Swiper(PARTS[kind][0], (Stripe(*bits), {}), (Stripe(*bits), BACK))
    found = await run_heads(kind, [head], "sessions", "2")
    assert found[0, 0] == good(TRACK_1[:50], TRACK_2[:24], TRACK_3[:60])
    assert found[0, 1] == good(TRACK_1[:50], TRACK_2[:24], TRACK_3[:60], back=True)


@pytest.mark.parametrize("kind", ["asic", "3v"])
async def test_a_swipe_before_start_is_thrown_away(kind: str) -> None:
    heads = [Swiper(part, (OTHER, {}), (FULL, {})) for part in PARTS[kind]]
    found = await run_heads(kind, heads, "early")
    for i, head in enumerate(heads):
        assert found[i, 0] == good(*TRACKS, early=True)
        assert head.violations == []


@pytest.mark.parametrize("kind", PARTS)
async def test_stopped_while_a_swipe_waits(kind: str) -> None:
    heads = [Swiper(part, (OTHER, {}), (FULL, {})) for part in PARTS[kind]]
    for head in heads:
        found = await run_heads(kind, [head], "stopped")
        assert found[0, -1] == ["0", "False"]
        assert found[0, 0] == good(*TRACKS)
        assert head.violations == []


@pytest.mark.parametrize("kind", ["asic", "3v"])
async def test_a_swipe_while_another_is_read(kind: str) -> None:
    """It is not seen, nothing of it gets among the other's bits, and it is not there afterwards."""
    for strobes in (BEHIND_HANDSHAKE, 700, 1800):
        head = Swiper(PARTS[kind][-1], (FULL, {}), (FULL, BACK))
        seen = []
        head.at = (strobes, lambda head, seen=seen: seen.append(head.swipe(OTHER, paced=True)))
        found = await run_heads(kind, [head], "sessions", "2")
        assert found[0, 0] == good(*TRACKS)
        assert found[0, 1] == good(*TRACKS, back=True)
        assert seen == [False] and head.violations == []


@pytest.mark.parametrize("watchdog_s", [0.262, 0.630])
async def test_the_watchdog_was_quicker(watchdog_s: float) -> None:
    """Other tasks keep the processor for too long while the tracks are read: the swipe is lost, and known to be."""
    for wait in ("1", "2"):
        head = Swiper(DeltaAsic("21006529", watchdog_s), (FULL, {}), (FULL, {}))
        found = await run_heads("asic", [head], "late", "400", wait)
        assert found[0, 0] == LOST
        assert found[0, 1] == good(*TRACKS)
        assert head.violations == [] and head.asic is not None and head.asic.watchdogs == 1 and is_clear(head)


async def test_the_watchdog_was_quicker_than_the_clearing() -> None:
    """All tracks are there by then: they count, and no strobe gets to a head that has armed itself."""
    head = Swiper(DeltaAsic("21006529", 0.262), (FULL, {}), (FULL, {}))
    found = await run_heads("asic", [head], "late", "400", "8")
    assert found[0, 0] == found[0, 1] == good(*TRACKS)
    assert head.violations == [] and head.asic is not None and head.asic.watchdogs == 1 and is_clear(head)


async def test_the_3v_mode_has_no_watchdog() -> None:
    head = Swiper("21006540", (FULL, {}), (FULL, {}))
    found = await run_heads("3v", [head], "late", "700", "2")
    assert found[0, 0] == found[0, 1] == good(*TRACKS)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 20])
@pytest.mark.parametrize("kind", PARTS)
async def test_reading_is_cancelled(kind: str, n: int) -> None:
    head = Swiper(PARTS[kind][-1], (OTHER, {}), (FULL, {}))
    found = await run_heads(kind, [head], "cancel", str(n))
    assert found[0, 0] in (["cancelled", "0"], ["ended"])
    assert found[0, 0] == ["cancelled", "0"] or n > 3
    assert found[0, 1] == good(*TRACKS)
    assert head.violations == []


@pytest.mark.parametrize("strobes", [1, BEHIND_HANDSHAKE, 10, 1000, 5000])
async def test_the_line_is_gone(strobes: int) -> None:
    def gone(head: Swiper) -> None:
        raise ValueError("the head takes it for no reader")

    head = Swiper("21006536", (OTHER, {}), (FULL, {}))
    head.at = (strobes, gone)
    found = await run_heads("asic", [head], "sessions", "2")
    assert found[0, 0] == ["read", str(CLOSED), "0", "0"]
    assert found[0, 1] == good(*TRACKS)


@pytest.mark.parametrize("preamble", [0x0001, 0xC000])
async def test_a_part_that_is_not_known(preamble: int) -> None:
    """It says what the part called itself, and the head is clear."""
    asic = DeltaAsic("21006536")
    asic.preamble = preamble
    head = Swiper(asic, (FULL, {}))
    found = await run_heads("asic", [head], "sessions", "1")
    assert found[0, 0] == ["read", str(HEAD), str(preamble), "0"]
    assert head.violations == [] and is_clear(head)


async def test_edges_that_nobody_is_armed_for() -> None:
    head = Swiper(None, (FULL, {}), (FULL, {"speed_cm_s": 100, "jitter_percent": 5, **BACK}))
    assert not head.swipe(OTHER)
    found = await run_heads("edges", [head], "sessions", "2")
    assert found[0, 0] == good(*TRACKS)
    assert found[0, 1] == good(*TRACKS, back=True)
