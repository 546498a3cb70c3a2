"""The runner on a board, behind the raw REPL of a serial port."""

from __future__ import annotations

import re
import time
from typing import Protocol

from harness import image
from harness.raw_repl import END, BoardError, RawRepl, last_line

_DEVICE_LIB = "tests/unit/lib"
_START_LIMIT_S = 10
_LAST_WORDS_LIMIT_S = 1
_RESTARTED = re.compile(rb"MicroPython v\d[^\n]*\n(?:Type [^\n]*\n)?>>> $")
_KEPT_BYTES = 4096  # enough for a traceback, and for the words of a restart
# main() is called from the outermost level: each import on the way to it would cost the tests some of the C stack.
_PROGRAM = """\
import sys
sys.path[:] = {path!r}
sys.argv[:] = {argv!r}
try:
    import own_folder
    import runner
    runner.main()
finally:
    print({over!r})
"""


class Machine(Protocol):
    """The board, as far as ending a test goes."""

    def ending(self) -> str:
        """What became of it, if it is no more: "the machine stopped: exit code 1". Empty: it is there."""

    def release(self) -> None:
        """The test file is done with it."""


class BoardRun:
    """A channel to the runner on a board, which is started here. Raises BoardError when that does not work."""

    def __init__(self, repl: RawRepl, machine: Machine, mark: str, module: str, folder: str):
        self._repl = repl
        self._machine = machine
        self._over = f"\x1e{mark} over\x1f"
        self._half = b""
        self._recent = b""
        self._ending = ""
        lib, firmware = (f"{image.MOUNTED}/{tree}" for tree in (_DEVICE_LIB, "firmware"))
        repl.execute(
            _PROGRAM.format(
                path=[folder, lib, firmware, ".frozen"],
                argv=["runner", mark, module, image.MOUNTED],
                over=self._over,
            ),
            _START_LIMIT_S,
        )

    def send(self, line: bytes) -> None:
        try:
            self._repl.line.write(line)
        except BoardError:
            pass  # the port is gone; reading on says so

    def read(self, limit_s: float) -> bytes | None:
        if self._ending:
            return b""
        data = self._repl.read(limit_s)
        if data == b"":
            self._ending = self._machine.ending() or "the serial port is gone"
        if not data:
            return data
        # The console ends lines as terminals want them. Half of such an end waits for the rest.
        data = self._half + data
        self._half = b"\r" if data.endswith(b"\r") else b""
        data = data.removesuffix(b"\r").replace(b"\r\n", b"\n")
        self._recent = (self._recent + data)[-_KEPT_BYTES:]
        if _RESTARTED.search(self._recent):
            self._ending = "the board has restarted"
        return data or self.read(limit_s)

    def ending(self) -> str:
        if not self._ending:
            words = last_line(self._last_words())
            self._ending = self._machine.ending() or f"the runner ended: {words or 'without a word'}"
        return self._ending

    def _last_words(self) -> str:
        """The traceback of the program, which comes between two marks after it is over."""
        deadline = time.monotonic() + _LAST_WORDS_LIMIT_S
        words = self._recent.rpartition(self._over.encode())[2]
        while words.count(END) < 2 and (more := self._repl.read(deadline - time.monotonic())):
            words += more
        return words.partition(END)[2].partition(END)[0].decode(errors="replace")

    def close(self, ended: bool) -> None:
        self._machine.release()
