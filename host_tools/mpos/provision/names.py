"""boards/names/names.h, the firmware's names for the MicroPython builds of this project.

python -m mpos.provision.names            write it; `make setup` then builds MicroPython anew
python -m mpos.provision.names --check    exit code 1 when too many names of the firmware are not in it

MicroPython keeps every name that a module brings in one table. What is not in the program itself lies in the heap, in
pieces that double: 2,500 names take 18 KB, one more 36. With the firmware's own in the program, as a frozen firmware has
them, the heap is for data. A few that are missing do no harm, so that not every new name is a new build.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mpos.provision import rom
from mpos.provision.compile import DEVICE_TREES, TOP, compile_tree

PATH = TOP / "boards" / "names" / "names.h"
MISSING_MOST = 120
_A_NAME = re.compile(r"[\w/.]+", re.ASCII)  # and no short text, which the table has as well
_HEAD = "// Names of the firmware (mpos.provision.names): they lie in the program and not in the heap.\n"


def of_firmware() -> list[str]:
    """All names that the firmware's modules and their imports bring, sorted."""
    with tempfile.TemporaryDirectory(prefix="mpos-names-") as scratch:
        folder = Path(scratch)
        compile_tree(folder, "x86")
        found = {name for tree in DEVICE_TREES for path in (folder / tree).rglob("*.mpy") for name in _in(path)}
        for tree in DEVICE_TREES:
            found |= set(rom.import_names(folder / tree))
    return sorted(name for name in found if _A_NAME.fullmatch(name))


def written() -> set[str]:
    """Those that are in the file."""
    lines = PATH.read_text(encoding="ascii").splitlines() if PATH.exists() else []
    return {line[2:-1] for line in lines if line.startswith("Q(")}


def _in(path: Path) -> Iterator[str]:
    for name in rom.names_in(path.read_bytes()):
        if name:
            yield name.decode("utf-8", "replace")


def main(arguments: list[str]) -> int:
    names = of_firmware()
    if arguments == ["--check"]:
        missing = set(names) - written()
        if len(missing) <= MISSING_MOST:
            return 0
        print(
            f"{len(missing)} names of the firmware are not in boards/names/names.h: python -m mpos.provision.names",
            file=sys.stderr,
        )
        return 1
    PATH.write_text(_HEAD + "".join(f"Q({name})\n" for name in names), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
