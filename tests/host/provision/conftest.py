"""A small firmware, and a device to put it on that needs no hardware and no emulator (repl_board.py)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mpos.provision import firmware, rom, toolchain
from mpos.provision.firmware import Board
from mpos.provision.manifest import NAME, Manifest, build_id, files_below
from tests.host.provision.bench_device import BENCH, SOURCES, ReplBoard


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Board:
    """The board of the tests, known by its name."""
    monkeypatch.setitem(firmware.BOARDS, BENCH.name, BENCH)
    return BENCH


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """make({name: source, ...}) -> folder of a build for the board of the tests; what is not named is as in SOURCES."""

    def make(changes: dict[str, str | None] | None = None, **fields: Any) -> Path:
        sources = {name: text for name, text in {**SOURCES, **(changes or {})}.items() if text is not None}
        folder = tmp_path / f"build{len(list(tmp_path.glob('build*')))}"
        for name, text in sources.items():
            source = tmp_path / "sources" / name
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_text(text)
            target = folder / "mpy" / Path(name).with_suffix(".mpy")
            target.parent.mkdir(parents=True, exist_ok=True)
            command = [toolchain.mpy_cross(BENCH.arch), "-march=x86", "-s", name, "-o", target, source]
            subprocess.run(command, check=True, timeout=60)
        build = build_id(files_below(folder / "mpy"))
        (folder / "mpy/build.txt").write_text(build)
        (folder / "root").mkdir()
        (folder / "root/boot.py").write_bytes((firmware.TOP / "firmware/boot.py").read_bytes())
        (folder / "root/main.py").write_bytes((firmware.TOP / "boards/loader/main.py").read_bytes())
        (folder / "root/parameters.json").write_text("{}")
        (folder / "romfs.img").write_bytes(rom.image(folder / "mpy"))
        record = {"board": "bench", "arch": "x86", "firmware": "7.8.9", "micropython": "1.25.0", "mpy": "6.3"}
        record |= {"aioble": None, "build": build, "release": False, **fields}
        manifest = Manifest(**record, files=files_below(folder))
        (folder / NAME).write_text(manifest.to_json())
        return folder

    return make


@pytest.fixture
def board(tmp_path: Path) -> Iterator[ReplBoard]:
    device = ReplBoard(tmp_path)
    yield device
    device.off()
