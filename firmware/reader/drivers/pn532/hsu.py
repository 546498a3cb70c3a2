"""Bus: the PN532's high-speed UART (UM0701-02, 6.2.3, 7.2.8, 7.2.11)."""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from reader.drivers.frame_line import FrameLine
from reader.drivers.pn532 import frame
from reader.drivers.pn532.transport import TIMEOUT
from reader.errors import E_NFC_SILENT
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

BAUD = const(115_200)  # 6.2.3: after reset
FAST_BAUD = const(460_800)
_WAKE_SETTLE_MS = const(2)  # the oscillator starts (PN532 data sheet, T_osc_start: 800 us typical, 2 ms at most)


class Hsu(FrameLine):
    """Frames over a byte line (transport.py says what a bus is). A UART wants a receive buffer of at least frame.SIZE
    bytes; where it has `init(baudrate=)` it can be made faster.

    ack_ms: the chip acknowledges within 15 ms (6.2.2); more leaves room for the bytes' own time and a busy scheduler.
    frame_ms: once a frame has begun, the wait for more of its bytes; a whole one takes 24 ms at 115,200 baud.
    """

    wake_bit = 0x10
    has_irq = False

    def __init__(self, line: "Any", ack_ms: int = 500, frame_ms: int = 100):
        # Received: an ACK and what follows it in one piece
        super().__init__(line, frame.SIZE, frame.SIZE + 13, frame_ms, E_NFC_SILENT)
        self.ack_ms = ack_ms
        self.data = self._tx_view[frame.DATA : frame.DATA + frame.MAX_DATA]
        self.answer = self._rx_view[:0]
        self.is_fast: bool | None = None
        if hasattr(line, "init"):
            self.set_fast(False)

    def wipe(self) -> None:
        """Overwrite what was sent and received."""
        wipe(self._tx)
        wipe(self._rx)
        self._used = self._have

    def set_fast(self, fast: bool) -> None:
        """The line's speed from now on: FAST_BAUD or BAUD. Nothing must be on its way."""
        self.is_fast = fast
        self._line.init(baudrate=FAST_BAUD if fast else BAUD)
        self._used = self._have = 0

    async def wake(self) -> None:
        """Five rising edges on the line (7.2.11), which one 55h has, then zeros, as a long preamble while the oscillator
        starts. A chip that is awake takes this as noise."""
        await self.say(b"\x55\x55" + bytes(14))
        await asyncio.sleep_ms(_WAKE_SETTLE_MS)
        await self.say(frame.ACK_FRAME)

    async def next_frame(self, deadline: int, short: bool) -> int:
        """The kind of the next frame, or TIMEOUT; an ANSWER is `answer`."""
        while True:
            self._compact()
            kind, first, end = self._hunt()
            if kind != frame.MORE:
                if kind == frame.ANSWER:
                    self.answer = self._rx_view[first:end]
                    end += 1
                self._used = end
                return kind
            left = ticks_diff(deadline, ticks_ms())
            if left <= 0:
                return TIMEOUT
            begun = self._have >= 2
            if begun and left > self._frame_ms:
                left = self._frame_ms
            if not await self._fill(left) and begun:
                self._used = 2  # a frame that stops in the middle
                return frame.BROKEN

    def _hunt(self) -> tuple[int, int, int]:
        """Bring the next start code to the front of rx and look at its frame."""
        at = self._rx.find(frame.START, 0, self._have)
        if at < 0:
            # A zero at the end may be the first byte of a start code
            at = self._have - 1 if self._have and self._rx[self._have - 1] == 0 else self._have
        self._used = at
        self._compact()
        if self._have < 2:
            return frame.MORE, 0, 2
        return frame.parse(self._rx_view, self._have)

    def _compact(self) -> None:
        if self._used:
            left = self._have - self._used
            self._rx_view[:left] = self._rx_view[self._used : self._have]
            self._used, self._have = 0, left

    async def _fill(self, ms: int) -> bool:
        """Wait for bytes. False: none came within `ms`."""
        try:
            await asyncio.wait_for_ms(self._read(len(self._rx)), ms)
        except asyncio.TimeoutError:
            return False
        return True

    async def hush(self) -> None:
        """Drop what comes until the line is quiet, so that a broken frame's rest is not hunted through."""
        deadline = ticks_add(ticks_ms(), self._frame_ms)
        while True:
            self._used = self._have = 0
            left = ticks_diff(deadline, ticks_ms())
            if left <= 0 or not await self._fill(min(left, 5)):
                return

    def abort(self) -> None:
        """Stop the command in the chip (6.2.1.3). Never waits: what does not get out now, the next line test sends."""
        if self._at == self._end:
            try:
                self._line.write(frame.ACK_FRAME)
            except OSError:
                pass  # a closed line: the next command says so

    async def send(self, code: int, length: int) -> None:
        await self._flush()
        self._at, self._end = frame.seal(self._tx, code, length)
        await self._flush()

    async def say(self, piece: bytes) -> None:
        await self._flush()
        self._tx[: len(piece)] = piece
        self._at, self._end = 0, len(piece)
        await self._flush()
