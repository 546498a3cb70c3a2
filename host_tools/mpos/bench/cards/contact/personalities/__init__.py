"""The contact cards of the bench, by what is remarkable about them."""

from mpos.bench.cards.contact.personalities import authentication

ENTRIES = (*authentication.ENTRIES,)
