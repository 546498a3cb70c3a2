"""Transport: the PN532 on its high-speed UART (UM0701-02, 6.2 and 7.2.11). One user at a time, one command at a time.

What keeps a wrong answer from being taken for the right one:
- an answer counts only after the ACK of its own command, and only with its own code;
- whenever an ACK or an answer may still be on its way (a command cancelled, timed out or sent twice), the next command is
  preceded by a line test that the chip echoes (Diagnose, 7.2.1): all that arrives before the echo is dropped;
- an exchange with a card is never sent twice, a command to the chip alone may be.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from reader.drivers.frame_line import FrameLine
from reader.drivers.pn532 import frame
from reader.errors import (
    E_LINE_CLOSED,
    E_NFC_FRAME,
    E_NFC_SILENT,
    E_NFC_STATUS,
    ReaderError,
)
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.ports import Line

_CMD_DIAGNOSE = const(0x00)
_LINE_TEST = const(0x00)
_TRIES = const(3)  # a command's sendings, a broken answer's readings
_TIMEOUT = const(-1)  # beside the kinds of frame
_SYNTAX_ERROR = const(0x7F)
_WAKE_SETTLE_MS = const(2)  # the oscillator starts (PN532 data sheet, T_osc_start: 800 us typical, 2 ms at most)


class Hsu(FrameLine):
    """Frames over a byte line, with every wait bounded. A UART wants a receive buffer of at least frame.SIZE bytes.

    ack_ms: the chip acknowledges within 15 ms (6.2.2); more leaves room for the bytes' own time and a busy scheduler.
    frame_ms: once a frame has begun, the wait for more of its bytes; a whole one takes 24 ms at 115,200 baud.
    """

    def __init__(self, line: "Line", ack_ms: int = 500, frame_ms: int = 100):
        # Received: an ACK and what follows it in one piece
        super().__init__(line, frame.SIZE, frame.SIZE + 13, frame_ms, E_NFC_SILENT)
        self._ack_ms = ack_ms
        self._first = 0  # of the answer found: its code, its end
        self._last = 0
        self._stale = False  # an ACK or answer may still be on its way
        self._nonce = 0

    @property
    def data(self) -> memoryview:
        """Room for a command's data: frame.MAX_DATA bytes, spoilt by the next `command`."""
        return self._tx_view[frame.DATA : frame.DATA + frame.MAX_DATA]

    def wipe(self) -> None:
        """Overwrite what was sent and received."""
        wipe(self._tx)
        wipe(self._rx)
        self._used = self._have

    async def wake(self) -> None:
        """Wake the chip from power-down: five rising edges on the line (7.2.11), which one 55h has, then zeros, as a
        long preamble while the oscillator starts. A chip that is awake takes this as noise and stops what it was doing.
        """
        await self._send(b"\x55\x55" + bytes(14))
        await asyncio.sleep_ms(_WAKE_SETTLE_MS)
        await self._send(frame.ACK_FRAME)
        self._stale = False  # what is left in the line goes with the line test, when the chip can answer it

    async def synchronise(self) -> None:
        """Stop what the chip does and drop all that it has sent so far. Raises E_NFC_SILENT."""
        self._stale = True
        for _ in range(_TRIES):
            await self._send(frame.ACK_FRAME)
            self._nonce = self._nonce + 1 & 0xFF
            self._tx[frame.DATA] = _LINE_TEST
            self._tx[frame.DATA + 1] = self._nonce
            await self._seal_and_send(_CMD_DIAGNOSE, 2)
            deadline = ticks_add(ticks_ms(), self._ack_ms)
            while True:
                kind = await self._frame(deadline)
                if kind == _TIMEOUT:
                    break
                if kind == frame.ANSWER and self._is_echo():
                    self._stale = False
                    return
        raise ReaderError(E_NFC_SILENT)

    async def command(self, code: int, length: int, answer_ms: int, twice: bool = True) -> memoryview:
        """Send the command `code` with the first `length` bytes of `data`; return the answer's data after its code.

        The view is valid until the next call. answer_ms bounds the wait for the answer once the command is
        acknowledged. twice: the command may be sent again when no ACK comes.
        Raises E_NFC_SILENT, E_NFC_FRAME, E_NFC_STATUS (7Fh: the chip finds a syntax error), E_LINE_CLOSED.
        A cancelled command is stopped in the chip.
        """
        try:
            if self._stale:
                kept = bytes(self.data[:4])  # the line test's data, checksum and postamble go there
                await self.synchronise()
                self.data[:4] = kept
            for attempt in range(_TRIES if twice else 1):
                if attempt:
                    self._stale = True  # the first ACK may only be late
                await self._seal_and_send(code, length)
                if await self._acknowledged():
                    return await self._answer(code, answer_ms)
            raise ReaderError(E_NFC_SILENT)
        except (asyncio.CancelledError, ReaderError) as error:
            self._stale = True
            if not isinstance(error, ReaderError) or error.code != E_LINE_CLOSED:
                self._stop()
            raise

    async def _acknowledged(self) -> bool:
        deadline = ticks_add(ticks_ms(), self._ack_ms)
        while True:
            kind = await self._frame(deadline)
            if kind == frame.ACK:
                return True
            if kind == _TIMEOUT:
                return False
            # Anything else is older than this command or broken

    async def _answer(self, code: int, answer_ms: int) -> memoryview:
        deadline = ticks_add(ticks_ms(), answer_ms)
        broken = 0
        while True:
            kind = await self._frame(deadline)
            if kind == frame.ANSWER and self._rx[self._first] == code + 1:
                return self._rx_view[self._first + 1 : self._last]
            if kind == frame.ERROR:
                raise ReaderError(E_NFC_STATUS, _SYNTAX_ERROR)
            if kind == _TIMEOUT:
                raise ReaderError(E_NFC_FRAME if broken else E_NFC_SILENT)
            if kind == frame.BROKEN:
                broken += 1
                if broken > _TRIES:
                    raise ReaderError(E_NFC_FRAME)
                await self._hush()
                await self._send(frame.NACK_FRAME)  # 6.2.1.4: the last answer again
                self._stale = True  # and then perhaps once more than asked for

    async def _frame(self, deadline: int) -> int:
        """The kind of the next frame, or _TIMEOUT. An ANSWER lies in rx[first:last]."""
        while True:
            self._compact()
            kind, first, end = self._hunt()
            if kind != frame.MORE:
                self._first, self._last = first, end
                self._used = end + 1 if kind == frame.ANSWER else end
                return kind
            left = ticks_diff(deadline, ticks_ms())
            if left <= 0:
                return _TIMEOUT
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

    async def _hush(self) -> None:
        """Drop what comes until the line is quiet, so that a broken frame's rest is not hunted through."""
        deadline = ticks_add(ticks_ms(), self._frame_ms)
        while True:
            self._used = self._have = 0
            left = ticks_diff(deadline, ticks_ms())
            if left <= 0 or not await self._fill(min(left, 5)):
                return

    def _is_echo(self) -> bool:
        rx, at = self._rx, self._first
        return (
            self._last - at == 3
            and rx[at] == _CMD_DIAGNOSE + 1
            and rx[at + 1] == _LINE_TEST
            and rx[at + 2] == self._nonce
        )

    def _stop(self) -> None:
        """Abort the command in the chip (6.2.1.3). Never waits: what does not get out now, `synchronise` sends."""
        if self._at == self._end:
            try:
                self._line.write(frame.ACK_FRAME)
            except OSError:
                pass  # a closed line: the next command says so

    async def _seal_and_send(self, code: int, length: int) -> None:
        await self._flush()
        self._at, self._end = frame.seal(self._tx, code, length)
        await self._flush()

    async def _send(self, piece: bytes) -> None:
        """Send a short fixed frame."""
        await self._flush()
        self._tx[: len(piece)] = piece
        self._at, self._end = 0, len(piece)
        await self._flush()
