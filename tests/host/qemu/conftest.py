"""Tests on the emulated microcontroller. Without `make setup TARGET=qemu` there is nothing to collect here; `make test`
says so in its last line.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from mpos.bench.qemu import Machine, booted
from mpos.provision import toolchain

try:
    toolchain.qemu()
    collect_ignore_glob: list[str] = []
except toolchain.ToolchainMissing:
    collect_ignore_glob = ["test_*.py"]

_TOOL_LIMIT_S = 60
Mpremote = Callable[..., Awaitable[str]]


@pytest_asyncio.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """A board with blank flash, at its prompt."""
    async with booted(tmp_path / "board") as machine:
        yield machine


@pytest.fixture
def mpremote() -> Callable[[Machine], Mpremote]:
    """mpremote(machine)(*arguments) -> what the real mpremote says, on the machine's console."""

    def on(machine: Machine) -> Mpremote:
        async def run(*arguments: str) -> str:
            command = [sys.executable, "-m", "mpremote", "connect", machine.console, *arguments]
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            try:
                said, _ = await asyncio.wait_for(process.communicate(), _TOOL_LIMIT_S)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            assert process.returncode == 0, said.decode()
            return said.decode().replace("\r\n", "\n")

        return run

    return on
