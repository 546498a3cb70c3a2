"""Byte lines in memory, to be awaited with asyncio streams as a UART or a socket is (reader/ports.py: Line)."""

import io

from testing import h, hexed

# py/stream.h
_MP_STREAM_POLL = 3
_MP_STREAM_CLOSE = 4
_POLL_RD = 0x01
_POLL_WR = 0x04
_POLL_HUP = 0x10


class _Receiver(io.IOBase):
    """The receiving half: what has arrived, and whether the far side has closed."""

    def __init__(self, chunk):
        self._arrived = bytearray()
        self._chunk = chunk
        self._closed = False

    def readinto(self, buf) -> int | None:
        """Bytes read; None: nothing there yet; 0: the line is closed."""
        if not self._arrived:
            return 0 if self._closed else None
        n = min(len(buf), len(self._arrived))
        if self._chunk:
            n = min(n, self._chunk)
        buf[:n] = self._arrived[:n]
        self._arrived = self._arrived[n:]
        return n

    def read(self, n: int = -1) -> bytes | None:
        """Up to `n` bytes (-1: all there are); None: nothing there yet; b"": the line is closed."""
        buf = bytearray((len(self._arrived) if n < 0 else min(n, len(self._arrived))) or 1)
        got = self.readinto(buf)
        return None if got is None else bytes(buf[:got])

    def readline(self) -> bytes | None:
        """Bytes up to and with the next line feed, or what there is of them."""
        n = self._arrived.find(b"\n") + 1
        return self.read(n or -1)

    def ioctl(self, request: int, flags: int) -> int:
        if request == _MP_STREAM_POLL:
            ready = 0
            if self._arrived or self._closed:
                ready |= _POLL_RD
            if self._closed:
                ready |= _POLL_HUP
            if self._writable():
                ready |= _POLL_WR
            # A closed line reports itself even to those who did not ask, as poll(2) does.
            return ready & (flags | _POLL_HUP)
        if request == _MP_STREAM_CLOSE:
            self.close()
            return 0
        return -1

    def _writable(self) -> bool:
        return True


class ScriptedLine(_Receiver):
    """A line with one conversation: [(expected, reply), ...], hex or bytes, which aborts on any deviation.

    When all of `expected` has been written, in whatever pieces, `reply` arrives. An empty `expected` lets its reply
    arrive unasked; a reply of None closes the line. `chunk` bounds what one read returns.
    """

    def __init__(self, script, chunk: int = 0):
        super().__init__(chunk)
        self._script = [(h(expected), None if reply is None else h(reply)) for expected, reply in script]
        self._matched = 0  # bytes of the present step's `expected`
        self._broken = None
        self.position = 0  # steps done
        self._advance()

    def write(self, buf) -> int:
        """Takes all of `buf`; 0: the line is closed. AssertionError when the bytes are not the next of the script."""
        if self._broken:
            raise AssertionError(self._broken)
        if self._closed:
            return 0
        written = 0
        while written < len(buf):
            if self.position >= len(self._script):
                self._fail(f"{hexed(buf[written:])} written after the end of the script")
            expected = self._script[self.position][0]
            n = min(len(buf) - written, len(expected) - self._matched)
            if bytes(buf[written : written + n]) != expected[self._matched : self._matched + n]:
                left = expected[self._matched :]
                at = f"step {self.position} from byte {self._matched}"
                self._fail(f"{at}: expected {hexed(left)}, got {hexed(buf[written:])}")
            written += n
            self._matched += n
            if self._matched == len(expected):
                self._finish_step()
                self._advance()
        return len(buf)

    def close(self) -> None:
        self._closed = True

    def done(self) -> None:
        """Asserts that the whole script was played and every reply read."""
        if self._broken:
            raise AssertionError(self._broken)
        if self.position != len(self._script):
            raise AssertionError(f"the script ended at step {self.position} of {len(self._script)}")
        if self._arrived:
            raise AssertionError(f"{hexed(self._arrived)} was never read")

    def _advance(self):
        # Steps that expect nothing happen by themselves.
        while self.position < len(self._script) and not self._script[self.position][0]:
            self._finish_step()

    def _finish_step(self):
        reply = self._script[self.position][1]
        self.position += 1
        self._matched = 0
        if reply is None:
            self._closed = True
        else:
            self._arrived += reply

    def _fail(self, message):
        self._broken = message
        raise AssertionError(message)


class _End(_Receiver):
    """One end of a pipe."""

    def __init__(self, capacity, chunk):
        super().__init__(chunk)
        self._capacity = capacity
        self._peer = self

    def write(self, buf) -> int | None:
        """Bytes taken; None: the pipe is full; 0: the far end is closed."""
        if self._closed:
            return 0
        n = min(len(buf), self._room())
        if not n and len(buf):
            return None
        self._peer._arrived += bytes(buf[:n])
        return n

    def close(self) -> None:
        """Closes the line for both ends; what has been written can still be read."""
        self._closed = self._peer._closed = True

    def _room(self):
        return self._capacity - len(self._peer._arrived)

    def _writable(self):
        return self._room() > 0


def Pipe(capacity: int = 512, chunk: int = 0):
    """Two ends of a duplex line: what is written to one is read from the other. `capacity` bytes fit each way."""
    a, b = _End(capacity, chunk), _End(capacity, chunk)
    a._peer, b._peer = b, a
    return a, b
