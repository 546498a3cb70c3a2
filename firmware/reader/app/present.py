"""Present card: wait for whichever comes first on the interfaces that are open, and do the right thing about it.

What is done in which case stands in docs/present-card.md. Loaded for one transaction, and unloaded after it.
"""

import asyncio
import time

from micropython import const

from .. import outcome
from ..errors import (
    E_CARD_ATR,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_NO_CARD,
    E_NOT_PAYMENT,
    E_SEE_PHONE,
    E_STRIPE,
    E_TORN,
    E_TWO_CARDS,
    E_USE_CHIP,
    ReaderError,
)
from ..link import protocol
from ..link.protocol import INTERFACE_CONTACT, INTERFACE_CONTACTLESS, INTERFACE_SWIPE
from ..util import modules

_LOOK_MS = const(30)  # between two looks: leaves the processor to others, costs no one time
_PAUSE_MS = const(250)  # before a card in the field is looked for again, so that a hand can move
_SETTLE_MS = const(100)  # for a card to slide in
_TAPS = const(5)  # times a card may be held to the reader
_CHIPS = const(3)  # times one may be inserted whose chip cannot be read
_CHIPS_BEFORE_STRIPE = const(2)  # where the stripe is there to fall back to
_SWIPES = const(3)  # times one may be swiped

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from .transaction import Sale, Transaction

# What a card in the field may do that a second try can mend, what the phone is told, and what is shown
_TAP_AGAIN = {
    E_TWO_CARDS: (protocol.CARD_TWO, outcome.MESSAGE_ONE_CARD_ONLY),
    E_CARD_REMOVED: (protocol.CARD_REMOVED, outcome.MESSAGE_PRESENT_AGAIN),
    E_CARD_TIMEOUT: (protocol.CARD_TRY_AGAIN, outcome.MESSAGE_PRESENT_AGAIN),
    E_CARD_PROTOCOL: (protocol.CARD_TRY_AGAIN, outcome.MESSAGE_PRESENT_AGAIN),
    E_SEE_PHONE: (protocol.CARD_SEE_PHONE, outcome.MESSAGE_SEE_PHONE),
    E_TORN: (protocol.CARD_TRY_AGAIN, outcome.MESSAGE_PRESENT_AGAIN),  # another card than the one that is waited for
}


