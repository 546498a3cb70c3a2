"""Electronic cash by contact: PBOC 3.0 part 13 (JR/T 0025.13), 7.4 and 7.5.

The reader offers it in the PDOL (9F7A), the card takes the offer by the authorisation code among its records (9F74), and
a sale that leaves enough of the balance is approved offline.
"""

from micropython import const

from ...errors import E_TAG_MISSING, ReaderError
from ...util.bcd import from_int
from . import get_data

_TAG_9F6D_ELECTRONIC_CASH_RESET_THRESHOLD = const(0x9F6D)
_TAG_9F74_ELECTRONIC_CASH_AUTHORISATION_CODE = const(0x9F74)
_TAG_9F79_ELECTRONIC_CASH_BALANCE = const(0x9F79)
_TAG_9F7A_ELECTRONIC_CASH_TERMINAL_SUPPORT = const(0x9F7A)

_SALE = const(0)
_AMOUNT = const(6)


def offers(s) -> bool:
    """Whether 9F7A is 1: the application has a limit (9F7B) and the sale, without cashback, is below it. 7.5."""
    limit = s.application.ec_limit
    tx = s.tx
    plain = tx.transaction_type == _SALE and tx.amount_other == 0
    return limit is not None and plain and tx.currency == s.terminal.currency and tx.amount < limit


async def after_read(s) -> None:
    """7.4.2: has the card taken the offer? Then its balance and its threshold are asked for, and `s.electronic_cash` set.

    Raises E_TAG_MISSING (detail 9F79, 9F6D) when it does not give them, and what `transmit` raises.
    """
    offered = s.data.get(_TAG_9F7A_ELECTRONIC_CASH_TERMINAL_SUPPORT)
    if offered is None or offered[0] != 1 or s.data.get(_TAG_9F74_ELECTRONIC_CASH_AUTHORISATION_CODE) is None:
        return
    for tag in (_TAG_9F79_ELECTRONIC_CASH_BALANCE, _TAG_9F6D_ELECTRONIC_CASH_RESET_THRESHOLD):
        amount = await get_data.amount(s, tag)
        if amount < 0:
            raise ReaderError(E_TAG_MISSING, tag)
        s.data.set(tag, from_int(amount, _AMOUNT))
    s.electronic_cash = True


async def balance(s) -> "int | None":
    """The card's balance now, in minor units, for the receipt (7.4.6); None when it does not give it."""
    amount = await get_data.amount(s, _TAG_9F79_ELECTRONIC_CASH_BALANCE)
    return None if amount < 0 else amount
