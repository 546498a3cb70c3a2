"""Device: a chip card's slot, made of a UART and a front-end like the TDA8035 (ports.Contact).

The front-end sequences supply, I/O and clock by itself; the reader drives two lines and watches one. Times and order are
those of ISO/IEC 7816-3, 6, as EMV 4.4 Book 1, 6.1 narrows them. What the UART cannot do: icc_line.py.

The front-end's clock starts some time after CMDVCC_N has fallen, by its own slow oscillator (clock_after_us). EMV wants RST
to rise 40,000 to 45,000 clocks later, a window of 1.4 ms at 3.58 MHz that the spread of that oscillator fills: NXP's
AN13950 tells how to measure it. ISO/IEC 7816-3, 6.2.2 asks for 400 clocks only.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms, ticks_us

from micropython import const

from reader.drivers.icc_line import IccLine, inverse
from reader.errors import (
    E_CARD_ATR,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_NO_CARD,
    ReaderError,
)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.iso7816.atr import Atr
    from reader.ports import ChipUart, Pin

MAX_ATR = const(33)  # TS and 32 more (ISO/IEC 7816-3, 8.2.1)

_RST_LOW_CLOCKS = const(42_500)  # EMV 4.4 Book 1, 6.1.3.1: 40,000 to 45,000
_FIRST_ETU = const(113)  # 42,000 clocks, the same: by then the answer has begun, or the card is mute
_NEXT_ETU = const(10_080)  # 8.1: 9,600 between two characters and 480 in the card's favour
_TOTAL_ETU = const(20_160)  # 8.1: 19,200 for all of it, and 960
_REST_MS = const(10)  # ISO/IEC 7816-3, 6.2.4: between switching off and on again
_DEBOUNCE_MS = const(50)
_LOOK_MS = const(10)
_MUTE = const(0)  # details of E_CARD_ATR; the others are acceptance.py's
_TS_DIRECT = const(0x3B)
_TS_INVERSE = const(0x3F)
_FASTEST_D = const(4)  # EMV 4.4 Book 1, 8.3.3.1: TA1 of 11 to 13


class IccSlot:
    """start; then for each card wait_for_insertion, activate, transmit..., stop, wait_for_removal.

    One task at a time, but `stop` may come from another. Any call may be cancelled: an exchange that was has switched the
    contacts off. So has one that ended in an error: the card's session is over.
    """

    def __init__(
        self,
        uart: "ChipUart",
        power: "Pin",
        reset: "Pin",
        off: "Pin",
        clock_khz: int = 3580,
        clock_after_us: int = 0,
        late_ms: int = 25,
    ):
        """`late_ms` above 30 would switch a mute card off later than EMV allows (6.1.3.1: 50 ms after RST has risen)."""
        self._line = IccLine(uart, power, reset, off, clock_khz, late_ms)
        self._clock_after_us = clock_after_us
        self._atr = bytearray(MAX_ATR)
        self._card: IccCard | None = None

    async def start(self) -> None:
        """Contacts off, UART set. A front-end cannot be asked whether it is there. Raises E_LINE_CLOSED."""
        await self.stop()
        self._line.restart()

    async def is_present(self) -> bool:
        return self._line.is_present()

    async def wait_for_insertion(self, timeout_ms: int) -> None:
        """Raises E_NO_CARD. A card counts when it has been there for 50 ms: the contacts wipe while it slides in."""
        if not await self._lasts(True, timeout_ms):
            raise ReaderError(E_NO_CARD)

    async def wait_for_removal(self, timeout_ms: int) -> bool:
        """Contacts off, then wait: True when the slot is empty."""
        await self.stop()
        return await self._lasts(False, timeout_ms)

    async def activate(self) -> "IccCard":
        """Cold reset, warm reset if the first answer is rejected, PPS if it makes the card faster, protocol.

        Raises E_CARD_ATR (detail 0: mute; else the rule of iso7816/acceptance.py that the answer breaks), E_CARD_REMOVED,
        E_CARD_FAULT, E_CARD_PROTOCOL, E_CARD_TIMEOUT, E_SLOT_SILENT, E_LINE_CLOSED. The contacts are then off.
        """
        await self.stop()
        if not self._line.is_present():
            raise ReaderError(E_CARD_REMOVED)
        try:
            atr = await self._reset_and_answer()
            try:
                protocol, engine = await self._agree(atr, True)
            except ReaderError as error:
                if error.code not in (E_CARD_PROTOCOL, E_CARD_TIMEOUT) or not _is_faster(atr):
                    raise
                # It does not hold to its own offer: from the start, at the speed every card has
                await self.stop()
                atr = await self._reset_and_answer()
                protocol, engine = await self._agree(atr, False)
        except (asyncio.CancelledError, ReaderError):
            self._line.power_off()
            raise
        self._card = IccCard(self, atr.data, protocol, engine)
        return self._card

    async def stop(self) -> None:
        """Contacts off, buffers wiped."""
        self.end()

    def end(self, code: int = E_CARD_REMOVED) -> None:
        """`stop` for those who must not wait. code: what the card's further commands end with."""
        self._line.power_off()
        if self._card:
            self._card.end(code)
            self._card = None

    async def _lasts(self, present: bool, timeout_ms: int) -> bool:
        deadline = ticks_add(ticks_ms(), timeout_ms)
        since = None
        while True:
            now = ticks_ms()
            if self._line.is_present() != present:
                since = None
            elif since is None:
                since = now
            elif ticks_diff(now, since) >= _DEBOUNCE_MS:
                return True
            if ticks_diff(deadline, now) <= 0 and since is None:
                return False
            await asyncio.sleep_ms(_LOOK_MS)

    async def _reset_and_answer(self) -> "Atr":
        from reader.iso7816 import acceptance

        line = self._line
        rest = _REST_MS - line.off_for_ms()
        if rest > 0:
            await asyncio.sleep_ms(rest)
        rule = acceptance.UNREADABLE
        for is_warm in (False, True):
            if is_warm:
                line.rst(0)  # EMV 4.4 Book 1, 6.1.3.2: supply and clock stay
                line.restart()
                await self._reset(0)
            else:
                line.power_on()
                await self._reset(self._clock_after_us)
            atr = await self._answer()
            if atr:
                rule = acceptance.check(atr, is_warm)
                if not rule:
                    return atr
        # 8.3: rejected twice
        raise ReaderError(E_CARD_ATR, rule)

    async def _reset(self, more_us: int) -> None:
        """RST is low; let it rise when its time has come."""
        line = self._line
        await line.sleep_until(ticks_add(ticks_us(), more_us + _RST_LOW_CLOCKS * 1000 // line.clock_khz))
        await line.check()
        line.discard()
        line.rst(1)

    async def _answer(self) -> "Atr | None":
        """The answer to reset; None when it cannot be understood, which counts as rejected."""
        from reader.iso7816 import atr as answers

        line = self._line
        view = memoryview(self._atr)
        # EMV 4.4 Book 1, 6.1.3.1: no answer at all ends the session, without a second reset
        if not await line.receive_into(view[:1], _FIRST_ETU, 0):
            raise ReaderError(E_CARD_ATR, _MUTE)
        deadline = ticks_add(ticks_ms(), _TOTAL_ETU * 372 // line.clock_khz + line.late_ms)
        if view[0] == inverse(_TS_INVERSE):
            view[0] = _TS_INVERSE
            line.invert()
        elif view[0] != _TS_DIRECT:
            return None
        have = 1
        try:
            while True:
                size = answers.expected(view, have)
                if size <= have:
                    break
                left = ticks_diff(deadline, ticks_ms())
                got = await line.receive_into(view[have:size], _NEXT_ETU, _NEXT_ETU, left) if left > 0 else 0
                have += got
                if have < size:
                    raise ReaderError(E_CARD_ATR, _MUTE)  # 8.1: too slow is as mute
            line.settle()
            return answers.parse(bytes(view[:have]))
        except ReaderError as error:
            if error.code != E_CARD_PROTOCOL:
                raise
            return None

    async def _agree(self, atr: "Atr", may_speed_up: bool) -> tuple:
        """Protocol and parameters of transmission, ISO/IEC 7816-3, 6.3.1: specific mode, or negotiable and then PPS."""
        line = self._line
        protocol = atr.protocol
        line.set_guard(atr.guard)
        if may_speed_up and _is_faster(atr):
            from reader.iso7816 import pps

            if await pps.negotiate(line, protocol, atr.data[2]):  # TA1 is the first interface byte
                atr.f_now, atr.d_now = atr.f, atr.d
        line.set_etu(atr.f_now, atr.d_now)
        if protocol == 0:
            from reader.iso7816.t0 import T0

            return 0, T0(line, atr)
        from reader.iso7816.t1 import T1

        engine = T1(line, atr)
        await engine.start()
        return 1, engine


def _is_faster(atr: "Atr") -> bool:
    """EMV 4.4 Book 1, 8.3.3.1: of the speeds that a card may offer the reader takes 2 and 4 times the first one."""
    return not atr.specific and atr.f == 372 and 1 < atr.d <= _FASTEST_D


class IccCard:
    """A card that is activated (ports.ContactCard)."""

    def __init__(self, slot: IccSlot, atr: bytes, protocol: int, engine):
        self.atr = atr
        self.protocol = protocol
        self._slot = slot
        self._engine = engine
        self._ended = 0

    async def transmit(self, c_apdu) -> memoryview:
        """The response with SW1SW2, valid until the next call. An error, or being cancelled, ends the card's session."""
        if self._ended:
            raise ReaderError(self._ended)
        try:
            return await self._engine.transmit(c_apdu)
        except ReaderError as error:
            # EMV 4.4 Book 1, 9: a card that fails its protocol is switched off
            self._slot.end(error.code)
            raise
        except asyncio.CancelledError:
            self._slot.end()
            raise

    async def release(self) -> None:
        await self._slot.stop()

    def end(self, code: int) -> None:
        self._ended = code
        self._engine.wipe()
