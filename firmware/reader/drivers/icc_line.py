"""A chip card's one I/O line on a UART, behind a front-end like the TDA8035 (ports.Characters; ISO/IEC 7816-3, 7).

The UART's two wires are joined at the card's I/O: all that is sent is heard again. The echo is read and compared; one that
differs means that the card spoke at the same time, or pulled the line low in the guard time (E_CARD_PROTOCOL).

What MicroPython's UART on the ESP32 can and cannot do here:
- A character is 8 bits, even parity (odd on the wire for a card of inverse convention) and 2 stop bits: 12 etu from one
  leading edge to the next, the least T=0 has, one more than the least of T=1. More guard time is made by sending
  characters one at a time.
- Parity and framing errors of what comes in are invisible: such a character is delivered as if it were good. T=1 finds
  it by its checksum; T=0 does not.
- The repetition of a character in T=0 (ISO/IEC 7816-3, 7.3) needs the line pulled low, or looked at, half an etu after
  the parity bit. A UART can do neither, so nothing is repeated in either direction; a card that asks for a repetition
  shows as a wrong echo. Where this matters the TDA8029 (drivers/tda8029) takes this part's place.
- `init` empties the receiver, so speed and parity change only while the card has nothing to say. The answer to reset is
  read whole with even parity whatever its convention, since wrong parity does no harm there.

The driver polls, a few milliseconds apart, rather than waiting in asyncio's stream: the pin that tells of removal must be
looked at anyway, and a wait of this kind is cancelled once, not twice (docs/architecture.md).
"""

import asyncio
from time import sleep_us, ticks_add, ticks_diff, ticks_ms, ticks_us

from micropython import const

from reader.errors import (
    E_CARD_FAULT,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_LINE_CLOSED,
    E_SLOT_SILENT,
    ReaderError,
)
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.ports import ChipUart, Pin

MAX_CHARACTERS = const(264)  # one `send`: a block of T=1 has 259 at most
_CHARACTER_ETU = const(12)  # 8 bits, parity, start and two stop bits
# EMV 4.4 Book 1, 9.2.4.2.2: 22 etu between the leading edges of characters in opposite directions (T=0, 9.2.2.1: 16). The
# last one received has used up ten when it is there.
_TURN_ETU = const(12)
_NO_EXTRA_GUARD = const(255)
_PIECE = const(32)
_DISCARD_LIMIT = const(64)  # pieces
_QUICK_POLLS = const(12)
_QUICK_MS = const(1)
_SLOW_MS = const(4)  # of a line that is silent; removal is seen this fast
_SETTLE_MS = const(20)  # of OFF_N after the power is off
_DAYS_MS = const(1 << 29)
_ODD = const(1)
_EVEN = const(0)
_FOUR_MIRRORED = b"\x00\x08\x04\x0c\x02\x0a\x06\x0e\x01\x09\x05\x0d\x03\x0b\x07\x0f"


def inverse(value: int) -> int:
    """A character of the inverse convention, from and to what a UART makes of it: mirrored and inverted (ISO/IEC 7816-3, 8.1)."""
    return (_FOUR_MIRRORED[value & 15] << 4 | _FOUR_MIRRORED[value >> 4]) ^ 0xFF


