"""How the set-up talks: progress lines, and failures that say what happened and what to do next."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_START = time.monotonic()


class SetupError(Exception):
    """Ends the set-up. `what` happened, and what to `do` about it."""

    def __init__(self, what: str, do: str):
        super().__init__(f"{what}\n  What to do: {do}")
        self.what = what


def step(text: str) -> None:
    """One line of progress, with the seconds since the start."""
    print(f"setup {time.monotonic() - _START:6.1f} s  {text}", file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path],
    log: Path,
    what: str,
    do: str,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: int = 600,
) -> None:
    """Run `command` with its output in the file `log`. Raises SetupError(what, do) that quotes the end of the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        try:
            code = subprocess.run(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env,
                timeout=timeout_s,
                check=False,
            ).returncode
        except FileNotFoundError as error:
            raise SetupError(f"{what}: {command[0]} is not on this machine", do) from error
        except subprocess.TimeoutExpired as error:
            raise SetupError(f"{what}: no end after {timeout_s} s, log in {log}", do) from error
    if code:
        lines = log.read_text(errors="replace").splitlines()
        tail = "\n".join("    | " + line for line in lines[-12:])
        raise SetupError(f"{what} (exit {code}), the end of {log}:\n{tail}", do)
