"""What a MicroPython build freezes of the firmware; the manifest.py of a board includes it.

The board's own adds board.py, asyncio and, where there is a radio, aioble.
"""

# ruff: noqa: F821
# mypy: ignore-errors

package("reader", files=None, base_path=".", opt=0)
module("boot.py")
module("main.py")
