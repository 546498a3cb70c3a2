"""The contact cards of the bench, by what is remarkable about them."""

from mpos.bench.cards.contact.personalities import (
    authentication,
    cardholder,
    cash,
    decisions,
    issuer_scripts,
    malformed,
    selection,
    transport,
)

ENTRIES = (
    *authentication.ENTRIES,
    *transport.ENTRIES,
    *selection.ENTRIES,
    *cardholder.ENTRIES,
    *decisions.ENTRIES,
    *issuer_scripts.ENTRIES,
    *cash.ENTRIES,
    *malformed.ENTRIES,
)
