"""Short forms for the lists of contact cards."""

from __future__ import annotations

from typing import Any

from mpos.bench import test_keys
from mpos.bench.cards.contact.card import ContactCard
from mpos.bench.cards.contact.profile import ContactProfile
from mpos.bench.cards.entry import CONTACT, Entry


def account_number(number: int) -> str:
    """Of the bench's issuer: 16 digits, the last one the check digit. ISO/IEC 7812-1, annex B."""
    digits = f"{test_keys.ISSUER_IIN}{number:07d}"
    doubled = (2 * int(digit) for digit in digits[::-2])
    total = sum(value - 9 if value > 9 else value for value in doubled) + sum(int(digit) for digit in digits[-2::-2])
    return f"{digits}{-total % 10}"


def profile(number: int, **more: Any) -> ContactProfile:
    return ContactProfile(account_number(number), **more)


def entry(
    name: str,
    story: str,
    outcome: str,
    response_code: str,
    card: ContactProfile,
    *,
    error: int = 0,
    tvr: str = "",
    tsi: str = "",
    make: dict[str, Any] | None = None,
    **more: Any,
) -> Entry:
    """A card with one application. make: what else ContactCard takes."""
    options = make or {}
    return Entry(
        name,
        story,
        outcome,
        response_code,
        error,
        "payment",
        lambda atc: [ContactCard(card, atc=atc, **options)],
        CONTACT,
        tvr,
        tsi,
        **more,
    )
