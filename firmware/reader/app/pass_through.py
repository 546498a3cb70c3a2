"""Cards that are not for payment, passed through to the phone: loyalty, stored value, points (docs/link.md).

Loaded for one card, and unloaded after it. One card at a time, and none while a transaction runs; keys for it come from
the key store by slot and never go over the link. A task of its own looks for the card, watches over it and clears up;
commands are carried out in the link's, one after the other.
"""

import asyncio
import time

from micropython import const

from ..errors import (
    E_CANCELLED,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_INTERNAL,
    E_LINK_BODY,
    E_LINK_BUSY,
    E_LINK_STATE,
    E_NFC_STATUS,
    E_NO_CARD,
    E_TWO_CARDS,
    ReaderError,
)
from ..link import protocol
from ..util import modules
from . import card_services, commands

_LOOK_MS = const(30)  # between two looks
_WATCH_MS = const(50)  # between two moments at which an open card's end is noticed
_PRESENCE_MS = const(500)  # unused for so long, a card is asked whether it is still there
_IDLE_MS = const(30_000)
_TIMEOUT_S = const(30)
_TIMEOUT_MOST_S = const(120)
_ALL = const(7)  # protocol.TECHNOLOGY_*
_ANY_SYSTEM = const(0xFFFF)
_NO_MEMORY = const(1)  # detail of E_INTERNAL
_SAK = const(2)  # byte of CARD_SAYS of type A
_COUPLER = const(2)  # hundreds of the errors after which the contactless chip is in no known state

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def rehearse() -> None:
    """Load what the services load, one after another as they do."""
    kept = modules.loaded()
    from ..felica import read_write  # noqa: F401

    modules.keep_only(kept)
    from ..mifare import classic  # noqa: F401
    from ..storage import card_keys  # noqa: F401

    modules.keep_only(kept)
    from ..mifare import ultralight  # noqa: F401

    modules.keep_only(kept)
    from . import apdu_guard  # noqa: F401


