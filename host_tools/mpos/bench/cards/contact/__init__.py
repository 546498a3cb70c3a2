"""Virtual contact chip cards: EMV 4.4 and PBOC 3.0 at the level of APDUs."""

from mpos.bench.cards.contact.card import ContactCard
from mpos.bench.cards.contact.profile import ContactProfile

__all__ = ["ContactCard", "ContactProfile"]
