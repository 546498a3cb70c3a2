"""A raw REPL without a machine: what MicroPython's shared/runtime/pyexec.c says on a line, byte for byte."""

from __future__ import annotations

from collections.abc import Callable

PROMPT = b"raw REPL; CTRL-B to exit\r\n>"


class FakeBoard:
    """The line to a board that answers at once, so that nothing here ever waits.

    run: what a program does, given its text: (what it prints, its traceback).
    window: bytes that the board takes before it must say that it took them.
    chunk: bytes that arrive at a time, 0 for all.
    """

    def __init__(self, run: Callable[[str], tuple[str, str]] = lambda _: ("", ""), window: int = 32, chunk: int = 0):
        self.run = run
        self.window = window
        self.chunk = chunk
        self.deaf = False  # takes everything, says nothing
        self.gone = False
        self.busy = False  # a program that only an interrupt stops
        self.boot_says = b""
        self.breaks_off_after = 0  # bytes of a program, 0 for never
        self.said = b""  # on its way to the host
        self.resets = 0
        self.lines: list[bytes] = []  # sent to a program that runs
        self._raw = False
        self._paste: bytearray | None = None
        self._in_window = 0
        self._partial = b""
        self.running = False  # a program that has only begun; `run` may say so

    def write(self, data: bytes) -> None:
        if self.running:
            self.lines.append(data)
        elif not self.deaf:
            for i in range(len(data)):
                self._take(data[i : i + 1])

    def read(self, limit_s: float) -> bytes | None:
        if self.said:
            n = self.chunk or len(self.said)
            data, self.said = self.said[:n], self.said[n:]
            return data
        return b"" if self.gone else None

    def _take(self, byte: bytes) -> None:
        if self._paste is not None:
            self._take_pasted(byte)
        elif byte == b"\x03":
            self.busy = False
        elif self.busy:
            pass
        elif byte == b"\x01":
            if self._partial == b"\x05A":
                self._partial, self._paste, self._in_window = b"", bytearray(), 0
                self.said += b"R\x01" + self.window.to_bytes(2, "little")
            else:
                self._raw = True
                self.said += PROMPT
        elif byte == b"\x04" and self._raw:
            self.resets += 1
            self.said += b"OK\r\nMPY: soft reboot\r\n" + self.boot_says + PROMPT
        elif byte in b"\x05A" and self._raw:
            self._partial += byte

    def _take_pasted(self, byte: bytes) -> None:
        assert self._paste is not None
        if byte == b"\x04":
            program, self._paste = self._paste.decode(), None
            out, trace = self.run(program)
            self.said += b"\x04" + out.replace("\n", "\r\n").encode()
            if self.running:
                return
            self.said += b"\x04" + trace.replace("\n", "\r\n").encode() + b"\x04>"
            return
        self._paste += byte
        self._in_window += 1
        assert self._in_window <= 2 * self.window, "more than the board has room for"
        if len(self._paste) == self.breaks_off_after:
            self._paste = None
            self.said += b"\x04"
        elif self._in_window == self.window:
            self._in_window = 0
            self.said += b"\x01"
