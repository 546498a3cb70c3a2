"""What `make setup` made for this clone: where MicroPython, mpy-cross and aioble are.

The set-up leaves a note in build/toolchain.json; nothing is searched for here.
"""

import functools
import json
import os
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[3]
STAND_IN = CLONE / "boards" / "unix" / "aioble_standin"
NOTE = CLONE / "build" / "toolchain.json"


class ToolchainMissing(Exception):
    """The set-up was not run, or what it made is gone."""


def micropython(bits: int) -> Path:
    """The unix port of MicroPython with a word of `bits` (32 or 64)."""
    return _existing(_note("micropython", str(bits)))


def micropython_version() -> str:
    """`1.25.0`"""
    return _note("micropython_version")


def mpy_cross() -> Path:
    """The compiler to .mpy files, of the same release as MicroPython."""
    return _existing(_note("mpy_cross"))


def aioble() -> tuple[Path, str]:
    """(folder for MICROPYPATH that holds `aioble`, its version). The version is "stand-in" for the project's own."""
    return _existing(_note("aioble", "path")), _note("aioble", "version")


def aiobles() -> list[tuple[Path, str]]:
    """Every aioble at hand, as `aioble` gives them: the stand-in always, and the real one where set-up found it."""
    stand_in = (STAND_IN, "stand-in")
    found = aioble()
    return [stand_in] if found[1] == "stand-in" else [stand_in, found]


def aioble_in_words() -> str:
    """For every run's output: which aioble it was."""
    version = aioble()[1]
    if version == "stand-in":
        return "aioble: the project's stand-in (MicroPython's own was not to be had)"
    return f"aioble: MicroPython's own, {version}"


@functools.cache
def _read(path: Path, modified_ns: int) -> Any:
    return json.loads(path.read_text())


def _note(*keys: str) -> str:
    """The entry of the note under `keys`."""
    try:
        entry = _read(NOTE, os.stat(NOTE).st_mtime_ns)
        for key in keys:
            entry = entry[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ToolchainMissing(
            f"The toolchain is not there ({NOTE} is missing or broken). Run `make setup` first."
        ) from error
    return str(entry)


def _existing(path: str) -> Path:
    if not os.path.exists(path):
        raise ToolchainMissing(f"{path} is gone. Run `make setup` again.")
    return Path(path)


if __name__ == "__main__":
    print(f"MicroPython {micropython_version()}; {aioble_in_words()}")
