"""The link over a serial line: SLIP frames (RFC 1055) with a CRC-16, the same messages as over BLE (docs/link.md).

For the factory, and for boards without a radio. A serial line has no connection: nobody is ever seen to leave.
"""

import asyncio

from micropython import const

from ..errors import E_LINE_CLOSED, E_LINK_FRAGMENT, E_LINK_LENGTH, ReaderError
from ..util.edc import crc16
from .framing import HEADER, MAX_MESSAGE
from .pipe import Pipe

_END = const(0xC0)
_ESC = const(0xDB)
_ESC_END = const(0xDC)
_ESC_ESC = const(0xDD)
_CRC = const(2)
_CHUNK = const(64)
_WRITE_MS = const(2000)  # for one chunk: a line that takes nothing for longer has no reader

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from ..ports import Line


class Decoder:
    """Bytes to messages, in a buffer of its own."""

    def __init__(self):
        self._buf = bytearray(MAX_MESSAGE + _CRC)
        self._fill = 0
        self._escaped = False
        self._skipping = True  # what comes before the first END is no frame

    def feed(self, byte: int) -> "memoryview | None":
        """The message that this byte completes (valid until the next call), or None.

        Raises E_LINK_FRAGMENT (a wrong escape or CRC), E_LINK_LENGTH; the rest of that frame is then dropped.
        """
        if byte == _END:
            n = self._fill
            skipped = self._skipping
            escaped = self._escaped
            self._fill = 0
            self._escaped = self._skipping = False
            if not n or skipped:
                return None  # the END that opens a frame, or closes a broken one
            return self._message(n, escaped)
        if self._skipping:
            return None
        if self._escaped:
            if byte not in (_ESC_END, _ESC_ESC):
                raise self._broken(E_LINK_FRAGMENT)
            byte = _END if byte == _ESC_END else _ESC
            self._escaped = False
        elif byte == _ESC:
            self._escaped = True
            return None
        if self._fill == len(self._buf):
            raise self._broken(E_LINK_LENGTH)
        self._buf[self._fill] = byte
        self._fill += 1
        return None

    def _message(self, n: int, escaped: bool) -> memoryview:
        buf = self._buf
        if n < HEADER + _CRC:
            raise ReaderError(E_LINK_LENGTH)
        view = memoryview(buf)[: n - _CRC]
        if escaped or crc16(view) != buf[n - 2] | buf[n - 1] << 8:
            raise ReaderError(E_LINK_FRAGMENT)
        if len(view) != HEADER + (buf[4] << 8 | buf[5]):
            raise ReaderError(E_LINK_LENGTH)
        return view

    def _broken(self, code: int) -> ReaderError:
        self._fill = 0
        self._escaped = False
        self._skipping = True
        return ReaderError(code)


class SerialLink(Pipe):
    """`line`: ports.Line."""

    stack = "serial"

    def __init__(self, line: "Line"):
        super().__init__()
        self._line = line
        self._stream = asyncio.StreamReader(line)
        self._out = bytearray(2 * _CHUNK)

    async def serve(self, handle, gone) -> None:
        """Until the line is closed (E_LINE_CLOSED): give each message to `handle`. `gone` is never called."""
        decoder = Decoder()
        chunk = bytearray(_CHUNK)
        while True:
            n = await self._stream.readinto(chunk)
            if n == 0:
                raise ReaderError(E_LINE_CLOSED)
            for i in range(n or 0):
                try:
                    message = decoder.feed(chunk[i])
                except ReaderError as error:
                    await self.fault(error)
                    continue
                if message is not None:
                    await handle(message)

    async def _transmit(self, message) -> bool:
        crc = crc16(message)
        try:
            await self._write(bytes((_END,)), False)
            for at in range(0, len(message), _CHUNK):
                await self._write(message[at : at + _CHUNK], True)
            await self._write(bytes((crc & 0xFF, crc >> 8)), True)
            await self._write(bytes((_END,)), False)
        except asyncio.TimeoutError:
            return False
        return True

    async def _write(self, data, escape: bool) -> None:
        out = self._out
        n = 0
        for byte in data:
            if escape and byte in (_END, _ESC):
                out[n] = _ESC
                out[n + 1] = _ESC_END if byte == _END else _ESC_ESC
                n += 2
            else:
                out[n] = byte
                n += 1
        await asyncio.wait_for_ms(self._flush(n), _WRITE_MS)

    async def _flush(self, n: int) -> None:
        view = memoryview(self._out)
        sent = 0
        while sent < n:
            written = self._line.write(view[sent:n])
            if written:
                sent += written
            else:
                await asyncio.sleep_ms(1)
