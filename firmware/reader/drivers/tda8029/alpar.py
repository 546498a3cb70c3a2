"""Transport: ALPAR, the TDA8029's frames on its serial line (NXP AN10207; the line is 38,400 baud, 8 bits, no parity, as the
chip begins). One user at a time, one command at a time.

    60 length(2) code data LRC      a command, or the answer to it: with the same code
    E0 0001 code status LRC         a refusal
    60 0001 A0 present LRC          unasked: a card was put in (01) or taken out (00)

The LRC is the exclusive-or of all before it. Opcodes and statuses are those on which published hosts of the chip agree;
the application note itself was at hand in extracts only. How long the chip waits for the rest of a frame, and how long it
takes over a command, is not in them: the times here are bounds of this driver's own.

What keeps a wrong answer from being taken for the right one: it counts only with its command's code, and after a command
whose answer may still be on its way the chip is first asked for its mask number, and all before that answer is dropped.
A command to the card is never sent twice, unless the chip says that it did not get it whole (F0, FF).
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from reader.drivers.frame_line import FrameLine
from reader.errors import (
    E_CARD_REMOVED,
    E_SLOT_FRAME,
    E_SLOT_SILENT,
    E_SLOT_STATUS,
    ReaderError,
)
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.ports import Line

SEND_NUM_MASK = const(0x0A)
MAX_DATA = const(261)  # a short command APDU; its answer has 258

_ACK = const(0x60)
_NACK = const(0xE0)
_EVENT = const(0xA0)
_HEAD = const(4)
_SIZE = const(266)  # head, data, LRC
_TRIES = const(3)
_TIMEOUT = const(0)  # kinds of frame
_BROKEN = const(1)
_ANSWER = const(2)
_REFUSAL = const(3)
_DAMAGED = b"\xf0\xff"  # statuses: the command's LRC was wrong; the rest of it did not come
_QUIET_MS = const(20)
_AFTER_REMOVAL_MS = const(500)  # for the chip to answer once it has said that the card is gone


class Alpar(FrameLine):
    """Frames over a byte line, with every wait bounded. A UART wants a receive buffer of at least 266 bytes.

    answer_ms: for commands that concern no card. frame_ms: for more bytes of a frame that has begun.
    """

    def __init__(self, line: "Line", answer_ms: int = 500, frame_ms: int = 100):
        super().__init__(line, _SIZE, _SIZE, frame_ms, E_SLOT_SILENT)
        self._answer_ms = answer_ms
        self._data = self._data_end = 0  # of the answer found
        self._stale = True  # somebody else's answers may lie in the line
        self._is_removed = False  # said unasked since the last command

    @property
    def data(self) -> memoryview:
        """Room for a command's data: MAX_DATA bytes."""
        return self._tx_view[_HEAD : _HEAD + MAX_DATA]

    def wipe(self) -> None:
        """Overwrite what was sent and received. Not while a command is under way."""
        self._at = self._end
        wipe(self._tx)
        wipe(self._rx)
        self._used = self._have

    async def synchronise(self) -> None:
        """Drop all that the chip has sent so far. Raises E_SLOT_SILENT."""
        self._stale = True
        for _ in range(_TRIES):
            await self._flush()
            for i, value in enumerate(b"\x60\x00\x00\x0a\x6a"):
                self._tx[i] = value
            self._at, self._end = 0, 5
            await self._flush()
            deadline = ticks_add(ticks_ms(), self._answer_ms)
            while True:
                kind = await self._frame(deadline)
                if kind == _TIMEOUT:
                    break
                if kind == _ANSWER and self._rx[self._data - 1] == SEND_NUM_MASK:
                    self._stale = False
                    return
        raise ReaderError(E_SLOT_SILENT)

    async def command(self, code: int, length: int = 0, answer_ms: int = 0, twice: bool = True) -> memoryview:
        """Send the command `code` with the first `length` bytes of `data`; return the answer's data, valid until the
        next call. answer_ms 0: as long as the chip alone takes. twice: a second sending would do no harm.

        Raises E_SLOT_STATUS (detail: what the chip refuses it with), E_SLOT_FRAME, E_SLOT_SILENT, E_LINE_CLOSED;
        E_CARD_REMOVED when the chip said so and then nothing more.
        """
        try:
            if self._stale:
                kept = bytes(self.data[:1])  # where the frame that asks for the mask has its end
                await self.synchronise()
                self.data[:1] = kept
            self._is_removed = False
            broken = False
            for _ in range(_TRIES):
                await self._seal_and_send(code, length)
                kind = await self._answer(code, ticks_add(ticks_ms(), answer_ms or self._answer_ms))
                if kind == _ANSWER:
                    return self._rx_view[self._data : self._data_end]
                if kind == _REFUSAL:
                    status = self._rx[self._data] if self._data_end > self._data else 0
                    if status not in _DAMAGED:
                        raise ReaderError(E_SLOT_STATUS, status)
                    continue  # it has done nothing yet
                broken = kind == _BROKEN
                if self._is_removed:
                    raise ReaderError(E_CARD_REMOVED)
                if not twice:
                    break
                self._stale = True  # the first answer may only be late
            raise ReaderError(E_SLOT_FRAME if broken else E_SLOT_SILENT)
        except (asyncio.CancelledError, ReaderError) as error:
            if not isinstance(error, ReaderError) or error.code != E_SLOT_STATUS:
                self._stale = True
            raise

    async def _answer(self, code: int, deadline: int) -> int:
        """_ANSWER or _REFUSAL of this command; _BROKEN or _TIMEOUT."""
        while True:
            kind = await self._frame(deadline)
            if kind < _ANSWER:
                return kind
            if self._rx[self._data - 1] == code:
                return kind
            # Another command's, late

    async def _frame(self, deadline: int) -> int:
        """The kind of the next frame but those that tell of cards. An answer's data lie in rx[_data:_data_end]."""
        while True:
            if self._used:
                left = self._have - self._used
                self._rx_view[:left] = self._rx_view[self._used : self._have]
                self._used, self._have = 0, left
            rx, have = self._rx, self._have
            if have and rx[0] != _ACK and rx[0] != _NACK:
                self._used = 1
                continue
            size = 5 + (rx[1] << 8 | rx[2]) if have > 2 else 5
            if size > _SIZE:
                await self._hush()
                return _BROKEN
            if have >= size:
                check = 0
                for i in range(size):
                    check ^= rx[i]
                if check:
                    await self._hush()
                    return _BROKEN
                self._used = size
                if rx[0] == _ACK and rx[3] == _EVENT:
                    if size == 6 and not rx[4]:
                        self._is_removed = True
                        sooner = ticks_add(ticks_ms(), _AFTER_REMOVAL_MS)
                        if ticks_diff(deadline, sooner) > 0:
                            deadline = sooner
                    continue
                self._data, self._data_end = _HEAD, size - 1
                return _ANSWER if rx[0] == _ACK else _REFUSAL
            left = ticks_diff(deadline, ticks_ms())
            if left <= 0:
                return _TIMEOUT
            if have and left > self._frame_ms:
                left = self._frame_ms
            if not await self._fill(size, left) and have:
                self._used = have  # a frame that stops in the middle
                return _BROKEN

    async def _fill(self, end: int, ms: int) -> bool:
        """Wait for bytes up to rx[end]. False: none came within `ms`."""
        before = self._have
        try:
            await asyncio.wait_for_ms(self._read(end), ms)
        except asyncio.TimeoutError:
            pass
        return self._have > before

    async def _hush(self) -> None:
        """Drop what comes until the line is quiet, so that a broken frame's rest is not hunted through."""
        deadline = ticks_add(ticks_ms(), self._frame_ms)
        while True:
            self._used = self._have = 0
            left = ticks_diff(deadline, ticks_ms())
            if left <= 0 or not await self._fill(_SIZE, min(left, _QUIET_MS)):
                return

    async def _seal_and_send(self, code: int, length: int) -> None:
        await self._flush()
        tx = self._tx
        tx[0] = _ACK
        tx[1], tx[2] = length >> 8, length & 0xFF
        tx[3] = code
        end = _HEAD + length
        check = 0
        for i in range(end):
            check ^= tx[i]
        tx[end] = check
        self._at, self._end = 0, end + 1
        await self._flush()
