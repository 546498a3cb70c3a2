"""The ROM image of the firmware: compiled modules in a ROMFS, run where they lie, so that the heap is for data.

build(32, aioble_folder)  ->  path of an image for boards/unix/start.py
image(folder)             ->  the image of any folder, as bytes
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import tempfile
from pathlib import Path

from mpremote.romfs import make_romfs

from mpos.provision.compile import ARCHITECTURE_OF_BITS, DEVICE_TREES, build_dir, compile_tree

# The parts that a peripheral needs; aioble does without central, client, L2CAP and security
AIOBLE_PARTS = frozenset(("__init__", "core", "device", "peripheral", "server"))


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
    with tempfile.TemporaryDirectory(prefix=".rom-", dir=trees.parent) as scratch:
        content = Path(scratch) / "content"
        for tree in DEVICE_TREES:
            _add(trees / tree, content)
        _add(stack, content, only=AIOBLE_PARTS)
        made = image(content)
        out = trees.parent / f"rom-{stack.name}.img"
        if not out.exists() or out.read_bytes() != made:
            # Replaced, never written into: a reader that runs keeps the image that it has mapped
            partial = Path(scratch) / "image"
            partial.write_bytes(made)
            os.replace(partial, out)
    return out


def image(folder: Path) -> bytes:
    """The ROMFS of everything in a folder, files as they are. Raises RomError."""
    with contextlib.redirect_stdout(io.StringIO()) as said:  # it lists every file
        made = make_romfs(str(folder), mpy_cross=False)
    if not made:
        raise RomError(f"mpremote could not build the ROM image: {said.getvalue().strip()}")
    return bytes(made)


def _add(tree: Path, content: Path, only: frozenset[str] | None = None) -> None:
    """Every .mpy of a tree, with its folders; `only` those of these names."""
    for path in sorted(tree.rglob("*.mpy")):
        if only is not None and path.stem not in only:
            continue
        target = content / path.relative_to(tree)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
