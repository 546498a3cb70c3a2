"""Where the device tests run: in a process of the unix port, on the emulated board, or on a real one.

pytest                                      the 32-bit unix port
pytest --target=qemu                        the emulated 32-bit board
pytest --target=device --port=/dev/ttyUSB0  a real board
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import pytest

from harness.assertions import rewrite
from harness.conversation import Conversation
from harness.process import DeviceProcess, micropython
from mpos.provision import compile as mpy

_DEVICE_LIB = "tests/unit/lib"
_TARGET = pytest.StashKey["Target"]()


@dataclass(frozen=True)
class Sources:
    """The tree that a test file belongs to: the repository's, or for a file elsewhere the folder it is in."""

    base: Path

    @classmethod
    def of(cls, test: Path) -> Sources:
        return cls(mpy.TOP if test.is_relative_to(mpy.TOP) else test.parent)


class Target(Protocol):
    """A kind of device. Raises ToolchainMissing where something is not set up, Failure where it does not work."""

    def heading(self) -> str:
        """For the head of pytest's report; empty: nothing to say."""

    def check(self) -> None:
        """Raises ToolchainMissing with the command that brings what is missing."""

    def compile(self, test: Path) -> list[mpy.CompileError]:
        """Compiles what a test file needs: what was refused, in any file."""

    def start(self, test: Path) -> Conversation:
        """A runner that imports the test file, with an empty heap and an empty folder."""

    def close(self) -> None:
        """Lets go of everything, at the end of the run."""


class Unix:
    """The 32-bit unix port: a process for each file."""

    _ARCHITECTURE = "x86"
    _TREES = (*mpy.DEVICE_TREES, "tests/unit")

    def heading(self) -> str:
        return ""

    def check(self) -> None:
        pass  # at collection: without tests of the device nothing is needed

    def compile(self, test: Path) -> list[mpy.CompileError]:
        micropython()
        return compiled(Sources.of(test), self._ARCHITECTURE, self._TREES)

    def start(self, test: Path) -> Conversation:
        out = out_dir(mpy.TOP, self._ARCHITECTURE)
        base = Sources.of(test).base
        here = out_dir(base, self._ARCHITECTURE) / test.parent.relative_to(base)
        path = ":".join(map(str, [here, out / _DEVICE_LIB, *(out / tree for tree in mpy.DEVICE_TREES), ".frozen"]))
        return Conversation(test.stem, lambda mark: DeviceProcess(test.stem, mark, path))

    def close(self) -> None:
        pass


def of(config: pytest.Config) -> Target:
    """The target of this run."""
    return config.stash[_TARGET]


def compiled(sources: Sources, architecture: str, trees: tuple[str, ...]) -> list[mpy.CompileError]:
    """Brings the .mpy files of the repository and of a test's own folder up to date."""
    errors = _compiled(mpy.TOP, architecture, trees)
    return errors if sources.base == mpy.TOP else [*errors, *_compiled(sources.base, architecture, (".",))]


@cache
def _compiled(base: Path, architecture: str, trees: tuple[str, ...]) -> list[mpy.CompileError]:
    """Compiles once per run. Not strict: while a module is being edited only the tests that import it fail."""
    return mpy.compile_tree(
        out_dir(base, architecture), architecture, base=base, trees=trees, strict=False, rewrite=rewrite
    )


def out_dir(base: Path, architecture: str) -> Path:
    """Not the tree of `mpos run`: there the same sources are compiled without tests."""
    if base == mpy.TOP:
        return mpy.build_dir(architecture).with_name(f"{architecture}-tests")
    return base / ".mpy" / architecture


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("device tests")
    group.addoption(
        "--target",
        choices=("unix", "qemu", "device"),
        default="unix",
        help="where the device tests run: unix port (default), emulated board, or the board on --port",
    )
    group.addoption("--port", metavar="DEVICE", default="", help="serial port of the board of --target=device")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TARGET] = Unix()


def pytest_report_header(config: pytest.Config) -> str:
    return of(config).heading()


def pytest_unconfigure(config: pytest.Config) -> None:
    if target := config.stash.get(_TARGET, None):
        target.close()
