"""Device: a chip card's slot, made of a TDA8029 (ports.Contact; NXP AN10207).

The chip does what ISO/IEC 7816-3 asks of an interface device: activation and deactivation, parity and repetition, T=0 with
61xx and 6Cxx, T=1 with chaining and recovery. What the reader adds is EMV's judgement of the answer to reset
(iso7816/acceptance.py): the chip has one of its own (parameter 01 of power_up), but after the edition of its time, and a
card must not be taken in one reader of this kind and refused in another. The class is A, which every EMV card has
(EMV 4.4 Book 1, 5.4.6): power_up_5V.

Not used: negotiate (PPS). Between chip and reader a byte takes as long as a card of the slowest speed needs for a third.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from reader.drivers.tda8029.alpar import MAX_DATA, SEND_NUM_MASK, Alpar
from reader.errors import (
    E_CARD_ATR,
    E_CARD_FAULT,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_NO_CARD,
    E_SLOT_SILENT,
    E_SLOT_STATUS,
    ReaderError,
)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.iso7816.atr import Atr
    from reader.ports import Line, Pin

_CARD_COMMAND = const(0x00)
_CHECK_PRES_CARD = const(0x09)
_POWER_OFF = const(0x4D)
_POWER_UP_5V = const(0x6E)
_ISO = const(0x00)

_POWER_UP_MS = const(6_000)  # both answers to reset may take 20,160 etu, 2.1 s
# T=1: BWT of BWI 4 is 1.6 s, and the chip tries three times; a card that asks for time without end is stopped here
_EXCHANGE_MS = const(15_000)
_SHUTDOWN_MS = const(10)
_BOOT_MS = const(100)
_LOOK_MS = const(50)

# AN10207, statuses. The card's doing:
_MUTE = const(0x80)  # no answer to reset
_ABSENT = const(0xC0)
_SILENT = b"\x22\x81"  # within an exchange; past the waiting time
# T=1: three errors in a row, NAD, LRC, resynchronised, chain aborted, PCB, too much; parity (T=0 in, out; T=1), SW1,
# procedure byte
_GARBLED = b"\x0a\x24\x25\x26\x27\x28\x29\x83\x84\x90\x91\xa0"
# The power is gone: a short-circuit or removal; supply too low; heat
_CUT = b"\xa1\xe3\xe4"
# The reader's or the line's doing: too much data, a wrong or short APDU, a bad parameter, an unknown command, UART overflow
_OWN = b"\x08\x20\x21\x35\x55\xe1\xe2\xe9"


class Tda8029:
    """start; then for each card wait_for_insertion, activate, transmit..., stop, wait_for_removal.

    One task at a time. Any call may be cancelled; `stop` then comes from another task, and the slot is used again.
    line: a stream that does not block; reset: drives SDWN_N (0: shut down), if it is connected.
    Every method may raise E_SLOT_SILENT, E_SLOT_FRAME, E_SLOT_STATUS, E_LINE_CLOSED, after which `start` begins anew.
    """

    def __init__(
        self,
        line: "Line",
        reset: "Pin | None" = None,
        answer_ms: int = 500,
        frame_ms: int = 100,
        exchange_ms: int = _EXCHANGE_MS,
    ):
        self._alpar = Alpar(line, answer_ms, frame_ms)
        self._reset = reset
        self._exchange_ms = exchange_ms
        self._is_on = False  # the card may have power
        self._card: CoupledCard | None = None

    async def start(self) -> None:
        """Raises E_SLOT_SILENT when no coupler answers."""
        self._forget(E_CARD_REMOVED)
        if self._reset:
            self._reset.value(0)
            await asyncio.sleep_ms(_SHUTDOWN_MS)
            self._reset.value(1)
            await asyncio.sleep_ms(_BOOT_MS)
        await self._alpar.synchronise()
        await self._alpar.command(SEND_NUM_MASK)
        self._is_on = True  # from before a restart of the reader, perhaps
        await self.stop()

    async def is_present(self) -> bool:
        answer = await self._alpar.command(_CHECK_PRES_CARD)
        return len(answer) == 1 and answer[0] == 1

    async def wait_for_insertion(self, timeout_ms: int) -> None:
        """Raises E_NO_CARD. A card counts when it was there twice in a row."""
        if not await self._lasts(True, timeout_ms):
            raise ReaderError(E_NO_CARD)

    async def wait_for_removal(self, timeout_ms: int) -> bool:
        """Card off, then wait: True when the slot is empty."""
        await self.stop()
        return await self._lasts(False, timeout_ms)

    async def activate(self) -> "CoupledCard":
        """Cold reset, and a warm one if the first answer is rejected.

        Raises E_CARD_ATR (detail 0: mute; else the rule of iso7816/acceptance.py, or from 30h on the chip's own status),
        E_CARD_REMOVED, E_CARD_FAULT. The card is then off.
        """
        from reader.iso7816 import acceptance

        await self.stop()
        rule = 0
        for is_warm in (False, True):
            atr, rule = await self._power_up()
            if atr:
                rule = acceptance.check(atr, is_warm)
                if not rule:
                    self._card = CoupledCard(self, atr.data, atr.protocol)
                    return self._card
        await self.stop()
        raise ReaderError(E_CARD_ATR, rule)

    async def stop(self) -> None:
        """Card off (the chip keeps to ISO/IEC 7816-3, 6.4), buffers wiped."""
        self._forget(E_CARD_REMOVED)
        try:
            if self._is_on:
                await self._alpar.command(_POWER_OFF)
                self._is_on = False
        finally:
            self._alpar.wipe()

    async def exchange(self, c_apdu) -> memoryview:
        """CoupledCard.transmit."""
        length = len(c_apdu)
        try:
            if length > MAX_DATA:
                raise ReaderError(E_CARD_PROTOCOL)
            self._alpar.data[:length] = c_apdu
            answer = await self._alpar.command(_CARD_COMMAND, length, self._exchange_ms, False)
            if len(answer) < 2 or len(answer) > 258:
                raise ReaderError(E_CARD_PROTOCOL)
            return answer
        except ReaderError as error:
            card = self._card
            self._forget(error.code)
            failure = await self._told(error)
            if card:
                card.end(failure.code)
            raise failure
        except asyncio.CancelledError:
            self._forget(E_CARD_REMOVED)
            raise

    async def _told(self, error: ReaderError) -> ReaderError:
        """What an error within an exchange means for the card, which is then off if the chip can still be spoken to."""
        if error.code == E_SLOT_SILENT:
            try:
                await self.stop()
            except ReaderError as worse:
                return worse
            return ReaderError(E_CARD_TIMEOUT)  # it is not the chip that is silent
        if error.code == E_SLOT_STATUS:
            error = await self._meaning(error.detail)
        if error.code in (E_CARD_REMOVED, E_CARD_FAULT, E_CARD_TIMEOUT, E_CARD_PROTOCOL):
            try:
                await self.stop()
            except ReaderError as worse:
                return worse
        return error

    async def _meaning(self, status: int) -> ReaderError:
        if status == _ABSENT:
            return ReaderError(E_CARD_REMOVED)
        if status in _CUT:
            # The chip has one status for a short-circuit and for a card pulled out
            return ReaderError(E_CARD_FAULT if await self.is_present() else E_CARD_REMOVED)
        if status in _SILENT:
            return ReaderError(E_CARD_TIMEOUT)
        if status in _GARBLED:
            return ReaderError(E_CARD_PROTOCOL)
        return ReaderError(E_SLOT_STATUS, status)

    async def _power_up(self) -> "tuple[Atr | None, int]":
        """The answer to a reset, a warm one if the card has power; or None and why it is rejected."""
        from reader.iso7816 import atr as answers

        self._is_on = True
        self._alpar.data[0] = _ISO
        try:
            return answers.parse(bytes(await self._alpar.command(_POWER_UP_5V, 1, _POWER_UP_MS))), 0
        except ReaderError as error:
            if error.code == E_CARD_PROTOCOL:
                return None, 1  # acceptance.UNREADABLE
            if error.code != E_SLOT_STATUS:
                raise
            status = error.detail
        if status == _ABSENT or status in _CUT or status in _OWN:
            failure = await self._meaning(status)
            await self.stop()
            raise failure
        if status == _MUTE or status in _SILENT:
            await self.stop()
            raise ReaderError(E_CARD_ATR)  # EMV 4.4 Book 1, 6.1.3.1: a mute card gets no second reset
        return None, status

    async def _lasts(self, present: bool, timeout_ms: int) -> bool:
        deadline = ticks_add(ticks_ms(), timeout_ms)
        was = False
        while True:
            is_so = await self.is_present() == present
            if is_so and was:
                return True
            was = is_so
            if ticks_diff(deadline, ticks_ms()) <= 0 and not was:
                return False
            await asyncio.sleep_ms(_LOOK_MS)

    def _forget(self, code: int) -> None:
        if self._card:
            self._card.end(code)
            self._card = None


class CoupledCard:
    """A card that is activated (ports.ContactCard)."""

    def __init__(self, slot: Tda8029, atr: bytes, protocol: int):
        self.atr = atr
        self.protocol = protocol
        self._slot = slot
        self._ended = 0

    async def transmit(self, c_apdu) -> memoryview:
        """The response with SW1SW2, valid until the next call. An error, or being cancelled, ends the card's session."""
        if self._ended:
            raise ReaderError(self._ended)
        return await self._slot.exchange(c_apdu)

    async def release(self) -> None:
        await self._slot.stop()

    def end(self, code: int) -> None:
        self._ended = code
