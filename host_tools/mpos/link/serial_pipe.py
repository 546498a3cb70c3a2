"""The link over a serial line: SLIP frames (RFC 1055) with a CRC-16 (ISO/IEC 13239), on any pair of asyncio streams."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from mpos.link.client import ReaderGone
from mpos.link.messages import MAX_MESSAGE, LinkError

END, ESC = b"\xc0", b"\xdb"
_CRC_BYTES = 2
_FRAME_MOST = 2 * (MAX_MESSAGE + _CRC_BYTES)


def crc16(data: bytes) -> int:
    """CRC-16 of ISO/IEC 13239."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc ^ 0xFFFF


def frame(message: bytes) -> bytes:
    body = message + crc16(message).to_bytes(_CRC_BYTES, "little")
    return END + body.replace(ESC, ESC + b"\xdd").replace(END, ESC + b"\xdc") + END


class Deframer:
    """Bytes to messages; what is broken comes out as a LinkError in its place."""

    def __init__(self) -> None:
        self._rest: bytes | None = None  # since the last END; None before the first

    def feed(self, data: bytes) -> Iterator[bytes | LinkError]:
        *whole, rest = data.split(END)
        for part in whole:
            before, self._rest = self._rest, b""
            if before is not None and before + part:
                yield _message(before + part)
        if self._rest is not None:
            self._rest += rest
            if len(self._rest) > _FRAME_MOST:
                self._rest = None
                yield LinkError("a frame is longer than the link allows")


def _message(body: bytes) -> bytes | LinkError:
    parts = body.split(ESC)
    plain = parts[0]
    for part in parts[1:]:
        if part[:1] not in (b"\xdc", b"\xdd"):
            return LinkError("a frame holds an escape that is none")
        plain += (END if part[:1] == b"\xdc" else ESC) + part[1:]
    message, crc = plain[:-_CRC_BYTES], plain[-_CRC_BYTES:]
    if len(plain) <= _CRC_BYTES or crc16(message) != int.from_bytes(crc, "little"):
        return LinkError("a frame was damaged on the line")
    return message


class SerialPipe:
    """Whole messages over a serial line. Closing it leaves the line as it is: the cable stays plugged in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer
        self._deframer = Deframer()
        self._ready: list[bytes | LinkError] = []

    async def send(self, message: bytes) -> None:
        await self.write(frame(message))

    async def write(self, data: bytes) -> None:
        """Bytes as they are."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            raise ReaderGone("the serial line is closed") from None

    async def receive(self) -> bytes:
        while not self._ready:
            try:
                data = await self._reader.read(4096)
            except OSError:
                data = b""
            if not data:
                raise ReaderGone("the serial line was closed")
            self._ready += self._deframer.feed(data)
        item = self._ready.pop(0)
        if isinstance(item, LinkError):
            raise item
        return item

    async def close(self) -> None:
        """Nothing to take back."""
