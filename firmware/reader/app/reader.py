"""The supervisor: puts the parts together, answers the phone, runs one transaction at a time.

A part that is missing or fails its test puts the reader out of service with the number that says why; it still
answers what app/access.py lets through: that it is, and what mends it.
"""

import asyncio
import gc
from time import ticks_diff

from micropython import const

from ..crypto import des  # noqa: F401 - stays loaded: MicroPython keeps the memory of native code for ever
from ..dukpt import registers  # noqa: F401 - the same
from ..emv.data import DataStore
from ..errors import (
    E_CANCELLED,
    E_ENTROPY,
    E_INTERFACE,
    E_LINK_BUSY,
    E_LINK_STATE,
    E_NO_KEY,
    E_PARAMETERS,
    E_PHONE_GONE,
    E_SIGN_IN,
    ReaderError,
)
from ..iso7811 import characters, f2f  # noqa: F401 - the same
from ..link import protocol
from ..storage import log_events, sections
from ..storage.key_ring import KeyRing
from ..util.modules import keep_only, loaded
from ..util.wipe import wipe
from . import commands
from .counters import Counters
from .notices import Notices
from .transaction import Transaction
from .version import VERSION

_DATA = const(2560)  # data objects of one transaction, two certificates of 248 bytes among them
_ROOM = const(2048)
_LOOK_MS = const(500)  # from one look for a card left in the slot to the next
_LEAVING_MS = const(300)  # the radio sends the last answer in that time
_LOOKS_TO_NAG = const(10)
_NAGS = const(60)  # then the reader is silent about it
_NO_TABLES = const(60)  # detail of E_PARAMETERS: no file of applications and keys (storage/emv_tables.py)
_MASTER_SESSION = const(3)  # dukpt/scheme.py
_KEY_SCHEME = const(36)  # detail of E_PARAMETERS (storage/parameters_file.py)
_DAY_MS = const(86_400_000)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Reader:
    """`board`: what a board supplies (ports.Board)."""

    def __init__(self, board):
        # The big buffers of every transaction come first, while the heap is in one piece: the data objects, and room
        # that the kernel and the packet use one after the other
        self.data = DataStore(_DATA)
        self.room = bytearray(_ROOM)
        self.board = board
        self.clock = board.clock
        self.entropy = board.entropy
        self.contactless = board.contactless
        self.ring = KeyRing(board.keys, board.journal, board.secret)
        self.counters = Counters(board.counter_store)
        self.notices = Notices(board.notice_store)
        self.parameters: Any = None
        self.has_tables = False  # of applications and keys, without which no contact chip is taken
        self.left = False  # a card in the slot was read before, and must leave it
        self.out_of_service = 0
        self.is_restarting: Any = None  # the task that does it
        self.upload: Any = None  # a file that is coming over the link (file_load.py)
        self.pass_through: Any = None  # a card that is none for payment, open for the phone
        self.last = b""  # body of the last RESULT
        self.last_number = 0
        self._transaction: Transaction | None = None
        self._task: Any = None
        self._number = 0
        self._begun = asyncio.Event()
        self._command = self._continued = -1
        self._tested_ms = 0
        self.image = b""  # SHA-256 of the firmware's
        self._events = bytearray(log_events.LOG_KINDS)  # how often each was logged
        self.link: Any = None

    def run(self) -> None:
        """For ever."""
        asyncio.run(self.main())

    async def main(self) -> None:
        try:
            await self._start()
        except ReaderError as error:
            self._fail(error)
        self.link = self.board.link(VERSION, self._in_factory())
        self.link.log = self.log
        # None ends; when one dies the others do too, and the reader with them: it is never half alive
        await asyncio.gather(self.link.serve(self._handle, self.gone), self._supervise(), self._test_daily(_DAY_MS))

    async def _start(self) -> None:
        self.self_test()
        self._load_parameters()
        self._check_keys()
        self._check_tables()
        self._rehearse()
        self.counters.check()
        self.notices.check()
        kept = loaded()
        await self.contactless.start()
        await self.contactless.stop()
        keep_only(kept)  # its driver

    def self_test(self) -> None:
        """Known answers of every primitive, entropy, the key store, the image; at the start and once a day. Raises what
        failed."""
        self._tested_ms = self.clock.ticks_ms()
        kept = loaded()
        try:
            from ..crypto import selftest

            selftest.run()
            self.entropy.fill(bytearray(16))
            if self.ring.check():
                self.log(log_events.LOG_REPAIRED)
            self._check_image()
        finally:
            keep_only(kept)

    def _check_image(self) -> None:
        """A frozen firmware has none: its boot loader checks it."""
        image = self.board.image()
        if image is not None:
            from ..storage import rom_image

            try:
                self.image = rom_image.check(image)
            except ReaderError:
                self.log(log_events.LOG_IMAGE)
                raise

    async def _test_daily(self, every_ms: int) -> None:
        """For ever. A transaction, a card or a file that is under way comes first."""
        while True:
            await asyncio.sleep_ms(every_ms)
            while self.upload is not None or self.state() not in (protocol.STATE_IDLE, protocol.STATE_OUT_OF_SERVICE):
                await asyncio.sleep_ms(_LOOK_MS)
            try:
                self.self_test()
            except ReaderError as error:
                self._fail(error)
                await self._tell_state(0)

    def _fail(self, error: ReaderError) -> None:
        """Out of service, by the first error that put the reader there. A reader that is not personalised has none."""
        self.out_of_service = self.out_of_service or error.code
        if error.code != E_NO_KEY:
            self.log(log_events.LOG_OUT_OF_SERVICE, error.code << 16 | error.detail & 0xFFFF)

    def tested_s(self) -> int:
        """Seconds since the last self-test."""
        return ticks_diff(self.clock.ticks_ms(), self._tested_ms) // 1000

    def _check_keys(self) -> None:
        kept = loaded()
        from ..dukpt import scheme

        try:
            if self._in_factory():
                raise ReaderError(E_NO_KEY)
            scheme.check(self.ring, self.parameters.host.key_scheme)
        finally:
            keep_only(kept)

    def _in_factory(self) -> bool:
        """Not personalised, or not to the end."""
        try:
            return not self.ring.size(sections.IN_FIELD)
        except ReaderError as error:
            return error.code == E_NO_KEY

    def log(self, event: int, detail: int = 0) -> None:
        """A security event (storage/log_events.py). Best effort: a log that cannot be written stops nothing else."""
        kept = loaded()
        from ..storage import event_log

        try:
            now = self.clock.now()
        except ReaderError:
            now = None  # nobody has set the clock
        try:
            event_log.EventLog(self.board.journal, self._events).add(event, detail, now)
        except ReaderError:
            pass
        keep_only(kept)

    def key_was_shown(self) -> None:
        """Somebody who has the reader's key is there: what the log has had enough of is recorded again."""
        wipe(self._events)

    def restart(self) -> None:
        """As soon as the answer to the command has left, whether or not the phone stays for it."""
        self.is_restarting = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        await asyncio.sleep_ms(_LEAVING_MS)
        self.board.restart()

    def _load_parameters(self) -> None:
        kept = loaded()
        from ..storage import parameters_file

        self.parameters = parameters_file.load(self.board.parameters)
        keep_only(kept)

    def _check_tables(self) -> None:
        """A reader whose acquirer gave it no tables takes no contact chip and authenticates none by radio; broken tables
        put it out of service."""
        kept = loaded()
        from ..storage import emv_tables

        try:
            emv_tables.EmvTables(self.board.emv_tables).check()
            self.has_tables = True
        except ReaderError as error:
            if error.detail != emv_tables.NO_FILE:
                raise
        keep_only(kept)

    def _rehearse(self) -> None:
        """Load once what transactions load: what is missing is missed now, and the heap at rest is the same before
        the first transaction and after it."""
        kept = loaded()
        # As many as are ever there together at once: MicroPython's table of modules grows to that size, and stays so
        from ..iso8583 import messages  # noqa: F401
        from . import account, cardholder, online, present, tap  # noqa: F401

        keep_only(kept)
        from . import handshake  # noqa: F401

        keep_only(kept)
        from ..emv.contactless import entry_point

        entry_point.rehearse(self.parameters)
        keep_only(kept)
        if self.board.head is not None:
            from ..iso7811 import track  # noqa: F401
            from . import swipe  # noqa: F401

            keep_only(kept)
        if self.board.contact is not None:
            from . import insert

            insert.rehearse()
            keep_only(kept)
        if self.parameters.host.key_scheme == _MASTER_SESSION:
            from . import sign_in  # noqa: F401

            keep_only(kept)
        from . import pass_through

        pass_through.rehearse()
        keep_only(kept)

    def heap(self) -> int:
        """Bytes of heap in use, garbage not counted."""
        gc.collect()
        return gc.mem_alloc()

    def state(self) -> int:
        if self.out_of_service:
            return protocol.STATE_OUT_OF_SERVICE
        if self.pass_through is not None:
            return protocol.STATE_READING
        transaction = self._transaction
        if transaction is None:
            return protocol.STATE_IDLE
        return protocol.STATE_ONLINE if transaction.packet_left else protocol.STATE_READING

    # --- the phone

    async def _handle(self, message) -> None:
        await commands.answer(self, message)

    def gone(self) -> None:
        """The phone left, or another one took over. A packet that has left goes on waiting for its answer: the phone may
        come back with it."""
        self.link.close()
        self._command = -1  # the next phone counts its commands anew
        self.upload = None
        if self.pass_through is not None:
            self.pass_through.close()
        if self._transaction is not None and not self._transaction.packet_left:
            self._stop(E_PHONE_GONE)

    # --- transactions

    @property
    def began(self) -> int:
        """Number of the last transaction that was begun; 0: none."""
        return self._number

    def repeats(self, command: int) -> bool:
        """Whether the START with this message id is the one that began the last transaction."""
        return command == self._command

    def interfaces(self) -> int:
        """protocol.INTERFACE_* of all that a card may come by."""
        found = protocol.INTERFACE_CONTACTLESS
        if self.board.contact is not None and self.has_tables:
            found |= protocol.INTERFACE_CONTACT
        return found | protocol.INTERFACE_SWIPE if self.board.head is not None else found

    def start(self, command: int, amount: int, currency: int, timeout_ms: int, interfaces: int) -> int:
        """Begin a sale by whichever of `interfaces` (protocol.INTERFACE_*) the reader has; its number.

        Raises E_LINK_BUSY when one is running, E_INTERFACE or E_PARAMETERS when none of them can be served, E_SIGN_IN.
        """
        self._need_idle()
        served = interfaces & self.interfaces()
        if not served:
            if interfaces & protocol.INTERFACE_CONTACT and self.board.contact is not None:
                raise ReaderError(E_PARAMETERS, _NO_TABLES)
            raise ReaderError(E_INTERFACE)
        if self.parameters.host.key_scheme == _MASTER_SESSION and not self.ring.size(sections.WORKING_KEYS):
            raise ReaderError(E_SIGN_IN)
        return self._begin(command, amount, currency, timeout_ms, served)

    def sign_in(self, command: int) -> int:
        """Begin to fetch working keys from the host, a transaction without a card; its number. Raises E_LINK_BUSY,
        E_PARAMETERS when the reader has another key scheme."""
        self._need_idle()
        if self.parameters.host.key_scheme != _MASTER_SESSION:
            raise ReaderError(E_PARAMETERS, _KEY_SCHEME)
        return self._begin(command, 0, 0, 0, 0)

    def _need_idle(self) -> None:
        if self._transaction is not None or self.pass_through is not None or self.upload is not None:
            raise ReaderError(E_LINK_BUSY)

    def _begin(self, command: int, amount: int, currency: int, timeout_ms: int, served: int) -> int:
        number = self._number % 0xFFFF + 1
        self._transaction = Transaction(
            self,
            lambda opcode, build: self._emit(number, opcode, build),
            number,
            amount,
            currency,
            timeout_ms,
            served,
        )
        self._command = command
        self._continued = -1
        self._number = number
        self._begun.set()
        return number

    async def _emit(self, number: int, opcode: int, build: "Callable") -> bool:
        """An event of transaction `number`. False: nobody was there to hear it."""
        return await self.link.send(lambda w: build(w.begin(protocol.EVENT, opcode, number)))

    async def _supervise(self) -> None:
        """For ever: take each transaction from its beginning to the reader being idle again."""
        while True:
            if self.left:
                await self._nag()
            await self._begun.wait()
            self._begun.clear()
            # In a frame of its own, of which nothing is left: what a frame has once held MicroPython's collector sees
            # until something else lies there
            await self._transact()

    async def _transact(self) -> None:
        if not self._transaction.cancelled:
            self._task = asyncio.create_task(self._transaction.run())
            try:
                await self._task
            except asyncio.CancelledError:
                pass  # by us: finish says why
        await self._conclude(await self._transaction.finish())

    async def has_left(self) -> bool:
        """Whether the card that was `left` in the slot has gone; if so the phone is told."""
        self.left = not await self.board.contact.wait_for_removal(0)
        if not self.left:
            await self._emit(
                self._number, protocol.CARD, lambda w: w.put_int(protocol.CARD_EVENT, protocol.CARD_GONE, 1)
            )
        return not self.left

    async def _nag(self) -> None:
        """Until the card has left the slot, or the next transaction begins."""
        looks = 0
        while not self._begun.is_set():
            try:
                if await self.has_left():
                    return
            except ReaderError:
                return  # the slot's trouble is the next transaction's
            looks += 1
            if looks % _LOOKS_TO_NAG == 0 and looks <= _LOOKS_TO_NAG * _NAGS:
                await self._emit(
                    self._number,
                    protocol.PROMPT,
                    lambda w: w.put_int(protocol.PROMPT_CODE, protocol.PROMPT_REMOVE, 1),
                )
            try:
                await asyncio.wait_for_ms(self._begun.wait(), _LOOK_MS)
            except asyncio.TimeoutError:
                pass

    async def _conclude(self, result) -> None:
        self._transaction = self._task = None
        number = result.number
        if result.code == E_ENTROPY:
            # Every number that a card or a key would be given from now on could be foreseen
            self._fail(ReaderError(E_ENTROPY))
        await self._emit(number, protocol.RESULT, lambda w: self._keep(result, w))
        await self._tell_state(number)

    async def _tell_state(self, number: int) -> None:
        await self._emit(number, protocol.STATE, lambda w: w.put_int(protocol.READER_STATE, self.state(), 1))

    def _keep(self, result, writer):
        """Write the result's body and keep a copy of it."""
        result.write(writer)
        self.last = writer.body()
        self.last_number = result.number
        return writer

    def cancel(self) -> None:
        """Raises E_LINK_STATE when nothing runs any more, or when the packet has left: then only the host can say."""
        if self._transaction is None or self._transaction.packet_left:
            raise ReaderError(E_LINK_STATE)
        self._stop(E_CANCELLED)
        if not self._transaction.cancelled:
            raise ReaderError(E_LINK_STATE)

    def _stop(self, code: int) -> None:
        """One that has come to its end, and only waits for the supervisor, stays what it is."""
        # Once: a second cancellation would end the cleaning up after the first
        if not self._transaction.cancelled and (self._task is None or self._task.cancel()):
            self._transaction.cancelled = True
            self._transaction.cancel_code = code

    def answer_prompt(self, command: int, number: int, choice: int) -> None:
        """The cardholder's answer to a PROMPT of transaction `number`, by the CONTINUE with the message id `command`:
        one that is sent again does not answer the next question too. Raises E_LINK_STATE when nothing was asked."""
        transaction = self._transaction
        if transaction is None or transaction.result.number != number or transaction.cancelled:
            raise ReaderError(E_LINK_STATE)
        if command == self._continued:
            return
        cardholder = transaction.interface and transaction.interface.cardholder
        if cardholder is None or not cardholder.answer(choice):
            raise ReaderError(E_LINK_STATE)
        self._continued = command

    def online_result(self, number: int, frame, error: "ReaderError | None") -> None:
        """The host's answer to the packet of transaction `number`. Raises E_LINK_STATE when none waits for it."""
        transaction = self._transaction
        if transaction is None or transaction.result.number != number or not transaction.waiting_online:
            raise ReaderError(E_LINK_STATE)
        transaction.answer(frame, error)
