"""The firmware's ISO 8583 code in a MicroPython process that stays for all tests of a file."""

from __future__ import annotations

import json
import selectors
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mpos.provision.compile import firmware_path
from mpos.provision.toolchain import micropython

_PROGRAM = Path(__file__).with_name("device_messages.py")
_LIMIT_S = 20


class Device:
    """`ask(op, ...)` gives the device's answer; see device_messages.py."""

    def __init__(self, process: subprocess.Popen[bytes]):
        self._process = process
        self._pending = b""
        self._selector = selectors.DefaultSelector()
        assert process.stdout
        self._selector.register(process.stdout, selectors.EVENT_READ)

    def ask(self, op: str, **request: Any) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"op": op, **request}).encode() + b"\n")
        self._process.stdin.flush()
        while b"\n" not in self._pending:
            assert self._selector.select(_LIMIT_S), f"no answer to {op} in {_LIMIT_S} s"
            data = self._process.stdout.read1(65536)
            assert data, f"MicroPython ended at {op} {request}"
            self._pending += data
        line, self._pending = self._pending.split(b"\n", 1)
        result: dict[str, Any] = json.loads(line)
        return result


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    process = subprocess.Popen(
        [str(micropython(32)), "-X", "heapsize=128K", str(_PROGRAM)],
        env={"MICROPYPATH": firmware_path(32)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield Device(process)
        assert process.stdin
        process.stdin.close()
        assert process.wait(_LIMIT_S) == 0
    finally:
        process.kill()
        process.wait()
