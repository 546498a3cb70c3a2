"""Cards that are taken away in the middle. JR/T 0025.12, annex F; EMV Contactless Book B, 3.2 (restarts).

An approval (TC) is read to its end when the card comes back, so that it pays once; a request to go online is made anew.
"""

from mpos.bench.cards.contactless.personalities.making import (
    approved,
    approved_offline,
    broken,
    union,
    visa,
)

_E_TORN = 417
_GET_OPTIONS, _READ_RECORD = 0xA8, 0xB2
# Of a card whose track 2 comes with a record: account, certificates (4), what is new each time
_LAST_RECORD = 6

ENTRIES = (
    approved(
        "torn-online",
        "A card that is taken away after its request to go online, and comes back.",
        union(633),
        torn=True,
        torn_at=(_READ_RECORD, 0, False),
        returns=True,
    ),
    approved(
        "torn-at-options",
        "A card that is taken away before its answer to GET PROCESSING OPTIONS is heard, and comes back.",
        union(632),
        torn_at=(_GET_OPTIONS, 0, True),
        returns=True,
    ),
    approved_offline(
        "torn-cash",
        "Electronic cash: taken away after it has approved and before it has paid, and comes back.",
        union(634, cash=50_000, available=True),
        torn=True,
        torn_at=(_READ_RECORD, 1, False),
        returns=True,
        balance="487.66",
    ),
    approved_offline(
        "torn-cash-paid",
        "Electronic cash that has paid, and its last answer is lost; it comes back and does not pay twice.",
        union(635, cash=50_000, available=True),
        torn=True,
        torn_at=(_READ_RECORD, _LAST_RECORD, True),
        returns=True,
        balance="487.66",
    ),
    broken(
        "torn-cash-gone",
        "Electronic cash that has paid, its last answer is lost, and it does not come back.",
        _E_TORN,
        union(636, cash=50_000, available=True),
        torn=True,
        torn_at=(_READ_RECORD, _LAST_RECORD, True),
    ),
    approved(
        "visa-torn",
        "A Visa card that is taken away after its request to go online, and comes back.",
        visa(50),
        torn=True,
        torn_at=(_READ_RECORD, 0, False),
        returns=True,
    ),
    approved_offline(
        "visa-torn-offline",
        "A Visa card that is taken away after it has approved, and comes back.",
        visa(51, decision="tc"),
        torn=True,
        torn_at=(_READ_RECORD, 0, False),
        returns=True,
    ),
)
