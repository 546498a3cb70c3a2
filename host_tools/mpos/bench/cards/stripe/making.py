"""Short forms for the lists of stripe cards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpos.bench.cards.contact.personalities.making import ONLINE_PIN, SIGNATURE, account_number
from mpos.bench.cards.entry import SWIPE, Entry
from mpos.bench.cards.stripe.card import StripeCard, StripeProfile, Track
from mpos.bench.icc_chip import ContactTarget

PIN, WRONG_PIN = "1357", "9999"

_SWIPED = frozenset({"tracks", "flaws", "widths", "lead_mm", "tail_mm", "density"})


def profile(number: int, **more: Any) -> StripeProfile:
    """The bench's issuer has accounts 500 to 559 for these cards."""
    return StripeProfile(account_number(number), **more)


def entry(
    name: str,
    story: str,
    outcome: str,
    response_code: str,
    owner: StripeProfile | None,
    *,
    error: int = 0,
    kind: str = "payment",
    chip: Callable[[int], ContactTarget] | None = None,
    instead: Callable[[], dict[int, Track]] = dict,
    **more: Any,
) -> Entry:
    """owner: what its issuer wrote. chip: makes the one on the same card. more: of StripeCard, or of Entry."""
    stripe = {key: more.pop(key) for key in list(more) if key in _SWIPED}

    def build(atc: int) -> list[Any]:
        return [StripeCard(owner, instead=instead(), chip=None if chip is None else chip(atc), **stripe)]

    return Entry(name, story, outcome, response_code, error, kind, build, SWIPE, **more)


def approved(name: str, story: str, owner: StripeProfile, **more: Any) -> Entry:
    """Approved by the host."""
    return entry(name, story, "approved", "00", owner, **more)


def with_pin(name: str, story: str, owner: StripeProfile, **more: Any) -> Entry:
    """Approved by the host, which checks the PIN."""
    return approved(name, story, owner, **{"pin": PIN, "cvm": ONLINE_PIN, **more})


def declined(name: str, story: str, code: str, owner: StripeProfile, **more: Any) -> Entry:
    """Declined by the host with its code."""
    return entry(name, story, "declined", code, owner, **more)


def broken(name: str, story: str, error: int, owner: StripeProfile | None = None, **more: Any) -> Entry:
    """No transaction comes of it."""
    return entry(name, story, "error", "", owner, error=error, **more)


__all__ = [
    "ONLINE_PIN",
    "PIN",
    "SIGNATURE",
    "WRONG_PIN",
    "approved",
    "broken",
    "declined",
    "entry",
    "profile",
    "with_pin",
]
