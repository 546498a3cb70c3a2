"""A card that approved and left before the reader had read all of it: JR/T 0025.12, annex F (flash card).

The card books when its last record is read, so it may have paid while the reader knows of no sale. The same card is
asked for again, and gives its records once more, without GET PROCESSING OPTIONS: nothing is booked twice, and the first
approval counts. That it is the same card, and has done nothing since, its transaction counter says.
"""

from micropython import const

from ...errors import E_TLV, ReaderError
from ...util import ber_tlv
from ...util.wipe import wipe
from ..commands import SW_OK
from .session import LAST_ASKED

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_TAG_9F36_APPLICATION_TRANSACTION_COUNTER = const(0x9F36)
_TAG_9F5D_AVAILABLE_OFFLINE_SPENDING_AMOUNT = const(0x9F5D)
_TAG_9F79_ELECTRONIC_CASH_BALANCE = const(0x9F79)

# What a card that comes now is
ANOTHER = const(0)  # not the one that is waited for
NOT_BOOKED = const(1)  # the one, and nothing was booked: it may begin anew
BOOKED = const(2)  # the one, and its approval is to be read to the end


class Torn:
    """What is kept of one presentment (`s`: its Session): the combination's `index`, the ADF `name`, all `objects` (rows
    of a DataStore) up to its answer with a TC, its counter `atc`, and whether the command for the last record had left.

    Raises E_TAG_MISSING for a card without a counter.
    """

    def __init__(self, index: int, s):
        counter = s.data.need(_TAG_9F36_APPLICATION_TRANSACTION_COUNTER)
        self.index = index
        self.name = s.name
        self.atc = counter[0] << 8 | counter[1]
        # In the heap that is kept for the keys: a piece as long may be nowhere else
        room = s.reserve[0] if s.reserve else bytearray(s.answered)
        self.objects: Any = s.data.copy(s.answered, room)
        self._is_last = s.progress == LAST_ASKED
        balance = s.data.get(_TAG_9F5D_AVAILABLE_OFFLINE_SPENDING_AMOUNT)
        self._balance = None if balance is None else bytes(balance)

    async def recognise(self, commands) -> int:
        """ANOTHER, NOT_BOOKED or BOOKED, of the card whose application is selected. Raises what `transmit` raises."""
        counter = await _get(commands, _TAG_9F36_APPLICATION_TRANSACTION_COUNTER)
        if counter is None or int.from_bytes(counter, "big") != self.atc:
            return ANOTHER
        balance = await _get(commands, _TAG_9F79_ELECTRONIC_CASH_BALANCE)
        if balance is not None and self._balance is not None:
            # What the card said it would have left, and what it has
            return BOOKED if balance == self._balance else NOT_BOOKED
        return BOOKED if self._is_last else NOT_BOOKED

    def wipe(self) -> None:
        """Overwrite the card's data."""
        wipe(self.objects)
        self.objects = b""


async def _get(commands, tag: int) -> "bytes | None":
    response, sw = await commands.get_data(tag)
    if sw != SW_OK:
        return None
    try:
        value = ber_tlv.find(response, tag)
    except ReaderError as error:
        if error.code != E_TLV:
            raise
        return None
    return None if value is None else bytes(value)
