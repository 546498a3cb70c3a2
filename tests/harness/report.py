"""A failure on the device, shown as pytest shows its own: each frame with its source line, then the exception."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from _pytest._code.code import ReprEntry, ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from harness.conversation import Failure
from mpos.provision.compile import TOP

_FRAME = re.compile(r'  File "(.+)", line (\d+)(?:, in (.+))?\n?')
_RUNNER = "tests/unit/lib/runner.py"
_Frame = tuple[str, int, str]  # file, line, function


def explain(failure: Failure, here: _Frame, native: bool = False) -> ReprExceptionInfo:
    """pytest's own representation of a failure. `here` stands in where the device gave no traceback."""
    trace = failure.sections.get("trace", "")
    frames = [(file, int(line), name or "<module>") for file, line, name in _FRAME.findall(trace)]
    # The runner's own frames tell nothing; asyncio is frozen without sources.
    frames = [frame for frame in frames if (TOP / frame[0]).is_file() and not frame[0].endswith(_RUNNER)] or [here]
    lines = [*_said(failure, trace).splitlines(), *failure.sections.get("case", "").splitlines()]
    file, line, _ = frames[-1]
    crash = ReprFileLocation(shown(file), line, lines[0])
    if native and trace:
        text = trace + failure.sections.get("case", "")
        return ReprExceptionInfo(ReprTraceback([ReprEntryNative([text])], None, "native"), crash)
    entries: list[ReprEntry | ReprEntryNative] = [_entry(frame) for frame in frames]
    entries[-1].lines = [*entries[-1].lines, *(f"E   {line}".rstrip() for line in lines)]
    return ReprExceptionInfo(ReprTraceback(entries, None, "short"), crash)


def shown(file: str) -> str:
    """A path as the user of the shell would type it."""
    path = TOP / file
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _said(failure: Failure, trace: str) -> str:
    said = _FRAME.sub("", trace).replace("Traceback (most recent call last):", "").strip().removesuffix(":")
    if said.startswith("CancelledError"):
        said = "TimeoutError: the async test did not end within its time (ASYNC_LIMIT_S); it was waiting here"
    if code := re.match(r"ReaderError: \((\d+), ", said):
        said += f" {_error_names().get(int(code[1]), '')}"
    return ": ".join(filter(None, [failure.reason, said])) or "failed without a word"


def _entry(frame: _Frame) -> ReprEntry:
    file, line, name = frame
    return ReprEntry(
        ["    " + _source_line(file, line)], None, None, ReprFileLocation(shown(file), line, f"in {name}"), "short"
    )


def _source_line(file: str, line: int) -> str:
    lines = (TOP / file).read_text(encoding="utf-8").splitlines()
    return lines[line - 1].strip() if line <= len(lines) else ""


@cache
def _error_names() -> dict[int, str]:
    text = (TOP / "firmware/reader/errors.py").read_text(encoding="utf-8")
    return {int(number): name for name, number in re.findall(r"^(E_\w+) = const\((\d+)\)", text, re.M)}
