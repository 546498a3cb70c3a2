"""What is fuzzed. A target is a function of bytes that returns unless the reader misbehaves:

    @target("tlv")
    def tlv(data): ...

Its bytes are what a card sends, or choices and pieces of it (feed.py). Whatever it raises is a finding.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Function = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """`longest`: bytes of an input; `runs`: how many the test suite tries."""

    name: str
    function: Function
    longest: int
    runs: int


_targets: dict[str, Target] = {}


def target(name: str, longest: int = 512, runs: int = 300) -> Callable[[Function], Function]:
    """Decorator: makes the function a target."""

    def register(function: Function) -> Function:
        assert name not in _targets, name
        _targets[name] = Target(name, function, longest, runs)
        return function

    return register


def named(name: str) -> Target:
    """One of them. Imports what it needs of the firmware, and no more: all of it under the fuzzer takes seconds."""
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        if f'@target("{name}"' in path.read_text(encoding="utf-8"):
            importlib.import_module(f"{__name__}.{path.stem}")
    return _targets[name]


def targets() -> dict[str, Target]:
    """All of them, by name. Imports the firmware."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_targets.items()))
