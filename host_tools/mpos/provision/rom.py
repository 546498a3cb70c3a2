"""The ROM image of the firmware: compiled modules in a ROMFS, run where they lie, so that the heap is for data.

build(32, aioble_folder)  ->  path of an image for boards/unix/start.py
image(folder)             ->  the image of any folder, as bytes

An import leaves texts in MicroPython's table of names: the module's full name, the path of its file. They would be in
the heap, 7 KB of them. A name that a .mpy file brings stays where it lies in the image, so the first package that is
imported brings these as well.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mpremote.romfs import make_romfs

from mpos.provision.compile import ARCHITECTURE_OF_BITS, DEVICE_TREES, build_dir, compile_tree

# The parts that a peripheral needs; aioble does without central, client, L2CAP and security
AIOBLE_PARTS = frozenset(("__init__", "core", "device", "peripheral", "server"))
MOUNTED = "/rom"  # where a board has it
_FIRST = Path("reader", "__init__.mpy")
_HEADER = 4  # bytes before the counts in a .mpy file


class RomError(RuntimeError):
    """The image cannot be made."""


def build(bits: int, aioble: Path) -> Path:
    """Bring the image for the unix port of that word size up to date; several processes may do so at once.

    aioble: the folder that holds the package `aioble`. Raises CompileError, RomError.
    """
    architecture = ARCHITECTURE_OF_BITS[bits]
    trees = build_dir(architecture)
    compile_tree(trees, architecture)
    stack = trees.parent / f"{trees.name}-aioble-{hashlib.sha256(str(aioble).encode()).hexdigest()[:8]}"
    compile_tree(stack, architecture, base=aioble, trees=("aioble",))
    out = trees.parent / f"rom-{stack.name}.img"
    note = out.with_suffix(".json")
    compiled = [_stamp(path) for path in (Path(__file__), *(p for t in (*_device(trees), stack) for p in _compiled(t)))]
    if _made_of(out, note) == compiled:
        return out
    with tempfile.TemporaryDirectory(prefix=".rom-", dir=trees.parent) as scratch:
        content = Path(scratch) / "content"
        for tree in _device(trees):
            _add(tree, content)
        _add(stack, content, only=AIOBLE_PARTS)
        made = image(content)
        partial = Path(scratch) / "image"
        partial.write_bytes(made)
        # The image's own stamp: where another process puts another image in its place, the note is of no use
        said = json.dumps([_stamp(partial)[1:], compiled])
        # Replaced, never written into: a reader that runs keeps the image that it has mapped
        os.replace(partial, out)
        partial.write_text(said)
        os.replace(partial, note)
    return out


def _made_of(out: Path, note: Path) -> list | None:
    """What the image was made of; None: nobody knows."""
    try:
        image_stamp, compiled = json.loads(note.read_bytes())
        return compiled if image_stamp == _stamp(out)[1:] else None
    except (FileNotFoundError, ValueError):
        return None


def _stamp(path: Path) -> list:
    status = path.stat()
    return [str(path), status.st_mtime_ns, status.st_size]


def _device(trees: Path) -> list[Path]:
    return [trees / tree for tree in DEVICE_TREES]


def _compiled(tree: Path) -> list[Path]:
    return sorted(path for path in tree.rglob("*.mpy") if not path.parent.name.startswith("."))


def image(folder: Path) -> bytes:
    """The ROMFS of everything in a folder, files as they are but for the names in the first package's; behind it its
    SHA-256, by which the reader sees that it is whole (reader/storage/rom_image.py). Raises RomError."""
    first = folder / _FIRST
    if first.exists():
        with tempfile.TemporaryDirectory(prefix="mpos-rom-") as scratch:
            content = Path(scratch) / "content"
            shutil.copytree(folder, content, copy_function=shutil.copyfile)
            (content / _FIRST).write_bytes(with_names(first.read_bytes(), sorted(set(import_names(folder)))))
            return _romfs(content)
    return _romfs(folder)


def _romfs(folder: Path) -> bytes:
    with contextlib.redirect_stdout(io.StringIO()) as said:  # it lists every file
        made = make_romfs(str(folder), mpy_cross=False)
    if not made:
        raise RomError(f"mpremote could not build the ROM image: {said.getvalue().strip()}")
    return bytes(made) + hashlib.sha256(made).digest()


def import_names(folder: Path) -> Iterator[str]:
    """What the imports of all modules leave."""
    for path in folder.rglob("*.mpy"):
        relative = path.relative_to(folder)
        yield f"{MOUNTED}/{relative.as_posix()}"
        package = relative.parent if path.stem == "__init__" else relative.with_suffix("")
        yield ".".join(package.parts)
        if path.stem == "__init__":
            yield f"{MOUNTED}/{package.as_posix()}"


def with_names(mpy: bytes, names: list[str]) -> bytes:
    """A .mpy file with more entries at the end of its table of names, which no code of it uses.

    Format of version 6: header, number of names, number of objects, names (twice their length, bytes, 0; or an odd
    number for one that MicroPython knows), objects, code.
    """
    count, objects = _number(mpy, _HEADER)
    *_, (_, at) = _table(mpy)
    more = b"".join(_encoded(2 * len(name.encode())) + name.encode() + b"\0" for name in names)
    return mpy[:_HEADER] + _encoded(count + len(names)) + mpy[objects:at] + more + mpy[at:]


def names_in(mpy: bytes) -> list[bytes]:
    """The names in a .mpy file's table; b"" for one that every MicroPython knows."""
    return [name for name, _ in _table(mpy)][1:]


def _table(mpy: bytes) -> Iterator[tuple[bytes, int]]:
    """Each name and where it ends; before them b"" and where the table begins."""
    count, at = _number(mpy, _HEADER)
    _, at = _number(mpy, at)
    yield b"", at
    for _ in range(count):
        twice, at = _number(mpy, at)
        name = b"" if twice & 1 else mpy[at : at + twice // 2]
        if not twice & 1:
            at += twice // 2 + 1
        yield name, at


def _number(data: bytes, at: int) -> tuple[int, int]:
    """(value, where it ends): seven bits a byte, the most significant first."""
    value = 0
    while True:
        value = value << 7 | data[at] & 0x7F
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def _encoded(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.insert(0, value & 0x7F | 0x80)
    return bytes(out)


def _add(tree: Path, content: Path, only: frozenset[str] | None = None) -> None:
    """Every .mpy of a tree, with its folders; `only` those of these names."""
    for path in _compiled(tree):
        if only is not None and path.stem not in only:
            continue
        target = content / path.relative_to(tree)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
