"""Cards with a magnetic stripe, by what is remarkable about them."""

from mpos.bench.cards.stripe import malformed, others, payment, swipes
from mpos.bench.cards.stripe.card import StripeCard, StripeProfile

ENTRIES = (*payment.ENTRIES, *swipes.ENTRIES, *others.ENTRIES, *malformed.ENTRIES)

__all__ = ["ENTRIES", "StripeCard", "StripeProfile"]
