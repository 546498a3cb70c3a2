"""Cards for application selection. EMV 4.4 Book 1, 12."""

from typing import Any

from mpos.bench.cards.contact.personalities.making import approved, broken, entry, profile
from mpos.bench.cards.contact.profile import ContactProfile
from mpos.bench.cards.contact.spoiled import GET_OPTIONS, READ_RECORD, SELECT
from mpos.bench.cards.entry import CONTACT, Entry
from mpos.bench.cards.faults import TRUNCATED, instead, status
from mpos.bench.cards.others import TransitChip
from mpos.bench.cards.profile import AID_CREDIT, AID_DEBIT

_AID_VISA = bytes.fromhex("A0000000031010")
_E_NOT_PAYMENT, _E_BLOCKED, _E_CARD_BLOCKED, _E_CANCELLED = 105, 407, 408, 801

_EMPTY = profile(302)  # the account holds one fen: who takes this application is declined
_VISA = profile(252, aid=_AID_VISA, label="VISA", ca_index=0xE0, version="012C", priority=3)


def _credit(number: int, **more: Any) -> ContactProfile:
    return profile(number, aid=AID_CREDIT, label="PBOC CREDIT", **{"priority": 2, **more})


_EMPTY_CREDIT = _credit(302)


def _named(number: int, tail: str, **more: Any) -> ContactProfile:
    return profile(number, name=AID_DEBIT + bytes.fromhex(tail), **more)


ENTRIES = (
    approved(
        "two-applications",
        "A debit and a credit application: the second is chosen.",
        _EMPTY,
        _credit(250, preferred="Crédit"),
        choice=1,
    ),
    approved("first-of-two", "The same, and the first is chosen.", profile(251), _EMPTY_CREDIT, choice=0),
    approved(
        "by-priority",
        "Two applications in the card, the second with the higher priority: it is the first to choose.",
        profile(302, priority=2),
        _credit(253, priority=1),
    ),
    entry(
        "other-scheme",
        "Three applications; the one of another scheme is chosen, which this host does not take.",
        "declined",
        "57",
        profile(246),
        _credit(247),
        _VISA,
        choice=2,
        tvr="0000008000",
        tsi="E800",
    ),
    approved("confirmed", "An application that wants to be confirmed, and is.", profile(254, priority=0x81)),
    broken(
        "not-confirmed",
        "An application that wants to be confirmed, and is not.",
        _E_CANCELLED,
        profile(255, priority=0x81),
        choice=None,
    ),
    approved("no-pse", "A card without a directory.", profile(256), make={"has_pse": False}),
    approved("pse-blocked", "A card whose directory is blocked.", profile(257), make={"pse_blocked": True}),
    approved(
        "pse-broken",
        "A card whose directory cannot be read.",
        profile(258),
        fault_at=(READ_RECORD, TRUNCATED),
    ),
    approved("longer-name", "An application whose name is longer than the reader's.", _named(259, "01")),
    approved(
        "same-beginning",
        "No directory, and two applications whose names begin alike: the second is chosen.",
        _named(302, "01"),
        _named(260, "02", label="PBOC SECOND"),
        make={"has_pse": False},
        choice=1,
    ),
    approved(
        "pse-stale",
        "A directory that names an application the card has no more.",
        _credit(248),
        make={"listed": (_EMPTY, _credit(248))},
    ),
    broken("application-blocked", "A card whose only application is blocked.", _E_BLOCKED, profile(261, blocked=True)),
    approved(
        "one-blocked",
        "A blocked application and a good one.",
        profile(302, blocked=True),
        _credit(262),
    ),
    broken(
        "card-blocked", "A card that the issuer has blocked.", _E_CARD_BLOCKED, profile(263), make={"blocked": True}
    ),
    broken(
        "options-refused",
        "An application that does not want this transaction, and no other.",
        _E_NOT_PAYMENT,
        profile(264, refuses_options=True),
    ),
    approved(
        "options-refused-once",
        "The first application does not want this transaction, so the second is used.",
        profile(302, refuses_options=True),
        _credit(265),
    ),
    broken(
        "options-failed",
        "A card that answers GET PROCESSING OPTIONS with an error.",
        401,
        profile(266),
        fault_at=(GET_OPTIONS, status(0x6F00)),
    ),
    broken(
        "fci-malformed",
        "A card whose file control information is cut off.",
        _E_NOT_PAYMENT,
        profile(267),
        fault_at=(SELECT, TRUNCATED, 1),
    ),
    broken(
        "fci-empty",
        "A card that says nothing of the application it selects.",
        _E_NOT_PAYMENT,
        profile(268),
        fault_at=(SELECT, instead(b""), 1),
    ),
    broken(
        "fci-of-another",
        "A card that selects another application than it was asked for.",
        _E_NOT_PAYMENT,
        profile(269),
        fault_at=(SELECT, instead(bytes.fromhex("6F108407A0000000031010A5055003414243")), 1),
    ),
    Entry(
        "transit-chip",
        "A transit card with contacts: APDUs, but no payment application.",
        "error",
        "",
        _E_NOT_PAYMENT,
        "not-payment",
        lambda atc: [TransitChip()],
        CONTACT,
    ),
)
