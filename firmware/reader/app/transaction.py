"""One sale, from the card to the outcome: the only place that sees both the card side and the host side.

Everything up to the packet may be cancelled; from the moment the packet leaves, the transaction ends by the
host's answer or by its time-out, and by nothing else.
"""

import asyncio
import gc

from micropython import const

from .. import outcome
from ..emv import icc_data
from ..emv.data import DataStore
from ..errors import (
    E_CANCELLED,
    E_HOST_TIMEOUT,
    E_HOST_UNREACHABLE,
    E_INTERNAL,
    E_ISO_MAC,
    E_PHONE_GONE,
    ReaderError,
)
from ..iso8583 import messages
from ..link import protocol
from ..util import ber_tlv, modules
from ..util.bcd import from_int
from ..util.wipe import wipe
from . import account
from .result import Result

_DATA_CONTACTLESS = const(1536)
_DATA_CONTACT = const(2560)  # two certificates of 248 bytes among them
_ICC_MOST = const(255)
_FRAME_MOST = const(1000)
_NOTICE_MOST = const(480)
_WITH_PIN = "1"
_WITHOUT_PIN = "2"
_APPROVED = "00"

# DE39 of a reversal: why it is due
_NO_ANSWER = "98"
_WRONG_MAC = "A0"
_BAD_ANSWER = "96"
_CARD_REFUSED = "06"

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Sale:
    """What goes into the packet (iso8583.messages.pack_sale names the attributes)."""

    def __init__(self, amount: int, currency: int, stan: int, time: tuple):
        self.amount = amount
        self.currency = currency
        self.stan = stan
        self.time = time
        self.entry_mode = ""
        self.track2 = b""
        self.pin_block = b""
        self.card_sequence: int | None = None
        self.icc_data: Any = b""


