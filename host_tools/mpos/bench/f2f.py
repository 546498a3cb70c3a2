"""A magnetic stripe under a hand: what is recorded on it, and when its flux reversals pass the head.

ISO/IEC 7811-2 and -6 (recording, character sets), -4 and -5 (where the tracks are); positions in mm from the edge that
passes the head first when the card is swiped forward, times in us. Two-frequency coding (F2F): a reversal where one
bit cell ends and the next begins, one more in the middle of a one.

    stripe = Stripe(track1, track2)                                  characters without sentinels, or bits
    swipe(stripe, speed_cm_s=40, jitter_percent=8, seed=1)           {1: intervals, 2: intervals}
    bits(swipe(stripe)[2])                                           what a reader that goes by the standard makes of it

A generator of the bench: nothing of the reader's own decoder is used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.int8]
Times = npt.NDArray[np.float64]
Intervals = npt.NDArray[np.uint16]

CARD_MM = 85.6  # ISO/IEC 7810, ID-1
INCH_MM = 25.4
BITS_PER_INCH = {1: 210, 2: 75, 3: 210}
WIDTH = {1: 7, 2: 5, 3: 5}
FIRST_BIT_MM = 7.44  # where the start sentinel begins
LEAD_MM = 0.5  # where the clocking zeros begin; the standard asks for them from 3.30 on
TAIL_MM = CARD_MM - 0.5  # and where they end
LONGEST_US = 65535  # as an interval: that or longer

_START = {7: "%", 5: ";"}
_BASE = {7: 0x20, 5: 0x30}
_CM_TO_MM = 10
_US = 1_000_000


def character(value: int, width: int) -> list[int]:
    """A character's bits as they are recorded: least significant first, then odd parity."""
    data = [value >> place & 1 for place in range(width - 1)]
    return [*data, 1 - sum(data) % 2]


def encode(
    text: str,
    width: int,
    *,
    start: bool = True,
    end: bool = True,
    lrc: bool = True,
    bad_parity: int | None = None,
    bad_lrc: bool = False,
    invert: bool = False,
) -> Bits:
    """The bits of a track from its start sentinel to its LRC. `text`: characters between the sentinels.

    width: 5 (numeric) or 7 (alphanumeric). start, end, lrc: False leaves it out. bad_parity: the character (0: the
    start sentinel) whose parity bit is wrong. bad_lrc: two data bits of it are turned over, so that its parity is right.
    invert: zeros for ones. Raises ValueError on a character that the set does not have.
    """
    whole = (_START[width] if start else "") + text + ("?" if end else "")
    values = [ord(letter) - _BASE[width] for letter in whole]
    if any(not 0 <= value < 1 << (width - 1) for value in values):
        raise ValueError("a character that this track's set does not have")
    out = [bit for value in values for bit in character(value, width)]
    if bad_parity is not None:
        out[(bad_parity + 1) * width - 1] ^= 1
    if lrc:
        check = 0x03 if bad_lrc else 0
        for value in values:
            check ^= value
        out += character(check, width)
    recorded = np.array(out, np.int8)
    return 1 - recorded if invert else recorded


