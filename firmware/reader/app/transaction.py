"""One sale, from the card to the outcome: the only place that sees both the card side and the host side.

Everything up to the packet may be cancelled; from the moment the packet leaves, the transaction ends by the
host's answer or by its time-out, and by nothing else.
"""

import asyncio
import gc
import time

from micropython import const

from .. import outcome
from ..emv import icc_data
from ..emv.contactless.entry_point import EntryPoint
from ..emv.data import DataStore
from ..errors import (
    E_CANCELLED,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_HOST_TIMEOUT,
    E_INTERNAL,
    E_NO_CARD,
    E_NOT_PAYMENT,
    E_PHONE_GONE,
    E_STATUS_WORD,
    E_TWO_CARDS,
    ReaderError,
)
from ..iso8583 import messages
from ..link import protocol
from ..util import bcd
from ..util.wipe import wipe
from . import account

_DATA_CAPACITY = const(1536)
_ICC_MOST = const(255)
_FRAME_MOST = const(1000)
_ATTEMPTS = const(5)  # times a card may be presented again
_ENTRY_MODE = "072"  # contactless, no PIN
_APPROVED = "00"
_PAUSE_MS = const(250)  # before the field is polled again, so that a hand can move

# What a card may do that a second try can mend, and what the cardholder is told
_TRY_AGAIN = {
    E_TWO_CARDS: protocol.CARD_TWO,
    E_CARD_REMOVED: protocol.CARD_REMOVED,
    E_CARD_TIMEOUT: protocol.CARD_TRY_AGAIN,
    E_CARD_PROTOCOL: protocol.CARD_TRY_AGAIN,
    E_STATUS_WORD: protocol.CARD_TRY_AGAIN,
}

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Sale:
    """What goes into the packet (iso8583.messages.pack_sale names the attributes)."""

    entry_mode = _ENTRY_MODE

    def __init__(self, amount: int, currency: int, stan: int, time: tuple):
        self.amount = amount
        self.currency = currency
        self.stan = stan
        self.time = time
        self.track2 = b""
        self.card_sequence: int | None = None
        self.icc_data: Any = b""


class Result:
    """How a transaction ended. Kept until the next one begins."""

    def __init__(self, number: int, amount: int, currency: int):
        self.number = number
        self.amount = amount
        self.currency = currency
        self.stan = 0
        self.outcome = outcome.END_APPLICATION
        self.cvm = outcome.CVM_NOT_APPLICABLE
        self.code = 0
        self.detail = 0
        self.response_code = ""
        self.auth_code = ""
        self.rrn = ""
        self.masked = ""
        self.ksn = b""
        self.issuer_data = b""
        self.heap_peak = 0

    def failed(self, error: ReaderError) -> None:
        self.outcome = outcome.END_APPLICATION
        self.code = error.code
        self.detail = error.detail

    def write(self, writer) -> "Any":
        """The body of the RESULT event and of the answer to LAST_RESULT."""
        writer.put_int(protocol.OUTCOME, self.outcome, 1).put_int(protocol.CVM, self.cvm, 1)
        writer.put_int(protocol.ERROR, self.code, 2).put_int(protocol.DETAIL, self.detail & 0xFFFFFFFF, 4)
        writer.put_int(protocol.TRANSACTION, self.number, 2).put_int(protocol.STAN, self.stan, 4)
        writer.put(protocol.AMOUNT, bcd.from_int(self.amount, 6))
        writer.put(protocol.CURRENCY, bcd.from_int(self.currency, 2))
        for tag, value in (
            (protocol.RESPONSE_CODE, self.response_code),
            (protocol.AUTH_CODE, self.auth_code),
            (protocol.RRN, self.rrn),
            (protocol.MASKED_PAN, self.masked),
            (protocol.KSN, self.ksn),
            (protocol.ISSUER_DATA, self.issuer_data),
        ):
            if value:
                writer.put(tag, value)
        return writer.put_int(protocol.HEAP_PEAK, self.heap_peak, 4)


