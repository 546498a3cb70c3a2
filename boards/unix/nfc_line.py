"""The PN532's lines on a PC: a UART with its speed, SPI or I2C, and the IRQ line, in one socket (host_tools/mpos/bench).

Messages both ways are kind, length (2 bytes, big-endian), payload:
    b  baud (4)   the UART's speed from now on        w  bytes of the UART, both ways
    s  bytes      clocked out on SPI while the select line is low, once; answered by r, as many that came in
    W  bytes      written to I2C address 24h; answered by a, 1 or 0: acknowledged
    R  count (2)  read from there; answered by r, or by a, 0
    i  level      of the IRQ line: at the start, and whenever it changes
"""

import io
import select
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const
from socket_line import received, unsent

from reader.errors import E_LINE_CLOSED, ReaderError

_BAUD = const(0x62)
_BYTES = const(0x77)
_SPI = const(0x73)
_I2C_WRITE = const(0x57)
_I2C_READ = const(0x52)
_ANSWER = const(0x72)
_ACKNOWLEDGE = const(0x61)
_IRQ = const(0x69)
_HEADER = const(3)
_ANSWER_MS = const(2_000)
_NOT_ACKNOWLEDGED = const(19)  # ENODEV, as machine.I2C says it
_STREAM_POLL = const(3)  # py/stream.h
_STREAM_FILENO = const(10)


class _Messages(io.IOBase):
    """`socket` is connected and does not block. A stream for SerialLine's sake: MicroPython does not survive one that is the
    second of two base classes."""

    def __init__(self, socket):
        self._socket = socket
        self._poll = select.poll()
        self._poll.register(socket, select.POLLIN)
        self._rest = b""  # of messages that the socket has not taken yet
        self._head = bytearray(_HEADER)
        self._have = 0  # of the header that is coming
        self._left = 0  # of its payload
        self._irq = 1

    def _say(self, kind: int, payload) -> None:
        """Send a message, at once or as soon as the socket takes it."""
        size = len(payload)
        self._rest += bytes((kind, size >> 8, size & 0xFF)) + bytes(payload)
        self._flushed()

    def _flushed(self) -> bool:
        self._rest = unsent(self._socket, self._rest)
        return not self._rest

    def _begun(self) -> bool:
        """The header of a message is there: `_head`, `_left`."""
        while self._have < _HEADER:
            count = received(self._socket, memoryview(self._head)[self._have :])
            if not count:
                return False
            self._have += count
            self._left = self._head[1] << 8 | self._head[2]
        return True

    def _payload(self, into) -> int:
        """Bytes of the payload that were there; with the last one its message is over."""
        count = received(self._socket, memoryview(into)[: self._left]) if self._left else 0
        self._left -= count
        if not self._left:
            self._have = 0
        return count

    def _whole(self, deadline) -> bytearray:
        """The payload of the message that has begun."""
        payload = bytearray(self._left)
        at = 0
        while at < len(payload):
            count = self._payload(memoryview(payload)[at:])
            at += count
            if not count:
                self._wait(deadline)
        self._have = 0
        return payload

    def _wait(self, deadline) -> None:
        left = ticks_diff(deadline, ticks_ms())
        if left <= 0 or not self._poll.poll(left):
            raise ReaderError(E_LINE_CLOSED)

    def _ask(self, kind: int, payload) -> tuple:
        """Send a message; kind and payload of its answer. What the IRQ line does in between is noted."""
        self._say(kind, payload)
        deadline = ticks_add(ticks_ms(), _ANSWER_MS)
        while True:
            if self._begun():
                found = self._head[0]
                body = self._whole(deadline)
                if found == _IRQ:
                    self._irq = body[0]
                else:
                    return found, body
            else:
                self._flushed()
                self._wait(deadline)

    def value(self, level: int = -1) -> "int | None":
        """As machine.Pin: the level of the IRQ line; as the select line, which needs no message, nothing."""
        if level >= 0:
            return None
        while self._begun():
            self._irq = self._whole(ticks_add(ticks_ms(), _ANSWER_MS))[0]
        return self._irq


class SerialLine(_Messages):
    """As machine.UART, awaited with asyncio streams."""

    def init(self, baudrate: int) -> None:
        """Bytes on their way at the old speed come before those at the new one."""
        self._say(_BAUD, baudrate.to_bytes(4, "big"))

    def write(self, buf) -> "int | None":
        if not self._flushed():
            return None
        self._say(_BYTES, buf)
        return len(buf)

    def readinto(self, buf) -> "int | None":
        self._flushed()
        while self._begun():
            if self._head[0] == _BYTES:
                return self._payload(buf) or None
            self._whole(ticks_add(ticks_ms(), _ANSWER_MS))
        return None

    def ioctl(self, request: int, argument: int) -> int:
        if request == _STREAM_FILENO:
            return self._socket.fileno()
        return 0 if request == _STREAM_POLL else -1


class SpiBus(_Messages):
    """As machine.SPI, and as the pins SELECT and IRQ."""

    def write(self, buf) -> None:
        self._ask(_SPI, buf)

    def readinto(self, buf, write: int = 0) -> None:
        _, buf[:] = self._ask(_SPI, bytes((write,)) * len(buf))


class I2cBus(_Messages):
    """As machine.I2C with the PN532 on it, and as the pin IRQ."""

    def writeto(self, address: int, buf) -> int:
        _, (acknowledged,) = self._ask(_I2C_WRITE, buf)
        if not acknowledged:
            raise OSError(_NOT_ACKNOWLEDGED)
        return len(buf)

    def readfrom_into(self, address: int, buf) -> None:
        kind, body = self._ask(_I2C_READ, len(buf).to_bytes(2, "big"))
        if kind == _ACKNOWLEDGE:
            raise OSError(_NOT_ACKNOWLEDGED)
        buf[:] = body
