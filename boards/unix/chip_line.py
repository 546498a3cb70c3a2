"""The chip slot's lines on a PC: a UART, two outputs and an input of the reader's processor, all in one socket.

Messages both ways are type, length, payload (host_tools/mpos/bench/icc_slot.py):
    00  characters                         03  baud rate (4 bytes, big-endian), parity (0 even, 1 odd), stop bits
    01  level of CMDVCC_N    02  of RSTIN    10  level of OFF_N: at the start, and whenever it changes
"""

from micropython import const
from socket_line import received, unsent

_DATA = const(0x00)
_POWER = const(0x01)
_RESET = const(0x02)
_SETTINGS = const(0x03)
_OFF_N = const(0x10)
_MOST = const(255)
_RECEIVED_MOST = const(1024)  # as a UART's receive buffer; what comes beyond it waits in the socket


class ChipLine:
    """uart (this object), power, reset, off: what drivers/icc_slot.py takes. `socket` is connected and does not block."""

    def __init__(self, socket):
        self._socket = socket
        self._message = bytearray(2 + _MOST)
        self._have = 0  # of the message that is coming
        self._received = bytearray()
        self._rest = bytearray()  # of messages that the socket has not taken yet
        self._off_n = None
        self.power = _Output(self, _POWER)
        self.reset = _Output(self, _RESET)
        self.off = _Off(self)

    def init(self, baudrate=9600, bits=8, parity=None, stop=1) -> None:
        """As machine.UART. The receiver is emptied."""
        if bits != 8 or parity is None:
            raise ValueError("a chip card's characters have 8 bits and parity")
        self._pump()
        self._received = bytearray()
        self.say(_SETTINGS, baudrate.to_bytes(4, "big") + bytes((parity, stop)))

    def write(self, buf) -> int | None:
        """How many were taken; None: the socket is full."""
        if not self._flushed():
            return None
        count = min(len(buf), _MOST)
        self.say(_DATA, buf[:count])
        return count

    def readinto(self, buf) -> int | None:
        """How many were there; None: none. Raises E_LINE_CLOSED."""
        self._pump()
        count = min(len(buf), len(self._received))
        if not count:
            return None
        buf[:count] = self._received[:count]
        self._received = self._received[count:]
        return count

    def say(self, kind: int, payload) -> None:
        """Send a message, at once or as soon as the socket takes it."""
        self._rest += bytes((kind, len(payload)))
        self._rest += payload
        self._flushed()

    def off_n(self) -> int:
        self._pump()
        return self._off_n or 0

    def _flushed(self) -> bool:
        self._rest = unsent(self._socket, self._rest)
        return not self._rest

    def _pump(self) -> None:
        """Take in what has come."""
        self._flushed()
        view = memoryview(self._message)
        while len(self._received) < _RECEIVED_MOST:
            end = 2 if self._have < 2 else 2 + self._message[1]
            if self._have < end:
                count = received(self._socket, view[self._have : end])
                if not count:
                    return
                self._have += count
            if self._have >= 2 and self._have == 2 + self._message[1]:
                self._have = 0
                if self._message[0] == _DATA:
                    self._received += view[2 : 2 + self._message[1]]
                elif self._message[0] == _OFF_N:
                    self._off_n = self._message[2]


class _Output:
    """As machine.Pin: value(level), or value() for the level that was set last."""

    def __init__(self, line, kind):
        self._line = line
        self._kind = kind
        self._level = 0

    def value(self, level: int = -1) -> int | None:
        if level < 0:
            return self._level
        self._level = level
        self._line.say(self._kind, bytes((level,)))
        return None


class _Off:
    """As machine.Pin: value()."""

    def __init__(self, line):
        self._line = line

    def value(self, level: int = -1) -> int | None:
        return self._line.off_n()
