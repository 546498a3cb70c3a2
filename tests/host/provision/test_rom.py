"""ROM images: what imports leave in MicroPython's table of names lies in the image, not in the heap."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mpos.provision import rom, toolchain

_LIMIT_S = 20
_MODULES = [f"reader/a_package/one_of_the_modules_{i}.py" for i in range(20)]
_PROGRAM = """
import gc, os, sys, rommap, vfs
vfs.mount(vfs.VfsRom(rommap.open(os.getenv("MPOS_ROM"))), "/rom")
sys.path[:] = ["/rom", ".frozen"]
import reader
gc.collect()
before = gc.mem_alloc()
for i in range(20):
    __import__("reader.a_package.one_of_the_modules_%d" % i)
gc.collect()
print(gc.mem_alloc() - before, sys.modules["reader.a_package.one_of_the_modules_7"].x, reader.a_package.__path__)
"""


def _compiled(source: Path, name: str) -> bytes:
    out = source.with_suffix(".mpy")
    subprocess.run([toolchain.mpy_cross("x86"), "-s", name, "-o", out, source], check=True, timeout=_LIMIT_S)
    made = out.read_bytes()
    source.unlink()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    content = tmp_path / "content"
    for name in ("reader/__init__.py", "reader/a_package/__init__.py", *_MODULES):
        (content / name).parent.mkdir(parents=True, exist_ok=True)
        (content / name).write_text("x = 7\n")
        _compiled(content / name, name)
    return content


def _run(image: bytes, tmp_path: Path) -> list[str]:
    (tmp_path / "rom.img").write_bytes(image)
    done = subprocess.run(
        [str(toolchain.micropython(32)), "-X", "heapsize=128K", "-c", _PROGRAM],
        env={**os.environ, "MPOS_ROM": str(tmp_path / "rom.img")},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout.split()


def test_the_names_cost_no_heap(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = rom.image(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.mpy")}
    heap, *said = _run(image, tmp_path)
    assert said == ["7", "/rom/reader/a_package"]
    assert {path: path.read_bytes() for path in folder.rglob("*.mpy")} == before  # as it was
    assert rom.image(folder) == image
    monkeypatch.setattr(rom, "_FIRST", Path("none.mpy"))
    plain, *said = _run(rom.image(folder), tmp_path)
    assert said == ["7", "/rom/reader/a_package"]
    texts = sum(len(f"/rom/{name}") + len(name) for name in _MODULES)
    assert int(plain) - int(heap) > texts * 0.9


@pytest.mark.parametrize("names", [[], ["one"], [f"name.{i}" for i in range(300)], ["ü" * 100]])
def test_more_names_in_a_file(names: list[str], tmp_path: Path) -> None:
    (tmp_path / "some.py").write_text(
        "def f(first, second=(1, 2)):\n    return first, second, 'a text of some length'\n"
    )
    plain = _compiled(tmp_path / "some.py", "some.py")
    made = rom.with_names(plain, names)
    (tmp_path / "some.mpy").write_bytes(made)
    code = "import some; print(some.f(first=1))"
    command = [str(toolchain.micropython(32)), "-c", code]
    said = subprocess.run(command, cwd=tmp_path, check=True, timeout=_LIMIT_S, capture_output=True, text=True).stdout
    assert said == "(1, (1, 2), 'a text of some length')\n"
    assert all(name.encode() + b"\0" in made for name in names)
    assert (made == plain) == (not names)


def test_an_image_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    aioble, _ = toolchain.aiobles()[0]
    out = rom.build(64, aioble)
    image = rom.image
    made: list[Path] = []
    monkeypatch.setattr(rom, "image", lambda folder: made.append(folder) or image(folder))
    assert rom.build(64, aioble) == out and not made
    os.utime(out)  # another process has put its own there
    before = out.read_bytes()
    assert rom.build(64, aioble) == out and len(made) == 1
    assert out.read_bytes() == before
    out.with_suffix(".json").write_text("[]")
    assert rom.build(64, aioble) == out and len(made) == 2
    stamps = rom._compiled
    monkeypatch.setattr(rom, "_compiled", lambda tree: stamps(tree)[1:])  # a module is gone
    assert rom.build(64, aioble) == out and len(made) == 3
    assert rom.build(64, aioble) == out and len(made) == 3
