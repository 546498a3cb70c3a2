"""What a MicroPython build freezes of the firmware; the manifest.py of a board includes it.

The board's own adds board.py, asyncio and, where there is a radio, aioble.
"""

# ruff: noqa: F821
# mypy: ignore-errors

import os
import sys

_base = "."
if sys.version_info >= (3, 10):  # noqa: UP036 - not ours but ESP-IDF's Python; older ones freeze the sources as they are, which takes 4 KB more of the heap
    sys.path.insert(0, os.path.abspath("../host_tools"))
    from pathlib import Path

    from mpos.provision.constants import frozen_tree

    _base = str(frozen_tree(Path(".").resolve()))
    del sys.path[0]

package("reader", files=None, base_path=_base, opt=0)
module("boot.py", base_path=_base)
module("main.py", base_path=_base)