class Transaction:
    """`parts` is the reader (parameters, contactless, keys, counters, clock, entropy); `emit(opcode, build)` sends
    an event of this transaction and returns whether somebody was there to hear it."""

    def __init__(self, parts, emit: "Callable", number: int, amount: int, currency: int, timeout_ms: int):
        self._parts = parts
        self._emit = emit
        self._timeout_ms = timeout_ms
        self._answered = asyncio.Event()
        self._frame: memoryview | None = None
        self._data = DataStore(_DATA_CAPACITY)
        self._icc = bytearray(_ICC_MOST)
        self._packet: bytearray | None = None
        self._error: ReaderError | None = None
        self._field_on = False
        self.result = Result(number, amount, currency)
        self.cancel_code = E_CANCELLED
        self.cancelled = False
        self.packet_left = False
        self.waiting_online = False

    async def run(self) -> None:
        """The transaction, in a task of its own; what ended it is in the result. Raises nothing but CancelledError,
        and whoever started the task calls `finish` when it has ended, cancelled or not."""
        try:
            await self._run()
        except ReaderError as error:
            self.result.failed(error)
        except Exception:
            # The firmware's own fault. The transaction is over, the reader goes on, and says so.
            self.result.failed(ReaderError(E_INTERNAL))

    async def finish(self) -> Result:
        """Field off, buffers wiped. Not in the task of `run`: in MicroPython a task that was cancelled inside a
        wait_for is cancelled once more, from there, at whatever it awaits next."""
        if self.cancelled and not self.result.code:
            self.result.failed(ReaderError(self.cancel_code))
        try:
            await self._field_off()
        except ReaderError as error:
            if not self.result.code:
                self.result.failed(error)
        self._sample()
        self._data.wipe()
        wipe(self._icc)
        # What it holds goes now: asyncio may keep the task, and so this object, until the next one
        self._data = self._icc = self._packet = self._frame = None
        self._parts = self._emit = self._answered = None
        return self.result

    def answer(self, frame: "memoryview | None", error: "ReaderError | None") -> None:
        """The host's frame, or why there is none. Only while `waiting_online`."""
        self.waiting_online = False
        if frame is not None:
            self._frame = memoryview(bytes(frame))
        self._error = error
        self._answered.set()

    async def _run(self) -> None:
        parts = self._parts
        result = self.result
        # Both are stored before anything leaves: a number is never used twice, whatever happens to the power.
        result.stan = parts.counters.next_stan()
        sale = Sale(result.amount, result.currency, result.stan, parts.clock.now())
        entry = EntryPoint(parts.parameters, parts.entropy)
        tx = entry.pre_process(sale.amount, sale.currency, sale.time, sale.stan)
        if isinstance(tx, outcome.Outcome):
            return self._end(tx)
        final = await self._read_card(entry, tx)
        await self._field_off()
        self._sample()
        if final.code != outcome.ONLINE_REQUEST:
            return self._end(final)
        result.cvm = final.cvm
        await self._emit(protocol.CARD, lambda w: w.put_int(protocol.CARD_EVENT, protocol.CARD_READ, 1))
        keys = parts.keys.next()
        try:
            await self._go_online(sale, keys)
        finally:
            keys.wipe()

    async def _read_card(self, entry, tx) -> outcome.Outcome:
        """Ask for a card until one was read, as often as `_ATTEMPTS` and as long as the time-out allow."""
        parts = self._parts
        await self._state(protocol.STATE_WAIT_CARD)
        self._field_on = True
        await parts.contactless.start()
        deadline = time.ticks_add(parts.clock.ticks_ms(), self._timeout_ms)
        last = ReaderError(E_NO_CARD)
        attempts = 0
        while attempts < _ATTEMPTS:
            left = time.ticks_diff(deadline, parts.clock.ticks_ms())
            if left <= 0:
                break
            try:
                card = await parts.contactless.wait_for_card(left)
                attempts += 1
                await self._card(protocol.CARD_PRESENT)
                if not card.is_isodep:
                    return outcome.Outcome(outcome.END_APPLICATION, reason=E_NOT_PAYMENT)
                await self._state(protocol.STATE_READING)
                self._data.wipe()
                final = await entry.run(card.transmit, tx, self._data)
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
                    await self._card(_TRY_AGAIN[error.code])
                    await self._state(protocol.STATE_WAIT_CARD)
                last = error
                await asyncio.sleep_ms(_PAUSE_MS)
        raise last

    def _pack(self, sale: Sale, keys) -> int:
        """The packet, from the card's data, which are wiped; its length."""
        result = self.result
        taken = account.take(self._data, keys.data)
        sale.track2 = taken.track2
        sale.card_sequence = taken.card_sequence
        result.masked = taken.masked
        result.ksn = bytes(keys.ksn)
        sale.icc_data = memoryview(self._icc)[: icc_data.icc_data_into(self._data, self._icc)]
        self._data.wipe()
        self._packet = bytearray(_FRAME_MOST)
        return messages.pack_sale(self._parts.parameters.host, sale, keys, self._packet)

    async def _go_online(self, sale: Sale, keys) -> None:
        parts = self._parts
        result = self.result
        n = self._pack(sale, keys)
        self._sample()
        self.waiting_online = True
        self.packet_left = True
        heard = await self._emit(
            protocol.ONLINE_REQUEST, lambda w: w.put(protocol.PACKET, memoryview(self._packet)[:n])
        )
        self._packet = None
        if not heard:
            # Its last fragment never went out, so no host can have seen it
            raise ReaderError(E_PHONE_GONE)
        await self._state(protocol.STATE_ONLINE)
        try:
            await asyncio.wait_for(self._answered.wait(), parts.parameters.host.timeout_s)
        except asyncio.TimeoutError:
            raise ReaderError(E_HOST_TIMEOUT) from None
        finally:
            self.waiting_online = False
        if self._error is not None:
            raise self._error
        answer = messages.check_answer(parts.parameters.host, sale, keys, self._frame)
        self._sample()
        result.response_code = answer.response_code
        result.auth_code = answer.auth_code or ""
        result.rrn = answer.rrn or ""
        result.issuer_data = bytes(answer.icc_data or b"")
        result.outcome = outcome.APPROVED if answer.response_code == _APPROVED else outcome.DECLINED

    async def _field_off(self) -> None:
        if self._field_on:
            await self._parts.contactless.stop()
            self._field_on = False

    def _end(self, final: outcome.Outcome) -> None:
        result = self.result
        result.outcome = final.code
        result.cvm = final.cvm
        result.code = final.reason
        result.detail = final.detail

    def _sample(self) -> None:
        gc.collect()
        self.result.heap_peak = max(self.result.heap_peak, gc.mem_alloc())

    async def _state(self, state: int) -> None:
        await self._emit(protocol.STATE, lambda w: w.put_int(protocol.READER_STATE, state, 1))

    async def _card(self, event: int) -> None:
        await self._emit(protocol.CARD, lambda w: w.put_int(protocol.CARD_EVENT, event, 1))
