"""Terminal risk management: EMV 4.4 Book 3, 10.6; Book 4, 6.3.5.

It is done whatever the application interchange profile says of it: it can only find risks. The floor limit is held
against this sale alone, since the reader keeps no log of a card's earlier sales (10.6.1 leaves that open).
"""

from micropython import const

from ...util.bcd import to_int
from . import get_data
from .action_codes import is_offline_only
from .session import TSI_TERMINAL_RISK

_TAG_5A_PAN = const(0x5A)
_TAG_5F34_PAN_SEQUENCE_NUMBER = const(0x5F34)
_TAG_9F13_LAST_ONLINE_ATC_REGISTER = const(0x9F13)
_TAG_9F14_LOWER_CONSECUTIVE_OFFLINE_LIMIT = const(0x9F14)
_TAG_9F23_UPPER_CONSECUTIVE_OFFLINE_LIMIT = const(0x9F23)
_TAG_9F36_APPLICATION_TRANSACTION_COUNTER = const(0x9F36)

# TVR: Book 3, Annex C5
_1_EXCEPTION_FILE = const(0x10)
_2_NEW_CARD = const(0x08)
_4_FLOOR_LIMIT = const(0x80)
_4_LOWER_LIMIT = const(0x40)
_4_UPPER_LIMIT = const(0x20)
_4_RANDOM = const(0x10)

_PERCENT_MOST = const(99)
_COUNTER = const(2)


async def run(s) -> None:
    """Sets bits of TVR bytes 1, 2 and 4, and of the TSI. Raises what the entropy source and `transmit` raise."""
    # PBOC 13, 7.4.3: electronic cash has limits of its own
    if not s.electronic_cash:
        amount = s.tx.amount
        # 10.6.1
        if amount >= s.application.floor_limit:
            s.set_tvr(4, _4_FLOOR_LIMIT)
        elif not is_offline_only(s.terminal) and _selected(s, amount):
            s.set_tvr(4, _4_RANDOM)
        await _check_velocity(s)
    # Book 4, 6.3.5
    sequence = s.data.get(_TAG_5F34_PAN_SEQUENCE_NUMBER)
    if s.tables.is_excepted(s.data.need(_TAG_5A_PAN), 0 if sequence is None else to_int(sequence)):
        s.set_tvr(1, _1_EXCEPTION_FILE)
    s.set_tsi(TSI_TERMINAL_RISK)


def _selected(s, amount: int) -> bool:
    """10.6.2: whether chance sends a sale below the floor limit online."""
    application = s.application
    percent = application.target
    threshold = application.threshold
    # Figure 15: from the threshold on, the larger the amount, the likelier
    if amount >= threshold:
        percent += (application.max_target - percent) * (amount - threshold) // (application.floor_limit - threshold)
    if percent <= 0:
        return False
    random = bytearray(2)
    s.entropy.fill(random)
    return (random[0] << 8 | random[1]) % _PERCENT_MOST + 1 <= percent


async def _check_velocity(s) -> None:
    """10.6.3: how often the card was not online."""
    lower = s.data.get(_TAG_9F14_LOWER_CONSECUTIVE_OFFLINE_LIMIT)
    upper = s.data.get(_TAG_9F23_UPPER_CONSECUTIVE_OFFLINE_LIMIT)
    # Both limits, or the issuer does not want it
    if lower is None or upper is None:
        return
    counter = await get_data.number(s, _TAG_9F36_APPLICATION_TRANSACTION_COUNTER, _COUNTER)
    last_online = await get_data.number(s, _TAG_9F13_LAST_ONLINE_ATC_REGISTER, _COUNTER)
    if counter < 0 or last_online < 0 or counter <= last_online:
        s.set_tvr(4, _4_LOWER_LIMIT | _4_UPPER_LIMIT)
    else:
        if counter - last_online > lower[0]:
            s.set_tvr(4, _4_LOWER_LIMIT)
        if counter - last_online > upper[0]:
            s.set_tvr(4, _4_UPPER_LIMIT)
    if last_online == 0:
        s.set_tvr(2, _2_NEW_CARD)
