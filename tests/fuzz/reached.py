"""What of the firmware an input reaches: pairs of lines that follow one another. Slow, and needs no fuzzer."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.device import TOP
from tests.fuzz.targets import Target

_READER = str(TOP / "firmware" / "reader")
Steps = set[tuple[str, int, int]]


def steps(target: Target, data: bytes) -> Steps:
    """(file, line, next line) of each step in the firmware."""
    taken: Steps = set()

    def local(frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            taken.add((frame.f_code.co_filename, lines.get(frame, 0), frame.f_lineno))
            lines[frame] = frame.f_lineno
        elif event == "return":
            lines.pop(frame, None)
        return local

    def call(frame: FrameType, _event: str, _argument: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(_READER) else None

    lines: dict[FrameType, int] = {}
    before = sys.gettrace()
    sys.settrace(call)
    try:
        target.function(data)
    finally:
        sys.settrace(before)
    return taken


def worth_keeping(target: Target, kept: Iterable[Path], found: Iterable[Path]) -> list[Path]:
    """Those of `found`, the shortest first, that reach something that nothing kept before does."""
    reached: Steps = set()
    for path in kept:
        reached |= steps(target, path.read_bytes())
    chosen = []
    for path in sorted(found, key=lambda path: (path.stat().st_size, path.name)):
        new = steps(target, path.read_bytes()) - reached
        if new:
            reached |= new
            chosen.append(path)
    return chosen
