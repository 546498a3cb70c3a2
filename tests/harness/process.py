"""A MicroPython process that runs one test module's functions on demand, and what becomes of it."""

from __future__ import annotations

import os
import re
import secrets
import selectors
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from typing import IO, cast

from mpos.provision import toolchain
from mpos.provision.compile import TOP

_HEAP = "128K"
_EXIT_LIMIT_S = 5  # between the end of the output and the end of the process
_CLOSE_LIMIT_S = 0.5
_MARKER_BYTES = 64  # no marker is longer
_OUTPUT_BYTES = 1_000_000  # a function may print


@dataclass
class Failure(Exception):
    """Why a function failed: `reason`, where the host found it out; `sections` ("trace", "case") from the device."""

    reason: str
    sections: dict[str, str] = field(default_factory=dict)


class DeviceProcess:
    """A MicroPython that has imported one module and waits for the names of functions.

    `ended`: it can run no more functions. `given_up`: nor could another process, for this reason.
    """

    def __init__(self, module: str, micropython_path: str):
        self.ended = False
        self.given_up = ""
        self._module = module
        self._pending = b""
        self._ready = False
        mark = secrets.token_hex(8)
        self._marker = re.compile(rb"\x1e" + mark.encode() + rb" (\w+)\x1f\r?\n")
        # A folder of its own to run in: files that a test writes are nobody else's, and gone afterwards.
        self._folder = tempfile.TemporaryDirectory(prefix="mpos-unit-")
        environment = {**os.environ, "MICROPYPATH": micropython_path, "MPOS_TOP": str(TOP)}
        environment.pop("MICROPYINSPECT", None)
        try:
            self._popen = subprocess.Popen(
                [micropython(), "-X", f"heapsize={_HEAP}", "-m", "runner", mark, module],
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

    def run(self, name: str, limit_s: float) -> tuple[str, Failure | None]:
        """Runs one function: what it printed, and how it failed."""
        deadline = time.monotonic() + limit_s
        imported = ""
        if not self._ready:
            word, sections = self._until(("ready", "fail"), deadline)
            imported = sections.pop("out")
            if word == "fail":
                self._give_up(f"importing {self._module} failed")
                return imported, Failure(f"importing {self._module} failed", sections)
            if word != "ready":
                failure = self._end(word, f"importing {self._module}")
                self._give_up(self.given_up or failure.reason)
                return imported, failure
            self._ready = True
        try:
            self._stdin.write(name.encode() + b"\n")
            self._stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended; reading on says how
        word, sections = self._until(("pass", "fail"), deadline)
        output = imported + sections.pop("out")
        if word == "pass":
            return output, None
        if word == "fail":
            return output, Failure("", sections)
        return output, self._end(word, name)

    def close(self) -> None:
        """Ends the process: by the end of its input, then by force."""
        try:
            self._stdin.close()
        except BrokenPipeError:
            pass
        try:
            self._popen.wait(0 if self.ended else _CLOSE_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
        self._selector.close()
        self._stdout.close()
        self._folder.cleanup()

    def _until(self, words: tuple[str, ...], deadline: float) -> tuple[str, dict[str, str]]:
        """Reads to one of the runner's words, or "died", "late" or "flooding"; the output by sections, "out" first."""
        sections, section = {"out": bytearray()}, "out"
        word = ""
        while not word:
            if found := self._marker.search(self._pending):
                sections[section] += self._pending[: found.start()]
                self._pending = self._pending[found.end() :]
                section = found[1].decode()
                if section in words:
                    word = section
                sections.setdefault(section, bytearray())
                continue
            # All but what could be the beginning of a marker.
            sections[section] += self._pending[:-_MARKER_BYTES]
            self._pending = self._pending[-_MARKER_BYTES:]
            left = deadline - time.monotonic()
            if len(sections[section]) > _OUTPUT_BYTES:
                word = "flooding"
            elif left <= 0 or not self._selector.select(left):
                word = "late"
            elif data := os.read(self._stdout.fileno(), 65536):
                self._pending += data
            else:
                word = "died"
        if word not in words:
            sections[section] += self._pending
            self._pending = b""
        return word, {
            name: data.decode(errors="backslashreplace") for name, data in sections.items() if name not in words
        }

    def _end(self, how: str, doing: str) -> Failure:
        self.ended = True
        if how == "late":
            self._give_up(f"{doing} had used up the file's time (FILE_LIMIT_S)")
            return Failure(f"{doing} did not end within the file's time (FILE_LIMIT_S)")
        if how == "flooding":
            return Failure(f"{doing}: more than {_OUTPUT_BYTES} bytes of output")
        try:
            code = self._popen.wait(_EXIT_LIMIT_S)
        except subprocess.TimeoutExpired:
            return Failure(f"{doing}: MicroPython closed its output without a result")
        if code < 0:
            return Failure(f"{doing}: MicroPython died from {signal.Signals(-code).name}")
        return Failure(f"{doing}: MicroPython exited with code {code} without a result")

    def _give_up(self, why: str) -> None:
        self.ended = True
        self.given_up = why


@cache
def micropython() -> str:
    """The 32-bit port: MPOS_MICROPYTHON, or the one that `make setup` builds."""
    if given := os.environ.get("MPOS_MICROPYTHON"):
        return given
    return str(toolchain.micropython(32))
