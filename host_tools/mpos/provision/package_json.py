"""firmware/package.json, the list by which `mpremote mip install` fetches the firmware from wherever it is hosted.

python -m mpos.provision.package_json            write it
python -m mpos.provision.package_json --check    exit code 1 unless it is what would be written
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mpos.provision.compile import TOP
from mpos.provision.firmware import firmware_version

PATH = TOP / "firmware" / "package.json"
AIOBLE = "0.6.2"  # as boards/toolchain/aioble.py pins it; a test compares them
# For builds and type checkers, and what only a device's root has
_LEFT_OUT = {"manifest.py", "ports.py", "boot.py"}


def text(folder: Path = PATH.parent) -> str:
    """The file's content: every module of `folder`, from a place relative to the file itself."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if path.name not in _LEFT_OUT)
    urls = ",\n".join(f"        {json.dumps([name, name])}" for name in names)
    return (
        f'{{\n    "version": {json.dumps(firmware_version())},\n    "urls": [\n{urls}\n    ],\n'
        f'    "deps": [["aioble", {json.dumps(AIOBLE)}]]\n}}\n'
    )


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        if PATH.is_file() and PATH.read_text(encoding="utf-8") == text():
            return 0
        print("firmware/package.json is not up to date: python -m mpos.provision.package_json", file=sys.stderr)
        return 1
    PATH.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
