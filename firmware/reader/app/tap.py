"""A card held to the reader: the contactless side of a transaction. Loaded for one, and unloaded after it."""

import asyncio
import time

from micropython import const

from .. import outcome
from ..emv.contactless.entry_point import CAN_CONTACT, CAN_PIN, EntryPoint
from ..errors import E_CARD_PROTOCOL, E_NOT_PAYMENT, E_TWO_CARDS, ReaderError
from ..link import protocol
from ..util import ber_tlv
from ..util.wipe import wipe
from .interface import Interface

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_TAG_9F34_CVM_RESULTS = const(0x9F34)
_TAG_9F5D_AVAILABLE_OFFLINE_SPENDING_AMOUNT = const(0x9F5D)
_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS = const(0x9F66)
_TAG_9F79_ELECTRONIC_CASH_BALANCE = const(0x9F79)

_TTQ1_ONLINE_PIN = const(0x04)
_RESULTS_ONLINE_PIN = b"\x02\x00\x00"  # EMV 4.4 Book 4, 6.3.4.5
_UPDATE_MS = const(10_000)  # for the card to be presented once more
_LOOK_MS = const(30)
_REPORT_MOST = const(24)


class Tap(Interface):
    """First `prepare`, then `read` for each card that is tapped.

    is_torn, torn_atc: as EntryPoint has them. field_off_ms: how long the field stays off before the next look.
    is_stopped: the contactless reader is, since the card was read.
    """

    entry_mode = "07"
    field_off_ms = 0
    is_stopped = False

    def __init__(self, transaction):
        super().__init__(transaction)
        parts = transaction.parts
        board = parts.board
        tables = None
        if parts.has_tables:
            from ..storage.emv_tables import EmvTables

            tables = EmvTables(board.emv_tables)
        can = (CAN_PIN if board.pin_pad is not None else 0) | (CAN_CONTACT if board.contact is not None else 0)
        self._entry = EntryPoint(parts.parameters, parts.entropy, tables, can, parts.room)
        self._tx: Any = None
        self.card: Any = None  # that lies in the field: whoever found it puts it here, and keeps it nowhere else
        self._pin: Any = None
        self._was_asked = False  # for a PIN
        self._chip = b""

    @property
    def is_torn(self) -> bool:
        return self._entry.is_torn

    @property
    def torn_atc(self) -> int:
        return self._entry.torn_atc

    def prepare(self, tx_of) -> "outcome.Outcome | None":
        """Before the tap. `tx_of`: amount, currency, time, stan. The Outcome when they are none for this interface."""
        tx = self._entry.pre_process(tx_of.amount, tx_of.currency, tx_of.time, tx_of.stan)
        if isinstance(tx, outcome.Outcome):
            return tx
        self._tx = tx
        return None

    async def read(self, tx_of) -> outcome.Outcome:
        """The card that lies in the field, once over."""
        t = self._t
        self.field_off_ms = 0
        self.is_stopped = False
        if not self.card.is_isodep:
            return outcome.Outcome(outcome.END_APPLICATION, reason=E_NOT_PAYMENT)
        await t.state(protocol.STATE_READING)
        t.data.wipe()
        final = await self._entry.run(self._transmit, self._tx, t.data, self._let_go)
        await self._release(final.removal_ms)
        if final.code == outcome.TRY_AGAIN:
            # Something is to be done on the cardholder's device first (EMV Contactless Book A, 6.2: Try Again)
            self.field_off_ms = final.field_off_ms
            raise ReaderError(final.reason, final.detail)
        self._keep_balance()
        return final

    async def _transmit(self, c_apdu):
        return await self.card.transmit(c_apdu)

    async def _let_go(self) -> None:
        """All is read. The card may leave, and the chip's driver goes with it: its memory is needed for the keys that the
        card's signature is verified with."""
        t = self._t
        self.card = None
        self.is_stopped = True
        try:
            await t.parts.contactless.stop()
        except ReaderError:
            pass  # as in _release
        await t.card(protocol.CARD_READ)
        await t.ui(outcome.MESSAGE_CARD_READ_OK, outcome.UI_CARD_READ)

    async def _release(self, removal_ms: int) -> None:
        card, self.card = self.card, None
        if card is None:
            return
        try:
            if removal_ms:
                await card.wait_for_removal(removal_ms)
            await card.release()
        except ReaderError:
            pass  # The card has decided; a chip that fails now is found out by the next who wakes it

    async def ask_pin(self) -> None:
        """Raises E_CANCELLED, E_NO_PIN."""
        from .cardholder import Cardholder

        t = self._t
        self._was_asked = True
        await t.ui(outcome.MESSAGE_ENTER_PIN, outcome.UI_PROCESSING)
        self.cardholder = Cardholder(t, t.parts.board.pin_pad)
        self._pin = await self.cardholder.online_pin(False)
        t.data.set(_TAG_9F34_CVM_RESULTS, _RESULTS_ONLINE_PIN)

    def wants_pin(self, response_code: str) -> bool:
        """Single tap, then PIN: the host says so by one of the parameters' response codes."""
        return self._may_be_asked() and response_code in self._t.parts.parameters.host.pin_codes.split(",")

    def _may_be_asked(self) -> bool:
        t = self._t
        if self._was_asked or t.parts.board.pin_pad is None or not t.parts.parameters.host.pin_codes:
            return False
        qualifiers = t.data.get(_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS)
        return qualifiers is not None and qualifiers[0] & _TTQ1_ONLINE_PIN != 0

    def account(self, keys):
        """The account, and the PIN if there is one, encrypted under the packet's `keys`."""
        from .account import take

        pin, self._pin = self._pin, None
        return take(self._t.data, keys, pin)

    def packed(self) -> None:
        """The packet is made. What the card said is only kept for a host that may ask for it again with a PIN."""
        if not self._may_be_asked():
            self._t.data.wipe()

    async def conclude(self, answer, error, unanswered: bool) -> outcome.Outcome:
        t = self._t
        if error is not None:
            await t.ui(outcome.MESSAGE_PROCESSING_ERROR, outcome.UI_PROCESSING_ERROR, outcome.UI_HOLD)
            raise error
        final = await super().conclude(answer, error, unanswered)
        message = outcome.MESSAGE_NOT_AUTHORISED
        if final.code == outcome.APPROVED:
            message = outcome.MESSAGE_APPROVED
            if final.cvm == outcome.CVM_SIGNATURE:
                message = outcome.MESSAGE_APPROVED_SIGN
        await t.ui(message, outcome.UI_CARD_READ, outcome.UI_HOLD)
        return final

    async def epilogue(self, answer) -> None:
        """Issuer update processing: the card is presented once more and hears what its issuer says. It changes nothing of
        the sale, whether it comes to that or not (EMV Contactless Book C-3, issuer update processing)."""
        if not self._entry.wants_update or not answer.icc_data:
            return
        t = self._t
        contactless = t.parts.contactless
        await t.ui(outcome.MESSAGE_PRESENT_AGAIN, outcome.UI_READY_TO_READ)
        try:
            await contactless.start()
            card = await self._again(contactless, t.parts.clock)
            if card is not None:
                await self._entry.update(card.transmit, self._tx, t.data, answer.icc_data)
                await card.release()
                await t.card(protocol.CARD_READ)
        except ReaderError:
            pass
        finally:
            try:
                await contactless.stop()
            except ReaderError:
                pass  # the next transaction says so

    @property
    def script_results(self):
        return self._entry.script_results

    async def _again(self, contactless, clock):
        """The card, or None when nobody presents it in time."""
        deadline = time.ticks_add(clock.ticks_ms(), _UPDATE_MS)
        while time.ticks_diff(deadline, clock.ticks_ms()) > 0:
            try:
                card = await contactless.look()
                if card is not None:
                    return card
            except ReaderError as error:
                if error.code not in (E_TWO_CARDS, E_CARD_PROTOCOL):
                    raise
            await asyncio.sleep_ms(_LOOK_MS)
        return None

    def report(self, result) -> None:
        result.chip = self._chip

    def _keep_balance(self) -> None:
        """For the receipt: what the card says is left for sales without the host."""
        data = self._t.data
        balance = data.get(_TAG_9F79_ELECTRONIC_CASH_BALANCE) or data.get(_TAG_9F5D_AVAILABLE_OFFLINE_SPENDING_AMOUNT)
        if balance is not None:
            out = bytearray(_REPORT_MOST)
            writer = ber_tlv.Writer(out)
            writer.put(protocol.BALANCE, balance)
            self._chip = bytes(out[: writer.length])

    async def stop(self) -> None:
        if self._pin is not None:
            wipe(self._pin)
        self._entry.wipe()
