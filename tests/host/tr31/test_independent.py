"""Key blocks made by psec: the device unwraps exactly these, and none that differs in a bit."""

from __future__ import annotations

import json
import random
import select
import string
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from psec import tr31

from mpos.provision.compile import firmware_path
from mpos.provision.toolchain import micropython
from tests.fuzz.properties import EVERY

_PROGRAM = Path(__file__).with_name("device_blocks.py")
_LIMIT_S = 30
_MOST = 512
_E_KEY_BLOCK = 508
_LENGTH, _MAC = 1, 5


class Device:
    def __init__(self, process: subprocess.Popen[bytes]):
        self._process = process

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        assert select.select([self._process.stdout], [], [], _LIMIT_S)[0], "no answer"
        line = self._process.stdout.readline()
        assert line, f"MicroPython ended at {request}"
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


_ALPHANUMERIC = string.ascii_uppercase + string.digits
_ONE = st.sampled_from(_ALPHANUMERIC)
_TWO = st.text(_ALPHANUMERIC, min_size=2, max_size=2)
# psec fills up with PB itself
_OPTIONAL = st.dictionaries(
    _TWO.filter(lambda name: name != "PB"),
    st.text(string.ascii_letters + string.digits + " :-", max_size=40),
    max_size=4,
)
_KEYS = st.binary(min_size=1, max_size=40)


@st.composite
def _blocks(draw: st.DrawFn) -> tuple[tr31.KeyBlock, bytes, str]:
    """Header and protection key, the key in it, and the text."""
    version = draw(st.sampled_from("BD"))
    header = tr31.Header(version, draw(_TWO), draw(_ONE), draw(_ONE), draw(_TWO), draw(_ONE))
    for name, value in draw(_OPTIONAL).items():
        header.blocks[name] = value
    length = 16 if version == "B" else draw(st.sampled_from((16, 24, 32)))
    made = tr31.KeyBlock(draw(st.binary(min_size=length, max_size=length)), header)
    key = draw(_KEYS)
    return made, key, made.wrap(key, draw(st.integers(0, 48)))


@EVERY
@given(_blocks())
def test_what_is_wrapped_elsewhere_is_unwrapped_here(device: Device, made: tuple[tr31.KeyBlock, bytes, str]) -> None:
    block, key, text = made
    answer = device.ask(protection=block.kbpk.hex(), block=text)
    if len(text) > _MOST:
        assert answer == {"error": [_E_KEY_BLOCK, _LENGTH]}
        return
    assert answer["key"] == key.hex()
    assert answer["header"] == text[:16]
    assert {name: value for name, value in answer["blocks"].items() if name != "PB"} == dict(block.header.blocks)


@EVERY
@given(_blocks(), st.binary(min_size=32, max_size=32))
def test_another_key_unwraps_nothing(device: Device, made: tuple[tr31.KeyBlock, bytes, str], other: bytes) -> None:
    block, _, text = made
    other = other[: len(block.kbpk)]
    # DES does not look at the lowest bit of a byte
    assume([byte >> 1 for byte in other] != [byte >> 1 for byte in block.kbpk])
    answer = device.ask(protection=other.hex(), block=text)
    assert answer == {"error": [_E_KEY_BLOCK, _LENGTH if len(text) > _MOST else _MAC]}


@pytest.mark.parametrize(
    ("version", "protection", "algorithm", "key", "blocks"),
    [
        ("B", 16, "T", 16, {"KS": "FFFF9876543210E00000", "20": "00000001"}),
        ("D", 16, "T", 16, {"KS": "FFFF9876543210E00000", "20": "00000001"}),
        ("D", 32, "A", 32, {"IK": "FFFF9876543210E0", "20": "7FFFFFFF"}),
        ("D", 32, "A", 16, {}),
        ("D", 24, "A", 24, {}),
    ],
)
def test_no_bit_may_change(device: Device, version: str, protection: int, algorithm: str, key: int, blocks) -> None:
    """All bits of all characters, some 1,500 a block."""
    chance = random.Random(31)
    header = tr31.Header(version, "B1", algorithm, "X", "00", "N")
    for name, value in blocks.items():
        header.blocks[name] = value
    made = tr31.KeyBlock(chance.randbytes(protection), header)
    text = made.wrap(chance.randbytes(key))
    flips = [[byte, bit] for byte in range(len(text)) for bit in range(7)]
    assert device.ask(protection=made.kbpk.hex(), block=text, flips=[]) == {"taken": []}
    assert "key" in device.ask(protection=made.kbpk.hex(), block=text)
    assert device.ask(protection=made.kbpk.hex(), block=text, flips=flips) == {"taken": []}


def test_long_optional_blocks(device: Device) -> None:
    """Longer than 255 characters, the length is written in another way (X9.143, 6.3.6)."""
    header = tr31.Header("D", "B1", "A", "X", "00", "N")
    header.blocks["LB"] = "x" * 260
    made = tr31.KeyBlock(bytes(range(32)), header)
    answer = device.ask(protection=made.kbpk.hex(), block=made.wrap(bytes(16)))
    assert answer["blocks"]["LB"] == "x" * 260 and answer["key"] == "00" * 16
