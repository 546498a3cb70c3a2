"""A card drawn through the head: the stripe's side of a transaction. Loaded for one, and unloaded after it.

The tracks are encrypted as they leave the head's buffers, which are wiped before anybody is asked for anything.
"""

from micropython import const

from .. import outcome
from ..errors import E_SERVICE_CODE, E_STRIPE, E_USE_CHIP, ReaderError
from ..iso7811.reasons import EMPTY
from ..iso7813 import service_code
from ..iso7813.stripe import judge
from ..link import protocol
from . import account
from .cardholder import Cardholder
from .interface import Interface

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any


class Swipe(Interface):
    """is_fallback: a chip has failed before, and by the reader's own decision the stripe will do."""

    entry_mode = "02"

    def __init__(self, transaction, is_fallback: bool):
        super().__init__(transaction)
        parts = transaction.parts
        self._is_fallback = is_fallback
        self._reads_chips = parts.interfaces() & protocol.INTERFACE_CONTACT > 0
        self._pin_pad = parts.board.pin_pad
        self._head = parts.board.head
        self._taken: Any = None
        self.keys: Any = None

    async def read(self, sale) -> outcome.Outcome:
        """The swipe that waits in the head, to the data that the host needs, and the PIN if the card asks for one.

        Raises E_STRIPE, E_NOT_PAYMENT, E_STRIPE_DATA, E_USE_CHIP, E_SERVICE_CODE, E_NO_PIN, E_CANCELLED.
        """
        t = self._t
        await t.state(protocol.STATE_READING)
        code = await self._take()
        await t.card(protocol.CARD_READ)
        sale.is_fallback = t.result.is_fallback = self._is_fallback and service_code.has_chip(code)
        if self._pin_pad is None or not (service_code.needs_pin(code) or service_code.prompts_pin(code)):
            return outcome.Outcome(outcome.ONLINE_REQUEST, cvm=outcome.CVM_SIGNATURE)
        self.cardholder = Cardholder(t, self._pin_pad)
        pin = await self.cardholder.online_pin(not service_code.needs_pin(code))
        if pin is None:
            return outcome.Outcome(outcome.ONLINE_REQUEST, cvm=outcome.CVM_SIGNATURE)
        account.add_pin(self._taken, self.keys, pin)
        return outcome.Outcome(outcome.ONLINE_REQUEST, cvm=outcome.CVM_ONLINE_PIN)

    async def _take(self) -> int:
        """The account out of the swipe, under the keys of this packet; its service code. Nothing else stays of it."""
        swipe = await self._head.read()
        try:
            reason = _unread(swipe)
            if reason:
                raise ReaderError(E_STRIPE, reason)
            stripe = judge(swipe.track(1), swipe.track(2), swipe.track(3))
            code = stripe.fields.service_code
            if service_code.has_chip(code) and self._reads_chips and not self._is_fallback:
                raise ReaderError(E_USE_CHIP)
            rule = service_code.check(code, self._pin_pad is not None)
            if rule:
                raise ReaderError(E_SERVICE_CODE, rule)
            self.keys = self._t.next_keys()
            self._taken = account.take_stripe(stripe, self.keys)
        finally:
            swipe.wipe()
        return code

    def account(self, keys):
        """It has been taken under `keys`."""
        return self._taken

    def packed(self) -> None:
        self._taken.wipe()

    async def stop(self) -> None:
        if self.keys is not None:
            self.keys.wipe()
        if self._taken is not None:
            self._taken.wipe()


def _unread(swipe) -> int:
    """Why nothing can be made of a swipe, or 0: a track that is there and cannot be read may be read the next time."""
    if len(swipe.track(1)) or len(swipe.track(2)):
        return 0
    for number in (2, 1, 3):
        reason = swipe.reason(number)
        if reason > EMPTY:
            return reason
    return 0 if len(swipe.track(3)) else EMPTY
