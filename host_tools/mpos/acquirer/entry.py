"""How a card was read: what the host asks of each way, whatever the way is.

DE22 names it: 02 stripe, 05 chip by contact, 07 chip by radio. Each is an `Entry` in a module of its own (stripe.py,
chip.py); the authoriser knows only this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mpos.acquirer.accounts import Account
from mpos.acquirer.books import Books
from mpos.acquirer.issuer import Issuer
from mpos.acquirer.packet_keys import PacketKeys

# DE60.5, the chip condition code: where it stands, and that the chip has failed
CONDITION, FALLBACK = 12, "2"


class Card(Protocol):
    """A card as one request shows it; nothing of it has been proved."""

    @property
    def pan(self) -> str:
        """Digits."""

    @property
    def expiry(self) -> str:
        """YYMM, "" where the card says none."""

    @property
    def story(self) -> str:
        """For the log, behind the masked account number."""

    def prove(self, account: Account, issuer: Issuer, books: Books) -> str:
        """Refuses a card that is not the one the issuer made for `account`, or may not be used so. For the log: how
        it was proved."""

    def answer_data(self, account: Account, issuer: Issuer, code: str) -> bytes:
        """DE55 of the answer to a card that was proved; b"" for none."""


@dataclass(frozen=True)
class Entry:
    """needed, optional: fields that such a sale has besides those of every sale.

    check: refuses fields that do not fit this way. read: the card out of the fields, with the packet's keys.
    """

    needed: tuple[str, ...]
    optional: tuple[str, ...]
    check: Callable[[dict[str, str]], None]
    read: Callable[[dict[str, str], PacketKeys], Card]
