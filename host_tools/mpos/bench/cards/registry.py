"""The cards of the bench by name, over all interfaces."""

from __future__ import annotations

from typing import Any

from mpos.bench.cards import memory, registry_contactless, stripe
from mpos.bench.cards.contact import personalities
from mpos.bench.cards.contactless import personalities as taps
from mpos.bench.cards.entry import CONTACT, CONTACTLESS, SWIPE, Entry

CARDS: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        *registry_contactless.ENTRIES,
        *taps.ENTRIES,
        *memory.ENTRIES,
        *personalities.ENTRIES,
        *stripe.ENTRIES,
    )
}


def names(interface: str) -> list[str]:
    """The names of the cards for "contactless", "contact" or "swipe" that a customer could take for one to pay with."""
    return [entry.name for entry in CARDS.values() if entry.interface == interface and entry.kind != memory.MEMORY]


def make_card(name: str, atc: int = 0) -> list[Any]:
    """The targets to lay into the field for this name; for a contact card the one to insert, for a stripe card the one to swipe.

    atc: transactions the card has behind it; a host that remembers an earlier run wants a higher one.
    Raises ValueError with the known names.
    """
    entry = CARDS.get(name)
    if entry is None:
        raise ValueError(f"no card is called {name!r}; choose one of: {', '.join(CARDS)}")
    return entry.build(atc)


__all__ = ["CARDS", "CONTACT", "CONTACTLESS", "SWIPE", "Entry", "make_card", "names"]