class Present:
    """The card's side of a transaction. `interfaces`: those that are open, protocol.INTERFACE_*, none but what the reader
    has."""

    def __init__(self, transaction: "Transaction", interfaces: int):
        self._t: Any = transaction
        self._parts: Any = transaction.parts
        self._open = interfaces
        self._on = 0  # parts that are switched on
        self._deadline = 0
        self._field_from = 0  # the field is not looked at before this
        self._shown = 0  # the message that says why, until it is
        self.torn_atc = -1  # of a card that may have been charged, and was taken away too early
        self._which = 0  # where the card came
        self._sale: Any = None
        self._found: Any = None  # the card in the field
        self._tap: Any = None  # ready before the first tap: loading it then would cost the customer's time
        self._tries: Any = {}  # how many came to nothing, by interface
        self._fallback = False
        self._kept: Any = modules.loaded()

    async def read(self, sale: "Sale") -> outcome.Outcome:
        """From the empty reader to what the card says first. The interface it came by is the transaction's.

        Raises E_NO_CARD when nobody presents one in time, or why the last one that was presented could not be read.
        """
        t = self._t
        self._sale = sale
        if self._open & INTERFACE_CONTACTLESS:
            refused = self._load_tap()
            if refused is not None:
                # Not by radio: over a limit
                self._tap = None
                self._open &= ~INTERFACE_CONTACTLESS
                if not self._open:
                    return refused
        await self._switch_on()
        await t.state(protocol.STATE_WAIT_CARD)
        await self._ask(0)
        last = ReaderError(E_NO_CARD)
        while True:
            self._which = 0
            try:
                await self._first()
                final = await self._take()
                if not self._is_for_another(final):
                    return final
                # EMV Contactless Book A, 6.2 (Try Another Interface); a chip without an application of ours
                failed = ReaderError(final.reason or E_NOT_PAYMENT, final.detail)
                ended = True
            except ReaderError as error:
                if error.code == E_NO_CARD:
                    raise self.why(last)
                failed = error
                ended = False
            try:
                await self._failed(failed, ended, failed.code != last.code)
            except ReaderError as error:
                raise self.why(error)
            last = failed

    def why(self, error: ReaderError) -> ReaderError:
        """Whatever came after it: that a card may have been charged, and was taken away too early, must be said."""
        return error if self.torn_atc < 0 else ReaderError(E_TORN, self.torn_atc)

    async def stop(self) -> None:
        """Everything off. A card that is still in the slot must leave before it counts again."""
        try:
            await self._switch_off(0)
            if self._which == INTERFACE_CONTACT and self._parts.left:
                await self._t.prompt(protocol.PROMPT_REMOVE)
        finally:
            # As in Transaction.finish: asyncio may keep the task, and so this object
            self._t = self._parts = self._tap = self._kept = self._tries = self._sale = None

    # --- waiting

    async def _first(self) -> None:
        """Wait for a card; `_which` says where, and one in the field is `_found`. Raises E_NO_CARD, and what is wrong with
        a card in the field."""
        board = self._parts.board
        await self._switch_on()
        while True:
            if self._open & INTERFACE_CONTACT and await self._is_inserted():
                self._which = INTERFACE_CONTACT
                return
            if self._open & INTERFACE_SWIPE and board.head.is_swiped():
                self._which = INTERFACE_SWIPE
                return
            if self._open & INTERFACE_CONTACTLESS and self._is_past(self._field_from):
                if self._shown:
                    await self._t.ui(self._shown, outcome.UI_READY_TO_READ)
                    self._shown = 0
                self._which = INTERFACE_CONTACTLESS
                self._found = await self._parts.contactless.look()
                if self._found is not None:
                    return
                self._which = 0
            if self._is_past(self._deadline):
                raise ReaderError(E_NO_CARD)
            await asyncio.sleep_ms(_LOOK_MS)

    def _is_past(self, moment: int) -> bool:
        return time.ticks_diff(moment, self._parts.clock.ticks_ms()) <= 0

    def _in(self, ms: int) -> int:
        return time.ticks_add(self._parts.clock.ticks_ms(), ms)

    async def _is_inserted(self) -> bool:
        """A card slid in, and is not the one that has to leave first."""
        slot = self._parts.board.contact
        if self._parts.left:
            if await self._parts.has_left():
                await self._ask(0)
            return False
        if not await slot.is_present():
            return False
        try:
            await slot.wait_for_insertion(_SETTLE_MS)
        except ReaderError as error:
            if error.code != E_NO_CARD:
                raise
            return False
        return True

    async def _ask(self, prompt: int) -> None:
        """Tell the cardholder what to do, and give time for it. `prompt` 0: whatever is open."""
        t = self._t
        await self._switch_on()
        interfaces = self._open
        self._deadline = self._in(t.timeout_ms)
        if interfaces & INTERFACE_CONTACTLESS:
            await t.ui(outcome.MESSAGE_PRESENT_CARD, outcome.UI_READY_TO_READ)
        if self._parts.left and interfaces & INTERFACE_CONTACT:
            await t.prompt(protocol.PROMPT_REMOVE)
        elif interfaces == INTERFACE_CONTACT:
            if not await self._parts.board.contact.is_present():
                await t.prompt(protocol.PROMPT_INSERT)
        elif interfaces == INTERFACE_SWIPE:
            await t.prompt(protocol.PROMPT_SWIPE)
        elif interfaces != INTERFACE_CONTACTLESS:
            await t.prompt(prompt or protocol.PROMPT_ANY, interfaces)

    async def _switch_on(self) -> None:
        wanted = self._open & ~self._on
        board = self._parts.board
        if wanted & INTERFACE_CONTACT:
            self._on |= INTERFACE_CONTACT
            await board.contact.start()
        if wanted & INTERFACE_SWIPE:
            self._on |= INTERFACE_SWIPE
            if await board.head.start():
                await self._t.card(protocol.CARD_EARLY)
        if wanted & INTERFACE_CONTACTLESS:
            self._on |= INTERFACE_CONTACTLESS
            self._field_from = self._in(0)
            await self._parts.contactless.start()

    async def _switch_off(self, kept: int) -> None:
        """All parts that are on, but `kept`; every one of them, and then the first that failed is raised."""
        off = self._on & ~kept
        self._on &= kept
        failed = None
        for part, interface in (
            (self._parts.contactless, INTERFACE_CONTACTLESS),
            (self._parts.board.head, INTERFACE_SWIPE),
            (self._parts.board.contact, INTERFACE_CONTACT),
        ):
            if off & interface:
                try:
                    await part.stop()
                    if interface == INTERFACE_CONTACT:
                        self._parts.left = await part.is_present()
                except ReaderError as error:
                    failed = failed or error
        if failed is not None:
            raise failed

    # --- the card

    async def _take(self) -> outcome.Outcome:
        """Read the card that came. The transaction has its interface from here on, until it is clear that it must be
        another one."""
        t = self._t
        which = self._which
        await self._switch_off(which)
        await t.card(protocol.CARD_PRESENT)
        if which == INTERFACE_CONTACTLESS:
            t.interface = self._tap
            # Held on to by nobody else: it goes while the tap goes on
            self._tap.card, self._found = self._found, None
        else:
            self._tap = None
            modules.keep_only(self._kept)
            if which == INTERFACE_CONTACT:
                from .insert import Insert

                t.interface = Insert(t)
            else:
                from .swipe import Swipe

                t.interface = Swipe(t, self._fallback)
        t.result.interface = which
        if which != INTERFACE_CONTACTLESS:
            return await t.interface.read(self._sale)
        try:
            final = await self._tap.read(self._sale)
        finally:
            self.torn_atc = self._tap.torn_atc
            t.result.is_torn = t.result.is_torn or self._tap.is_torn
            if self._tap.is_stopped:
                self._on &= ~INTERFACE_CONTACTLESS
        # Nothing is needed of the card any more, which has decided: a part that fails now is the next transaction's trouble
        try:
            await self._switch_off(0)
        except ReaderError:
            pass
        if final.ui is not None:
            await t.ui(*final.ui)
        if final.code == outcome.ONLINE_REQUEST and final.cvm == outcome.CVM_ONLINE_PIN:
            await self._tap.ask_pin()
        return final

    def _load_tap(self) -> "outcome.Outcome | None":
        from .tap import Tap

        self._tap = Tap(self._t)
        return self._tap.prepare(self._sale)

    def _is_for_another(self, final: outcome.Outcome) -> bool:
        """Whether the card's way of ending asks for another interface, and there is one."""
        if final.code not in (outcome.TRY_ANOTHER_INTERFACE, outcome.END_APPLICATION):
            return False
        if self._which == INTERFACE_CONTACTLESS:
            return self._open != INTERFACE_CONTACTLESS
        return final.code == outcome.TRY_ANOTHER_INTERFACE and self._open & INTERFACE_SWIPE > 0

    async def _failed(self, error: ReaderError, ended: bool, is_new: bool) -> None:
        """Put away a card that could not be read, and ask for the next try. `ended`: the card has said so itself.
        Raises `error` when there is no next try."""
        t = self._t
        which = self._which
        if which == INTERFACE_CONTACTLESS:
            t.interface = None
            await self._tap_failed(error, ended, is_new)
        elif which == INTERFACE_CONTACT:
            if not self._is_chip_trouble(error, ended):
                raise error
            await self._put_down()
            await t.card(protocol.CARD_TRY_AGAIN)
            tries = self._count(INTERFACE_CONTACT)
            if self._open & INTERFACE_SWIPE:
                if tries == _CHIPS_BEFORE_STRIPE:
                    self._fallback = True
                    await self._close(INTERFACE_CONTACT, error, protocol.PROMPT_SWIPE)
            elif tries == _CHIPS:
                await self._close(INTERFACE_CONTACT, error, 0)
        elif which == INTERFACE_SWIPE and error.code == E_STRIPE:
            await self._put_down()
            await t.card(protocol.CARD_TRY_AGAIN, error.detail)
            if self._count(INTERFACE_SWIPE) == _SWIPES:
                await self._close(INTERFACE_SWIPE, error, 0)
        elif which == INTERFACE_SWIPE and error.code == E_USE_CHIP and self._open & INTERFACE_CONTACT:
            await self._put_down()
            await t.card(protocol.CARD_USE_CHIP)
            await self._ask(protocol.PROMPT_INSERT)
        else:
            raise error
        if is_new:
            await t.state(protocol.STATE_WAIT_CARD)

    async def _put_down(self) -> None:
        """That card is done with. All is on again before anybody is told: who acts at once must not be too early."""
        await self._t.interface.stop()
        self._t.interface = None
        await self._switch_off(0)
        # As at the beginning: what it took of the heap is there again, and what a tap takes comes before the driver
        modules.keep_only(self._kept)
        if self._open & INTERFACE_CONTACTLESS:
            self._load_tap()
        await self._switch_on()

    async def _tap_failed(self, error: ReaderError, ended: bool, is_new: bool) -> None:
        code = error.code
        if not ended and code in _TAP_AGAIN:
            t = self._t
            event, message = _TAP_AGAIN[code]
            pause = _PAUSE_MS
            if code == E_SEE_PHONE:
                # That takes a person's time
                self._deadline = self._in(t.timeout_ms)
                pause = max(self._tap.field_off_ms, pause)
            elif self._is_past(self._deadline):
                raise error
            # Two cards are no try: they are two until one is taken away
            if code == E_TWO_CARDS or self._count(INTERFACE_CONTACTLESS) < _TAPS:
                if is_new:
                    await t.card(event)
                    await t.ui(message, outcome.UI_PROCESSING_ERROR, outcome.UI_HOLD)
                    self._shown = message
                self._field_from = self._in(pause)
                if self.torn_atc >= 0:
                    # It may have paid: no other way of paying until it is clear
                    self._open = INTERFACE_CONTACTLESS
                    await self._switch_off(INTERFACE_CONTACTLESS)
                return
        elif not _is_cards(code):
            raise error
        prompt = protocol.PROMPT_INSERT if self._open & INTERFACE_CONTACT else 0
        await self._close(INTERFACE_CONTACTLESS, error, prompt)

    def _is_chip_trouble(self, error: ReaderError, ended: bool) -> bool:
        """Whether the card may be put in again, or swiped in the end: no answer to the reset; and where it can be swiped
        also a chip that fails before an application is chosen, or has none of ours. A card that is blocked says so, and is
        no such case."""
        if self._t.interface.is_chosen():
            return False
        if ended:
            return self._open & INTERFACE_SWIPE > 0
        if error.code not in (E_CARD_ATR, E_CARD_TIMEOUT, E_CARD_PROTOCOL):
            return False
        return self._open & INTERFACE_SWIPE > 0 or not self._t.interface.has_answered

    def _count(self, interface: int) -> int:
        self._tries[interface] = self._tries.get(interface, 0) + 1
        return self._tries[interface]

    async def _close(self, interface: int, error: ReaderError, prompt: int) -> None:
        """No more by this one. Raises `error` when it was the last."""
        self._open &= ~interface
        if not self._open:
            raise error
        await self._switch_off(self._open)
        await self._ask(prompt)


def _is_cards(code: int) -> bool:
    """An error of the card, and not of the reader."""
    return code < 200 or 300 <= code < 500
