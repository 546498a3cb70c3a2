"""A release build on the emulated board: no prompt at any moment, nothing out of the file system, started again when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpos.bench.device_qemu import PhoneLine
from mpos.bench.qemu import Machine, booted
from mpos.link.client import ReaderClient
from mpos.link.messages import Opcode, Tag
from mpos.provision import firmware, rom
from mpos.provision.compile import compile_tree

_TRIES = 8  # of as many seconds as a client waits for an answer
# What somebody who once wrote to the file system would like to be run
_OWNED = "print('OWNED by {0}')\nraise SystemExit\n"
_TRAPS = ("boot.py", "main.py", "board.py", "lib/board.py", "lib/mpos_release.py", "asyncio.py", "reader/__init__.py")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("release") / "out"
    assert firmware.build("qemu_rv32", folder, release=True).release
    yield folder / "romfs.img"


async def _trapped(state: Path) -> None:
    """A board whose file system was written to before it had a release."""
    async with booted(state) as machine:
        for folder in ("lib", "reader"):
            await machine.exec(f"import os\nos.mkdir({folder!r})")
        for name in _TRAPS:
            await machine.exec(f"with open({name!r}, 'w') as file:\n    file.write({_OWNED.format(name)!r})")
        for name, text in (("parameters.json", ""), ("installed.json", json.dumps({"place": "/rom"}))):
            await machine.exec(f"with open('/{name}', 'w') as file:\n    file.write({text!r})")


async def _info(line: PhoneLine) -> dict[int, bytes]:
    pipe = await line.pipe()
    async with ReaderClient(pipe) as reader:
        for _ in range(_TRIES):
            try:
                return (await reader.command(Opcode.GET_INFO)).body
            except TimeoutError:
                continue  # it is still starting
    raise AssertionError("the firmware does not answer")


async def test_nobody_gets_a_prompt(tmp_path: Path, release: Path) -> None:
    await _trapped(tmp_path)
    async with PhoneLine() as line, Machine(tmp_path, ["", line.address], rom=release) as machine:
        # From the first instruction on: interrupt, raw REPL, soft reset
        typing = asyncio.create_task(_type(machine), name="typing")
        try:
            info = await _info(line)
            assert info[Tag.VERSION].decode() == firmware.firmware_version()
            again = await _info(line)  # and all the typing has not stopped it
            assert again[Tag.VERSION] == info[Tag.VERSION]
        finally:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)
        assert ">>>" not in machine.output and "OWNED" not in machine.output and "Traceback" not in machine.output


async def _type(machine: Machine) -> None:
    while True:
        await machine.write(b"\x03\x03\r\x01import os\x04\x04\x02\r\n")
        await asyncio.sleep(0.05)


async def test_a_build_for_development_runs_files(tmp_path: Path) -> None:
    """So that the test above can fail."""
    await _trapped(tmp_path)
    out = tmp_path / "out"
    firmware.build("qemu_rv32", out)
    async with Machine(tmp_path, rom=out / "romfs.img") as machine:
        await machine.wait_for("OWNED by boot.py")


async def test_what_ends_is_started_again(tmp_path: Path) -> None:
    """Whatever it ends by, nobody hears why, and the board is reset."""
    source = tmp_path / "source" / "rom"
    source.mkdir(parents=True)
    (source / "mpos_release.py").write_text("")
    (source / "main.py").write_text(
        "import board\nstarts = board.more()\nprint('start', starts)\n"
        "if starts % 3 == 0:\n    raise SystemExit\nraise KeyboardInterrupt if starts % 3 else ValueError\n"
    )
    (source / "board.py").write_text(
        "def more():\n    with open('/starts', 'ab') as file:\n        file.write(b'1')\n        return file.tell()\n"
    )
    compile_tree(tmp_path / "compiled", "rv32imc", base=tmp_path / "source", trees=("rom",))
    image = tmp_path / "rom.img"
    image.write_bytes(rom.image(tmp_path / "compiled" / "rom"))
    await _trapped(tmp_path)
    async with Machine(tmp_path, rom=image) as machine:
        await machine.wait_for("start 6\r\n")
        assert ">>>" not in machine.output and "Error" not in machine.output and "OWNED" not in machine.output
