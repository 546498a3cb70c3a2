"""Imported on a board before a test file: makes an empty folder, and goes into it.

On the unix port every test file runs in a folder of its own; a board keeps its files from one to the next.
"""

import os

_FOLDER = "/mpos-unit"
_IS_FOLDER = 0x4000


def _remove(path):
    for name, kind, *_ in list(os.ilistdir(path)):
        if kind == _IS_FOLDER:
            _remove(path + "/" + name)
        else:
            os.remove(path + "/" + name)
    os.rmdir(path)


os.chdir("/")
if _FOLDER[1:] in os.listdir("/"):
    _remove(_FOLDER)
os.mkdir(_FOLDER)
os.chdir(_FOLDER)
