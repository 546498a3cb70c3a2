"""Transport: a command to the PN532 and its answer, on whatever bus (UM0701-02, 6.2). One user, one command at a time.

What keeps a wrong answer from being taken for the right one:
- an answer counts only after the ACK of its own command, and only with its own code;
- whenever an ACK or an answer may still be on its way (a command cancelled, timed out or sent twice), the next command is
  preceded by a line test that the chip echoes (Diagnose, 7.2.1): all that arrives before the echo is dropped;
- an exchange with a card is never sent twice, a command to the chip alone may be.

A bus (hsu.py, spi.py, i2c.py) moves frames, and knows how its chip is woken:

    data        room for a command's data: frame.MAX_DATA bytes, spoilt by the next frame sent
    answer      the frame that `next_frame` found: the code, then the data
    ack_ms      how long to wait for the ACK
    wake_bit    of PowerDown (7.2.11): wake up by this bus
    has_irq     the IRQ line is wired
    async send(code, length)        a command frame around `data`
    async say(piece)                a short fixed frame
    async next_frame(deadline, short)    the kind of the next frame, or TIMEOUT; short: an ACK is expected
    async hush()                    drop what is left of a broken frame
    abort()                         send an ACK, which stops the chip, if that takes no waiting
    async wake()                    see that the chip is awake, and stop what it does
    set_fast(fast), is_fast         the speed; None: there is but one
    wipe()
"""

import asyncio
from time import ticks_add, ticks_ms

from micropython import const

from reader.drivers.pn532 import frame
from reader.errors import (
    E_LINE_CLOSED,
    E_NFC_FRAME,
    E_NFC_SILENT,
    E_NFC_STATUS,
    ReaderError,
)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

_CMD_DIAGNOSE = const(0x00)
_LINE_TEST = const(0x00)
_TRIES = const(3)  # a command's sendings, a broken answer's readings
TIMEOUT = const(-1)  # beside the kinds of frame
ACKNOWLEDGED = const(1)  # detail of E_NFC_SILENT: the chip took the command, its answer did not come
_SYNTAX_ERROR = const(0x7F)


class Transport:
    """Every wait is bounded."""

    def __init__(self, bus: "Any"):
        self._bus = bus
        self._stale = False  # an ACK or answer may still be on its way
        self._nonce = 0

    async def wake(self) -> None:
        """Wake the chip from power-down. One that is awake stops what it was doing."""
        await self._bus.wake()
        self._stale = False  # what is left in the line goes with the line test, when the chip can answer it

    async def synchronise(self) -> None:
        """Stop what the chip does and drop all that it has sent so far. Raises E_NFC_SILENT."""
        bus = self._bus
        self._stale = True
        for _ in range(_TRIES):
            await bus.say(frame.ACK_FRAME)
            self._nonce = self._nonce + 1 & 0xFF
            bus.data[0] = _LINE_TEST
            bus.data[1] = self._nonce
            await bus.send(_CMD_DIAGNOSE, 2)
            deadline = ticks_add(ticks_ms(), bus.ack_ms)
            # On SPI and I2C the echo comes after an ACK, and is read as what it is expected to be
            short = True
            while True:
                kind = await bus.next_frame(deadline, short)
                if kind == TIMEOUT:
                    break
                short = kind != frame.ACK
                if kind == frame.ANSWER and self._is_echo(bus.answer):
                    self._stale = False
                    return
        raise ReaderError(E_NFC_SILENT)

    async def command(self, code: int, length: int, answer_ms: int, twice: bool = True) -> memoryview:
        """Send the command `code` with the first `length` bytes of the bus's `data`; return the answer's data after its
        code.

        The view is valid until the next call. answer_ms bounds the wait for the answer once the command is
        acknowledged. twice: the command may be sent again when no ACK comes.
        Raises E_NFC_SILENT, E_NFC_FRAME, E_NFC_STATUS (7Fh: the chip finds a syntax error), E_LINE_CLOSED.
        A cancelled command is stopped in the chip.
        """
        bus = self._bus
        try:
            if self._stale:
                kept = bytes(bus.data[:4])  # the line test's data, checksum and postamble go there
                await self.synchronise()
                bus.data[:4] = kept
            for attempt in range(_TRIES if twice else 1):
                if attempt:
                    self._stale = True  # the first ACK may only be late
                await bus.send(code, length)
                if await self._acknowledged():
                    return await self._answer(code, answer_ms)
            raise ReaderError(E_NFC_SILENT)
        except (asyncio.CancelledError, ReaderError) as error:
            self._stale = True
            if not isinstance(error, ReaderError) or error.code != E_LINE_CLOSED:
                bus.abort()
            raise

    async def _acknowledged(self) -> bool:
        deadline = ticks_add(ticks_ms(), self._bus.ack_ms)
        while True:
            kind = await self._bus.next_frame(deadline, True)
            if kind == frame.ACK:
                return True
            if kind == TIMEOUT:
                return False
            # Anything else is older than this command or broken

    async def _answer(self, code: int, answer_ms: int) -> memoryview:
        bus = self._bus
        deadline = ticks_add(ticks_ms(), answer_ms)
        broken = 0
        while True:
            kind = await bus.next_frame(deadline, False)
            if kind == frame.ANSWER:
                answer = bus.answer
                if answer[0] == code + 1:
                    return answer[1:]
            elif kind == frame.ERROR:
                raise ReaderError(E_NFC_STATUS, _SYNTAX_ERROR)
            elif kind == TIMEOUT:
                raise ReaderError(E_NFC_FRAME) if broken else ReaderError(E_NFC_SILENT, ACKNOWLEDGED)
            elif kind == frame.BROKEN:
                broken += 1
                if broken > _TRIES:
                    raise ReaderError(E_NFC_FRAME)
                await bus.hush()
                await bus.say(frame.NACK_FRAME)  # 6.2.1.4: the last answer again
                self._stale = True  # and then perhaps once more than asked for

    def _is_echo(self, answer: memoryview) -> bool:
        return (
            len(answer) == 3 and answer[0] == _CMD_DIAGNOSE + 1 and answer[1] == _LINE_TEST and answer[2] == self._nonce
        )
