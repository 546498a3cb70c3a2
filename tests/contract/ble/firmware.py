"""MicroPython with the unix board's bluetooth module, in a process of its own, told by a test what to do."""

from __future__ import annotations

import ast
import asyncio
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from mpos.provision import toolchain
from mpos.provision.compile import build_dir, compile_tree

HERE = Path(__file__).parent
PATIENCE_S = 15.0

# A scene for tests of the bluetooth module itself: every event is kept, and can be waited for.
BLUETOOTH = """
import bluetooth
from bluetooth import UUID
ble = bluetooth.BLE()
R, WNR, W, N, I = 0x02, 0x04, 0x08, 0x10, 0x20
events = []
heard = asyncio.Event()
hook = None
def on_event(event, data):
    events.append((event, tuple([bytes(x) if isinstance(x, memoryview) else x for x in data])))
    heard.set()
    return hook(event, data) if hook else None
ble.irq(on_event)
async def event(kind):
    while True:
        for i, (e, data) in enumerate(events):
            if e == kind:
                events.pop(i)
                return data
        heard.clear()
        await asyncio.wait_for(heard.wait(), 10)
"""


class DeviceError(Exception):
    """What the firmware's side raised, as it printed it."""


class Firmware:
    """A MicroPython process. `path`: folders before the compiled unix board, e.g. an aioble's."""

    def __init__(self, radio: str | None, path: str = "", program: str = "agent.py", arguments: tuple[str, ...] = ()):
        self._environment = {"PATH": os.environ.get("PATH", "")}
        if radio is not None:
            self._environment["MPOS_RADIO"] = radio
        self._path = path
        self._command = [str(HERE / program), *arguments]
        self.errors = ""

    async def __aenter__(self) -> Firmware:
        board = build_dir("x86")
        compile_tree(board, "x86", trees=("boards/unix",), strict=False)
        self._environment["MICROPYPATH"] = ":".join(filter(None, [self._path, str(board / "boards/unix"), ".frozen"]))
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            str(toolchain.micropython(32)), "-X", "heapsize=128K", *self._command,
            stdin=pipe, stdout=pipe, stderr=pipe, env=self._environment,
        )  # fmt: skip
        self._errors = asyncio.create_task(self._collect_errors())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await asyncio.wait_for(self._process.wait(), PATIENCE_S)
        await self._errors
        if kind is not None and self.errors:
            print(self.errors)

    async def _collect_errors(self) -> None:
        assert self._process.stderr
        while line := await self._process.stderr.readline():
            self.errors += line.decode(errors="replace")

    async def line(self) -> str:
        """The next line of its output."""
        assert self._process.stdout
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE_S)
        if not line:
            await self._errors
            raise DeviceError(f"the firmware ended: {self.errors}")
        return line.decode().rstrip()

    def start(self, code: str) -> None:
        """Tell it to do something; `result` waits for the end of it."""
        assert self._process.stdin
        self._process.stdin.write(repr(code).encode() + b"\n")

    async def result(self) -> Any:
        line = await self.line()
        if line.startswith("! "):
            raise DeviceError(line[2:])
        assert line.startswith("= "), line
        try:
            return ast.literal_eval(line[2:])
        except (ValueError, SyntaxError):
            return line[2:]

    async def do(self, code: str) -> Any:
        """Evaluate an expression there, awaiting it if need be, or execute statements."""
        self.start(code)
        return await self.result()

    async def close(self) -> int:
        """End its input and wait for its end."""
        assert self._process.stdin
        self._process.stdin.close()
        return await asyncio.wait_for(self._process.wait(), PATIENCE_S)
