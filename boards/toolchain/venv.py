"""The virtual environment `.venv`: exactly the packages of requirements.lock, and this project's own, editable.

Debian's bare Python has neither pip nor ensurepip, so pip is run from a wheel file: Python's own copy, the system's,
or the one in Debian's package python3-pip-whl.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from .apt_state import AptState
from .places import CLONE, VENV, fingerprint, finished_folder, read_json, write_json
from .say import SetupError, run, step

LOCK = CLONE / "requirements.lock"
_STAMP = VENV / "mpos-setup.json"  # written last: an environment without it is not finished
_NETWORK = "is the network (or a package mirror in pip's configuration) there? Then run `make setup` again."


def key() -> str:
    """Changes with the lock, this project's own package and the Python; not with the checkers' settings."""
    project = tomllib.loads((CLONE / "pyproject.toml").read_text())
    package = json.dumps([project.get(name) for name in ("build-system", "project")])
    return fingerprint([LOCK], package, sys.version, sys.base_prefix, str(CLONE))


def is_ready() -> bool:
    return read_json(_STAMP).get("key") == key() and (VENV / "bin" / "mpos").exists()


def ensure(cache: Path, apt: AptState) -> None:
    """Make `.venv`, or bring it to the lock."""
    if is_ready():
        return
    pip = pip_wheel(cache, apt) / "pip"  # a wheel is a zip file, and Python runs a package inside one
    log = cache / "logs" / "venv.log"
    if read_json(_STAMP).get("python") != sys.version:
        step("making .venv")
        run(
            [sys.executable, "-m", "venv", "--clear", "--without-pip", VENV],
            log,
            "Python could not make a virtual environment",
            f"read {log}",
        )
    python = VENV / "bin" / "python"
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    step(f"installing the packages of {LOCK.name}")
    run(
        [python, pip, "install", "--require-hashes", "--only-binary", ":all:", "-r", LOCK],
        log,
        "The Python packages could not be installed",
        _NETWORK,
        env=env,
    )
    run(
        [python, "-m", "pip", "install", "--no-deps", "--no-index", "--no-build-isolation", "--editable", CLONE],
        log,
        "The project's own package could not be installed",
        f"read {log}; is pyproject.toml as it was cloned?",
        env=env,
    )
    write_json(_STAMP, {"key": key(), "python": sys.version})


def pip_wheel(cache: Path, apt: AptState) -> Path:
    """A pip wheel: from this Python, from the system, or from Debian."""
    found = newest_wheel(_wheel_folders())
    if found:
        return found
    folder = cache / "pip-wheel"
    if not folder.exists():
        step("fetching pip (this Python has none)")
        with finished_folder(folder) as partial:
            apt.unpack_packages(["python3-pip-whl"], partial)
    found = newest_wheel([folder / "usr" / "share" / "python-wheels"])
    if not found:
        raise SetupError(f"No pip wheel in {folder}", f"delete {folder} and run `make setup` again")
    return found


def _wheel_folders() -> list[Path]:
    spec = importlib.util.find_spec("ensurepip")
    places = list(spec.submodule_search_locations or []) if spec else []
    return [Path(place) / "_bundled" for place in places] + [Path("/usr/share/python-wheels")]


def newest_wheel(folders: Iterable[Path]) -> Path | None:
    wheels = [wheel for folder in folders for wheel in folder.glob("pip-*.whl")]
    return max(
        wheels, key=lambda wheel: [int(n) for n in wheel.name.split("-")[1].split(".") if n.isdigit()], default=None
    )


def output_of(*arguments: str) -> str:
    """What the environment's Python prints for `arguments`."""
    return subprocess.run(
        [VENV / "bin" / "python", *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()
