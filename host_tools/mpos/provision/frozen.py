"""The firmware frozen into MicroPython's 32-bit unix port, as the readers' own builds freeze it: for measuring its heap."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mpos.provision import toolchain
from mpos.provision.compile import TOP
from mpos.provision.constants import frozen_tree
from mpos.provision.rom import AIOBLE_PARTS

BUILD_LIMIT_S = 300
_NOT_FOR_THE_DEVICE = ("manifest.py", "ports.py", "boot.py")
_BOARD = (
    "board.py",
    "bluetooth.py",
    "chip_line.py",
    "display_line.py",
    "head_line.py",
    "flash_file.py",
    "nfc_line.py",
    "socket_line.py",
)


class FreezeError(RuntimeError):
    """The frozen build failed; the text is what the set-up said."""


def build() -> Path:
    """The binary; built when the firmware, the board or aioble changed (a quarter of a minute). Raises FreezeError."""
    with tempfile.TemporaryDirectory(prefix="mpos-freeze-") as scratch:
        tree = Path(scratch) / "tree"
        board = [TOP / "boards" / "unix" / name for name in _BOARD]
        frozen_tree(TOP / "firmware", tree, board)
        for name in _NOT_FOR_THE_DEVICE:
            (tree / name).unlink(missing_ok=True)
            (tree / "reader" / name).unlink(missing_ok=True)
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
