"""Device tests on a board with a serial console: the emulated one, or one on a port of this machine."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

from harness import image
from harness.board import BoardRun
from harness.conversation import Channel, Conversation, Failure
from harness.emulator import EmulatedBoard, Loop
from harness.raw_repl import BoardError, RawRepl, SerialLine
from harness.sources import Sources
from mpos.provision import compile as mpy
from mpos.provision import toolchain

_TREES = ("firmware", "tests/unit")
_ANSWER_LIMIT_S = 10
_DEPLOY_LIMIT_S = 600  # a megabyte at 115200 baud takes two minutes
# sys.implementation._mpy >> 10, by MicroPython's docs/reference/mpyfiles.rst
_ARCHITECTURES = {1: "x86", 2: "x64", 10: "xtensawin", 11: "rv32imc"}
_MPY_VERSION = (6, 3)  # of the .mpy files that the project's compiler writes

_ABOUT = """\
import sys
m = sys.implementation._mpy
print(m >> 10, m & 255, m >> 8 & 3, sys.platform)
"""
_IDENTITY = f"""\
try:
    with open("{image.MOUNTED}/{image.IDENTITY}") as f:
        print(f.read())
except OSError:
    pass
"""


@cache
def _image(sources: Sources, architecture: str) -> tuple[Path, str]:
    """The image with a test's tree, made once per run, and its identity."""
    out = sources.top_tree(architecture)
    trees = {"": out}
    if sources.is_elsewhere:
        trees[image.SCRATCH] = out = sources.tree(architecture)
    tests = sources.base if sources.is_elsewhere else mpy.TOP / "tests" / "unit"
    path = out.with_name(out.name + ".img")
    return path, image.build(path, trees, tests)


def _folder(test: Path) -> str:
    """Where the image has the folder of a test file."""
    sources = Sources.of(test)
    parts = [image.MOUNTED, *([image.SCRATCH] if sources.is_elsewhere else [])]
    return "/".join([*parts, *test.parent.relative_to(sources.base).parts])


class Emulated:
    """The emulated 32-bit board: a machine, with blank flash, for each file."""

    _ARCHITECTURE = "rv32imc"

    def __init__(self) -> None:
        self._loop = Loop()

    def heading(self) -> list[str]:
        return ["device tests: on the emulated board (boards/qemu_rv32)"]

    def check(self) -> None:
        toolchain.qemu()

    def compile(self, test: Path) -> list[mpy.CompileError]:
        return Sources.of(test).compile(self._ARCHITECTURE, _TREES)

    def start(self, test: Path) -> Conversation:
        path, _ = _image(Sources.of(test), self._ARCHITECTURE)
        try:
            return Conversation(test.stem, lambda mark: self._begin(path, test, mark))
        except BoardError as error:
            raise Failure(f"the emulated board cannot run tests: {error}") from None

    def _begin(self, rom: Path, test: Path, mark: str) -> Channel:
        machine = EmulatedBoard(self._loop, rom)
        try:
            repl = RawRepl(machine)
            repl.enter(_ANSWER_LIMIT_S)
            return BoardRun(repl, machine, mark, test.stem, _folder(test))
        except BaseException:
            machine.release()
            raise

    def close(self) -> None:
        self._loop.close()


class Attached:
    """A board on a serial port; each file begins with a soft reset."""

    def __init__(self, port: str):
        self._port = port
        self._repl: RawRepl | None = None
        self._line: SerialLine | None = None
        self._architecture = ""
        self._deployed = ""

    def heading(self) -> list[str]:
        return [f"device tests: on the board on {self._port}"]

    def check(self) -> None:
        toolchain.mpy_cross()

    def compile(self, test: Path) -> list[mpy.CompileError]:
        return Sources.of(test).compile(self._known_architecture(), _TREES)

    def start(self, test: Path) -> Conversation:
        try:
            self._deploy(*_image(Sources.of(test), self._known_architecture()))
            repl = self._connected()
            repl.enter(_ANSWER_LIMIT_S, soft_reset=True)
            return Conversation(test.stem, lambda mark: BoardRun(repl, self, mark, test.stem, _folder(test)))
        except BoardError as error:
            raise self._failure(error) from None

    def ending(self) -> str:
        return ""

    def release(self) -> None:
        """Stops a test that may still run. Whether it worked shows at the next start."""
        try:
            if self._repl:
                self._repl.enter(_ANSWER_LIMIT_S)
        except BoardError:
            self.close()

    def close(self) -> None:
        line, self._line, self._repl = self._line, None, None
        if line:
            line.close()

    def _failure(self, error: BoardError) -> Failure:
        self.close()
        return Failure(f"the board on {self._port} cannot run tests: {error}")

    def _connected(self) -> RawRepl:
        if not self._repl:
            self._line = SerialLine(self._port)
            self._repl = RawRepl(self._line)
            self._repl.enter(_ANSWER_LIMIT_S)
        return self._repl

    def _known_architecture(self) -> str:
        if not self._architecture:
            try:
                said = self._connected().run(_ABOUT, _ANSWER_LIMIT_S).split()
                machine, version, sub_version = map(int, said[:3])
                if (version, sub_version) != _MPY_VERSION:
                    raise BoardError(
                        f"its MicroPython takes .mpy files of version {version}.{sub_version}, "
                        f"these are {_MPY_VERSION[0]}.{_MPY_VERSION[1]}: flash MicroPython {toolchain.micropython_version()}"
                    )
                if machine not in _ARCHITECTURES:
                    raise BoardError(f"no compiler for its processor ({said[3]}, architecture {machine})")
                self._architecture = _ARCHITECTURES[machine]
            except BoardError as error:
                raise self._failure(error) from None
        return self._architecture

    def _deploy(self, path: Path, identity: str) -> None:
        """Brings the image to the board, unless it is there."""
        if self._deployed == identity:
            return
        if self._identity() != identity:
            self.close()
            said = _mpremote("connect", self._port, "romfs", "deploy", str(path))
            if self._identity() != identity:
                raise BoardError(f"the ROM image of the tests did not arrive; mpremote said: {said}")
        self._deployed = identity

    def _identity(self) -> str:
        repl = self._connected()
        repl.enter(_ANSWER_LIMIT_S, soft_reset=True)  # mounts what is in the ROM
        return repl.run(_IDENTITY, _ANSWER_LIMIT_S).strip()


def _mpremote(*arguments: str) -> str:
    """The last line of what mpremote said."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=_DEPLOY_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"nothing within {_DEPLOY_LIMIT_S} s"
    lines = done.stdout.decode(errors="replace").replace("\r", "\n").strip().splitlines()
    return lines[-1] if lines else "nothing"
