"""A sweep of generated swipes through the firmware's decoder: what it accepts, and that it never reads one wrong.

    found = sweep(20_000)       seeded: the same swipes each time

Three parts. `inside`: what ISO/IEC 7811-2 and -6 permit of a card and a hand can do to it; all of it has to be read.
`curve`: jitter from nothing to far beyond that, for docs/swipe.png. `rough`: drop-outs, extra peaks, noise, partial
swipes and cards whose encoding is wrong; each may be refused, none may be read as anything but what is on the card.

What counts for a sale is the whole swipe: the tracks were read in one direction, and iso7813 takes the card. So each swipe
is also judged as the reader does it, and what would go to the host compared with the card.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mpos.acquirer.tracks import check_digit_ok
from mpos.bench import f2f
from mpos.swipe.decoder import Decoded, Decoder, Judged

# What the standard permits of a card: docs/swipe.md has the clauses
DENSITY = {1: 0.08, 2: 0.05, 3: 0.08}  # average bit density
JITTER_PERCENT = 10.0  # a subinterval +-20 % of itself is +-10 % of its bit cell
# And a hand: cm/s, how much faster or slower the card is at the end, and how far the speed swings in between
SPEEDS = (10.0, 150.0)
RATIO_MOST = 5.0
WOBBLE_PERCENT = 20.0

TRACK2_MOST = 37  # what is made of track 1 has no more

CURVE = tuple(float(percent) for percent in range(0, 41, 2))
_JITTER_MOST = 60.0
SWIPES = 30_000
INSIDE, ROUGH = "inside", "rough"
TIMES, BITS = "times", "bits"
_SEED = 7811
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ/ -."

Say = Callable[[str], None]


@dataclass(frozen=True)
class Seen:
    """A track that was not read, or wrong, or that the reader would send: enough to generate it again.

    way: "times" or "bits".
    """

    part: str
    number: int
    track: int
    way: str
    reason: int = 0


@dataclass
class Swept:
    """swipes: how many were generated; all: their tracks; tracks: those of them inside the standard. refused: inside the
    standard and not read, either way. wrong: read as something else than what is on the card. rough_read: tracks read of rough swipes, from times. accepted: swipes that the reader would take, by way; wrongly: those of them whose tracks for
    the host are not what is on the card. curve: jitter in percent -> the part of tracks 1, 2, 3 that was read from times."""

    swipes: int = 0
    all: int = 0
    tracks: int = 0
    refused: list[Seen] = field(default_factory=list)
    wrong: list[Seen] = field(default_factory=list)
    rough_read: int = 0
    rough_tracks: int = 0
    accepted: dict[str, int] = field(default_factory=lambda: {TIMES: 0, BITS: 0})
    wrongly: list[Seen] = field(default_factory=list)
    curve: dict[float, list[float]] = field(default_factory=dict)

    def figures(self) -> dict[str, float]:
        """For tests/bench/figures.py."""
        wrong_bits = [seen for seen in self.wrong if seen.way == "bits"]
        return {
            "swipes.tracks": self.tracks,
            "swipes.refused": len(self.refused),
            "swipes.wrong": len(self.wrong) - len(wrong_bits),
            "swipes.wrong_inside": sum(seen.part == INSIDE for seen in wrong_bits),
            "swipes.all": self.all,
            "swipes.wrong_bits": len(wrong_bits),
            "swipes.judged": self.swipes,
            "swipes.accepted": self.accepted[TIMES],
            "swipes.accepted_bits": self.accepted[BITS],
            "swipes.wrongly": sum(seen.way == TIMES for seen in self.wrongly),
            "swipes.wrongly_bits": sum(seen.way == BITS for seen in self.wrongly),
        }


@dataclass(frozen=True)
class Case:
    stripe: f2f.Stripe
    options: dict[str, Any]


def sweep(swipes: int, say: Say = lambda _: None) -> Swept:
    """Raises ToolchainMissing, CompileError, DecoderFailed."""
    found = Swept()
    with Decoder() as decoder:
        third = max(swipes // 3, 1)
        for i in range(third):
            _count(found, decoder, INSIDE, i, inside(i))
            if not i % 500:
                say(f"swipe {found.swipes} of {swipes}, inside the standard")
        each = max(third // len(CURVE), 1)
        for jitter in CURVE:
            say(f"swipe {found.swipes} of {swipes}, jitter {jitter:g} %")
            _curve(found, decoder, jitter, each)
        for i in range(max(swipes - found.swipes, 1)):
            _count(found, decoder, ROUGH, i, rough(i))
            if not i % 500:
                say(f"swipe {found.swipes} of {swipes}, rough")
    return found


def inside(number: int) -> Case:
    """A swipe within what the standard and a hand permit, both drawn up to the limits of it."""
    chance = np.random.default_rng((_SEED, 1, number))
    density = {track: 1 + _extreme(chance) * most for track, most in DENSITY.items()}
    ratio = RATIO_MOST ** _extreme(chance)
    # Neither end may be outside of the range of speeds
    low, high = SPEEDS[0] * max(1.0, 1 / ratio), SPEEDS[1] * min(1.0, 1 / ratio)
    speed = low * (high / low) ** ((_extreme(chance) + 1) / 2)
    return Case(
        stripe(chance, density),
        {
            "speed_cm_s": speed,
            "acceleration": _acceleration(speed, ratio),
            "wobble_percent": WOBBLE_PERCENT * abs(_extreme(chance)),
            "jitter_percent": JITTER_PERCENT * abs(_extreme(chance)),
            "direction": ("forward", "back")[int(chance.integers(2))],
            "seed": int(chance.integers(1 << 31)),
        },
    )


def rough(number: int) -> Case:
    """A swipe as bad as one likes."""
    chance = np.random.default_rng((_SEED, 3, number))
    ratio = 4 ** chance.uniform(-1, 1)
    speed = 10 ** chance.uniform(0.7, 2.3)
    start, end = sorted(chance.uniform(0, f2f.CARD_MM, 2)) if chance.random() < 0.2 else (0.0, f2f.CARD_MM)
    flaws = {track: _flaw(chance) for track in (1, 2, 3) if chance.random() < 0.15}
    return Case(
        stripe(chance, {track: 1 + chance.uniform(-0.2, 0.2) for track in (1, 2, 3)}, flaws),
        {
            "speed_cm_s": speed,
            "acceleration": _acceleration(speed, ratio),
            "wobble_percent": chance.uniform(0, 60),
            "jitter_percent": chance.uniform(0, _JITTER_MOST) if chance.random() < 0.7 else 0.0,
            "noise_us": chance.choice((0, 0, 1, 5, 20)),
            "dropouts": int(chance.choice((0, 0, 1, 1, 2, 4, 8))),
            "peaks": int(chance.choice((0, 0, 1, 1, 2, 4, 8))),
            "partial": (start, end),
            "direction": ("forward", "back")[int(chance.integers(2))],
            "seed": int(chance.integers(1 << 31)),
        },
    )


def stripe(
    chance: np.random.Generator, density: dict[int, float], flaws: dict[int, dict[str, Any]] | None = None
) -> f2f.Stripe:
    """Three tracks that a reader takes, from short ones to the longest that the standard has; numbers of test cards."""
    pan = "621234" + _digits(chance, int(chance.integers(6, 13)))
    pan += str(next(digit for digit in range(10) if check_digit_ok(f"{pan}{digit}")))
    expiry = f"{chance.integers(100):02}{chance.integers(1, 13):02}"
    rest = expiry + _digits(chance, 3)
    name = "".join(chance.choice(list(_ALPHABET), int(chance.integers(2, 27))))
    track1 = f"B{pan}^{name}^{rest}"
    track2 = f"{pan}={rest}"
    # ISO/IEC 4909, format 02, of which only the account counts; or UnionPay's, whose expiry is compared too
    track3 = f"02{pan}=" if chance.random() < 0.25 else f"99{pan}=156156{_digits(chance, 16 + 6 + 7)}{expiry}"
    return f2f.Stripe(
        track1 + _digits(chance, int(chance.integers(0, 77 - len(track1)))),
        track2 + _digits(chance, int(chance.integers(0, 38 - len(track2)))),
        track3 + _digits(chance, int(chance.integers(0, 105 - len(track3)))),
        flaws=flaws or {},
        density=density,
    )


def _flaw(chance: np.random.Generator) -> dict[str, Any]:
    return dict(
        (
            {"end": False},
            {"lrc": False},
            {"bad_lrc": True},
            {"bad_parity": int(chance.integers(8))},
            {"start": False},
            {"invert": True},
        )[int(chance.integers(6))]
    )


def _digits(chance: np.random.Generator, count: int) -> str:
    return "".join(map(str, chance.integers(0, 10, count)))


def _extreme(chance: np.random.Generator) -> float:
    """From -1 to 1; one time in three one of the two."""
    return float(chance.choice((-1, 1))) if chance.random() < 1 / 3 else float(chance.uniform(-1, 1))


def _acceleration(speed: float, ratio: float) -> float:
    """cm/s/s that bring the card to `ratio` times its speed at its end."""
    return speed * speed * (ratio * ratio - 1) / (2 * f2f.CARD_MM / 10)


def _curve(found: Swept, decoder: Decoder, jitter: float, count: int) -> None:
    read = [0, 0, 0]
    for i in range(count):
        case = inside(i)
        case.options["jitter_percent"] = jitter
        for track, way, ok in _decoded(found, decoder, f"curve {jitter:g}", i, case):
            read[track - 1] += ok and way == TIMES
    found.curve[jitter] = [n / count for n in read]


def _count(found: Swept, decoder: Decoder, part: str, number: int, case: Case) -> None:
    for _, way, ok in _decoded(found, decoder, part, number, case):
        if part == INSIDE:
            found.tracks += way == TIMES
        else:
            found.rough_tracks += way == TIMES
            found.rough_read += ok and way == TIMES


def _decoded(found: Swept, decoder: Decoder, part: str, number: int, case: Case) -> list[tuple[int, str, bool]]:
    """(track, way, it was read) of a swipe: from times, and from the bits that the bench's ASIC makes of them."""
    found.swipes += 1
    tracks = f2f.swipe(case.stripe, **case.options)
    found.all += len(tracks)
    read = {
        TIMES: {track: decoder.times(track, times.tolist()) for track, times in tracks.items()},
        BITS: {track: decoder.bits(track, f2f.bits(times)) for track, times in tracks.items()},
    }
    for way, decoded in read.items():
        for track, one in decoded.items():
            if one.ok and not _is_on(case.stripe, track, one):
                found.wrong.append(Seen(part, number, track, way))
            elif not one.ok and part == INSIDE:
                found.refused.append(Seen(part, number, track, way, one.reason))
        judged = decoder.judge(decoded)
        if not judged.error:
            found.accepted[way] += 1
            found.wrongly += [Seen(part, number, track, way) for track in _not_on(case.stripe, judged)[:1]]
    return [(track, way, one.ok) for way, decoded in read.items() for track, one in decoded.items()]


def _is_on(stripe: f2f.Stripe, track: int, decoded: Decoded) -> bool:
    """Whether those are the characters of a track that is encoded well."""
    return track not in stripe.flaws and decoded.characters == stripe.text(track)


def _not_on(stripe: f2f.Stripe, judged: Judged) -> list[int]:
    """The tracks that go to the host and are not what is on the card."""
    tracks = {number: str(stripe.text(number)) for number in stripe.tracks() if number not in stripe.flaws}
    if judged.number == 1 and 1 in tracks:
        account, _, rest = tracks[1][1:].split("^")
        tracks[2] = f"{account}={rest}"[:TRACK2_MOST]
    elif judged.number == 1:
        tracks.pop(2, None)
    sent = {2: judged.track2, 3: judged.track3}
    return [number for number, text in sent.items() if text and text != tracks.get(number, "").replace("=", "D")]
