"""Stripes that are no bank's: people swipe those too."""

from mpos.bench.cards.stripe.making import broken

_E_NOT_PAYMENT = 105
# What the reader calls them
_AAMVA, _GIFT, _OWN_FORMAT, _OTHER = 2, 3, 4, 5

# AAMVA card design standard: postal code, class, restrictions, endorsements, sex, height, weight, hair, eyes
_LICENCE_3 = "10" + "00000      " + "C " + " " * 10 + " " * 4 + "1" + "510" + "150" + "BRO" + "BRO" + " " * 37

ENTRIES = (
    broken(
        "stripe-licence",
        "A North American driving licence.",
        _E_NOT_PAYMENT,
        kind="not-payment",
        detail=_AAMVA,
        instead=lambda: {
            1: "CATESTVILLE^SAMPLE$CARD$A^1 TEST STREET^",
            2: "6360141234567=491219800101=",
            3: _LICENCE_3,
        },
        widths={3: 7},
    ),
    broken(
        "stripe-gift-card",
        "A shop's gift card.",
        _E_NOT_PAYMENT,
        kind="not-payment",
        detail=_GIFT,
        instead=lambda: {2: "7001000000000000123"},
    ),
    broken(
        "stripe-airline",
        "A frequent flyer's card, in its issuer's own format.",
        _E_NOT_PAYMENT,
        kind="not-payment",
        detail=_OWN_FORMAT,
        instead=lambda: {1: "A0000001234^TEST/TRAVELLER^GOLD"},
    ),
    broken(
        "stripe-hotel-key",
        "A hotel's key.",
        _E_NOT_PAYMENT,
        kind="not-payment",
        detail=_OTHER,
        instead=lambda: {3: "88=1204=0001=0003"},
    ),
)
