"""Frozen into a reader's own MicroPython: starts a release build before there is a prompt. _boot.py calls it.

MicroPython runs _boot.py before any file, and no key on the console interrupts it: so nobody gets between power-on and
the firmware, and nothing in the file system is a module or a program.
"""

import os
import sys

import machine

# In the ROM image of a release; and what `mpos flash` writes last (docs/flashing.md)
_WHOLE = ("/rom/mpos_release.mpy", "/installed.json")


def start_release() -> None:
    """Returns at once unless a release is frozen in, or whole in the ROM partition; otherwise never."""
    path = sys.path[:]
    sys.path[:] = [".frozen"]  # a file of that name is no release
    try:
        import mpos_release  # noqa: F401

        _run(sys.path)
    except ImportError:
        sys.path[:] = path
    try:
        for name in _WHOLE:
            os.stat(name)
    except OSError:
        return
    _run(["/rom", ".frozen"])


def _run(path: list) -> None:
    """The firmware from these places and no others, without a word on the console; when it ends the board is reset."""
    sys.path[:] = path
    try:
        __import__("main")
    except BaseException:
        pass  # what it was about is in the security log, and not for whoever holds a probe to the console
    machine.reset()
