"""A card held to the reader: the contactless side of a transaction. Loaded for one, and unloaded after it."""

import asyncio
import time

from micropython import const

from .. import outcome
from ..emv.contactless.entry_point import EntryPoint
from ..errors import (
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_NO_CARD,
    E_NOT_PAYMENT,
    E_STATUS_WORD,
    E_TWO_CARDS,
    ReaderError,
)
from ..link import protocol

_ATTEMPTS = const(5)  # times a card may be presented again
_PAUSE_MS = const(250)  # before the field is polled again, so that a hand can move
_APPROVED = "00"

# What a card may do that a second try can mend, and what the cardholder is told
_TRY_AGAIN = {
    E_TWO_CARDS: protocol.CARD_TWO,
    E_CARD_REMOVED: protocol.CARD_REMOVED,
    E_CARD_TIMEOUT: protocol.CARD_TRY_AGAIN,
    E_CARD_PROTOCOL: protocol.CARD_TRY_AGAIN,
    E_STATUS_WORD: protocol.CARD_TRY_AGAIN,
}


class Tap:
    """One of the interfaces of a transaction (insert.Insert is the other)."""

    entry_mode = "07"  # DE22, without its last digit
    pin = None
    session = None  # of the contact kernel
    cardholder = None  # nobody is asked anything

    def __init__(self, transaction):
        self._t = transaction
        self._parts = transaction.parts
        # While nobody has tapped yet: what makes the packet would cost the customer's time later
        from ..iso8583 import messages  # noqa: F401
        from . import account, online  # noqa: F401

        self._field_on = False

    async def read(self, tx_of) -> outcome.Outcome:
        """The card, until it was read. `tx_of`: amount, currency, time, stan."""
        parts = self._parts
        entry = EntryPoint(parts.parameters, parts.entropy)
        tx = entry.pre_process(tx_of.amount, tx_of.currency, tx_of.time, tx_of.stan)
        if isinstance(tx, outcome.Outcome):
            return tx
        final = await self._read_card(entry, tx)
        await self.stop()
        if final.code == outcome.ONLINE_REQUEST:
            await self._t.card(protocol.CARD_READ)
        return final

    async def _read_card(self, entry, tx) -> outcome.Outcome:
        """Ask for a card until one was read, as often as `_ATTEMPTS` and as long as the time-out allow."""
        t = self._t
        parts = self._parts
        await t.state(protocol.STATE_WAIT_CARD)
        self._field_on = True
        await parts.contactless.start()
        deadline = time.ticks_add(parts.clock.ticks_ms(), t.timeout_ms)
        last = ReaderError(E_NO_CARD)
        attempts = 0
        while attempts < _ATTEMPTS:
            left = time.ticks_diff(deadline, parts.clock.ticks_ms())
            if left <= 0:
                break
            try:
                card = await parts.contactless.wait_for_card(left)
                attempts += 1
                await t.card(protocol.CARD_PRESENT)
                if not card.is_isodep:
                    return outcome.Outcome(outcome.END_APPLICATION, reason=E_NOT_PAYMENT)
                await t.state(protocol.STATE_READING)
                t.data.wipe()
                final = await entry.run(card.transmit, tx, t.data)
                await card.release()
                if final.code != outcome.TRY_AGAIN:
                    return final
                # Something is to be done on the cardholder's device first (EMV Contactless Book A, 6.2: Try Again)
                raise ReaderError(E_STATUS_WORD, final.detail)
            except ReaderError as error:
                if error.code == E_NO_CARD:
                    break
                if error.code not in _TRY_AGAIN:
                    raise
                if error.code != last.code:
                    await t.card(_TRY_AGAIN[error.code])
                    await t.state(protocol.STATE_WAIT_CARD)
                last = error
                await asyncio.sleep_ms(_PAUSE_MS)
        raise last

    def packed(self) -> None:
        """The packet is made: nothing of the card is needed any more."""
        self._t.data.wipe()

    async def conclude(self, answer, error, unanswered: bool) -> outcome.Outcome:
        """The host's word is final. Raises `error` when there is none."""
        if error is not None:
            raise error
        code = outcome.APPROVED if answer.response_code == _APPROVED else outcome.DECLINED
        return outcome.Outcome(code, cvm=self._t.result.cvm)

    def report(self, result) -> None:
        """Nothing but what every result has."""

    async def stop(self) -> None:
        """Field off."""
        if self._field_on:
            await self._parts.contactless.stop()
            self._field_on = False
