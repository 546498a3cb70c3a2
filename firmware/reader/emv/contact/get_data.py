"""Data objects outside the records: EMV 4.4 Book 3, 6.5.7 and 7.3; PBOC 3.0 part 13 for those of electronic cash."""

from micropython import const

from ...errors import E_TAG_DUPLICATE, E_TLV, ReaderError
from ...util import ber_tlv
from ...util.bcd import is_numeric, to_int
from ..commands import SW_OK

_TAG_9F6D_ELECTRONIC_CASH_RESET_THRESHOLD = const(0x9F6D)
_TAG_9F79_ELECTRONIC_CASH_BALANCE = const(0x9F79)
_AMOUNT = const(6)


async def value(s, tag: int, size: int) -> "memoryview | None":
    """The value of `tag`, `size` bytes, valid until the next command; None when the card does not give it.

    Something else than the data object is as nothing: each step says what it does without it.
    """
    response, sw = await s.commands.get_data(tag)
    if sw != SW_OK:
        return None
    try:
        found = ber_tlv.find(response, tag)
    except ReaderError as error:
        if error.code not in (E_TLV, E_TAG_DUPLICATE):
            raise
        return None
    return found if found is not None and len(found) == size else None


async def number(s, tag: int, size: int) -> int:
    """The same as a binary number; -1 without it."""
    found = await value(s, tag, size)
    return -1 if found is None else int.from_bytes(found, "big")


async def amount(s, tag: int) -> int:
    """The same for an amount (n 12) in minor units; -1 without it."""
    found = await value(s, tag, _AMOUNT)
    return to_int(found) if found is not None and is_numeric(found) else -1


def cash_is_low(s) -> bool:
    """Whether electronic cash would fall below the threshold at which it is to be reset online. PBOC 13, 7.4.4."""
    balance = to_int(s.data.need(_TAG_9F79_ELECTRONIC_CASH_BALANCE))
    threshold = to_int(s.data.need(_TAG_9F6D_ELECTRONIC_CASH_RESET_THRESHOLD))
    return balance - s.tx.amount < threshold
