"""Virtual contactless payment cards at the level of APDUs: EMV Contactless Books B, C-3 and C-7, PBOC 3.0 part 12."""

from mpos.bench.cards.contactless.card import PPSE, ContactlessCard

__all__ = ["PPSE", "ContactlessCard"]