class Transaction:
    """`parts` is the reader (board, parameters, tables, contactless, keys, counters, notices, clock, entropy);
    `emit(opcode, build)` sends an event of this transaction and returns whether somebody was there to hear it;
    `interface`: protocol.INTERFACE_*."""

    def __init__(
        self, parts, emit: "Callable", number: int, amount: int, currency: int, timeout_ms: int, interface: int
    ):
        self.parts = parts
        self.emit = emit
        self.timeout_ms = timeout_ms
        self.result = Result(number, amount, currency)
        self.interface: Any = None  # insert.Insert or tap.Tap, while the transaction runs
        self._interface = interface
        self._modules = modules.loaded()
        self.data = DataStore(_DATA_CONTACT if interface == protocol.INTERFACE_CONTACT else _DATA_CONTACTLESS)
        self._answered = asyncio.Event()
        self._frame: memoryview | None = None
        self._icc = bytearray(_ICC_MOST)
        self._packet: bytearray | None = None
        self._error: ReaderError | None = None
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
        """Card off, buffers wiped. Not in the task of `run`: in MicroPython a task that was cancelled inside a
        wait_for is cancelled once more, from there, at whatever it awaits next."""
        result = self.result
        if self.cancelled and not result.code:
            result.failed(ReaderError(self.cancel_code))
        self._sample()
        if self.interface is not None:
            try:
                self.interface.report(result)
                await self.interface.stop()
            except ReaderError as error:
                if not result.code:
                    result.failed(error)
        self.data.wipe()
        wipe(self._icc)
        # What it holds goes now: asyncio may keep the task, and so this object, until the next one
        self.interface = self.data = self._icc = self._packet = self._frame = None
        self.parts = self.emit = self._answered = None
        modules.keep_only(self._modules)
        return result

    def answer(self, frame: "memoryview | None", error: "ReaderError | None") -> None:
        """The host's frame, or why there is none. Only while `waiting_online`."""
        self.waiting_online = False
        if frame is not None:
            self._frame = memoryview(bytes(frame))
        self._error = error
        self._answered.set()

    async def _run(self) -> None:
        parts = self.parts
        result = self.result
        # In here, where the stack is at its least: what an interface needs is loaded for one transaction, and
        # unloaded after it
        if self._interface == protocol.INTERFACE_CONTACT:
            from .insert import Insert as interface
        else:
            from .tap import Tap as interface
        self.interface = interface(self)
        parts.notices.need_room()
        # Both are stored before anything leaves: a number is never used twice, whatever happens to the power.
        result.stan = parts.counters.next_stan()
        sale = Sale(result.amount, result.currency, result.stan, parts.clock.now())
        final = await self.interface.read(sale)
        self._sample()
        if final.code not in (outcome.ONLINE_REQUEST, outcome.APPROVED):
            return result.end(final)
        result.cvm = final.cvm
        keys = parts.keys.next()
        try:
            if final.code == outcome.ONLINE_REQUEST:
                final = await self._go_online(sale, keys)
            else:
                self._take_account(sale, keys)
        finally:
            keys.wipe()
        if final.code == outcome.APPROVED and not result.rrn:
            self._notice(sale, protocol.NOTICE_OFFLINE, b"")
        result.end(final)

    def _take_account(self, sale: Sale, keys) -> None:
        """Account, PIN and chip data out of the card's objects, which are wiped or go without the account."""
        result = self.result
        pin = self.interface.pin
        sale.entry_mode = self.interface.entry_mode + (_WITHOUT_PIN if pin is None else _WITH_PIN)
        taken = account.take(self.data, keys, pin)
        sale.track2 = taken.track2
        sale.pin_block = taken.pin_block
        sale.card_sequence = taken.card_sequence
        result.masked = taken.masked
        result.ksn = bytes(keys.ksn)
        sale.icc_data = memoryview(self._icc)[: icc_data.icc_data_into(self.data, self._icc)]
        self.interface.packed()

    async def _go_online(self, sale: Sale, keys) -> outcome.Outcome:
        """The packet out, the answer in, and what the card makes of it. Raises why there is no sale."""
        self._take_account(sale, keys)
        answer = None
        error = await self._ask_host(sale, keys)
        if error is None:
            try:
                answer = messages.check_answer(self.parts.parameters.host, sale, keys, self._frame)
            except ReaderError as unbelievable:
                error = unbelievable
        self._sample()
        if answer is not None:
            result = self.result
            result.response_code = answer.response_code
            result.auth_code = answer.auth_code or ""
            result.rrn = answer.rrn or ""
            result.issuer_data = bytes(answer.icc_data or b"")
        due = self._reversal(error)
        if due:
            self._notice(sale, protocol.NOTICE_REVERSAL, due)
        final = None
        try:
            final = await self.interface.conclude(answer, error)
        finally:
            if answer is not None:
                if answer.response_code == _APPROVED and (final is None or final.code != outcome.APPROVED):
                    self._notice(sale, protocol.NOTICE_REVERSAL, _CARD_REFUSED)
                session = self.interface.session
                if session is not None and len(session.script_results):
                    self._notice(sale, protocol.NOTICE_SCRIPTS, b"")
        return final

    def _reversal(self, error: "ReaderError | None") -> str:
        """DE39 of the reversal that is due because of `error`, or "". A packet whose last fragment never went out
        has been seen by no host."""
        if error is None or error.code == E_PHONE_GONE:
            return ""
        if self.unanswered(error):
            return _NO_ANSWER
        return _WRONG_MAC if error.code == E_ISO_MAC else _BAD_ANSWER

    def unanswered(self, error: ReaderError) -> bool:
        """Nothing came back, as against something that cannot be believed."""
        return error.code in (E_HOST_TIMEOUT, E_HOST_UNREACHABLE, E_PHONE_GONE)

    async def _ask_host(self, sale: Sale, keys) -> "ReaderError | None":
        """Send the packet, wait for the answer's frame. Why there is none, or None."""
        host = self.parts.parameters.host
        self._packet = bytearray(_FRAME_MOST)
        n = messages.pack_sale(host, sale, keys, self._packet)
        self._sample()
        self.waiting_online = True
        self.packet_left = True
        heard = await self.emit(protocol.ONLINE_REQUEST, lambda w: w.put(protocol.PACKET, memoryview(self._packet)[:n]))
        self._packet = None
        if not heard:
            self.waiting_online = False
            return ReaderError(E_PHONE_GONE)
        await self.state(protocol.STATE_ONLINE)
        try:
            await asyncio.wait_for(self._answered.wait(), host.timeout_s)
        except asyncio.TimeoutError:
            return ReaderError(E_HOST_TIMEOUT)
        finally:
            self.waiting_online = False
        return self._error

    def _notice(self, sale: Sale, kind: int, reason) -> None:
        """Store what the host must hear of this transaction later (notices.py)."""
        result = self.result
        out = bytearray(_NOTICE_MOST)
        w = ber_tlv.Writer(out)
        w.put(protocol.NOTICE_KIND, bytes((kind,)))
        w.put(protocol.STAN, sale.stan.to_bytes(4, "big"))
        w.put(protocol.AMOUNT, from_int(sale.amount, 6))
        w.put(protocol.CURRENCY, from_int(sale.currency, 2))
        w.put(protocol.TIME, b"".join([from_int(part % 100, 1) for part in sale.time]))
        w.put(protocol.MASKED_PAN, result.masked.encode())
        w.put(protocol.KSN, result.ksn)
        if reason:
            w.put(protocol.REASON, reason.encode())
        if result.rrn:
            w.put(protocol.RRN, result.rrn.encode())
        if kind == protocol.NOTICE_SCRIPTS:
            w.put(protocol.SCRIPT_RESULTS, self.interface.session.script_results)
        if kind == protocol.NOTICE_OFFLINE:
            w.put(protocol.TRACK2, sale.track2)
            w.put(protocol.ICC_DATA, memoryview(self._icc)[: icc_data.icc_data_into(self.data, self._icc)])
        self.parts.notices.add(memoryview(out)[: w.length])
        result.notices += 1

    def _sample(self) -> None:
        gc.collect()
        self.result.heap_peak = max(self.result.heap_peak, gc.mem_alloc())

    async def state(self, state: int) -> None:
        await self.emit(protocol.STATE, lambda w: w.put_int(protocol.READER_STATE, state, 1))

    async def card(self, event: int) -> None:
        await self.emit(protocol.CARD, lambda w: w.put_int(protocol.CARD_EVENT, event, 1))

    async def prompt(self, code: int) -> None:
        await self.emit(protocol.PROMPT, lambda w: w.put_int(protocol.PROMPT_CODE, code, 1))
