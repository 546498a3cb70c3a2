"""Stripes of payment cards: what the reader or the host makes of what is written on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpos.bench.cards.contact.card import ContactCard
from mpos.bench.cards.contact.profile import ContactProfile
from mpos.bench.cards.entry import CONTACT
from mpos.bench.cards.stripe.card import StripeProfile, Track
from mpos.bench.cards.stripe.making import (
    SIGNATURE,
    WRONG_PIN,
    approved,
    broken,
    declined,
    profile,
    with_pin,
)

_E_USE_CHIP, _E_SERVICE_CODE, _E_STRIPE_DATA = 110, 111, 112
_PIN_ALWAYS, _PIN_ASKED, _NO_PIN = "120", "126", "101"
_CHIP, _NATIONAL_CHIP = "201", "601"
_ATM_ONLY, _CASH_ONLY, _TEST, _PRIVATE = "103", "104", "901", "701"
_LONG_NUMBER = "6212340000000005094"

# Details of the reader's errors: rules of the service code, reasons of the fields
_RULE_TEST, _RULE_PRIVATE, _RULE_ATM, _RULE_CASH = 1, 2, 3, 4
_CHECK_DIGIT, _MONTH, _PAN_DIFFERS, _EXPIRY_DIFFERS, _SERVICE_CODE_DIFFERS, _TRACK_3_ALONE = 6, 8, 10, 11, 12, 13


class _DeadChip:
    """A chip that does not answer to reset."""

    atr = b""
    warm_atr: bytes | None = None
    protocol = 0
    applications: tuple[()] = ()

    def power_on(self) -> None:
        pass

    def exchange(self, command: bytes) -> bytes | None:
        return None


def _good_chip(number: int) -> Any:
    return lambda atc: ContactCard(ContactProfile(profile(number).pan), atc=atc)


def _dead_chip(atc: int) -> _DeadChip:
    return _DeadChip()


def _track2_of(other: StripeProfile) -> Callable[[], dict[int, Track]]:
    return lambda: {2: other.track2()}


ENTRIES = (
    approved("stripe-approved", "A stripe card with money on its account, no PIN.", profile(500)),
    with_pin("stripe-pin", "A card that wants its PIN.", profile(501, service_code=_PIN_ALWAYS)),
    approved("stripe-signature", "A card whose holder signs.", profile(502), cvm=SIGNATURE),
    with_pin(
        "stripe-pin-asked", "A card that wants its PIN where there is a PIN pad.", profile(512, service_code=_PIN_ASKED)
    ),
    approved(
        "stripe-online-only",
        "A card that its issuer wants to be asked for each time.",
        profile(513, service_code="121"),
    ),
    approved("stripe-national", "A card for use in its own country.", profile(514, service_code="501")),
    declined("stripe-insufficient-funds", "A card whose account holds one fen.", "51", profile(503)),
    declined(
        "stripe-unknown-bin",
        "A card of an issuer that the host has never heard of.",
        "15",
        StripeProfile("6212349900000011"),
    ),
    declined(
        "stripe-no-account",
        "A card of the right issuer without an account behind it.",
        "14",
        StripeProfile("6212340000000126"),
    ),
    declined("stripe-stolen", "A card that was reported stolen.", "43", profile(504)),
    declined("stripe-expired", "A card that expired in December 2019.", "54", profile(505, expiry="1912")),
    declined(
        "stripe-no-expiry", "A card without an expiry date, which its issuer never made.", "54", profile(515, expiry="")
    ),
    declined(
        "stripe-counterfeit",
        "A stripe that somebody wrote who does not know the issuer's key: its verification number is wrong.",
        "59",
        profile(506, genuine=False),
    ),
    declined(
        "stripe-pin-wrong",
        "The PIN is wrong.",
        "55",
        profile(510, service_code=_PIN_ALWAYS),
        pin=WRONG_PIN,
    ),
    # Chips
    approved(
        "stripe-of-chip",
        "A card with a chip, swiped although the reader could read that, and then inserted.",
        profile(507, service_code=_CHIP),
        chip=_good_chip(507),
        by=CONTACT,
    ),
    broken(
        "stripe-of-national-chip",
        "A card with a chip for its own country, which its holder does not insert.",
        _E_USE_CHIP,
        profile(516, service_code=_NATIONAL_CHIP),
        chip=_good_chip(516),
        inserts=False,
    ),
    approved(
        "stripe-fallback",
        "A card whose chip is dead: it is inserted in vain, then swiped.",
        profile(508, service_code=_CHIP),
        chip=_dead_chip,
    ),
    declined(
        "stripe-fallback-refused",
        "The same, of an issuer that wants its chips read.",
        "45",
        profile(511, service_code=_CHIP),
        chip=_dead_chip,
    ),
    # Service codes
    broken(
        "stripe-atm-only",
        "A card for cash machines.",
        _E_SERVICE_CODE,
        profile(517, service_code=_ATM_ONLY),
        detail=_RULE_ATM,
    ),
    broken(
        "stripe-cash-only",
        "A card for cash, not for goods.",
        _E_SERVICE_CODE,
        profile(518, service_code=_CASH_ONLY),
        detail=_RULE_CASH,
    ),
    broken("stripe-test-card", "A test card.", _E_SERVICE_CODE, profile(519, service_code=_TEST), detail=_RULE_TEST),
    broken(
        "stripe-private",
        "A card that only its own issuer takes.",
        _E_SERVICE_CODE,
        profile(520, service_code=_PRIVATE),
        detail=_RULE_PRIVATE,
    ),
    # Tracks
    approved("stripe-track2-only", "A card with nothing but track 2.", profile(521), tracks=(2,)),
    approved("stripe-track1-only", "A card with nothing but track 1.", profile(522), tracks=(1,)),
    with_pin(
        "stripe-tracks-2-3",
        "A UnionPay card with a 19-digit number, its tracks 2 and 3.",
        StripeProfile(_LONG_NUMBER, service_code=_PIN_ALWAYS),
        tracks=(2, 3),
    ),
    with_pin(
        "stripe-tracks-1-2-3", "A card with all three tracks.", profile(523, service_code=_PIN_ALWAYS), tracks=(1, 2, 3)
    ),
    broken(
        "stripe-track3-only",
        "A card with nothing but track 3, which sells nothing.",
        _E_STRIPE_DATA,
        profile(524),
        tracks=(3,),
        detail=_TRACK_3_ALONE,
    ),
    # Fields
    broken(
        "stripe-check-digit",
        "An account number whose check digit is wrong.",
        _E_STRIPE_DATA,
        StripeProfile(profile(525).pan[:-1] + str((int(profile(525).pan[-1]) + 1) % 10)),
        detail=_CHECK_DIGIT,
    ),
    broken(
        "stripe-month-13",
        "An expiry date in a thirteenth month.",
        _E_STRIPE_DATA,
        profile(526, expiry="4913"),
        detail=_MONTH,
    ),
    broken(
        "stripe-two-accounts",
        "Tracks 1 and 2 name different accounts.",
        _E_STRIPE_DATA,
        profile(527),
        detail=_PAN_DIFFERS,
        instead=_track2_of(profile(528)),
    ),
    broken(
        "stripe-two-expiries",
        "Tracks 1 and 2 name different expiry dates.",
        _E_STRIPE_DATA,
        profile(529),
        detail=_EXPIRY_DIFFERS,
        instead=_track2_of(profile(529, expiry="4911")),
    ),
    broken(
        "stripe-two-service-codes",
        "Track 2 was changed so that it asks for no chip.",
        _E_STRIPE_DATA,
        profile(530, service_code=_CHIP),
        detail=_SERVICE_CODE_DIFFERS,
        instead=_track2_of(profile(530, service_code=_NO_PIN)),
    ),
)
