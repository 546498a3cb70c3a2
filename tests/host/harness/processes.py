"""Processes of this machine, to see that none is left behind."""

from __future__ import annotations

from pathlib import Path


def processes_with(setting: str, program: str = "") -> list[str]:
    """The processes that have `NAME=value` in their environment, and run `program`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if setting.encode() in (process / "environ").read_bytes().split(b"\0"):
                arguments = (process / "cmdline").read_bytes().split(b"\0")
                if program in arguments[0].decode(errors="replace"):
                    found.append(process.name)
        except OSError:  # not ours, or gone
            continue
    return found
