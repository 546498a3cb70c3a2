"""Stripes that were recorded wrong, or not at all. ISO/IEC 7811-2: sentinels, parity, LRC, lengths."""

from typing import Any

import numpy as np

from mpos.bench.cards.entry import Entry
from mpos.bench.cards.stripe.making import broken, profile

_E_NO_CARD, _E_STRIPE = 106, 109
_EMPTY, _NO_END, _PARITY, _LRC, _TOO_LONG, _TWO_STARTS, _ALL_ONES = 1, 4, 5, 6, 7, 8, 9
_CELLS = 200


def _wrong(name: str, story: str, number: int, detail: int = 0, **more: Any) -> Entry:
    """Track 2 of a card with no other."""
    return broken(name, story, _E_STRIPE, profile(number), detail=detail, tracks=(2,), **more)


def _flawed(name: str, story: str, number: int, detail: int = 0, **flaws: Any) -> Entry:
    return _wrong(name, story, number, detail, flaws={2: flaws})


ENTRIES = (
    _flawed("stripe-no-start", "A track without a start sentinel.", 531, start=False),
    _flawed("stripe-no-end", "A track that stops without an end sentinel.", 532, end=False, lrc=False),
    _flawed("stripe-bad-lrc", "A longitudinal redundancy check that is wrong.", 533, _LRC, bad_lrc=True),
    _flawed("stripe-bad-parity", "A character whose parity is wrong.", 534, _PARITY, bad_parity=15),
    _wrong(
        "stripe-two-starts",
        "A start sentinel in the middle of the track.",
        535,
        _TWO_STARTS,
        instead=lambda: {2: profile(535).track2().replace("=", ";", 1)},
    ),
    _wrong(
        "stripe-too-long",
        "A track with more characters than it may have.",
        536,
        _TOO_LONG,
        instead=lambda: {2: profile(536).track2() + "0" * 12},
    ),
    _wrong("stripe-all-ones", "A track of ones.", 537, _ALL_ONES, instead=lambda: {2: np.ones(_CELLS, np.int8)}),
    _wrong("stripe-all-zeros", "A track of clocking zeros.", 538, _EMPTY, instead=lambda: {2: np.zeros(_CELLS, np.int8)}),
    broken("stripe-blank", "A stripe on which nothing is recorded: nobody notices that it is swiped.", _E_NO_CARD),
    _wrong("stripe-half", "A card that is drawn out after half of its stripe.", 539, swipe={"partial": (0.0, 40.0)}),
    _wrong("stripe-scratched", "A scratch across the account number.", 540, swipe={"dropouts": ((2, 20.0),)}),
    _wrong("stripe-dented", "A dent in the account number that looks like one more pair of reversals.", 541, swipe={"peaks": ((2, 20.0),)}),
    _wrong("stripe-worn", "A card that has lain beside a magnet: every interval is another one.", 542, swipe={"jitter_percent": 90, "seed": 5}),
)  # fmt: skip