@dataclass(frozen=True, eq=False)
class Stripe:
    """Tracks as characters without sentinels, as bits, or None: nothing is recorded there.

    flaws: by track, what `encode` is to do wrong. widths: by track, where it is not the usual one (AAMVA's third track
    has 7). lead_mm, tail_mm: where the clocking zeros begin and end. density: by track, relative to the standard's.
    """

    track1: str | Bits | None = None
    track2: str | Bits | None = None
    track3: str | Bits | None = None
    flaws: dict[int, dict[str, Any]] = field(default_factory=dict)
    widths: dict[int, int] = field(default_factory=dict)
    lead_mm: float = LEAD_MM
    tail_mm: float = TAIL_MM
    density: dict[int, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Stripe, tracks {self.tracks()}>"

    def text(self, number: int) -> str | Bits | None:
        return (self.track1, self.track2, self.track3)[number - 1]

    def tracks(self) -> list[int]:
        """The numbers of those that are recorded."""
        return [number for number in WIDTH if self.text(number) is not None]

    def bits(self, number: int) -> Bits:
        """From the start sentinel to the LRC; the clocking zeros are not among them. Empty for a blank track."""
        text = self.text(number)
        if text is None:
            return np.zeros(0, np.int8)
        if isinstance(text, str):
            return encode(text, self.widths.get(number, WIDTH[number]), **self.flaws.get(number, {}))
        return np.asarray(text, np.int8)

    def reversals(self, number: int) -> Times:
        """Positions of the flux reversals of a track in mm, in order; none for a blank one."""
        recorded = self.bits(number)
        if self.text(number) is None:
            return np.zeros(0)
        cell = self.cell_mm(number)
        before = int((FIRST_BIT_MM - self.lead_mm) / cell)
        start = FIRST_BIT_MM - before * cell
        after = max(int((self.tail_mm - FIRST_BIT_MM) / cell) - len(recorded), 0)
        cells = np.concatenate((np.zeros(before, np.int8), recorded, np.zeros(after, np.int8)))
        clocks = start + cell * np.arange(len(cells) + 1)
        middles = clocks[:-1][cells == 1] + cell / 2
        places = np.concatenate((clocks, middles))
        places.sort()
        return places[places <= CARD_MM]

    def cell_mm(self, number: int) -> float:
        """The length of one bit."""
        return INCH_MM / BITS_PER_INCH[number] / self.density.get(number, 1.0)


def swipe(stripe: Stripe, **options: Any) -> dict[int, Intervals]:
    """Intervals between the flux reversals of each track that gives any, in us. Options: as of `times`."""
    return intervals(times(stripe, **options))


def intervals(signals: dict[int, Times]) -> dict[int, Intervals]:
    """The same from what `times` gives."""
    out = {}
    for number, when in signals.items():
        whole = np.rint(when).astype(np.int64)
        if len(whole) > 1:
            out[number] = np.minimum(np.diff(whole), LONGEST_US).astype(np.uint16)
    return out


def times(
    stripe: Stripe,
    *,
    speed_cm_s: float = 40.0,
    acceleration: float = 0.0,
    wobble_percent: float = 0.0,
    jitter_percent: float = 0.0,
    noise_us: float = 0.0,
    direction: str = "forward",
    dropouts: int | Sequence[tuple[int, float]] = (),
    peaks: int | Sequence[tuple[int, float]] = (),
    partial: tuple[float, float] | None = None,
    seed: int = 0,
) -> dict[int, Times]:
    """When each flux reversal passes the head, in us from the moment the card's edge does, by track.

    speed_cm_s: of the card's edge as it meets the head. acceleration: of the hand, cm/s/s, either way; it may not stop
    the card. wobble_percent: how far the speed swings around that, twice in a swipe.
    jitter_percent: at most this part of a bit cell is an interval too long or too short: each reversal lies up to half
    of it beside its place. noise_us: standard deviation of the moment in which the head's peak is seen.
    direction: "forward" or "back". partial: only what lies between these two places (mm) passes the head.
    dropouts: places (track, mm) at which a pair of reversals is missing, or how many, anywhere. peaks: places at which
    there is a pair too many, a quarter of a bit cell apart, or how many.
    """
    if direction not in ("forward", "back"):
        raise ValueError("a card is swiped forward or back")
    chance = np.random.default_rng(seed)
    out = {}
    places = {number: stripe.reversals(number) for number in stripe.tracks()}
    lost, added = _spread(dropouts, places, chance), _spread(peaks, places, chance)
    for number, where in places.items():
        cell = stripe.cell_mm(number)
        if jitter_percent:
            where = where + cell * jitter_percent / 200 * chance.uniform(-1, 1, len(where))
        for track, place in lost:
            if track == number and len(where) > 2:
                first = min(int(np.searchsorted(where, place)), len(where) - 2)
                where = np.delete(where, (first, first + 1))
        for track, place in added:
            if track == number:
                where = np.concatenate((where, (place - cell / 8, place + cell / 8)))
        if partial is not None:
            where = where[(where >= partial[0]) & (where <= partial[1])]
        if direction == "back":
            where = CARD_MM - where
        where = np.sort(where)
        when = _when(where, speed_cm_s * _CM_TO_MM, acceleration * _CM_TO_MM, wobble_percent / 100)
        if noise_us:
            when = np.sort(when + chance.normal(0, noise_us, len(when)))
        out[number] = when
    return out


def _spread(
    what: int | Sequence[tuple[int, float]], places: dict[int, Times], chance: np.random.Generator
) -> Sequence[tuple[int, float]]:
    if not isinstance(what, int):
        return what
    tracks = [number for number in places if len(places[number])]
    if not tracks:
        return ()
    return [(tracks[chance.integers(len(tracks))], chance.uniform(LEAD_MM, TAIL_MM)) for _ in range(what)]


def _when(where: Times, speed: float, acceleration: float, wobble: float) -> Times:
    """us at which the places (mm) pass the head: speed in mm/s, acceleration in mm/s/s."""
    end = speed * speed + 2 * acceleration * CARD_MM
    if speed <= 0 or end <= 0 or not 0 <= wobble < 1:
        raise ValueError("the card stops before it is through")
    if acceleration:
        when = (np.sqrt(speed * speed + 2 * acceleration * where) - speed) / acceleration
        whole = (np.sqrt(end) - speed) / acceleration
    else:
        when, whole = where / speed, CARD_MM / speed
    if wobble:
        # time runs faster and slower: d(when) / d(even) stays within 1 +- wobble
        turns = 4 * np.pi / whole
        when = when + wobble / turns * np.sin(turns * when)
    return when * _US


# The other way: from times to bits


_QUALIFY = 4  # bit cells alike before a signal is taken for a stripe
_LIKE = 0.3  # how much they may differ
_WINDOW = 0.75  # of a bit cell: a reversal before that is the middle of a one
_FOLLOW = 0.4  # the weight of a new bit cell in the length that is expected of the next


def cells(when: Times | Sequence[float]) -> tuple[list[int], list[float]]:
    """The bits of a track and the time at which each was complete, from the times of its reversals.

    As a decoder in hardware does it: after `_QUALIFY` cells of clocking zeros a window opens at each reversal that ends a
    cell. What comes while it is open makes the bit a one, the first reversal after it ends the cell, and the last
    cells' lengths set the next window. Nothing is checked; what cannot be a stripe gives no bits.
    """
    moments = list(when)
    out: list[int] = []
    ends: list[float] = []
    first = _first(moments)
    if first is None:
        return out, ends
    start, length, one = moments[first], moments[first] - moments[first - 1], 0
    for moment in moments[first + 1 :]:
        passed = moment - start
        if passed < _WINDOW * length:
            one = 1
            continue
        out.append(one)
        ends.append(moment)
        start, length, one = moment, length + _FOLLOW * (passed - length), 0
    return out, ends


def _first(moments: Sequence[float]) -> int | None:
    """The reversal after the first few intervals that are alike."""
    alike = 0
    for at in range(2, len(moments)):
        before, now = moments[at - 1] - moments[at - 2], moments[at] - moments[at - 1]
        alike = alike + 1 if before and abs(now / before - 1) <= _LIKE else 0
        if alike == _QUALIFY:
            return at
    return None


def bits(track: Sequence[int] | Intervals) -> list[int]:
    """The bits of a track from its intervals, as `swipe` gives them."""
    return cells(np.concatenate(((0.0,), np.cumsum(np.asarray(track, np.float64)))))[0]
