"""Good stripes, and the ways of hands."""

from typing import Any

from mpos.bench.cards.entry import Entry
from mpos.bench.cards.stripe.making import approved, profile


def _swiped(name: str, story: str, number: int, **swipe: Any) -> Entry:
    return approved(name, story, profile(number), swipe=swipe)


ENTRIES = (
    _swiped("stripe-backward", "A card that is swiped backward.", 543, direction="back"),
    _swiped("stripe-slow", "A slow hand.", 544, speed_cm_s=10),
    _swiped("stripe-fast", "A fast hand.", 545, speed_cm_s=150),
    _swiped("stripe-speeding-up", "A hand that becomes three times as fast.", 546, speed_cm_s=20, acceleration=180),
    _swiped("stripe-slowing-down", "A hand that becomes slow at the end.", 547, speed_cm_s=60, acceleration=-180),
    _swiped("stripe-shaking", "A hand whose speed goes up and down.", 548, wobble_percent=25),
    _swiped("stripe-jitter", "A card whose bits are unequal, as far as they may be.", 549, jitter_percent=8, seed=7),
    _swiped(
        "stripe-jitter-backward",
        "The same backward, by a fast hand.",
        550,
        jitter_percent=8,
        seed=8,
        direction="back",
        speed_cm_s=120,
    ),
    _swiped("stripe-track1-scratched", "A scratch across track 1; track 2 is good.", 551, dropouts=((1, 20.0),)),
    _swiped("stripe-track2-scratched", "A scratch across track 2; track 1 has the same.", 552, dropouts=((2, 20.0),)),
    approved(
        "stripe-short-lead-in",
        "A card that begins as late as it may, 3.30 mm from its edge.",
        profile(553),
        lead_mm=3.30,
    ),
)
