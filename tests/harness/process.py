"""The runner in a MicroPython process on this machine, behind pipes."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
from functools import cache
from typing import IO, cast

from mpos.provision import toolchain
from mpos.provision.compile import TOP

HEAP_K = 128  # kilobytes, as on the boards; a file may say HEAP_K = n
_EXIT_LIMIT_S = 5  # between the end of the output and the end of the process
_CLOSE_LIMIT_S = 0.5


class DeviceProcess:
    """A channel to the runner in a process of its own, which is started here."""

    def __init__(self, module: str, mark: str, micropython_path: str, heap_k: int = HEAP_K):
        # A folder of its own to run in: files that a test writes are nobody else's, and gone afterwards.
        self._folder = tempfile.TemporaryDirectory(prefix="mpos-unit-")
        environment = {**os.environ, "MICROPYPATH": micropython_path}
        environment.pop("MICROPYINSPECT", None)
        try:
            self._popen = subprocess.Popen(
                [micropython(), "-X", f"heapsize={heap_k}K", "-m", "runner", mark, module, str(TOP)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self._folder.name,
                start_new_session=True,
            )
        except BaseException:
            self._folder.cleanup()
            raise
        self._stdin = cast(IO[bytes], self._popen.stdin)
        self._stdout = cast(IO[bytes], self._popen.stdout)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)

    def send(self, line: bytes) -> None:
        try:
            self._stdin.write(line)
            self._stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended; reading on says how

    def read(self, limit_s: float) -> bytes | None:
        return os.read(self._stdout.fileno(), 65536) if self._selector.select(limit_s) else None

    def ending(self) -> str:
        try:
            code = self._popen.wait(_EXIT_LIMIT_S)
        except subprocess.TimeoutExpired:
            return "MicroPython closed its output without a result"
        if code < 0:
            return f"MicroPython died from {signal.Signals(-code).name}"
        return f"MicroPython exited with code {code} without a result"

    def close(self, ended: bool) -> None:
        """Ends the process: by the end of its input, then by force."""
        try:
            self._stdin.close()
        except BrokenPipeError:
            pass
        try:
            self._popen.wait(0 if ended else _CLOSE_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
        self._selector.close()
        self._stdout.close()
        self._folder.cleanup()


@cache
def micropython() -> str:
    """The 32-bit port: MPOS_MICROPYTHON, or the one that `make setup` builds."""
    if given := os.environ.get("MPOS_MICROPYTHON"):
        return given
    return str(toolchain.micropython(32))
