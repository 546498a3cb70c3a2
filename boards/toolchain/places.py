"""Where things are kept: the clone, the cache outside it, and the note that tells the clone what the cache holds."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .say import SetupError

CLONE = Path(__file__).resolve().parents[2]
VENV = CLONE / ".venv"
NOTE = CLONE / "build" / "toolchain.json"  # read by mpos.provision.toolchain
QEMU_NOTE = CLONE / "build" / "toolchain-qemu.json"  # the same for the emulated board


def cache_dir(env: Mapping[str, str] = os.environ) -> Path:
    """`MPOS_CACHE`, else `mpos` under `XDG_CACHE_HOME`, else `~/.cache/mpos`. Shared by all clones of one user."""
    if env.get("MPOS_CACHE"):
        return Path(env["MPOS_CACHE"]).absolute()
    if env.get("XDG_CACHE_HOME"):
        return Path(env["XDG_CACHE_HOME"]).absolute() / "mpos"
    return Path.home() / ".cache" / "mpos"


def make_cache_dir() -> Path:
    cache = cache_dir()
    try:
        (cache / "logs").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        raise SetupError(
            f"The cache folder {cache} cannot be written ({error.strerror})",
            "make it writable, or name another one: MPOS_CACHE=/some/folder make setup",
        ) from error
    return cache


def fingerprint(paths: Iterable[Path], *words: str) -> str:
    """Twelve hex digits over the names and contents of `paths` (folders: their files, without caches) and `words`."""
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode() + b"\0")
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                name = file.relative_to(path.parent).as_posix()
                digest.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


@contextmanager
def finished_folder(target: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `target` only when the block ends well: a half result never has that name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield partial
        partial.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write the whole file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(record, indent=2) + "\n")
    partial.rename(path)


def read_json(path: Path) -> dict[str, Any]:
    """The record, or an empty one when the file is missing or broken."""
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
