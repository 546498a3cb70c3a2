"""The firmware frozen into MicroPython's 32-bit unix port, as the readers' own builds freeze it: for measuring its heap."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mpos.provision import toolchain
from mpos.provision.compile import TOP
from mpos.provision.rom import AIOBLE_PARTS

BUILD_LIMIT_S = 300
_NOT_FOR_THE_DEVICE = ("manifest.py", "ports.py", "package.json", "boot.py")
_BOARD = ("board.py", "bluetooth.py", "chip_line.py", "inject.py")


class FreezeError(RuntimeError):
    """The frozen build failed; the text is what the set-up said."""


def build() -> Path:
    """The binary; built when the firmware, the board or aioble changed (a quarter of a minute). Raises FreezeError."""
    with tempfile.TemporaryDirectory(prefix="mpos-freeze-") as scratch:
        tree = Path(scratch) / "tree"
        shutil.copytree(TOP / "firmware", tree, ignore=shutil.ignore_patterns(*_NOT_FOR_THE_DEVICE, "__pycache__"))
        for name in _BOARD:
            shutil.copy(TOP / "boards" / "unix" / name, tree)
        (tree / "aioble").mkdir()
        for part in AIOBLE_PARTS:
            shutil.copy(toolchain.aioble()[0] / "aioble" / f"{part}.py", tree / "aioble")
        done = subprocess.run(
            [sys.executable, "-m", "boards.toolchain", "freeze", str(tree)],
            cwd=TOP,
            capture_output=True,
            text=True,
            timeout=BUILD_LIMIT_S,
            check=False,
        )
    if done.returncode:
        raise FreezeError(done.stderr.strip() or done.stdout.strip())
    return Path(done.stdout.strip().splitlines()[-1])
