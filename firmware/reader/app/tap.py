"""A card held to the reader: the contactless side of a transaction. Loaded for one, and unloaded after it."""

from micropython import const

from .. import outcome
from ..emv.contactless.entry_point import EntryPoint
from ..errors import E_NOT_PAYMENT, E_STATUS_WORD, ReaderError
from ..link import protocol
from .interface import Interface

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any


class Tap(Interface):
    """First `prepare`, then `read` for each card that is tapped."""

    entry_mode = "07"

    def __init__(self, transaction):
        super().__init__(transaction)
        parts = transaction.parts
        # While nobody has tapped yet: what makes the packet would cost the customer's time later
        from ..iso8583 import messages  # noqa: F401
        from . import account, online  # noqa: F401

        self._entry = EntryPoint(parts.parameters, parts.entropy)
        self._tx: Any = None

    def prepare(self, tx_of) -> "outcome.Outcome | None":
        """Before the tap. `tx_of`: amount, currency, time, stan. The Outcome when they are none for this interface."""
        tx = self._entry.pre_process(tx_of.amount, tx_of.currency, tx_of.time, tx_of.stan)
        if isinstance(tx, outcome.Outcome):
            return tx
        self._tx = tx
        return None

    async def read(self, tx_of, card) -> outcome.Outcome:
        """The card that lies in the field, once over."""
        t = self._t
        if not card.is_isodep:
            return outcome.Outcome(outcome.END_APPLICATION, reason=E_NOT_PAYMENT)
        await t.state(protocol.STATE_READING)
        t.data.wipe()
        final = await self._entry.run(card.transmit, self._tx, t.data)
        await card.release()
        if final.code == outcome.TRY_AGAIN:
            # Something is to be done on the cardholder's device first (EMV Contactless Book A, 6.2: Try Again)
            raise ReaderError(E_STATUS_WORD, final.detail)
        return final

    def account(self, keys):
        """The account, encrypted under the packet's `keys`."""
        from .account import take

        return take(self._t.data, keys)
