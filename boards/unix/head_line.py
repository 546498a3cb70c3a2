"""The magnetic head's lines on a PC (host_tools/mpos/bench/mag_head.py).

An ASIC (HeadLine), one byte a message:
    00  STROBE is low    01  STROBE is high    02  what is DATA? answered by 10 or 11
    03  pull DATA low    04  let go of it    20, 21  DATA is low, high: said without being asked, when it changes
Raw flux reversals (EdgeLine):
    01  armed; then of a swipe for each track: number, count (2 bytes, big-endian), count intervals of 2 bytes in us; FF: that was it
"""

import select
from array import array
from time import ticks_diff, ticks_ms

from micropython import const
from socket_line import received

from reader.errors import E_LINE_CLOSED, ReaderError
from reader.util.wipe import wipe

_ASK = const(0x02)
_PULL = const(0x03)
_ANSWER = const(0x10)
_PUSHED = const(0x20)
_LEVEL = const(0x01)
_UNKNOWN = const(-1)
_PIECE = const(64)
_ANSWER_MS = const(1_000)

_ARMED = const(0x01)
_DONE = const(0xFF)
_HEADER = const(3)
# Intervals of a track, as drivers/mag_edges.py has room for
_MOST = (1420, 510, 1420)


class _Line:
    """Whole messages over a `socket` that is connected and does not block."""

    def __init__(self, socket):
        self._socket = socket
        self._poll = select.poll()

    def _wait(self, event, since):
        left = _ANSWER_MS - ticks_diff(ticks_ms(), since)
        self._poll.register(self._socket, event)
        if left <= 0 or not self._poll.poll(left):
            raise ReaderError(E_LINE_CLOSED)

    def _send(self, data):
        since = ticks_ms()
        view = memoryview(data)
        while view:
            try:
                count = self._socket.write(view)
            except OSError:
                raise ReaderError(E_LINE_CLOSED) from None
            if count == 0:
                raise ReaderError(E_LINE_CLOSED)
            if count:
                view = view[count:]
                since = ticks_ms()
            else:
                self._wait(select.POLLOUT, since)


class HeadLine(_Line):
    """strobe, data: what drivers/mag_head.py takes."""

    def __init__(self, socket):
        super().__init__(socket)
        self._out = bytearray(_PIECE)
        self._held = 0  # bytes of it that are still to be sent
        self._in = bytearray(16)
        self._level = _UNKNOWN  # of DATA, as the far end said last; nothing is known after a strobe
        self.strobe = _Strobe(self)
        self.data = _Data(self)

    def say(self, message: int) -> None:
        """Sent when there are enough, or when somebody asks."""
        self._level = _UNKNOWN
        self._out[self._held] = message
        self._held += 1
        if self._held == _PIECE:
            self._flush()

    def level(self) -> int:
        """Of DATA; waits for the answer when there have been strobes since it was told last."""
        if self._level != _UNKNOWN:
            self._take()
            return self._level
        self.say(_ASK)
        self._flush()
        since = ticks_ms()
        while not self._take():
            self._wait(select.POLLIN, since)
        return self._level

    def _flush(self):
        held, self._held = self._held, 0
        self._send(memoryview(self._out)[:held])

    def _take(self) -> bool:
        """Take in what has come. True: the answer was there."""
        answered = False
        while count := received(self._socket, self._in):
            for i in range(count):
                value = self._in[i]
                self._level = value & _LEVEL
                answered = answered or value & ~_LEVEL == _ANSWER
        return answered


class _Strobe:
    """As machine.Pin: value(level), or value() for the level that was set last."""

    def __init__(self, line):
        self._line = line
        self._level = 1

    def value(self, level: int = -1) -> int | None:
        if level < 0:
            return self._level
        self._level = level
        self._line.say(level)
        return None


class _Data:
    """As machine.Pin with an open drain: value(), and value(0) and value(1) to pull and to let go."""

    def __init__(self, line):
        self._line = line

    def value(self, level: int = -1) -> int | None:
        if level < 0:
            return self._line.level()
        self._line.say(_PULL + level)
        return None


class EdgeLine(_Line):
    """What drivers/mag_edges.py takes: arm, is_done, times, wipe."""

    def __init__(self, socket):
        super().__init__(socket)
        self._in = bytearray(_PIECE)
        # As long as a board has them, and as it has them: from the start, while the heap is in one piece
        self._tracks = [array("H", bytes(2 * most)) for most in _MOST]
        self._counts = [0, 0, 0]
        self._at = -_HEADER  # in the track that is coming; below 0: in what goes before it
        self._number = self._count = self._high = 0
        self._is_armed = self._is_done = False

    def arm(self) -> None:
        self.wipe()
        self._is_armed = True
        self._send(bytes((_ARMED,)))

    def is_done(self) -> bool:
        while count := received(self._socket, self._in):
            for i in range(count):
                self._take(self._in[i])
        wipe(self._in)
        return self._is_done

    def times(self, number: int):
        return self._tracks[number - 1], self._counts[number - 1]

    def wipe(self) -> None:
        self.is_done()
        for number in range(3):
            times = self._tracks[number]
            for i in range(self._counts[number]):
                times[i] = 0
            self._counts[number] = 0
        self._is_armed = self._is_done = False

    def _take(self, value: int) -> None:
        at = self._at
        self._at += 1
        if at == -3:
            if value == _DONE:
                self._is_done = True
                self._at = -_HEADER
            self._number = value
        elif at == -2:
            self._count = value << 8
        elif at == -1:
            self._count |= value
            if self._is_armed:
                self._counts[self._number - 1] = min(self._count, _MOST[self._number - 1])
        elif not at & 1:
            self._high = value
        elif at >> 1 < self._counts[self._number - 1]:
            self._tracks[self._number - 1][at >> 1] = self._high << 8 | value
        if at >= -1 and self._at == 2 * self._count:
            self._at = -_HEADER
