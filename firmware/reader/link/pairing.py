"""Pairing by LE Secure Connections, where the board has a display (Core 5.4 Vol 3 Part H, 2.3.5; docs/link.md).

The radio's stack does the cryptography. It enforces little: asked for le_secure and mitm it still pairs without either,
and says the same of both. So this decides, for each link, whether messages may pass: encrypted under 16 bytes,
authenticated by a person, with a key of Secure Connections, and the bond in the key ring before the first message.
Everything else ends the link.

Not aioble's own module: that keeps the keys in a JSON file, in clear, and answers no passkey.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

import aioble
from micropython import const

from ..errors import ReaderError
from ..util.wipe import wipe

# storage/log_events.py
_LOG_BOND = const(19)
_LOG_PAIRING = const(20)
# Why a link was ended: the detail of _LOG_PAIRING
REFUSED_UNAUTHENTICATED = const(1)  # nobody compared anything, or it was not the same
REFUSED_KEY_SIZE = const(2)
REFUSED_LEGACY = const(3)  # no key of Secure Connections, or no bond
REFUSED_STORE = const(4)  # the bond could not be kept
REFUSED_LATE = const(5)
REFUSED_TRIES = const(6)

_IRQ_CENTRAL_CONNECT = const(1)
_IRQ_ENCRYPTION_UPDATE = const(28)
_IRQ_GET_SECRET = const(29)
_IRQ_SET_SECRET = const(30)
_IRQ_PASSKEY_ACTION = const(31)
_OURS = const(1)
_THEIRS = const(2)
_DISPLAY = const(3)
_COMPARISON = const(4)
_IO_DISPLAY_ONLY = const(0)
_IO_DISPLAY_YES_NO = const(1)
# NimBLE's ble_store_value_sec has Rand at 16 and whether there is an LTK at 40, in every version. Core 5.4 Vol 3 Part H,
# 2.4.4: EDIV and Rand are zero for a key of Secure Connections; a legacy key has random ones.
_RAND = const(16)
_RAND_END = const(24)
_HAS_LTK = const(40)
_KEY_SIZE = const(16)
_ADDRESS = const(7)
_VALUE_MOST = const(96)  # of a secret: 80 or 88 bytes, by the version of the stack
_NUMBERS = const(1_000_000)
# Core 5.4 Vol 3 Part H, 3.4: the other side gives up after 30 s
_ANSWER_MS = const(28_000)
_PATIENCE_MS = const(35_000)
# Wrong answers in a row, then nobody is asked for a minute. Each attempt has a number of its own: a guess is one in a million
_TRIES = const(5)
_REST_MS = const(60_000)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..ports import Display, Entropy


class Pairing:
    """`bonds`: where they are kept (storage/bonds.py)."""

    def __init__(self, display: "Display", bonds, entropy: "Entropy"):
        self._display = display
        self._bonds = bonds
        self._entropy = entropy
        self._happened = asyncio.ThreadSafeFlag()
        self._open = asyncio.Event()
        self._question: Any = None
        self._failures = 0
        self._rest_until = 0
        self._given: Any = None
        self._log: Any = None
        self._reset()

    def _reset(self) -> None:
        self._link = 0
        self._asked: Any = None  # (link, action, number) of a passkey event
        self._judged: Any = None  # (link, why it is refused or 0)
        self._fresh: list = [None, None]  # our secret and theirs, of a pairing that goes on
        self._address: Any = b""
        self._forgotten: Any = b""
        self._was_found = False  # the stack was given our secret of a bond on this link
        self._was_asked = False

    def start(self) -> None:
        """Before the radio is switched on: it asks for secrets then."""
        aioble.core.register_irq_handler(self._on_event, None)
        aioble.core.ble.config(
            bond=True, mitm=True, le_secure=True, io=_IO_DISPLAY_YES_NO if self._display.has_keys else _IO_DISPLAY_ONLY
        )

    async def wait(self) -> None:
        """Until messages may pass over the link that is there."""
        await self._open.wait()

    async def run(self, log: "Callable[[int, int], None] | None") -> None:
        """As long as a link lasts, to be cancelled with it: asks, keeps the bond, and ends a link that may not be. `log`: an
        event of the security log, and its detail."""
        self._log = log
        self._open.clear()
        link = None
        try:
            while True:
                wait = self._happened.wait()
                try:
                    await (wait if self._open.is_set() else asyncio.wait_for_ms(wait, _PATIENCE_MS))
                except asyncio.TimeoutError:
                    self._refuse(link, REFUSED_LATE)
                    return
                if self._asked is not None:
                    link, action, number = self._asked
                    self._asked = None
                    self._ask(link, action, number)
                if self._judged is not None:
                    link = self._judged[0]
                    why = self._conclude()
                    if why:
                        self._refuse(link, why)
                    else:
                        self._open.set()
        finally:
            # Who leaves before the verdict has tried all the same, or is paired
            if self._judged is not None:
                why = self._conclude()
            else:
                self._silence()
                why = REFUSED_UNAUTHENTICATED if self._was_asked else 0
            if why:
                self._count(why)
            self._open.clear()
            self._wipe()

    # --- between two tasks: nothing is awaited, nothing may be raised

    def _on_event(self, event: int, data):
        try:
            return self._take(event, data)
        except MemoryError:
            # A handler that raises is switched off, and the radio with it
            return b"" if event == _IRQ_GET_SECRET else False if event == _IRQ_SET_SECRET else None

    def _take(self, event: int, data):
        if event == _IRQ_GET_SECRET:
            return self._find(data[0], data[1], data[2])
        if event == _IRQ_SET_SECRET:
            return self._note(data[0], data[1], data[2])
        if event == _IRQ_CENTRAL_CONNECT:
            self._wipe()
            self._reset()
            self._link = data[0]
        elif event == _IRQ_PASSKEY_ACTION:
            self._asked = (data[0], data[1], data[2])
            self._happened.set()
        elif event == _IRQ_ENCRYPTION_UPDATE:
            self._judged = (data[0], self._judge(data[1], data[2], data[3], data[4]))
            self._happened.set()
        return None

    def _find(self, kind: int, index: int, key):
        """A secret; b"": there is none (None would let another handler answer)."""
        self._return()
        if kind not in (_OURS, _THEIRS):
            return b""
        value = None
        key = key and bytes(key)
        if key not in (self._address, self._forgotten):
            try:
                value = self._bonds.find(kind, index, key)
            except ReaderError:
                pass  # then the phone has to pair anew, which will not succeed either
        elif key == self._address:
            value = self._fresh[kind - 1]
        if value is None:
            return b""
        if kind == _OURS:
            self._was_found = True
        if value is not self._fresh[kind - 1]:
            self._given = value
        return value

    def _note(self, kind: int, key, value) -> bool:
        """A secret to be kept, which waits until the pairing has been judged; or, without a value, one to be forgotten: for
        this link only. Whoever begins to pair under a phone's address shall not take the phone's bond away."""
        if kind not in (_OURS, _THEIRS) or len(key) != _ADDRESS:
            return False  # the stack's own identity key: this reader's address does not change
        if value is None:
            self._forgotten = bytes(key)
        elif not _HAS_LTK < len(value) <= _VALUE_MOST:
            return False
        else:
            self._address = bytes(key)
            self._fresh[kind - 1] = bytearray(value)
        return True

    def _judge(self, encrypted: bool, authenticated: bool, bonded: bool, key_size: int) -> int:
        if not encrypted or not authenticated:
            return REFUSED_UNAUTHENTICATED
        if key_size != _KEY_SIZE:
            return REFUSED_KEY_SIZE
        ours, theirs = self._fresh
        if ours is None:
            is_good = self._was_found
        else:
            is_good = theirs is not None and not any(ours[_RAND:_RAND_END]) and ours[_HAS_LTK] & 1
        return 0 if bonded and is_good else REFUSED_LEGACY

    # --- in the task

    def _ask(self, link: int, action: int, number: int) -> None:
        self._was_asked = True
        if self._failures >= _TRIES and ticks_diff(self._rest_until, ticks_ms()) > 0:
            self._refuse(link, REFUSED_TRIES)
        elif action == _COMPARISON:
            self._question = asyncio.create_task(self._compare(link, number))
        elif action == _DISPLAY:
            chance = bytearray(8)
            try:
                self._entropy.fill(chance)
            except ReaderError:
                self._refuse(link, REFUSED_UNAUTHENTICATED)
                return
            number = int.from_bytes(chance, "big") % _NUMBERS
            wipe(chance)
            self._display.show_passkey(number)
            self._answer(link, action, number)
        else:
            self._refuse(link, REFUSED_UNAUTHENTICATED)

    async def _compare(self, link: int, number: int) -> None:
        try:
            same = await asyncio.wait_for_ms(self._display.confirm(number), _ANSWER_MS)
        except (asyncio.TimeoutError, OSError):
            same = False
        self._display.hide()
        self._answer(link, _COMPARISON, 1 if same else 0)

    def _answer(self, link: int, action: int, number: int) -> None:
        try:
            aioble.core.ble.gap_passkey(link, action, number)
        except OSError:
            pass  # the phone has left

    def _keep(self) -> int:
        """The new bond, if there is one; why it could not be kept, or 0."""
        ours, theirs = self._fresh
        if ours is None:
            return 0
        try:
            self._bonds.keep(self._address, ours, theirs)
            if self._log is not None:
                self._log(_LOG_BOND, 0)
        except (ReaderError, MemoryError):
            return REFUSED_STORE
        finally:
            self._wipe()
            self._fresh = [None, None]
            self._address = self._forgotten = b""
        return 0

    def _conclude(self) -> int:
        """What has been judged: the bond is kept; why the link is refused, or 0."""
        why = self._judged[1]
        self._judged = None
        self._silence()
        why = why or self._keep()
        if not why:
            self._failures = 0
            self._was_asked = False
        return why

    def _refuse(self, link, why: int) -> None:
        self._open.clear()
        self._count(why)
        try:
            aioble.core.ble.gap_disconnect(self._link if link is None else link)
        except OSError:
            pass  # it has ended by itself

    def _count(self, why: int) -> None:
        if self._was_asked and why == REFUSED_UNAUTHENTICATED:
            self._failures += 1
            self._rest_until = ticks_add(ticks_ms(), _REST_MS)
        self._was_asked = False
        if self._log is not None:
            self._log(_LOG_PAIRING, why)

    def _silence(self) -> None:
        if self._question is not None:
            self._question.cancel()
            self._question = None
        if self._was_asked:
            self._display.hide()

    def _return(self) -> None:
        # The stack has copied what it was given
        if self._given is not None:
            wipe(self._given)
            self._given = None

    def _wipe(self) -> None:
        self._return()
        for value in self._fresh:
            if value is not None:
                wipe(value)
