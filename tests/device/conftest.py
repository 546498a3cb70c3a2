"""Flashing the emulated board. Without `make setup TARGET=qemu` there is nothing to collect here; `make test` says so in
its last line.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from mpos.bench.qemu import booted
from mpos.provision import firmware, flash, rom, toolchain
from mpos.provision.device import Device
from mpos.provision.manifest import NAME, build_id, files_below, load

try:
    toolchain.qemu()
    collect_ignore_glob: list[str] = []
except toolchain.ToolchainMissing:
    collect_ignore_glob = ["test_*.py"]

BOARD = "qemu_rv32"
GREETING = "the small firmware runs"


@pytest.fixture(scope="session")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of the firmware."""
    folder = tmp_path_factory.mktemp("new") / "build"
    firmware.build(BOARD, folder)
    return folder


def variant(build: Path, folder: Path, name: str, content: bytes) -> Path:
    """The same build with one file added or replaced."""
    shutil.copytree(build, folder)
    built = load(folder)
    (folder / NAME).unlink()
    (folder / "mpy/build.txt").unlink()
    (folder / "mpy" / name).write_bytes(content)
    build_number = build_id(files_below(folder / "mpy"))
    (folder / "mpy/build.txt").write_text(build_number)
    (folder / "romfs.img").write_bytes(rom.image(folder / "mpy"))
    record = {**vars(built), "build": build_number, "files": files_below(folder)}
    (folder / NAME).write_text(type(built)(**record).to_json())
    return folder


@dataclass(frozen=True)
class Case:
    """A board on which `old` was installed, into ROM or as files, and `new` to replace it."""

    rom: bool
    state: Path
    new: Path


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    """Those that were prepared already."""
    return {}


@pytest.fixture
def case(
    cases: dict[str, Case], new: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Case:
    """ "romfs" or "files" as its parameter."""
    name = request.param
    if name not in cases:
        cases[name] = _prepare(name == "romfs", new, tmp_path_factory.mktemp(name))
    return cases[name]


def _prepare(is_rom: bool, new: Path, folder: Path) -> Case:
    """The whole firmware in ROM. From files it does not fit into this board's heap: there it is one that greets."""
    if not is_rom:
        (folder / "main.py").write_text(f"import time\nprint({GREETING!r})\nwhile True:\n    time.sleep(1)\n")
        command = [str(toolchain.mpy_cross("rv32imc")), "-march=rv32imc", str(folder / "main.py")]
        subprocess.run(command, check=True, timeout=60)
        new = variant(new, folder / "new", "main.mpy", (folder / "main.mpy").read_bytes())
    old = variant(new, folder / "old", "reader/former.mpy", b"M" * 3000)

    def put_on(port: str) -> None:
        with Device(port) as device:
            flash.flash(firmware.BOARDS[BOARD], old, device, rom=is_rom)

    async def prepare() -> None:
        async with booted(folder / "state") as machine:
            await asyncio.to_thread(put_on, machine.console)

    asyncio.run(prepare())
    return Case(is_rom, folder / "state", new)
