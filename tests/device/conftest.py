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
_LATER = "reader/iso9564.mpy"  # a module that a firmware without a PIN to enter does not import


@pytest.fixture(scope="session")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of the firmware."""
    folder = tmp_path_factory.mktemp("new") / "build"
    firmware.build(BOARD, folder)
    return folder


def variant(build: Path, folder: Path, name: str, content: bytes, without: tuple[str, ...] = ()) -> Path:
    """The same build with one file added or replaced, and `without` these folders."""
    shutil.copytree(build, folder)
    built = load(folder)
    (folder / NAME).unlink()
    (folder / "mpy/build.txt").unlink()
    for package in without:
        shutil.rmtree(folder / "mpy" / package)
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
    """ "romfs" or "files" as its parameter; without one "romfs"."""
    name = getattr(request, "param", "romfs")
    if name not in cases:
        cases[name] = _prepare(name == "romfs", new, tmp_path_factory.mktemp(name))
    return cases[name]


def _prepare(is_rom: bool, new: Path, folder: Path) -> Case:
    """The whole firmware in ROM. From files it does not fit into this board's heap: there it is one that greets, with
    the modules of many folders beside it.

    What is old has a file that is new in its content only, or one that is gone: of a ROM image that is a few blocks, and
    its first, all of which an emulated flash takes eight seconds for.
    """
    if is_rom:
        old = variant(new, folder / "old", _LATER, b"M" * (new / "mpy" / _LATER).stat().st_size)
    else:
        (folder / "main.py").write_text(f"import time\nprint({GREETING!r})\nwhile True:\n    time.sleep(1)\n")
        command = [str(toolchain.mpy_cross("rv32imc")), "-march=rv32imc", str(folder / "main.py")]
        subprocess.run(command, check=True, timeout=60)
        main = (folder / "main.mpy").read_bytes()
        new = variant(new, folder / "new", "main.mpy", main, without=("reader/drivers", "reader/emv", "reader/iso7816"))
        old = variant(new, folder / "old", "reader/former.mpy", b"M" * 3000)

    def put_on(port: str) -> None:
        with Device(port) as device:
            flash.flash(firmware.BOARDS[BOARD], old, device, rom=is_rom)

    async def prepare() -> None:
        async with booted(folder / "state") as machine:
            await asyncio.to_thread(put_on, machine.console)

    asyncio.run(prepare())
    return Case(is_rom, folder / "state", new)
