"""A MicroPython with the firmware in it, as the device's side of a contract test."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from mpos.provision.compile import firmware_path, program
from mpos.provision.toolchain import micropython

HEAP = "128K"


async def said_by(*arguments: str, limit_s: float) -> str:
    """What it prints until it ends by itself. Fails the test when it does not within `limit_s`, or ends in an error."""
    process = await asyncio.create_subprocess_exec(
        *(str(micropython(32)), "-X", f"heapsize={HEAP}", *arguments),
        env={**os.environ, "MICROPYPATH": firmware_path(32)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), limit_s)
    except TimeoutError:
        pytest.fail("the driver hangs")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = output.decode()
    assert process.returncode == 0, text
    return text


async def sessions(source: str, *arguments: str, limit_s: float) -> dict[tuple[int, str], list[str]]:
    """The words of each line that the program of that path prints, behind the first two, which are the session's number
    and which one it was."""
    found = {}
    for line in (await said_by(str(program(Path(source))), *arguments, limit_s=limit_s)).splitlines():
        number, which, *rest = line.split(" ")
        found[int(number), which] = rest
    return found