class PassThrough:
    """From CARD_OPEN until the card has been closed; `reader.pass_through` meanwhile. kept: modules that were loaded
    before.

    card: the driver's, once it was found. version: what GET_VERSION said.
    """

    def __init__(self, reader, kept: list):
        self._reader = reader
        self._kept = kept
        self.ring = reader.ring
        self.combinations = reader.parameters.contactless
        self.card: Any = None
        self.version = b""
        self._service: Any = None
        self._type = 0
        self._opener = 0
        self._answered = -1  # opcode and message id of the last command
        self._answer: Any = None
        self._task: Any = None
        self._wanted = _ALL, _ANY_SYSTEM, 0  # technologies, system code, milliseconds
        self._failed: Any = None  # what ends it
        self._is_closing = False
        self._exchange = asyncio.Lock()
        self._closed = asyncio.Event()
        self._used = 0

    async def handle(self, opcode: int, number: int, body) -> "Callable":
        """Carry out a command of the phone; the function that writes the response's body. One that is sent again under
        its id is answered again and not done again."""
        this = opcode << 16 | number
        if this == self._answered:
            return self._answer
        try:
            write = await self._do(opcode, number, body)
        except (ReaderError, MemoryError) as error:
            failed = _reader_error(error)
            if self._task is None:
                self._let_go()

            def write(w):
                return w.error(failed)

        self._answered = this
        self._answer = write
        return write

    def close(self) -> None:
        """Soon: the phone has left, or wants no more."""
        self._is_closing = True

    async def activate(self) -> None:
        """Activate the same card anew, which has refused something. Raises E_CARD_REMOVED when it is not there."""
        if not await self.card.is_present():
            raise ReaderError(E_CARD_REMOVED)

    async def _do(self, opcode: int, number: int, body):
        if opcode == protocol.CARD_OPEN:
            return self._open(number, body)
        if opcode == protocol.CARD_CLOSE:
            self.close()
            await self._closed.wait()
            return card_services.done
        async with self._exchange:
            if self._service is None or self._is_closing:
                raise ReaderError(E_LINK_STATE)
            try:
                return await self._service.serve(opcode, body)
            except ReaderError as error:
                # The driver has switched the field off and on to find out: a card with applications has lost its own
                if error.code in (E_CARD_REMOVED, E_CARD_TIMEOUT, E_CARD_PROTOCOL) or error.code // 100 == _COUPLER:
                    self._end(error)
                raise
            finally:
                self._used = self._reader.clock.ticks_ms()

    def _open(self, number: int, body):
        if self._task is not None:
            raise ReaderError(E_LINK_BUSY)
        technologies = _int(body, protocol.TECHNOLOGY, 1, _ALL)
        system_code = _int(body, protocol.SYSTEM_CODE, 2, _ANY_SYSTEM)
        seconds = _int(body, protocol.TIMEOUT, 2, _TIMEOUT_S)
        if not 0 < technologies <= _ALL:
            raise ReaderError(E_LINK_BODY, protocol.TECHNOLOGY)
        if not 0 < seconds <= _TIMEOUT_MOST_S:
            raise ReaderError(E_LINK_BODY, protocol.TIMEOUT)
        self._opener = number
        self._wanted = technologies, system_code, seconds * 1000
        self._task = asyncio.create_task(commands.attend(self._reader))
        return card_services.done

    # --- the card comes and goes

    async def run(self) -> None:
        """Find the card, watch over it, clear up (a task of its own: commands.attend)."""
        contactless = self._reader.contactless
        try:
            try:
                await contactless.start()
                await self._find(*self._wanted)
                await self._watch()
            except (ReaderError, MemoryError) as error:
                self._end(_reader_error(error))
            try:
                async with self._exchange:
                    self._is_closing = True
                    await contactless.stop()
            except ReaderError as error:
                self._end(error)
            if self._failed is not None:
                await self._tell(self._failed)
        finally:
            self._let_go()

    async def _find(self, technologies: int, system_code: int, timeout_ms: int) -> None:
        clock = self._reader.clock
        deadline = time.ticks_add(clock.ticks_ms(), timeout_ms)
        while not self._is_closing:
            async with self._exchange:
                self.card = await self._reader.contactless.look(technologies, system_code)
                if self.card is not None:
                    await self._identify()
                    self._used = clock.ticks_ms()
                    return
            if time.ticks_diff(deadline, clock.ticks_ms()) <= 0:
                raise ReaderError(E_NO_CARD)
            await asyncio.sleep_ms(_LOOK_MS)

    async def _identify(self) -> None:
        card = self.card
        kind = protocol.TYPE_OTHER
        maker = card_services.Other
        if card.is_isodep:
            kind = protocol.TYPE_ISODEP
            maker = card_services.Isodep
            await self._speed_up()
        elif card.technology == protocol.TECHNOLOGY_FELICA:
            kind = protocol.TYPE_FELICA
            maker = card_services.Felica
        elif card.technology == protocol.TECHNOLOGY_A:
            kind = _type_of(card.says[_SAK])
            if kind == protocol.TYPE_ULTRALIGHT:
                await self._ask_version()
                maker = card_services.Ultralight
            elif kind != protocol.TYPE_OTHER:
                maker = card_services.Classic
        self._service = maker(self)
        self._type = kind
        await self._reader.link.send(self._found)

    def _found(self, w):
        card = self.card
        w.begin(protocol.EVENT, protocol.CARD_FOUND, self._opener)
        w.put_int(protocol.TECHNOLOGY, card.technology, 1).put_int(protocol.CARD_TYPE, self._type, 1)
        w.put(protocol.UID, card.uid).put(protocol.CARD_SAYS, card.says)
        return w.put(protocol.CARD_VERSION, self.version) if self.version else w

    async def _speed_up(self) -> None:
        try:
            await self.card.speed_up()
        except ReaderError as error:
            if error.code != E_NFC_STATUS:
                raise
            await self.activate()  # it offers what it does not do: slowly, then

    async def _ask_version(self) -> None:
        from ..mifare import ultralight

        try:
            self.version = await ultralight.version(self.card)
        except ReaderError as error:
            if not card_services.is_refusal(error):
                raise
            await self.activate()  # the first Ultralight does not know the command, and wants to be activated again

    async def _watch(self) -> None:
        """Until the card has left, or is not wanted any more."""
        clock = self._reader.clock
        asked = clock.ticks_ms()
        while not self._is_closing:
            await asyncio.sleep_ms(_WATCH_MS)
            now = clock.ticks_ms()
            unused = time.ticks_diff(now, self._used)
            if unused >= _IDLE_MS:
                raise ReaderError(E_CANCELLED)
            # Asking a MIFARE card costs it what it knows of the phone: then the next command will tell
            if min(unused, time.ticks_diff(now, asked)) < _PRESENCE_MS or self._service.is_known:
                continue
            async with self._exchange:
                if not self._is_closing and not await self.card.is_present():
                    raise ReaderError(E_CARD_REMOVED)
            asked = clock.ticks_ms()

    def _end(self, error: ReaderError) -> None:
        self._failed = self._failed or error
        self._is_closing = True

    async def _tell(self, error: ReaderError) -> None:
        what = protocol.CARD_TRY_AGAIN
        if error.code == E_TWO_CARDS:
            what = protocol.CARD_TWO
        elif error.code == E_CARD_REMOVED:
            what = protocol.CARD_REMOVED
        elif error.code in (E_NO_CARD, E_CANCELLED):
            what = protocol.CARD_NONE

        def write(w):
            return (
                w.begin(protocol.EVENT, protocol.CARD, self._opener).put_int(protocol.CARD_EVENT, what, 1).error(error)
            )

        await self._reader.link.send(write)

    def _let_go(self) -> None:
        reader, kept = self._reader, self._kept
        if kept is None:
            return
        # asyncio may keep the task, and so this object
        self._reader = self._kept = self._service = self.card = self._answer = self._task = None
        reader.pass_through = None
        self._closed.set()
        modules.keep_only(kept)


def _type_of(sak: int) -> int:
    """protocol.TYPE_* of a type A card without ISO/IEC 14443-4 (NXP AN10833, table 6)."""
    if sak in (0x08, 0x88):  # the second is Infineon's
        return protocol.TYPE_CLASSIC_1K
    if sak == 0x18:
        return protocol.TYPE_CLASSIC_4K
    if sak == 0x09:
        return protocol.TYPE_CLASSIC_MINI
    return protocol.TYPE_OTHER if sak else protocol.TYPE_ULTRALIGHT


def _int(body, tag: int, size: int, default: int) -> int:
    return default if protocol.find(body, tag, size) is None else protocol.need_int(body, tag, size)


def _reader_error(error) -> ReaderError:
    return error if isinstance(error, ReaderError) else ReaderError(E_INTERNAL, _NO_MEMORY)
