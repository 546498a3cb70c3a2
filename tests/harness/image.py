"""The ROMFS image that brings firmware and tests to a board: everything of a run in one.

/rom/firmware/reader/...     /rom/tests/unit/lib/...     /rom/tests/unit/emv/test_dol.mpy
/rom/boards/...              files that a test asks for by testing.path("...")
/rom/scratch/...             test files from outside the repository
/rom/{IDENTITY}              SHA-256 of the rest: which image this is, and that it is there to its end
"""

from __future__ import annotations

import ast
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mpremote.romfs import VfsRomWriter

from mpos.provision.compile import TOP

MOUNTED = "/rom"
SCRATCH = "scratch"
IDENTITY = "~identity"  # sorts behind every other name, so it is the last to be written
_Folder = dict[str, "bytes | _Folder"]


def build(out: Path, trees: dict[str, Path], tests: Path) -> str:
    """Makes OUT, for {folder on the board: .mpy files}; its identity. Several processes may do so at once.

    `tests`: the folder of sources whose wishes for files of the repository are met.
    """
    content: dict[str, bytes] = {}
    for prefix, tree in trees.items():
        for path in sorted(tree.rglob("*.mpy")):
            content[_join(prefix, path.relative_to(tree).as_posix())] = path.read_bytes()
    for name in sorted(set(_wishes(tests))):
        if (TOP / name).is_file():
            content[name] = (TOP / name).read_bytes()
    identity = hashlib.sha256(repr(sorted(content.items())).encode()).hexdigest()
    content[IDENTITY] = identity.encode()
    image = _romfs(content)
    if not out.exists() or out.read_bytes() != image:
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=".image-", delete=False) as partial:
            partial.write(image)
        os.replace(partial.name, out)
    return identity


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _wishes(tests: Path) -> Iterator[str]:
    """What the test files say in path("...")."""
    for file in sorted(tests.rglob("test_*.py")):
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (SyntaxError, FileNotFoundError):  # said at collection; replaced by an editor
            continue
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "path"
                and len(node.args) == 1
                and isinstance(node.args[0], ast.Constant)
                and isinstance(node.args[0].value, str)
            ):
                yield node.args[0].value


def _romfs(content: dict[str, bytes]) -> bytes:
    top: _Folder = {}
    for name, data in content.items():
        *folders, file = name.split("/")
        folder = top
        for part in folders:
            below = folder.setdefault(part, {})
            assert isinstance(below, dict), f"{name}: a file is in the way"
            folder = below
        folder[file] = data
    writer = VfsRomWriter()
    _write(writer, top)
    return writer.finalise()


def _write(writer: VfsRomWriter, folder: _Folder) -> None:
    for name, entry in sorted(folder.items()):
        if isinstance(entry, bytes):
            writer.mkfile(name, entry)
        else:
            writer.opendir(name)
            _write(writer, entry)
            writer.closedir()
