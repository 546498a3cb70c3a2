"""What the transports of chips on a serial line share: a frame goes out whole, also when the command before was
cancelled in the middle of its own, and what comes in is put behind what is there."""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from reader.errors import E_LINE_CLOSED, ReaderError

_PAUSE_MS = const(1)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any


class FrameLine:
    """`tx_size`, `rx_size`: bytes of the buffers. frame_ms: for a frame to get out, and for more of one that has begun.
    silent: the error of a line that takes nothing."""

    def __init__(self, line: "Any", tx_size: int, rx_size: int, frame_ms: int, silent: int):
        self._line = line
        self._stream = asyncio.StreamReader(line)
        self._frame_ms = frame_ms
        self._silent = silent
        self._tx = bytearray(tx_size)
        self._tx_view = memoryview(self._tx)
        self._at = self._end = 0  # of the frame being sent: next byte, end
        self._rx = bytearray(rx_size)
        self._rx_view = memoryview(self._rx)
        self._used = self._have = 0  # of the bytes received: done with, received

    async def _read(self, end: int) -> None:
        """More bytes, up to position `end` of the buffer. Raises E_LINE_CLOSED."""
        try:
            count = await self._stream.readinto(self._rx_view[self._have : end])
        except OSError:
            raise ReaderError(E_LINE_CLOSED)
        if count == 0:
            raise ReaderError(E_LINE_CLOSED)
        self._have += count or 0

    async def _flush(self) -> None:
        """Send the rest of the frame in tx, which a cancelled command may have left there. Raises E_LINE_CLOSED, and
        `silent` when the line takes nothing."""
        deadline = ticks_add(ticks_ms(), self._frame_ms)
        while self._at < self._end:
            try:
                sent = self._line.write(self._tx_view[self._at : self._end])
            except OSError:
                raise ReaderError(E_LINE_CLOSED)
            if sent == 0:
                raise ReaderError(E_LINE_CLOSED)
            if sent:
                self._at += sent
            elif ticks_diff(deadline, ticks_ms()) <= 0:
                self._at = self._end  # forget the frame
                raise ReaderError(self._silent)
            else:
                await asyncio.sleep_ms(_PAUSE_MS)
