"""The cards of the bench by name, over both interfaces."""

from __future__ import annotations

from typing import Any

from mpos.bench.cards import registry_contactless
from mpos.bench.cards.contact import personalities
from mpos.bench.cards.entry import CONTACT, CONTACTLESS, Entry

CARDS: dict[str, Entry] = {entry.name: entry for entry in (*registry_contactless.ENTRIES, *personalities.ENTRIES)}


def names(interface: str) -> list[str]:
    """The names of the cards for "contactless" or "contact"."""
    return [entry.name for entry in CARDS.values() if entry.interface == interface]


def make_card(name: str, atc: int = 0) -> list[Any]:
    """The targets to lay into the field for this name; for a contact card the one to insert.

    atc: transactions the card has behind it; a host that remembers an earlier run wants a higher one.
    Raises ValueError with the known names.
    """
    entry = CARDS.get(name)
    if entry is None:
        raise ValueError(f"no card is called {name!r}; choose one of: {', '.join(CARDS)}")
    return entry.build(atc)


__all__ = ["CARDS", "CONTACT", "CONTACTLESS", "Entry", "make_card", "names"]
