"""The command `mpos` as a program of its own, for tests of what it prints: a process that is forked from one with everything
imported, since imports take most of a short command's time."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

TIMEOUT_S = 60
MPOS = Path(sys.executable).parent / "mpos"
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["mpos.cli", "mpos.bench.run", "mpos.bench.telling"])


def _run(arguments: tuple[str, ...], out: str, err: str) -> None:
    for path, number in ((out, 1), (err, 2)):
        with open(path, "wb") as file:
            os.dup2(file.fileno(), number)
    sys.stdin = open(os.devnull)
    sys.argv = [str(MPOS), *arguments]
    from mpos.cli import main

    main()


async def mpos(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with tempfile.TemporaryDirectory(prefix="mpos-") as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = _FORKS.Process(target=_run, args=(arguments, str(out), str(err)))
        process.start()
        try:
            await asyncio.to_thread(process.join, TIMEOUT_S)
            assert process.exitcode is not None, "it did not end in time"
            return process.exitcode, out.read_text(), err.read_text()
        finally:
            if process.is_alive():
                process.kill()
                process.join()
