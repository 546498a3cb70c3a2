"""Short forms for the lists of contact cards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpos.bench import test_keys
from mpos.bench.cards.contact.card import ContactCard
from mpos.bench.cards.contact.layout import Layout
from mpos.bench.cards.contact.profile import ContactProfile
from mpos.bench.cards.contact.spoiled import Spoiled
from mpos.bench.cards.entry import CONTACT, Entry
from mpos.bench.cards.faults import Fault

# Entry.cvm, in the words of the phone's record
SIGNATURE, NO_CVM, ONLINE_PIN = "signature", "none", "online PIN"
OFFLINE_PIN, PIN_AND_SIGNATURE = "PIN checked by the card", "PIN checked by the card, and signature"
CVM_FAILED = "failed"

# Issuer action codes: default, denial, online
NO_CODES = ("0000000000",) * 3


def account_number(number: int) -> str:
    """Of the bench's issuer: 16 digits, the last one the check digit. ISO/IEC 7812-1, annex B."""
    digits = f"{test_keys.ISSUER_IIN}{number:07d}"
    doubled = (2 * int(digit) for digit in digits[::-2])
    total = sum(value - 9 if value > 9 else value for value in doubled) + sum(int(digit) for digit in digits[-2::-2])
    return f"{digits}{-total % 10}"


def profile(number: int, **more: Any) -> ContactProfile:
    return ContactProfile(account_number(number), **more)


def cvm_list(rules: str, x: int = 0, y: int = 0) -> bytes:
    """Tag 8E: amounts X and Y in fen, rules in hex (EMV 4.4 Book 3, annex C3)."""
    return x.to_bytes(4, "big") + y.to_bytes(4, "big") + bytes.fromhex(rules)


def damage(tag: int) -> Callable[[Layout], None]:
    """One bit of the object's last byte changed."""

    def spoil(layout: Layout) -> None:
        value = layout.get(tag)
        layout.put(tag, value[:-1] + bytes([value[-1] ^ 0x01]))

    return spoil


def entry(
    name: str,
    story: str,
    outcome: str,
    response_code: str,
    *profiles: ContactProfile,
    error: int = 0,
    used: int = 0,
    fault_at: tuple[int, Fault] | tuple[int, Fault, int] | None = None,
    make: dict[str, Any] | None = None,
    kind: str = "payment",
    **more: Any,
) -> Entry:
    """profiles: the card's applications. used: transactions it has behind it. make: what else ContactCard takes.

    fault_at: at which instruction it goes wrong, in which way, and at which occurrence (0 is the first).
    """

    def build(atc: int) -> list[Any]:
        card = ContactCard(*profiles, atc=atc + used, **(make or {}))
        return [card if fault_at is None else Spoiled(card, *fault_at)]

    return Entry(name, story, outcome, response_code, error, kind, build, CONTACT, **more)


def approved(name: str, story: str, *profiles: ContactProfile, tsi: str = "F800", **more: Any) -> Entry:
    """Approved by the host."""
    more.setdefault("tvr", "0000000000")
    more.setdefault("cvm", SIGNATURE)
    return entry(name, story, "approved", "00", *profiles, tsi=tsi, **more)


def approved_offline(name: str, story: str, *profiles: ContactProfile, **more: Any) -> Entry:
    """Approved by the card."""
    more.setdefault("tvr", "0000000000")
    more.setdefault("tsi", "E800")
    return entry(name, story, "approved", "", *profiles, offline=True, **more)


def declined(name: str, story: str, code: str, error: int, *profiles: ContactProfile, **more: Any) -> Entry:
    """Declined: by the host with its code, or with an error of the reader."""
    more.setdefault("tvr", "0000000000")
    return entry(name, story, "declined", code, *profiles, error=error, offline=not code, **more)


def broken(name: str, story: str, error: int, *profiles: ContactProfile, **more: Any) -> Entry:
    """No transaction comes of it."""
    return entry(name, story, "error", "", *profiles, error=error, **more)
