"""What SPI and I2C have in common: the reader is the master, asks whether a frame is ready, and says how much of it it reads
(UM0701-02, 6.2.4 and 6.2.5).

How long a frame is stands at its beginning, and the end of one that was read in part is lost. So a short piece is read; when
the frame is longer, the chip is asked for it again (NACK, 6.2.1.4), and now its length is known.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from reader.drivers.pn532 import frame
from reader.drivers.pn532.transport import TIMEOUT
from reader.errors import E_NFC_SILENT, ReaderError
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.ports import Pin

_PAUSE_MS = const(1)
_PREFIX = const(1)  # bytes in front of a frame that is read: what is clocked in with the operation, the status byte
_ACK_READ = const(8)  # an ACK, and a long frame's header when it is another one
_FIRST_READ = const(40)
_SLACK = const(8)  # of preamble


class Polled:
    """A bus (transport.py says what that is) but for its transactions, which a subclass has:

    _write(start, end)      tx[start:end]; the byte before `start` is free. OSError: the chip did not take it
    _read(count)            rx[:_PREFIX + count]: a prefix, then the frame's bytes. OSError as before
    _is_ready()             the status byte says so. OSError as before

    irq: a pin that is low while a frame is ready, or None. Until it has been seen low, the status byte is asked beside it:
    the chip drives it only when SAMConfiguration has said so.
    """

    wake_bit = 0
    is_fast: bool | None = None

    def __init__(self, irq: "Pin | None", ack_ms: int, frame_ms: int):
        self._irq = irq
        self.has_irq = irq is not None
        self._trusts_irq = False
        self.ack_ms = ack_ms
        self._frame_ms = frame_ms
        self._tx = bytearray(frame.SIZE)
        self._tx_view = memoryview(self._tx)
        self._rx = bytearray(_PREFIX + frame.SIZE + _SLACK)
        self._rx_view = memoryview(self._rx)
        self.data = self._tx_view[frame.DATA : frame.DATA + frame.MAX_DATA]
        self.answer = self._rx_view[:0]

    def wipe(self) -> None:
        """Overwrite what was sent and received."""
        wipe(self._tx)
        wipe(self._rx)

    async def send(self, code: int, length: int) -> None:
        start, end = frame.seal(self._tx, code, length)
        await self._out(start, end)

    async def say(self, piece: bytes) -> None:
        end = 1 + len(piece)
        self._tx[1:end] = piece
        await self._out(1, end)

    async def next_frame(self, deadline: int, short: bool) -> int:
        """The kind of the next frame, or TIMEOUT; an ANSWER is `answer`."""
        count = _ACK_READ if short else _FIRST_READ
        for _ in range(2):
            while not self._frame_waits():
                if ticks_diff(deadline, ticks_ms()) <= 0:
                    return TIMEOUT
                await asyncio.sleep_ms(_PAUSE_MS)
            try:
                self._read(count)
            except OSError:
                return frame.BROKEN
            end = _PREFIX + count
            at = self._rx.find(frame.START, _PREFIX, end)
            if at < 0:
                return frame.BROKEN
            kind, first, last = frame.parse(self._rx_view[at:], end - at)
            if kind == frame.ANSWER:
                self.answer = self._rx_view[at + first : at + last]
            if kind != frame.MORE:
                return kind
            count = at + last - _PREFIX
            if count > len(self._rx) - _PREFIX:
                return frame.BROKEN
            await self.say(frame.NACK_FRAME)
        return frame.BROKEN

    async def hush(self) -> None:
        """There is no rest: what was not read is lost."""

    def abort(self) -> None:
        """Stop the command in the chip (6.2.1.3)."""
        self._tx[1:7] = frame.ACK_FRAME
        try:
            self._write(1, 7)
        except OSError:
            pass  # the next line test says it again

    def set_fast(self, fast: bool) -> None:
        """The bus's clock is the board's matter."""

    async def _out(self, start: int, end: int) -> None:
        deadline = ticks_add(ticks_ms(), self._frame_ms)
        while True:
            try:
                self._write(start, end)
                return
            except OSError:
                # I2C: no acknowledge while the chip is busy or wakes up
                if ticks_diff(deadline, ticks_ms()) <= 0:
                    raise ReaderError(E_NFC_SILENT)
            await asyncio.sleep_ms(_PAUSE_MS)

    def _frame_waits(self) -> bool:
        if self._irq is not None:
            if not self._irq.value():
                self._trusts_irq = True
                return True
            if self._trusts_irq:
                return False
        try:
            return self._is_ready()
        except OSError:
            return False

    def _write(self, start: int, end: int) -> None:
        raise OSError

    def _read(self, count: int) -> None:
        raise OSError

    def _is_ready(self) -> bool:
        raise OSError
