"""Talks with the runner on the device (tests/unit/lib/runner.py), whatever lies between: a pipe or a serial line."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

_MARKER_BYTES = 64  # no marker is longer
_OVER = "over"  # said where the end of a program does not close its output
_OUTPUT_BYTES = 1_000_000  # a function may print


@dataclass
class Failure(Exception):
    """Why a function failed: `reason`, where the host found it out; `sections` ("trace", "case") from the device."""

    reason: str
    sections: dict[str, str] = field(default_factory=dict)


class Channel(Protocol):
    """Standard input and output of a runner that has been started."""

    def send(self, line: bytes) -> None:
        """Hands on a line. That the far end is gone shows when reading."""

    def read(self, limit_s: float) -> bytes | None:
        """What has come; None: nothing in that time; empty: nothing will any more."""

    def ending(self) -> str:
        """What became of the far end, after `read` gave nothing: "MicroPython died from SIGSEGV"."""

    def close(self, ended: bool) -> None:
        """Stops the far end. `ended`: it will not stop by itself, or has already."""


class Conversation:
    """A MicroPython that has imported one module and waits for the names of functions.

    `start(mark)` starts the runner with that mark. `ended`: it can run no more functions. `given_up`: nor could another
    one, for this reason.
    """

    def __init__(self, module: str, start: Callable[[str], Channel]):
        self.ended = False
        self.given_up = ""
        self._module = module
        self._pending = b""
        self._ready = False
        mark = secrets.token_hex(8)
        self._marker = re.compile(rb"\x1e" + mark.encode() + rb" (\w+)\x1f\r?\n")
        self._channel = start(mark)

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
        self._channel.send(name.encode() + b"\n")
        word, sections = self._until(("pass", "fail"), deadline)
        output = imported + sections.pop("out")
        if word == "pass":
            return output, None
        if word == "fail":
            return output, Failure("", sections)
        return output, self._end(word, name)

    def close(self) -> None:
        self._channel.close(self.ended)

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
                elif section == _OVER:
                    word = "died"
                sections.setdefault(section, bytearray())
                continue
            # All but what could be the beginning of a marker.
            sections[section] += self._pending[:-_MARKER_BYTES]
            self._pending = self._pending[-_MARKER_BYTES:]
            left = deadline - time.monotonic()
            if len(sections[section]) > _OUTPUT_BYTES:
                word = "flooding"
            elif left <= 0 or (data := self._channel.read(left)) is None:
                word = "late"
            elif data:
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
        return Failure(f"{doing}: {self._channel.ending()}")

    def _give_up(self, why: str) -> None:
        self.ended = True
        self.given_up = why
