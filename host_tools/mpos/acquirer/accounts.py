"""The accounts behind the cards of the bench."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mpos.acquirer.scripts import AFTER, BEFORE, Script
from mpos.bench import test_keys


@dataclass(frozen=True)
class Account:
    """One account as it is opened. `id` is what books and logs call it; amounts in fen; expiry YYMM.

    status: "active", "lost", "stolen", "blocked" or "referral". limit: the most one sale may take.
    pin: what is verified online, "" for none. scripts: sent with every answer to a genuine card.
    wrong_arpc: the host answers as somebody would who does not know the issuer's key.
    fallback: the issuer takes the stripe of a card whose chip has failed. asks_pin: it wants the PIN for every tap, and
    asks for it with 1A when none came.
    """

    id: str
    pan: str
    balance: int
    expiry: str = "4912"
    status: str = "active"
    limit: int = 5_000_000
    pin: str = ""
    scripts: tuple[Script, ...] = ()
    wrong_arpc: bool = False
    fallback: bool = True
    asks_pin: bool = False


# What the contactless cards find at the issuer. 6212340000000126 has no account.
_CONTACTLESS = (
    Account("A01", "6212340000000019", 1_000_000),
    Account("A02", "6212340000000027", 1),
    Account("A03", "6212340000000035", 1_000_000, expiry="1912"),
    Account("A04", "6212340000000043", 1_000_000, status="blocked"),
    Account("A05", "6212340000000050", 1_000_000, status="stolen"),
    Account("A06", "6212340000000068", 1_000_000),
    Account("A07", "6212340000000076", 1_000_000),
    Account("A08", "6212340000000084", 1_000_000),
    Account("A09", "6212340000000092", 1_000_000),
    Account("A10", "6212340000000100", 1_000_000),
    Account("A11", "6212340000000118", 1_000_000, status="lost"),
    Account("A12", "6212340000000000194", 1_000_000),
)

# The contact cards have numbers 200 to 499 of the issuer's range, and an account each: 10,000.00 and active, but
_BALANCE = 1_000_000
_CONTACT_FIRST, _CONTACT_LAST = 200, 499
_PIN = "1357"
_OTHER: dict[int, dict[str, Any]] = {
    # PIN
    281: {"pin": _PIN},
    282: {"pin": _PIN},
    283: {"pin": _PIN},
    284: {"pin": _PIN},
    # Decisions
    301: {"status": "referral"},
    302: {"balance": 1},
    303: {"wrong_arpc": True},
    304: {"wrong_arpc": True},
    305: {"wrong_arpc": True},
    306: {"status": "stolen"},
    # Scripts
    311: {"scripts": (Script(BEFORE, ("unblock-pin",)),)},
    312: {"scripts": (Script(AFTER, ("change-pin 2468",)),)},
    313: {"scripts": (Script(BEFORE, ("unblock-pin",), wrong_mac=True),)},
    314: {"scripts": (Script(AFTER, ("put 9F58 05", "put 9F59 0A"), wrong_mac=True),)},
    315: {"scripts": (Script(AFTER, ("put 9F58 05",), filler=110),)},
    316: {"status": "stolen", "scripts": (Script(AFTER, ("block",)),)},
    317: {"status": "lost", "scripts": (Script(AFTER, ("block-card",)),)},
    318: {
        "scripts": (
            Script(BEFORE, ("put 9F58 05",), b"\x00\x00\x00\x01"),
            Script(AFTER, ("put 9F59 0A", "unblock-pin"), b"\x00\x00\x00\x02"),
        )
    },
    319: {"scripts": (Script(BEFORE, ("put 9F58 05",), b""),)},
    320: {"scripts": (Script(AFTER, ("put 9F79 000000050000",)),)},
    321: {"scripts": (Script(BEFORE, ("put 9F58 05",), filler=110),)},
    # Electronic cash
    343: {"pin": _PIN},
    # Dates
    331: {"expiry": "1912"},
}

# The stripe cards have numbers 500 to 559, and an account each, with this PIN
_STRIPE_FIRST, _STRIPE_LAST = 500, 559
_LONG_NUMBER = 509
_OTHER_STRIPE: dict[int, dict[str, Any]] = {
    503: {"balance": 1},
    504: {"status": "stolen"},
    505: {"expiry": "1912"},
    511: {"fallback": False},
}


# The contactless cards of the two kernels: numbers 600 to 659 of the issuer's range, and 1 to 99 of its Visa range
_TAP_FIRST, _TAP_LAST = 600, 659
_VISA_FIRST, _VISA_LAST = 1, 99
_OTHER_TAP: dict[int, dict[str, Any]] = {
    610: {"pin": _PIN},
    611: {"pin": _PIN},
    612: {"pin": _PIN},
    613: {"pin": _PIN, "asks_pin": True},
    614: {"pin": _PIN, "asks_pin": True},
    615: {"pin": _PIN, "asks_pin": True},
    620: {"expiry": "1912"},
}
_OTHER_VISA: dict[int, dict[str, Any]] = {
    2: {"balance": 1},
    10: {"pin": _PIN},
    11: {"pin": _PIN},
    12: {"pin": _PIN},
    13: {"pin": _PIN, "asks_pin": True},
    20: {"expiry": "1912"},
    60: {"scripts": (Script(BEFORE, ("put 9F58 05",)),)},
    61: {"wrong_arpc": True},
}


def tap_number(number: int) -> str:
    """The account number of a contactless UnionPay card: as `contact_number`."""
    return contact_number(number)


def visa_number(number: int) -> str:
    """The account number of a Visa card, of the issuer's other range."""
    return _with_check_digit(f"{test_keys.VISA_IIN}{number:07d}")


def contact_number(number: int) -> str:
    """The account number: issuer's range, seven digits, check digit (ISO/IEC 7812-1, annex B)."""
    return _with_check_digit(f"{test_keys.ISSUER_IIN}{number:07d}")


def stripe_number(number: int) -> str:
    """The account number of a stripe card: `contact_number`, but 509 has 19 digits, as many UnionPay debit cards."""
    if number == _LONG_NUMBER:
        return _with_check_digit(f"{test_keys.ISSUER_IIN}{number:010d}")
    return contact_number(number)


def _with_check_digit(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total += sum(divmod(2 * int(digit), 10)) if place % 2 == 0 else int(digit)
    return digits + str(-total % 10)


def _contact() -> tuple[Account, ...]:
    return tuple(
        Account(f"C{n}", contact_number(n), **{"balance": _BALANCE, **_OTHER.get(n, {})})
        for n in range(_CONTACT_FIRST, _CONTACT_LAST + 1)
    )


def _stripe() -> tuple[Account, ...]:
    return tuple(
        Account(f"S{n}", stripe_number(n), **{"balance": _BALANCE, "pin": _PIN, **_OTHER_STRIPE.get(n, {})})
        for n in range(_STRIPE_FIRST, _STRIPE_LAST + 1)
    )


def _tapped() -> tuple[Account, ...]:
    return tuple(
        Account(f"T{n}", tap_number(n), **{"balance": _BALANCE, **_OTHER_TAP.get(n, {})})
        for n in range(_TAP_FIRST, _TAP_LAST + 1)
    ) + tuple(
        Account(f"V{n}", visa_number(n), **{"balance": _BALANCE, **_OTHER_VISA.get(n, {})})
        for n in range(_VISA_FIRST, _VISA_LAST + 1)
    )


ACCOUNTS = (*_CONTACTLESS, *_contact(), *_stripe(), *_tapped())
