"""The reader's hardware, as the world switches it on and off: something that runs the firmware, and lines to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mpos.provision import rom, toolchain

ROOT = Path(__file__).resolve().parents[3]
START = ROOT / "boards" / "unix" / "start.py"
STOP_TIMEOUT_S = 5.0
PERSONALISE_TIMEOUT_S = 20.0


class FirmwareDied(RuntimeError):
    """The firmware ended by itself; the text is what it printed last."""


class Device(Protocol):
    @property
    def output(self) -> str:
        """What the firmware has printed since it was switched on first."""
        ...

    async def personalise(self, line: str) -> str:
        """Hand `line` (initial key and KSN in hex) to the personalisation; returns what it said. Raises FirmwareDied."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Pull the plug."""
        ...

    async def died(self) -> None:
        """Returns when the firmware has ended by itself."""
        ...


class UnixDevice:
    """The firmware in a MicroPython process of the unix port: from its ROM image, or frozen into `binary`."""

    def __init__(
        self, environment: Mapping[str, str], aioble: Path | None, bits: int, heap: str, binary: Path | None = None
    ):
        self._output = ""
        self._environment = {"PATH": os.environ.get("PATH", ""), **environment}
        if binary is None:
            self._environment["MPOS_ROM"] = str(rom.build(bits, aioble or toolchain.aioble()[0]))
            self._command = [str(toolchain.micropython(bits)), "-X", f"heapsize={heap}", str(START)]
        else:
            self._environment["MICROPYPATH"] = ".frozen"
            self._command = [str(binary), "-X", f"heapsize={heap}", "-m"]
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def output(self) -> str:
        return self._output

    async def personalise(self, line: str) -> str:
        process = await self._micropython("inject", stdin=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(process.communicate(f"{line}\n".encode()), PERSONALISE_TIMEOUT_S)
        said = out.decode(errors="replace").strip()
        if process.returncode != 0:
            raise FirmwareDied(f"personalisation failed: {said}")
        return said

    async def start(self) -> None:
        self._process = await self._micropython("main")
        self._watch = asyncio.create_task(self._read_output(self._process), name="firmware output")

    async def stop(self) -> None:
        process, watch = self._process, self._watch
        self._process = self._watch = None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        if watch is not None:
            await asyncio.wait([watch], timeout=STOP_TIMEOUT_S)

    async def died(self) -> None:
        if self._watch is not None:
            await asyncio.wait([self._watch])

    async def _micropython(self, module: str, stdin: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            module,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
        )

    async def _read_output(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while chunk := await process.stdout.read(4096):
            self._output += chunk.decode(errors="replace")
        await process.wait()
