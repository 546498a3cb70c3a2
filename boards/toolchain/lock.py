"""`make lock`: pin every package again, with the hashes of all its files, from what pyproject.toml asks for.

The lock names no index: it works with the public one and with any mirror of it.
"""

import os
import sys
import tempfile
from pathlib import Path

from . import venv
from .places import CLONE, VENV
from .say import run, step

_OPTIONS = [
    "--quiet",
    "--generate-hashes",
    "--allow-unsafe",
    "--strip-extras",
    "--no-config",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
    "--extra",
    "dev",
]


def write(cache: Path, arguments: list[str]) -> None:
    """Write requirements.lock. Pins that still fit stay; `arguments` go to pip-compile (`--upgrade`)."""
    python = VENV / "bin" / "python"
    log = cache / "logs" / "lock.log"
    # Files that only this machine's pip knows (local wheels, extra indexes) have no place in the lock.
    env = {name: value for name, value in os.environ.items() if name not in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL")}
    env["PIP_CONFIG_FILE"] = os.devnull
    with tempfile.TemporaryDirectory(prefix=".lock-", dir=cache) as tools:
        step("fetching pip-tools")
        run(
            [python, "-m", "pip", "install", "--target", tools, "pip-tools>=7.4"],
            log,
            "pip-tools could not be installed",
            "is the network there? Then run `make lock` again.",
            env=env,
        )
        step("resolving")
        run(
            [python, "-m", "piptools", "compile", *_OPTIONS, *arguments, "-o", venv.LOCK.name, "pyproject.toml"],
            log,
            "The packages could not be resolved",
            f"read {log}",
            cwd=CLONE,
            env={**env, "PYTHONPATH": tools},
        )
    print(f"{venv.LOCK.name} written. `make setup` installs it.", file=sys.stderr)
