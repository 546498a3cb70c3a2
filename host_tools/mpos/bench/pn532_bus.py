"""The PN532's three buses and its IRQ line over one TCP connection: the far end of boards/unix/nfc_line.py.

Every message: kind(1) length(2, big-endian) payload. From the reader:
    b  speed(4)   HSU: what its UART is set to from now on; it begins with 115,200
    w  bytes      HSU: bytes, at that speed
    s  bytes      SPI: select low, these bytes on MOSI, select high; answered by r with as many of MISO
    W  bytes      I2C: a write to 24h; answered by a: 1 acknowledged, 0 not
    R  count(2)   I2C: a read from 24h; answered by r, or a 0 when the address is not acknowledged
To the reader: w (HSU), r, a as above, and
    i  level(1)   the IRQ line, when it is wired; 0: a frame waits to be read

    async with serve_bus(Pn532Chip(field), "spi", irq=True) as address: ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from mpos.bench.pn532_chip import FIRST_SPEED, WAKE_HSU, WAKE_I2C, WAKE_SPI, Pn532Chip
from mpos.bench.serving import serve

BUSES = ("hsu", "spi", "i2c")
HEAD = 3
READY = 0x01  # 6.2.4, 6.2.5
SPI_WRITE, SPI_STATUS, SPI_READ = 0x01, 0x02, 0x03
NOISE = b"\xff"  # what a byte of another speed is taken for, and MISO when nobody drives it

Say = Callable[[bytes, bytes], None]


class _Line(Protocol):
    source: int

    def message(self, kind: bytes, payload: bytes) -> None:
        """From the reader."""


class BadMessage(ConnectionError):
    """The reader does not speak this protocol."""


class _Hsu:
    """Two UARTs whose speeds may differ."""

    source = WAKE_HSU

    def __init__(self, chip: Pn532Chip, say: Say):
        self._chip = chip
        self._say = say
        self._speed = FIRST_SPEED
        chip.output, chip.forget = self._sent, lambda: None

    def message(self, kind: bytes, payload: bytes) -> None:
        match kind:
            case b"b" if len(payload) == 4:
                self._speed = int.from_bytes(payload, "big")
            case b"w":
                self._chip.receive(self._heard(payload))
            case _:
                raise BadMessage(f"no message of the HSU: {kind!r}")

    def _sent(self, data: bytes) -> None:
        self._say(b"w", self._heard(data))

    def _heard(self, data: bytes) -> bytes:
        return data if self._speed == self._chip.speed else NOISE * len(data)


class _Fetched:
    """A bus on which the host fetches the chip's frames, one after the other, when the chip is ready."""

    source = 0

    def __init__(self, chip: Pn532Chip, say: Say, irq: bool):
        self._chip = chip
        self._say = say
        self._irq = irq
        self._frames: list[bytes] = []
        self._level = 1
        chip.output, chip.forget = self._put, self._void

    def _put(self, data: bytes) -> None:
        self._frames.append(data)
        self._show()

    def _void(self) -> None:
        self._frames.clear()
        self._show()

    def _sleeps(self, is_write: bool) -> bool:
        """The chip has no ear for this. It falls asleep when its last answer was fetched, or is not wanted."""
        if self._chip.awake or (self._frames and not is_write):
            return False
        self._void()
        return True

    def _status(self) -> bytes:
        if not self._frames:
            self._chip.asked_in_vain += 1
        return bytes([READY if self._frames else 0])

    def _take(self, size: int) -> bytes:
        """The first `size` bytes of the frame that waits; the rest of it is lost (6.2.4, 6.2.5)."""
        data = self._frames.pop(0) if self._frames else b""
        if self._frames:
            self._show(1)  # between two frames the line goes up
        self._show()
        return data[:size].ljust(size, b"\x00")

    def _show(self, level: int | None = None) -> None:
        wanted = level if level is not None else 0 if self._frames and self._chip.drives_irq else 1
        if wanted != self._level:
            self._level = wanted
            if self._irq:
                self._say(b"i", bytes([wanted]))


class _Spi(_Fetched):
    source = WAKE_SPI

    def message(self, kind: bytes, payload: bytes) -> None:
        if kind != b"s":
            raise BadMessage(f"no message of SPI: {kind!r}")
        if self._sleeps(payload[:1] == bytes([SPI_WRITE])):
            self._chip.wake()  # the select does it; what is clocked while the oscillator starts is lost
            self._say(b"r", NOISE * len(payload))
            return
        answer, rest = NOISE[: len(payload)], payload[1:]
        match payload[:1]:
            case b"\x02":
                answer += self._status() * len(rest)
            case b"\x03" if rest:
                answer += self._take(len(rest))
            case _:
                answer += NOISE * len(rest)
        self._say(b"r", answer)
        if payload[:1] == bytes([SPI_WRITE]):
            self._chip.receive(rest)


class _I2c(_Fetched):
    source = WAKE_I2C

    def message(self, kind: bytes, payload: bytes) -> None:
        if kind not in (b"W", b"R") or (kind == b"R" and len(payload) != 2):
            raise BadMessage(f"no message of I2C: {kind!r}")
        if self._sleeps(kind == b"W"):
            self._chip.wake()  # its address does it, and is not acknowledged before the oscillator runs
            self._say(b"a", b"\x00")
        elif kind == b"W":
            self._say(b"a", b"\x01")
            self._chip.receive(payload)
        else:
            size = int.from_bytes(payload, "big")
            if size > 1 and self._frames:
                self._say(b"r", bytes([READY]) + self._take(size - 1))
            else:
                self._say(b"r", self._status().ljust(size, b"\x00"))


def serve_bus(
    chip: Pn532Chip, bus: str, irq: bool = False, host: str = "127.0.0.1", port: int = 0
) -> AbstractAsyncContextManager[str]:
    """Let one host after the other talk to the chip. The chip keeps its power, and its speed, when a host hangs up."""
    if bus not in BUSES:
        raise ValueError(f"{bus!r} is no bus; there are: {', '.join(BUSES)}")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(kind: bytes, payload: bytes) -> None:
            if not writer.is_closing():
                writer.write(kind + len(payload).to_bytes(2, "big") + payload)

        line: _Line
        match bus:
            case "hsu":
                line = _Hsu(chip, say)
            case "spi":
                line = _Spi(chip, say, irq)
            case _:
                line = _I2c(chip, say, irq)
        chip.source, chip.hang_up = line.source, writer.close
        while True:
            head = await reader.readexactly(HEAD)
            payload = await reader.readexactly(int.from_bytes(head[1:], "big"))
            if not writer.is_closing():
                line.message(head[:1], payload)

    return serve(talk, host, port)
