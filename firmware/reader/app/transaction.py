"""One sale, from the card to the outcome: the only place that sees both the card side and the host side.

Everything up to the packet may be cancelled; from the moment the packet leaves, the transaction ends by the
host's answer or by its time-out, and by nothing else.
"""

import asyncio
import gc

from micropython import const

from .. import outcome
from ..errors import E_CANCELLED, E_INTERNAL, ReaderError
from ..link import protocol
from ..util import modules
from ..util.wipe import wipe
from .result import Result

_ICC_MOST = const(255)
_NO_MEMORY = const(1)  # detail of E_INTERNAL
_ECB = const(2)  # of parameters.host.mac

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..ports import PacketKeys


class Sale:
    """What goes into the packet (iso8583.messages.pack_sale names the attributes)."""

    def __init__(self, amount: int, currency: int, stan: int, time: tuple):
        self.amount = amount
        self.currency = currency
        self.stan = stan
        self.time = time
        self.entry_mode = ""
        self.is_fallback = False
        self.track2 = b""
        self.track3 = b""
        self.pin_block = b""
        self.card_sequence: int | None = None
        self.icc_data: Any = b""


class Transaction:
    """`parts` is the reader (board, parameters, contactless, counters, notices, clock, entropy, data, room);
    `emit(opcode, build)` sends an event of this transaction and returns whether somebody was there to hear it;
    `interfaces`: protocol.INTERFACE_*, those that the card may come by; 0: there is no card, the reader signs in."""

    def __init__(
        self, parts, emit: "Callable", number: int, amount: int, currency: int, timeout_ms: int, interfaces: int
    ):
        self.parts = parts
        self.emit = emit
        self.timeout_ms = timeout_ms
        self.result = Result(number, amount, currency)
        self.interface: Any = None  # tap.Tap, insert.Insert or swipe.Swipe, as soon as there is a card
        self._present: Any = None
        self._interfaces = interfaces
        self._modules: list | None = modules.loaded()
        self.data = parts.data
        self.answered = asyncio.Event()
        self.frame: memoryview | None = None
        self.icc = bytearray(_ICC_MOST)
        self.error: ReaderError | None = None
        self.cancel_code = E_CANCELLED
        self.cancelled = False
        self.packet_left = False
        self.reversal = 0  # number of the notice that is stored before the packet leaves
        self.waiting_online = False

    async def run(self) -> None:
        """The transaction, in a task of its own; what ended it is in the result. Raises nothing but CancelledError,
        and whoever started the task calls `finish` when it has ended, cancelled or not."""
        try:
            await self._run()
        except ReaderError as error:
            self.result.failed(error)
        except Exception as fault:
            # The firmware's own fault. The transaction is over, the reader goes on, and says so.
            self.result.failed(ReaderError(E_INTERNAL, _NO_MEMORY if isinstance(fault, MemoryError) else 0))

    async def finish(self) -> Result:
        """Card off, buffers wiped. Not in the task of `run`: in MicroPython a task that was cancelled inside a
        wait_for is cancelled once more, from there, at whatever it awaits next."""
        result = self.result
        if self.cancelled and not result.code and not self._decided():
            error = ReaderError(self.cancel_code)
            result.failed(error if self._present is None else self._present.why(error))
        self.sample()
        if self.interface is not None:
            try:
                self.interface.report(result)
            except Exception as fault:
                self._put_away(fault)
        for part in (self.interface, self._present):
            try:
                if part is not None:
                    await part.stop()
            except Exception as fault:
                self._put_away(fault)
        self.data.wipe()
        wipe(self.icc)
        # What it holds goes now: asyncio may keep the task, and so this object, until the next one
        self.interface = self._present = self.data = self.icc = self.frame = None
        self.parts = self.emit = self.answered = self.error = None
        modules.keep_only(self._modules)
        self._modules = self.result = None
        return result

    def _decided(self) -> bool:
        return self.result.outcome in (outcome.APPROVED, outcome.DECLINED)

    def _put_away(self, fault: Exception) -> None:
        """Something went wrong after the end. What has been decided stands; without a decision this is the reason."""
        result = self.result
        if not result.code and not self._decided():
            result.failed(fault if isinstance(fault, ReaderError) else ReaderError(E_INTERNAL))

    def answer(self, frame: "memoryview | None", error: "ReaderError | None") -> None:
        """The host's frame, or why there is none. Only while `waiting_online`."""
        if frame is not None:
            self.frame = memoryview(bytes(frame))  # without memory for it the phone may hand it in again
        self.waiting_online = False
        self.error = error
        self.answered.set()

    async def _run(self) -> None:
        parts = self.parts
        result = self.result
        if not self._interfaces:
            from . import sign_in

            result.end(await sign_in.go(self))
            return
        # What is loaded next stays to the end: not between what the last transaction has left, but from the heap's bottom on
        gc.collect()
        # In here, where the stack is at its least: what an interface needs is loaded for one transaction, and
        # unloaded after it
        from .present import Present

        self._present = Present(self, self._interfaces)
        parts.notices.need_room()
        # Both are stored before anything leaves: a number is never used twice, whatever happens to the power.
        result.stan = parts.counters.next_stan()
        sale = Sale(result.amount, result.currency, result.stan, parts.clock.now())
        final = await self._present.read(sale)
        if self.cancelled:
            # In MicroPython a cancellation is lost when what was awaited has just come
            raise ReaderError(self.cancel_code)
        if result.interface != protocol.INTERFACE_CONTACTLESS:
            # By radio more is in use when the packet is made, and a collection takes a tenth of the customer's time
            self.sample()
        if final.code in (outcome.ONLINE_REQUEST, outcome.APPROVED):
            result.cvm = final.cvm
            from . import online

            if final.code == outcome.ONLINE_REQUEST:
                final = await online.go(self, sale)
            else:
                online.keep_offline(self, sale)
        result.end(final)

    def next_keys(self) -> "PacketKeys":
        """Those of the next packet. Raises E_NO_KEY, E_KEY_EXHAUSTED, E_SIGN_IN, E_STORE."""
        from ..dukpt import scheme

        parts = self.parts
        host = parts.parameters.host
        return scheme.next_keys(parts.ring, host.key_scheme, parts.entropy, host.mac == _ECB, self.result.stan)

    def sample(self) -> None:
        """Look how much heap is in use at this step."""
        gc.collect()
        self.result.heap_peak = max(self.result.heap_peak, gc.mem_alloc())

    async def state(self, state: int) -> None:
        await self.emit(protocol.STATE, lambda w: w.put_int(protocol.READER_STATE, state, 1))

    async def card(self, event: int, detail: int = 0) -> None:
        def write(w):
            w.put_int(protocol.CARD_EVENT, event, 1)
            return w.put_int(protocol.DETAIL, detail, 4) if detail else w

        await self.emit(protocol.CARD, write)

    async def ui(self, message: int, status: int, hold: int = 0) -> None:
        """A user interface request of a contactless transaction: outcome.MESSAGE_*, outcome.UI_*, hold time in 100 ms."""

        def write(w):
            w.put_int(protocol.MESSAGE_ID, message, 1).put_int(protocol.UI_STATUS, status, 1)
            return w.put_int(protocol.HOLD_TIME, hold, 2) if hold else w

        await self.emit(protocol.UI_REQUEST, write)

    async def prompt(self, code: int, interfaces: int = 0) -> None:
        def write(w):
            w.put_int(protocol.PROMPT_CODE, code, 1)
            return w.put_int(protocol.INTERFACES, interfaces, 1) if interfaces else w

        await self.emit(protocol.PROMPT, write)
