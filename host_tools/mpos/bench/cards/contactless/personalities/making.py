"""Short forms for the lists of contactless cards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpos.acquirer.accounts import tap_number, visa_number
from mpos.bench.cards.contact.layout import Layout
from mpos.bench.cards.contactless.application import ContactlessApplication
from mpos.bench.cards.contactless.card import ContactlessCard
from mpos.bench.cards.contactless.torn import Torn
from mpos.bench.cards.entry import CONTACTLESS, Entry
from mpos.bench.cards.profile import AID_VISA, Profile
from mpos.bench.cards.qpboc import QpbocApplication
from mpos.bench.cards.qvsdc import QvsdcApplication

_VISA_AUTHORITY = 0xE0
_Objects = list[tuple[int, bytes]]

# Entry.cvm, in the words of the phone's record
SIGNATURE, NO_CVM, ONLINE_PIN, DEVICE = "signature", "none", "online PIN", "on the cardholder's device"
PIN = "1357"

# Card transaction qualifiers: what the card wants done when its authentication fails, or after its end
ONLINE_IF_FAILED, OTHER_INTERFACE_IF_FAILED, ONLINE_IF_EXPIRED = "2000", "1000", "0800"


def union(number: int, **more: Any) -> Profile:
    """A UnionPay application, number 600 to 659. It has keys unless `oda` says otherwise."""
    return Profile(**{"pan": tap_number(number), "oda": True, **more})


def visa(number: int, **more: Any) -> Profile:
    """A Visa application, number 1 to 99."""
    usual = {
        "pan": visa_number(number),
        "oda": True,
        "aid": AID_VISA,
        "label": "VISA",
        "ca_index": _VISA_AUTHORITY,
        "track2_in_gpo": True,
    }
    return Profile(**{**usual, **more})


def application(profile: Profile, atc: int) -> ContactlessApplication:
    made = QvsdcApplication if profile.aid.startswith(AID_VISA[:5]) else QpbocApplication
    return made(profile, atc)


def damage(tag: int) -> Callable[[Layout], None]:
    """One bit of the record object's last byte changed."""

    def spoil(layout: Layout) -> None:
        value = layout.get(tag)
        layout.put(tag, value[:-1] + bytes([value[-1] ^ 0x01]))

    return spoil


def changed(tag: int) -> Callable[[_Objects], _Objects]:
    """One bit in the middle of the object among the processing options changed."""

    def change(value: bytes) -> bytes:
        middle = len(value) // 2
        return value[:middle] + bytes([value[middle] ^ 0x01]) + value[middle + 1 :]

    return lambda rows: [(found, change(value) if found == tag else value) for found, value in rows]


def replaced(tag: int, value: str) -> Callable[[_Objects], _Objects]:
    """`value`: in hex."""
    return lambda rows: [(found, bytes.fromhex(value) if found == tag else old) for found, old in rows]


def without(tag: int) -> Callable[[_Objects], _Objects]:
    return lambda rows: [row for row in rows if row[0] != tag]


def with_more(*more: tuple[int, bytes]) -> Callable[[_Objects], _Objects]:
    return lambda rows: [*rows, *more]


def entry(
    name: str,
    story: str,
    outcome: str,
    response_code: str,
    *profiles: Profile,
    error: int = 0,
    torn_at: tuple[int, int, bool] | None = None,
    make: dict[str, Any] | None = None,
    **more: Any,
) -> Entry:
    """profiles: the card's applications. torn_at: where it is taken away (Torn). make: what else ContactlessCard takes."""

    def build(atc: int) -> list[Any]:
        card = ContactlessCard(*(application(profile, atc) for profile in profiles), **(make or {}))
        return [card if torn_at is None else Torn(card, *torn_at)]

    return Entry(name, story, outcome, response_code, error, "payment", build, CONTACTLESS, **more)


def approved(name: str, story: str, *profiles: Profile, **more: Any) -> Entry:
    """Approved by the host."""
    more.setdefault("cvm", NO_CVM)
    return entry(name, story, "approved", "00", *profiles, **more)


def approved_offline(name: str, story: str, *profiles: Profile, **more: Any) -> Entry:
    """Approved by the card."""
    more.setdefault("cvm", NO_CVM)
    return entry(name, story, "approved", "", *profiles, offline=True, **more)


def declined(name: str, story: str, code: str, error: int, *profiles: Profile, **more: Any) -> Entry:
    """Declined: by the host with its code, or with an error of the reader."""
    return entry(name, story, "declined", code, *profiles, error=error, offline=not code, **more)


def broken(name: str, story: str, error: int, *profiles: Profile, **more: Any) -> Entry:
    """No transaction comes of it."""
    return entry(name, story, "error", "", *profiles, error=error, **more)
