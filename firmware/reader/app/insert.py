"""A card put into the slot: the contact side of a transaction. The card stays powered until the host has answered.

Loaded with all that it needs for one transaction, and unloaded after it.
"""

from micropython import const

from .. import outcome
from ..emv.contact.kernel import Kernel
from ..errors import ReaderError
from ..link import protocol
from ..storage.emv_tables import EmvTables
from ..util import ber_tlv
from ..util.modules import forget_each
from ..util.wipe import wipe
from .cardholder import Cardholder
from .interface import Interface

_TAG_57_TRACK2_EQUIVALENT_DATA = const(0x57)
_TAG_5A_PAN = const(0x5A)
_TAG_5F20_CARDHOLDER_NAME = const(0x5F20)
_TAG_95_TERMINAL_VERIFICATION_RESULTS = const(0x95)
_TAG_9B_TRANSACTION_STATUS_INFORMATION = const(0x9B)
_TAG_9F34_CVM_RESULTS = const(0x9F34)
_TAG_9F79_ELECTRONIC_CASH_BALANCE = const(0x9F79)

_REPORT_MOST = const(200)


class _Amounts:
    """What the kernel is told of the transaction."""

    amount_other = 0
    transaction_type = 0x00  # goods and services

    def __init__(self, sale):
        self.amount = sale.amount
        self.currency = sale.currency
        self.time = sale.time
        self.sequence = sale.stan


class Insert(Interface):
    """`transaction`: what it belongs to."""

    entry_mode = "05"

    def __init__(self, transaction):
        super().__init__(transaction)
        parts = transaction.parts
        self.cardholder = Cardholder(transaction, parts.board.pin_pad)
        tables = EmvTables(parts.board.emv_tables)
        self._kernel = Kernel(parts.parameters.terminal, tables, self.cardholder, parts.entropy, parts.room)

    @property
    def pin(self):
        """The digits of an online PIN, or None."""
        session = self._kernel.session
        return None if session is None else session.pin

    @property
    def session(self):
        return self._kernel.session

    def is_chosen(self) -> bool:
        """An application of the card runs."""
        session = self._kernel.session
        return session is not None and session.application is not None

    async def read(self, tx_of) -> outcome.Outcome:
        """From the card that lies in the slot to what it says first."""
        t = self._t
        card = await t.parts.board.contact.activate()
        forget_each("reader.iso7816.atr", "reader.iso7816.acceptance", "reader.iso7816.pps")
        self.has_answered = True
        await t.prompt(protocol.PROMPT_DO_NOT_REMOVE)
        await t.state(protocol.STATE_READING)
        return await self._kernel.run(card.transmit, _Amounts(tx_of), t.data)

    def account(self, keys):
        """The account, and the PIN if it is for the host, encrypted under the packet's `keys`."""
        from .account import take

        return take(self._t.data, keys, self.pin)

    def packed(self) -> None:
        """The packet is made: the kernel goes on, without the account."""
        data = self._t.data
        for tag in (_TAG_57_TRACK2_EQUIVALENT_DATA, _TAG_5A_PAN, _TAG_5F20_CARDHOLDER_NAME):
            data.drop(tag)
        session = self._kernel.session
        if session.pin is not None:
            wipe(session.pin)
            session.pin = None

    async def conclude(self, answer, error, unanswered: bool) -> outcome.Outcome:
        """The card hears what the host said, or that it said nothing, and decides. `error`: why there is no answer,
        or (not `unanswered`) why the one that came cannot be believed, which is raised again once the card knows."""
        kernel = self._kernel
        if error is None:
            return await kernel.complete(answer.response_code.encode(), answer.icc_data)
        try:
            final = await kernel.complete_without(unanswered)
        except ReaderError:
            raise error  # the card's trouble comes second
        if not unanswered:
            raise error
        return final

    def report(self, result) -> None:
        """What the chip adds to the result."""
        session = self._kernel.session
        if session is None:
            return
        data = self._t.data
        out = bytearray(_REPORT_MOST)
        writer = ber_tlv.Writer(out)
        for name, tag in (
            (protocol.TVR, _TAG_95_TERMINAL_VERIFICATION_RESULTS),
            (protocol.TSI, _TAG_9B_TRANSACTION_STATUS_INFORMATION),
            (protocol.CVM_RESULTS, _TAG_9F34_CVM_RESULTS),
            (protocol.BALANCE, _TAG_9F79_ELECTRONIC_CASH_BALANCE),
        ):
            value = data.get(tag)
            if value is not None:
                writer.put(name, value)
        if len(session.script_results):
            writer.put(protocol.SCRIPT_RESULTS, session.script_results)
        result.chip = bytes(out[: writer.length])
        if not result.response_code and session.answer_code:
            result.response_code = session.answer_code.decode()

    async def stop(self) -> None:
        """What was read of the card is wiped. It is for others to switch it off."""
        self._kernel.wipe()


def rehearse() -> None:
    """Load once what the slot loads when a card answers, and what the kernel loads (Kernel.rehearse)."""
    from ..iso7816 import acceptance, atr, pps, t0, t1  # noqa: F401

    Kernel(None, None, None, None).rehearse()
