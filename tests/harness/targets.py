"""Where the device tests run: in processes of the unix port, on the emulated board, or on a real one.

pytest                                      the 32-bit unix port
pytest --target=qemu                        the emulated 32-bit board
pytest --target=device --port=/dev/ttyUSB0  a real board
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

import pytest

from harness.conversation import Conversation
from harness.process import HEAP_K, DeviceProcess, micropython
from harness.sources import Sources
from mpos.provision import compile as mpy
from mpos.provision import toolchain

_DEVICE_LIB = "tests/unit/lib"


class Target(Protocol):
    """A kind of device. Its methods raise ToolchainMissing where something is not set up, Failure where it fails."""

    def heading(self) -> list[str]:
        """Lines for the head of pytest's report."""

    def check(self) -> None:
        """Raises ToolchainMissing, whose words say how to get what is missing."""

    def compile(self, test: Path) -> list[mpy.CompileError]:
        """Compiles what a test file needs: what was refused, in any file."""

    def start(self, test: Path) -> Conversation:
        """A runner that imports the test file, with an empty heap and in an empty folder."""

    def close(self) -> None:
        """Lets go of everything, at the end of the run."""


class Unix:
    """The 32-bit unix port: a process for each file."""

    _ARCHITECTURE = "x86"
    _TREES = (*mpy.DEVICE_TREES, "tests/unit")

    def heading(self) -> list[str]:
        return []

    def check(self) -> None:
        pass  # at collection: a run without device tests needs nothing

    def compile(self, test: Path) -> list[mpy.CompileError]:
        micropython()
        return Sources.of(test).compile(self._ARCHITECTURE, self._TREES)

    def start(self, test: Path) -> Conversation:
        sources = Sources.of(test)
        top = sources.top_tree(self._ARCHITECTURE)
        here = sources.tree(self._ARCHITECTURE) / test.parent.relative_to(sources.base)
        path = ":".join(map(str, [here, top / _DEVICE_LIB, *(top / tree for tree in mpy.DEVICE_TREES), ".frozen"]))
        # A test of the whole firmware: here its code lies in the heap, on a board in the image
        said = re.search(r"^HEAP_K = (\d+)", test.read_text(encoding="utf-8"), re.MULTILINE)
        heap_k = int(said[1]) if said else HEAP_K
        return Conversation(test.stem, lambda mark: DeviceProcess(test.stem, mark, path, heap_k))

    def close(self) -> None:
        pass


_target = pytest.StashKey[Target]()


def of(config: pytest.Config) -> Target:
    """The target of this run."""
    return config.stash[_target]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("device tests")
    group.addoption(
        "--target",
        choices=("unix", "qemu", "device"),
        default="unix",
        help="where the device tests run: unix port (default), emulated board, or the board on --port",
    )
    group.addoption("--port", metavar="DEVICE", default="", help="the serial port of --target=device")


def pytest_configure(config: pytest.Config) -> None:
    target = _chosen(config)
    try:
        target.check()
    except toolchain.ToolchainMissing as missing:
        raise pytest.UsageError(str(missing)) from None
    config.stash[_target] = target


def _chosen(config: pytest.Config) -> Target:
    name, port = config.getoption("target"), config.getoption("port")
    if bool(port) != (name == "device"):
        raise pytest.UsageError("--target=device and --port=DEVICE go together: the board, and where it is")
    if name == "unix":
        return Unix()
    # Not loaded for nothing: what speaks to boards takes longer to import than most tests take.
    from harness.on_board import Attached, Emulated

    if name == "qemu":
        return Emulated()
    if hasattr(config, "workerinput") or config.getoption("numprocesses", None):
        raise pytest.UsageError("--target=device: there is one board, so run without -n (or with -n 0)")
    return Attached(port)


def pytest_report_header(config: pytest.Config) -> list[str]:
    return of(config).heading()


def pytest_unconfigure(config: pytest.Config) -> None:
    if target := config.stash.get(_target, None):
        target.close()
