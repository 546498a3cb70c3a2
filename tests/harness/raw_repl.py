"""MicroPython's raw REPL over a serial port: interrupt, soft reset, hand over a program, read what it prints.

The program goes over in raw-paste mode, whose flow control loses nothing on any port.
"""

from __future__ import annotations

import os
import secrets
import select
import time
from typing import Protocol

import serial

END = b"\x04"  # of a program, of what it printed, and of its traceback
_INTERRUPT, _ENTER_RAW = b"\x03", b"\x01"
_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
_SOFT_REBOOT = b"soft reboot\r\n"
_RAW_PASTE = b"\x05A\x01"
_RAW_PASTE_BEGINS = b"R\x01"
_BAUD = 115200
_WRITE_LIMIT_S = 10
_TRY_S = 1  # how long one interrupt may take to be answered
_KEPT_BYTES = 200  # of what came instead, in a message


class BoardError(Exception):
    """The board does not answer as MicroPython does."""


class SerialLine:
    """A serial port, or the pseudo-terminal of an emulated machine."""

    def __init__(self, port: str):
        """Raises BoardError when the port cannot be had."""
        try:
            self._port = serial.Serial(port, _BAUD, timeout=0, write_timeout=_WRITE_LIMIT_S, exclusive=True)
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise BoardError(f"{port} cannot be opened: {error}") from None
        self._name = port

    def write(self, data: bytes) -> None:
        """Raises BoardError when the port is gone or takes nothing."""
        try:
            self._port.write(data)
        except OSError as error:
            raise BoardError(f"{self._name}: {error}") from None

    def read(self, limit_s: float) -> bytes | None:
        """What has come; None: nothing in that time; empty: the port is gone."""
        try:
            if not select.select([self._port.fileno()], [], [], max(0, limit_s))[0]:
                return None
            return os.read(self._port.fileno(), 65536)
        except OSError:
            return b""

    def close(self) -> None:
        try:
            self._port.close()
        except OSError:
            pass  # it was pulled out


class Line(Protocol):
    """What the raw REPL needs of a line."""

    def write(self, data: bytes) -> None: ...
    def read(self, limit_s: float) -> bytes | None: ...


class RawRepl:
    """The raw REPL at the far end of a line. Every method raises BoardError after `limit_s` without its answer."""

    def __init__(self, line: Line):
        self.line = line
        self._pending = b""

    def enter(self, limit_s: float, soft_reset: bool = False) -> None:
        """Interrupts whatever runs, and empties the heap if `soft_reset`."""
        deadline = time.monotonic() + limit_s
        while True:
            self.line.write(b"\r" + 2 * _INTERRUPT + b"\r" + _ENTER_RAW)
            try:
                self._until(_PROMPT, min(deadline, time.monotonic() + _TRY_S))
                break
            except BoardError:
                if time.monotonic() > deadline:
                    raise
        if soft_reset:
            # Prompts of repeated requests come before this answer, and boot.py's words between the two.
            self.line.write(END)
            self._until(_SOFT_REBOOT, deadline)
            self._until(_PROMPT, deadline)

    def execute(self, program: str, limit_s: float) -> None:
        """Starts a program; what it prints is `read` from now on, up to two "\\x04" with a traceback between them."""
        deadline = time.monotonic() + limit_s
        self.line.write(_RAW_PASTE)
        self._until(_RAW_PASTE_BEGINS, deadline)
        window = left = int.from_bytes(self._exactly(2, deadline), "little")
        data = program.encode()
        while data:
            while left <= 0:
                answer = self._exactly(1, deadline)
                if answer != b"\x01":
                    raise BoardError(f"the board broke off a transfer with {answer!r}")
                left += window
            self.line.write(data[:left])
            data, left = data[left:], left - len(data[:left])
        self.line.write(END)
        self._until(END, deadline)  # preceded by what is left of flow control

    def run(self, program: str, limit_s: float) -> str:
        """What a short program prints. Raises BoardError with the last line of its traceback if it fails."""
        deadline = time.monotonic() + limit_s
        # Around the output, so that nothing a machine said before is taken for it.
        mark = secrets.token_hex(8)
        self.execute(f"print({mark!r})\n{program}", limit_s)
        said = self._until(END, deadline).partition(mark.encode() + b"\r\n")[2]
        trace = self._until(END, deadline)
        if trace:
            raise BoardError(last_line(trace.decode(errors="replace")))
        return said.decode(errors="replace").replace("\r\n", "\n")

    def read(self, limit_s: float) -> bytes | None:
        """As the line's, beginning with what an earlier answer brought along."""
        if self._pending:
            data, self._pending = self._pending, b""
            return data
        return self.line.read(limit_s)

    def _until(self, end: bytes, deadline: float) -> bytes:
        """What comes before `end`, which is taken away with it."""
        data = b""
        while end not in data:
            more = self.read(deadline - time.monotonic())
            if not more:
                seen = data[-_KEPT_BYTES:]
                raise BoardError(
                    "the port is gone" if more == b"" else f"no answer, only {seen!r}" if seen else "no answer"
                )
            data += more
        before, _, self._pending = data.partition(end)
        return before

    def _exactly(self, count: int, deadline: float) -> bytes:
        data = b""
        while len(data) < count:
            more = self.read(deadline - time.monotonic())
            if not more:
                raise BoardError("the port is gone" if more == b"" else "no answer")
            data += more
        data, self._pending = data[:count], data[count:] + self._pending
        return data


def last_line(text: str) -> str:
    """The last line that is not empty: of a traceback, the exception."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
