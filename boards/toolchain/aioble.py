"""aioble, MicroPython's Bluetooth library, pinned by version and hash; where it cannot be had, the stand-in.

Looked for in the cache first, then in MicroPython's package index (its address is mpremote's). A look-up that fails is
remembered for a day, so that a machine without network pays for it once. A copy may be put into the cache by hand:
`aioble-0.6.2/aioble/*.py` from micropython-lib. Whatever its origin, it counts only when its hash is the pinned one.
"""

import hashlib
import json
import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from . import venv
from .places import CLONE, finished_folder, read_json, write_json
from .say import step

VERSION = "0.6.2"
FILES = (
    "__init__.py",
    "central.py",
    "client.py",
    "core.py",
    "device.py",
    "l2cap.py",
    "peripheral.py",
    "security.py",
    "server.py",
)
SHA256 = "6b7be95c035630f66d7735b8b7edf94765ef119cfdaa4704cf2dba163958b5a0"
STAND_IN = CLONE / "boards" / "unix" / "aioble_standin"
_TIMEOUT_S = 3
_TOTAL_S = 15
_MEMORY = "aioble-lookup.json"
_RETRY_AFTER_S = 24 * 60 * 60


class Unverified(Exception):
    """A copy that is not the pinned one, or is not there. The text says which."""


def folder(cache: Path) -> Path:
    return cache / f"aioble-{VERSION}"


def digest(package: Path) -> str:
    """SHA-256 over names and contents of the package's files, in the order of FILES.

    The index appends `__version__ = ...` to each file that it hands out; micropython-lib's own files lack that line.
    It is left out here, so that both copies of one version have one hash.
    """
    total = hashlib.sha256()
    for name in FILES:
        text = (package / name).read_bytes()
        text = re.sub(rb"\n\n__version__ = '[\d.]+'\n\Z", b"", text)
        total.update(name.encode() + b"\0" + hashlib.sha256(text).digest())
    return total.hexdigest()


def verify(package: Path) -> None:
    """Raises Unverified unless `package` holds exactly the pinned files."""
    if not package.is_dir():
        raise Unverified("it is not in the cache")
    names = sorted(path.name for path in package.iterdir() if path.name != "__pycache__")
    if names != sorted(FILES):
        raise Unverified(f"{package} holds other files than aioble {VERSION}: {' '.join(names)}")
    found = digest(package)
    if found != SHA256:
        raise Unverified(f"{package} has the hash {found}, not the pinned {SHA256}")


def is_settled(cache: Path, version: str) -> bool:
    """Whether `ensure` would answer `version` again, without looking anywhere but into the cache."""
    if version == VERSION:
        try:
            verify(folder(cache) / "aioble")
        except Unverified:
            return False
        return True
    return not folder(cache).exists() and _looked_lately(cache)


def _looked_lately(cache: Path) -> bool:
    return 0 <= time.time() - read_json(cache / _MEMORY).get("failed_at", 0) < _RETRY_AFTER_S


def ensure(cache: Path, fetch: Callable[[str], bytes] | None = None) -> tuple[Path, str]:
    """(folder for MICROPYPATH, version). The version is "stand-in" where the pinned one cannot be had."""
    target = folder(cache)
    try:
        verify(target / "aioble")
        return target, VERSION
    except Unverified as reason:
        in_cache = reason
    if target.exists():  # somebody put it there: it is refused, and not replaced behind their back
        step(f"aioble refused: {in_cache}")
    elif not _looked_lately(cache):
        try:
            step(f"looking for aioble {VERSION} in MicroPython's package index")
            with finished_folder(target) as partial:
                _download(partial, fetch or _fetcher())
                verify(partial / "aioble")
            return target, VERSION
        except (OSError, ValueError, KeyError, TypeError, Unverified) as error:
            step(f"not found there ({error}); the next look is in a day, or after deleting {cache / _MEMORY}")
            write_json(cache / _MEMORY, {"failed_at": time.time()})
    return STAND_IN, "stand-in"


def _download(into: Path, fetch: Callable[[str], bytes]) -> None:
    """The package as MicroPython's index describes it: a list of [path, short hash] under `hashes`."""
    (into / "aioble").mkdir()
    for path, short_hash in json.loads(fetch(f"package/py/aioble/{VERSION}.json"))["hashes"]:
        name = path.removeprefix("aioble/")
        if name not in FILES:  # also: nothing is written outside the folder
            raise Unverified(f"the index lists an unexpected file {path!r}")
        (into / "aioble" / name).write_bytes(fetch(f"file/{short_hash[:2]}/{short_hash}"))


def _fetcher() -> Callable[[str], bytes]:
    index = venv.output_of("-c", "from mpremote import mip; print(mip._PACKAGE_INDEX)")
    end = time.monotonic() + _TOTAL_S

    def fetch(path: str) -> bytes:
        if time.monotonic() > end:
            raise OSError(f"slower than {_TOTAL_S} s")
        with urllib.request.urlopen(f"{index}/{path}", timeout=_TIMEOUT_S) as answer:
            data: bytes = answer.read(1_000_000)
        return data

    return fetch
