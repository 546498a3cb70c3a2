"""The reader's hardware, as the world switches it on and off: something that runs the firmware, and lines to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mpos.provision import rom, toolchain
from mpos.provision.compile import DEVICE_TREES

ROOT = Path(__file__).resolve().parents[3]
START = ROOT / "boards" / "unix" / "start.py"
STOP_TIMEOUT_S = 5.0
RESTART = 64  # exit code of a firmware that wants to be started anew (boards/unix/board.py)


class FirmwareDied(RuntimeError):
    """The firmware ended by itself; the text is what it printed last."""


class Device(Protocol):
    @property
    def output(self) -> str:
        """What the firmware has printed since it was switched on first."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Pull the plug."""
        ...

    async def died(self) -> None:
        """Returns when the firmware has ended by itself."""
        ...


class UnixDevice:
    """The firmware in a MicroPython process of the unix port: from its ROM image, or frozen into `binary`.

    environment: of the process that is started next.
    """

    def __init__(
        self, environment: Mapping[str, str], aioble: Path | None, bits: int, heap: str, binary: Path | None = None
    ):
        self._output = ""
        self.environment: dict[str, str] = {"PATH": os.environ.get("PATH", ""), **environment}
        self.image: Path | None = None  # the ROM image; None: `binary` has it all
        if binary is None:
            self.image = _image(bits, aioble or toolchain.aioble()[0])
            self.environment["MPOS_ROM"] = str(self.image)
            self._command = [str(toolchain.micropython(bits)), "-X", f"heapsize={heap}", str(START)]
        else:
            self.environment["MICROPYPATH"] = ".frozen"
            self._command = [str(binary), "-X", f"heapsize={heap}", "-m"]
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._is_on = False
        self.restarts = 0

    @property
    def output(self) -> str:
        return self._output

    async def start(self) -> None:
        self._is_on = True
        self._process = await self._micropython("main")
        self._watch = asyncio.create_task(self._run(), name="firmware")

    async def stop(self) -> None:
        self._is_on = False
        watch, self._watch = self._watch, None
        _kill(self._process)
        if watch is not None:
            await asyncio.wait([watch], timeout=STOP_TIMEOUT_S)
        self._process = None

    async def died(self) -> None:
        if self._watch is not None:
            await asyncio.wait([self._watch])

    async def _micropython(self, module: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            module,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.environment,
        )

    async def _run(self) -> None:
        """Until the firmware ends, and not to begin again."""
        while True:
            process = self._process
            assert process is not None and process.stdout is not None
            while chunk := await process.stdout.read(4096):
                self._output += chunk.decode(errors="replace")
            if await process.wait() != RESTART or self._is_off():
                return
            self.restarts += 1
            self._process = await self._micropython("main")
            if self._is_off():  # in this moment
                _kill(self._process)

    def _is_off(self) -> bool:
        return not self._is_on


_built: dict[tuple[int, Path], tuple[list[tuple[str, int, int]], Path]] = {}


def _image(bits: int, aioble: Path) -> Path:
    """The ROM image. Making sure that it is the newest takes longer than all else of a world: that is done again only when a
    source has changed since this process did it last."""
    sources: list[tuple[str, int, int]] = []
    for tree in (*(ROOT / tree for tree in DEVICE_TREES), aioble):
        for folder, _, names in os.walk(tree):
            for name in names:
                if name.endswith(".py"):
                    status = os.stat(os.path.join(folder, name))
                    sources.append((os.path.join(folder, name), status.st_mtime_ns, status.st_size))
    known = _built.get((bits, aioble))
    if known is None or known[0] != sources or not known[1].exists():
        _built[bits, aioble] = known = sources, rom.build(bits, aioble)
    return known[1]


def _kill(process: asyncio.subprocess.Process | None) -> None:
    if process is not None and process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
