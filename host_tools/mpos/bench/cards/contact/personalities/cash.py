"""Cards with electronic cash. PBOC 3.0 part 13: the reader offers it below its limit of 1,000.00 (9F7A, 9F7B), the card
takes the offer when its balance covers the sale (9F74), and the reader goes online when too little would be left.
"""

from typing import Any

from mpos.bench.cards.contact.personalities.making import (
    NO_CVM,
    ONLINE_PIN,
    approved,
    approved_offline,
    broken,
    cvm_list,
    profile,
)
from mpos.bench.cards.contact.profile import ContactProfile

_PDOL = ((0x9F7A, 1), (0x9F02, 6), (0x5F2A, 2))
_PIN = "1357"
_E_TAG_MISSING = 304


def _card(number: int, balance: int, **more: Any) -> ContactProfile:
    return profile(number, cash=balance, pdol=_PDOL, cvm_list=cvm_list("1F03"), **more)


ENTRIES = (
    approved_offline(
        "cash",
        "Electronic cash that covers the sale: nobody is asked.",
        _card(341, 50_000, cash_reset=1000),
        cvm=NO_CVM,
    ),
    approved_offline("cash-to-the-fen", "Electronic cash of exactly the amount.", _card(344, 1234), cvm=NO_CVM),
    approved_offline(
        "cash-over-floor-limit",
        "Electronic cash has a limit of its own, so the floor limit does not count.",
        _card(367, 50_000),
        amount="150.00",
        cvm=NO_CVM,
    ),
    approved(
        "cash-insufficient",
        "Electronic cash that does not cover the sale: it is an ordinary one.",
        _card(342, 500),
        cvm=NO_CVM,
    ),
    approved(
        "cash-below-threshold",
        "Too little electronic cash would be left: online, with the PIN.",
        _card(343, 3000, cash_reset=2000),
        pin=_PIN,
        tvr="0000040000",
        cvm=ONLINE_PIN,
    ),
    approved(
        "cash-over-limit",
        "A sale over the limit of electronic cash is an ordinary one.",
        _card(345, 90_000),
        amount="1200.00",
        tvr="0000008000",
        cvm=NO_CVM,
    ),
    broken(
        "cash-balance-hidden",
        "A card that pays with electronic cash and does not tell how much it has.",
        _E_TAG_MISSING,
        _card(368, 50_000, hidden=(0x9F79,)),
    ),
)
