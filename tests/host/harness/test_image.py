"""The ROM image of a run: read by MicroPython itself, and made the same wherever it is made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from harness import image

from mpos.provision import toolchain

_READ = """
import os, rommap, sys, vfs
vfs.mount(vfs.VfsRom(rommap.open(sys.argv[1])), "/rom")
def show(path):
    for name, kind, *_ in os.ilistdir(path):
        if kind == 0x4000:
            show(path + "/" + name)
        else:
            with open(path + "/" + name, "rb") as file:
                print(path + "/" + name, file.read())
show("/rom")
"""


@pytest.fixture
def trees(tmp_path: Path) -> dict[str, Path]:
    for name, data in (("out/firmware/reader/a.mpy", b"A"), ("out/tests/b.mpy", b"B"), ("other/test_c.mpy", b"C")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "out" / "compiled.json").write_text("{}")  # the compiler's own notes stay behind
    return {"": tmp_path / "out", "scratch": tmp_path / "other"}


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    folder = tmp_path / "tests"
    folder.mkdir()
    return folder


def _content(path: Path) -> dict[str, bytes]:
    script = path.with_suffix(".read.py")
    script.write_text(_READ)
    done = subprocess.run(
        [str(toolchain.micropython(32)), str(script), str(path)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: eval(data) for name, data in (line.split(" ", 1) for line in done.stdout.splitlines())}


def test_what_micropython_finds_in_it(trees: dict[str, Path], tests: Path, tmp_path: Path) -> None:
    (tests / "test_x.py").write_text(
        'NAME = path("boards/unix/parameters.json")\nFOLDER = path("tests/unit")\npath(NAME)\nother.path("Makefile")\n'
    )
    (tests / "test_broken.py").write_text("def (")
    identity = image.build(tmp_path / "rom.img", trees, tests)
    content = _content(tmp_path / "rom.img")
    parameters = Path("boards/unix/parameters.json")
    assert content == {
        "/rom/firmware/reader/a.mpy": b"A",
        "/rom/tests/b.mpy": b"B",
        "/rom/scratch/test_c.mpy": b"C",
        f"/rom/{parameters}": (image.TOP / parameters).read_bytes(),
        f"/rom/{image.IDENTITY}": identity.encode(),
    }
    assert list(content)[-1] == f"/rom/{image.IDENTITY}"  # an image that was cut off has none


def test_the_same_content_is_the_same_image(trees: dict[str, Path], tests: Path, tmp_path: Path) -> None:
    out = tmp_path / "rom.img"
    identity = image.build(out, trees, tests)
    first = (out.read_bytes(), out.stat().st_ino)
    assert image.build(out, trees, tests) == identity
    assert (out.read_bytes(), out.stat().st_ino) == first  # not even written again
    assert image.build(tmp_path / "again.img", trees, tests) == identity
    assert (tmp_path / "again.img").read_bytes() == first[0]


@pytest.mark.parametrize("change", ["content", "name"])
def test_every_change_is_another_image(trees: dict[str, Path], tests: Path, tmp_path: Path, change: str) -> None:
    out = tmp_path / "rom.img"
    identity, data = image.build(out, trees, tests), out.read_bytes()
    if change == "content":
        (trees[""] / "tests" / "b.mpy").write_bytes(b"b")
    else:
        (trees[""] / "tests" / "b.mpy").rename(trees[""] / "tests" / "c.mpy")
    assert image.build(out, trees, tests) != identity
    assert out.read_bytes() != data
    assert [path.name for path in tmp_path.glob(".image-*")] == []
