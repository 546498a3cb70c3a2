"""The device's code on CPython: found, imported, driven and bounded."""

from __future__ import annotations

import builtins
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
_SHIM = TOP / "tests" / "fuzz" / "shim"
_FIRMWARE = TOP / "firmware"
_VIPER_NAMES = {"ptr8": object, "ptr16": object, "ptr32": object, "uint": int}
_PERIOD = 1 << 30  # of MicroPython's ticks


def _stands_still(*_: int) -> int:
    return 0


# What a driver imports of MicroPython's `time`; a target gives it a clock of its own
_TIME_NAMES: dict[str, Callable[..., int]] = {
    "ticks_ms": _stands_still,
    "ticks_us": _stands_still,
    "sleep_us": _stands_still,
    "ticks_add": lambda ticks, delta: (ticks + delta) % _PERIOD,
    "ticks_diff": lambda end, start: (end - start + _PERIOD // 2) % _PERIOD - _PERIOD // 2,
}


def install() -> None:
    """Lets `import reader...` find the firmware. Twice is once."""
    for folder in (_SHIM, _FIRMWARE):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    # What viper code names in its annotations; on the device the compiler knows these
    for name, value in _VIPER_NAMES.items():
        if not hasattr(builtins, name):
            setattr(builtins, name, value)
    for name, function in _TIME_NAMES.items():
        if not hasattr(time, name):
            setattr(time, name, function)


install()
from reader.errors import ReaderError  # type: ignore[import-not-found]


class Unbounded(AssertionError):
    """More operations on a line or a card than any conversation takes: the reader would hang."""


class Budget:
    """Counts operations that the device asks of its surroundings."""

    def __init__(self, most: int):
        self._most = most
        self.spent = 0

    def spend(self, amount: int = 1) -> None:
        self.spent += amount
        if self.spent > self._most:
            raise Unbounded(f"more than {self._most} operations")


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine of the device to its end. Everything it awaits here answers at once."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    finally:
        coroutine.close()
    raise AssertionError("it waits for something that was not handed in")


def attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function returns, coroutines driven to their end; None for the one exception that is allowed."""
    try:
        result = function(*arguments)
        return drive(result) if isinstance(result, Coroutine) else result
    except ReaderError as error:
        assert 100 <= error.code < _E_INTERNAL, error
        assert isinstance(error.detail, int), error
        return None


_E_INTERNAL = 899
