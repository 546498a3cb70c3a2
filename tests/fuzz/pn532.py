"""The PN532 and its bus, as the feed has them answer: on a UART, on SPI, on I2C. Nothing waits; a wait is time that passes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

from tests.fuzz import device
from tests.fuzz.feed import Feed

device.install()
from reader.drivers import contactless, frame_line
from reader.drivers.pn532 import chip, hsu, i2c, polled, spi, transport

BUSES = ("hsu", "spi", "i2c")
_FRAMES_MOST = 1500
_READS_MOST = 60_000
_ACK = bytes.fromhex("0000FF00FF00")
_NACK = bytes.fromhex("0000FFFF0000")
_SYNTAX = bytes.fromhex("0000FF01FF7F8100")
_DIAGNOSE = 0x00
# What the commands about the chip itself are answered
_ITS_OWN = {
    0x02: bytes.fromhex("32010607"),
    0x10: b"",
    0x12: b"",
    0x14: b"",
    0x16: b"\x00",
    0x32: b"",
    0x44: b"\x00",
    0x52: b"\x00",
}


class _Waits(BaseException):
    """Raised by a line that has nothing: what awaits it takes as long as it may."""


class Clock:
    now = 0

    def ticks_ms(self) -> int:
        return self.now


clock = Clock()


async def _sleep_ms(ms: int) -> None:
    clock.now += ms


async def _wait_for_ms(coroutine: Coroutine[Any, Any, Any], ms: int) -> Any:
    try:
        return await coroutine
    except _Waits:
        clock.now += max(ms, 1)
        raise TimeoutError from None


# MicroPython's, for the modules that drive the chip
_ASYNCIO = SimpleNamespace(
    StreamReader=lambda line: line,
    sleep_ms=_sleep_ms,
    wait_for_ms=_wait_for_ms,
    TimeoutError=asyncio.TimeoutError,
    CancelledError=asyncio.CancelledError,
)
for _module in (chip, contactless, frame_line, hsu, i2c, polled, spi, transport):
    _module.asyncio = _ASYNCIO
    if hasattr(_module, "ticks_ms"):
        _module.ticks_ms = clock.ticks_ms


def framed(answer: bytes) -> bytes:
    """An answer in a frame of the chip's (UM0701-02, 6.2.1)."""
    packet = b"\xd5" + answer
    count = len(packet)
    high, low = count >> 8, count & 0xFF
    head = bytes((0xFF, 0xFF, high, low, -(high + low) & 0xFF)) if high else bytes((low, -low & 0xFF))
    return b"\x00\x00\xff" + head + packet + bytes((-sum(packet) & 0xFF, 0))


class Chip:
    """Takes frames, and has frames to give in `ready`. After the end of the feed it says nothing any more."""

    def __init__(self, feed: Feed):
        self._feed = feed
        self._frames = device.Budget(_FRAMES_MOST)
        self.ready: list[bytes] = []
        self._last = b""

    def take(self, written: bytes) -> None:
        """Whatever the reader wrote: noise, an ACK, a NACK, a command."""
        self._frames.spend()
        at = written.find(b"\x00\xff")
        packet = written[at + 4 : -2] if at >= 0 else b""
        if packet[:2] == b"\xff" + packet[1:2] and written[at + 2 : at + 4] == b"\xff\xff":
            packet = written[at + 7 : -2]
        if written.endswith(_NACK) and self._last:
            self.ready.append(self._last)
        elif len(packet) >= 2 and packet[0] == 0xD4:
            assert len(packet) <= 265 and sum(packet) + written[-2] & 0xFF == 0
            self._command(packet[1], packet[2:])
        elif written.endswith(_ACK):
            self.ready.clear()

    def _command(self, code: int, data: bytes) -> None:
        feed = self._feed
        if not feed.left:
            return
        choice = feed.byte()
        own = data if code == _DIAGNOSE and data[:1] == b"\x00" else _ITS_OWN.get(code)
        # Mostly a chip in order, for only then does much happen; a card's word is the feed's
        if own is not None and choice < 0xE0:
            self._say(bytes((code + 1,)) + own)
        elif choice < 0xE0:
            # A long answer costs the feed few bytes
            self._say(bytes((code + 1,)) + (feed.block() if choice < 0xC0 else feed.long_block()))
        elif choice < 0xE4:
            self.ready.append(_SYNTAX)
        elif choice < 0xE8:
            self.ready.append(_ACK)
        elif choice < 0xEC:
            self._say(bytes((feed.byte(),)) + feed.block())
        elif choice < 0xF0:
            self.ready.append(_NACK)
        elif choice < 0xF8:
            self.ready += [_ACK, feed.block()]
        elif choice < 0xFC:
            self.ready.append(feed.block())

    def _say(self, answer: bytes) -> None:
        self._last = framed(answer[:264])
        self.ready += [_ACK, self._last]


class _Line:
    """A byte line of machine.UART's kind."""

    def __init__(self, far_end: Chip, feed: Feed):
        self._chip = far_end
        self._feed = feed
        self._pending = b""
        self._reads = device.Budget(_READS_MOST)

    def init(self, baudrate: int) -> None:
        assert baudrate in (115_200, 460_800)

    def write(self, data) -> int:
        self._chip.take(bytes(data))
        return len(data)

    async def readinto(self, view) -> int:
        self._reads.spend()
        if not self._pending:
            if not self._chip.ready:
                raise _Waits
            self._pending = self._chip.ready.pop(0)
        if not self._pending:
            raise _Waits
        count = min(len(self._pending), len(view))
        view[:count], self._pending = self._pending[:count], self._pending[count:]
        return count


class _Bus:
    """SPI or I2C: what is read of a frame is read, its rest is lost."""

    def __init__(self, far_end: Chip, is_spi: bool):
        self._chip = far_end
        self._is_spi = is_spi
        self._reads = device.Budget(_READS_MOST)

    def value(self, level: int) -> None:
        assert level in (0, 1)

    def write(self, data) -> None:
        assert data[0] == 1
        self._chip.take(bytes(data[1:]))

    def writeto(self, address: int, data) -> None:
        assert address == 0x24
        self._chip.take(bytes(data))

    def readinto(self, view, operation: int) -> None:
        self._reads.spend()
        view[0] = 0xEE
        if operation == 2:
            view[1] = 1 if self._chip.ready else 0
        else:
            assert operation == 3
            self._frame(view)

    def readfrom_into(self, address: int, view) -> None:
        assert address == 0x24
        self._reads.spend()
        view[0] = 1 if self._chip.ready else 0
        if len(view) > 1:
            self._frame(view)

    def _frame(self, view) -> None:
        frame = self._chip.ready.pop(0) if self._chip.ready else b""
        count = len(view) - 1
        view[1:] = frame[:count].ljust(count, b"\x00")


def reader(feed: Feed, bus: str) -> tuple[contactless.ContactlessReader, Any]:
    """The reader of cards on such a bus, and the driver of the bus."""
    clock.now = 0
    far_end = Chip(feed)
    driver: Any
    if bus == "hsu":
        driver = hsu.Hsu(_Line(far_end, feed))
    else:
        lines = _Bus(far_end, bus == "spi")
        driver = spi.Spi(lines, lines) if bus == "spi" else i2c.I2c(lines)
    return contactless.ContactlessReader(chip.Pn532(driver)), driver