class IccLine:
    """ports.Characters, and the contacts' power, for IccSlot.

    power: drives CMDVCC_N, 0 is on; reset: drives RSTIN; off: OFF_N, 0 without a card or after a fault.
    late_ms: what a character may come late through no fault of the card's. Added to each of its times.
    """

    def __init__(self, uart: "ChipUart", power: "Pin", reset: "Pin", off: "Pin", clock_khz: int, late_ms: int):
        self.clock_khz = clock_khz
        self.late_ms = late_ms
        self.is_on = False
        self._uart = uart
        self._power = power
        self._reset = reset
        self._off = off
        self._f = 372
        self._d = 1
        self._guard = 0
        self._is_inverse = False
        self._set = (0, 0)  # speed and parity that the UART has now
        self._heard = 0  # when the card said something last, in us
        self._has_heard = False
        self._off_at = ticks_ms()
        self._heard_again = bytearray(_PIECE)
        self._wire = bytearray(0)  # what goes to a card of inverse convention

    # The contacts

    def power_on(self) -> None:
        """RST low, then the supply, I/O and clock: the front-end does the last three in this order (ISO/IEC 7816-3, 6.2.1)."""
        self._reset.value(0)
        self.restart()
        self.is_on = True
        self._power.value(0)

    def power_off(self) -> None:
        """RST low, then clock, I/O and supply: the last three are the front-end's (ISO/IEC 7816-3, 6.4). Never waits."""
        self._reset.value(0)
        self._power.value(1)
        if self.is_on:
            self.is_on = False
            self._off_at = ticks_ms()
        wipe(self._heard_again)
        if self._wire:
            wipe(self._wire)

    def rst(self, level: int) -> None:
        self._reset.value(level)

    def off_for_ms(self) -> int:
        """How long the card has been without power. Some 6 days at the most: then the ticks begin anew."""
        if self.is_on:
            return 0
        passed = ticks_diff(ticks_ms(), self._off_at)
        return passed if passed >= 0 else _DAYS_MS

    def is_present(self) -> bool:
        return bool(self._off.value())

    async def check(self) -> None:
        """Raises E_CARD_REMOVED, E_CARD_FAULT; the contacts are then off. Also when somebody else switched them off."""
        if not self.is_on:
            raise ReaderError(E_CARD_REMOVED)
        if self._off.value():
            return
        self.power_off()
        # With CMDVCC_N high again OFF_N tells of the card alone (TDA8035 data sheet, fault detection)
        end = ticks_add(ticks_ms(), _SETTLE_MS + self.late_ms)
        while True:
            if self._off.value():
                raise ReaderError(E_CARD_FAULT)
            if ticks_diff(end, ticks_ms()) <= 0:
                raise ReaderError(E_CARD_REMOVED)
            await asyncio.sleep_ms(_SLOW_MS)

    # ports.Characters

    def restart(self) -> None:
        """As a card is after a reset: 372 clocks an etu, direct convention, no extra guard time."""
        self._is_inverse = False
        self._guard = 0
        self._has_heard = False
        self.set_etu(372, 1)

    def set_etu(self, f: int, d: int) -> None:
        self._f, self._d = f, d
        self._apply()

    def set_guard(self, etu: int) -> None:
        self._guard = 0 if etu == _NO_EXTRA_GUARD else etu

    def invert(self) -> None:
        """From now on the inverse convention; the UART learns of it by the next set_etu or `settle`."""
        self._is_inverse = True
        if not self._wire:
            self._wire = bytearray(MAX_CHARACTERS)

    def settle(self) -> None:
        """Set the UART's parity as the card's convention has it; empties the receiver."""
        self._apply()

    def _apply(self) -> None:
        # Nearest whole number: 9,624 for 3,580 kHz and 372 clocks
        speed = (self.clock_khz * 1000 * self._d + self._f // 2) // self._f
        wanted = (speed, _ODD if self._is_inverse else _EVEN)
        if wanted != self._set:
            try:
                self._uart.init(baudrate=speed, bits=8, parity=wanted[1], stop=2)
            except OSError:
                raise ReaderError(E_LINE_CLOSED)
            self._set = wanted

    def discard(self) -> None:
        for _ in range(_DISCARD_LIMIT):
            if not self._read(self._heard_again):
                return

    async def send(self, data) -> None:
        view = memoryview(data)
        if self._is_inverse:
            for i, value in enumerate(view):
                self._wire[i] = inverse(value)
            view = memoryview(self._wire)[: len(view)]
        await self.check()
        if self._has_heard:
            self._has_heard = False
            left = self._us(_TURN_ETU) - ticks_diff(ticks_us(), self._heard)
            await asyncio.sleep_ms(max(left, 0) // 1000 + 1)
        end = ticks_add(ticks_ms(), self._ms(len(view) * (_CHARACTER_ETU + self._guard)))
        if self._guard:
            # A time between CWT and the guard time may be short: all but its end is left to other tasks
            for i in range(len(view)):
                gap = ticks_add(ticks_us(), self._us(_CHARACTER_ETU + self._guard))
                await self._write(view[i : i + 1], end)
                await self.sleep_until(gap)
                await self.check()
        else:
            await self._write(view, end)
        await self._echo(view, end)

    async def receive_into(self, out, first_etu: int, next_etu: int, total_ms: int = 0) -> int:
        """As ports.Characters; total_ms bounds the whole wait as well."""
        view = memoryview(out)
        now = ticks_ms()
        end = ticks_add(now, self._ms(first_etu))
        last = ticks_add(now, total_ms)
        next_ms = self._ms(next_etu)
        have = polls = 0
        while have < len(view):
            await self.check()
            count = self._read(view[have:])
            now = ticks_ms()
            if total_ms and ticks_diff(last, now) <= 0:
                break
            if count:
                have += count
                end = ticks_add(now, next_ms)
                polls = 0
            elif ticks_diff(end, now) <= 0:
                break
            else:
                await self._pause(polls)
                polls += 1
        if have:
            self._heard = ticks_us()
            self._has_heard = True
            if self._is_inverse:
                for i in range(have):
                    view[i] = inverse(view[i])
        return have

    async def _write(self, view: memoryview, end: int) -> None:
        at = 0
        while at < len(view):
            try:
                count = self._uart.write(view[at:])
            except OSError:
                raise ReaderError(E_LINE_CLOSED)
            if count == 0:
                raise ReaderError(E_LINE_CLOSED)
            if count:
                at += count
            else:
                await self._hurry(end)

    async def _echo(self, view: memoryview, end: int) -> None:
        at = polls = 0
        while at < len(view):
            await self.check()
            piece = memoryview(self._heard_again)[: min(_PIECE, len(view) - at)]
            count = self._read(piece)
            if count:
                if piece[:count] != view[at : at + count]:
                    raise ReaderError(E_CARD_PROTOCOL)
                at += count
                polls = 0
            else:
                await self._hurry(end, polls)
                polls += 1

    async def _hurry(self, end: int, polls: int = _QUICK_POLLS) -> None:
        if ticks_diff(end, ticks_ms()) <= 0:
            raise ReaderError(E_SLOT_SILENT)  # the line takes nothing, or gives no echo: the front-end, not the card
        await self._pause(polls)

    async def _pause(self, polls: int) -> None:
        await asyncio.sleep_ms(_QUICK_MS if polls < _QUICK_POLLS else _SLOW_MS)

    async def sleep_until(self, until: int) -> None:
        """Until ticks_us says so, to the microsecond; only the last milliseconds are taken from the other tasks."""
        left = ticks_diff(until, ticks_us())
        if left > 4000:
            await asyncio.sleep_ms(left // 1000 - 2)
            left = ticks_diff(until, ticks_us())
        if left > 0:
            sleep_us(left)

    def _read(self, into) -> int:
        """Characters that were there."""
        try:
            count = self._uart.readinto(into)
        except OSError:
            raise ReaderError(E_LINE_CLOSED)
        if count == 0:
            raise ReaderError(E_LINE_CLOSED)
        return count or 0

    def _us(self, etu: int) -> int:
        return etu * self._f * 1000 // (self._d * self.clock_khz) + 1

    def _ms(self, etu: int) -> int:
        # In an order that stays within small integers
        return etu // self._d * self._f // self.clock_khz + self._f // self.clock_khz + 1 + self.late_ms
