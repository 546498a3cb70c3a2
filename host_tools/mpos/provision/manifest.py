"""The manifest of a firmware build: what it is made for, and size and SHA-256 of every file in it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

NAME = "manifest.json"
FORMAT = 2


class ManifestError(ValueError):
    """A folder that holds no build, or a damaged one."""


class Entry(NamedTuple):
    size: int
    sha256: str  # hex


@dataclass(frozen=True)
class Manifest:
    """`files`: by their names below the build's folder, with slashes."""

    board: str
    arch: str  # of the native code, as mpy-cross names it
    firmware: str  # version
    micropython: str  # version of the release that the .mpy files are made for
    mpy: str  # version of the .mpy format, like 6.3
    aioble: str | None  # its version when it is in the build
    release: bool  # for the field
    build: str  # SHA-256 over all files below mpy/, by their names
    files: dict[str, Entry]

    def below(self, folder: str) -> dict[str, Entry]:
        """The files of one folder, by their names in it."""
        start = folder + "/"
        return {name.removeprefix(start): entry for name, entry in self.files.items() if name.startswith(start)}

    def to_json(self) -> str:
        record = asdict(self) | {"files": {name: entry._asdict() for name, entry in sorted(self.files.items())}}
        return json.dumps({"format": FORMAT, **record}, indent=2) + "\n"


def entry_of(data: bytes) -> Entry:
    return Entry(len(data), hashlib.sha256(data).hexdigest())


def files_below(folder: Path) -> dict[str, Entry]:
    """Every file of a folder, except its manifest, by name."""
    return {
        path.relative_to(folder).as_posix(): entry_of(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / NAME
    }


def build_id(files: dict[str, Entry]) -> str:
    """One hash for a set of files: it changes with a name or a byte."""
    total = hashlib.sha256()
    for name, entry in sorted(files.items()):
        total.update(f"{name}\0{entry.sha256}\n".encode())
    return total.hexdigest()


def load(folder: Path) -> Manifest:
    """The manifest of the build in `folder`, every file compared with it. Raises ManifestError."""
    try:
        record = json.loads((folder / NAME).read_bytes())
        if record.pop("format") != FORMAT:
            raise ManifestError(f"{folder / NAME} is of another version of this tool: build the firmware again")
        files = {name: Entry(**entry) for name, entry in record.pop("files").items()}
        manifest = Manifest(**record, files=files)
    except (OSError, KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ManifestError(f"{folder} holds no firmware build ({error})") from None
    if files_below(folder) != manifest.files:
        raise ManifestError(f"the files in {folder} are not those of its {NAME}: build the firmware again")
    return manifest
