"""The main.py of a device: starts the firmware that is installed, if it is whole.

A flash takes /installed.json away before it changes anything and writes it last. Without that file, or when it is of
another build than what lies in the place it names, the device stays at its prompt, and can be flashed again.
"""

import json
import sys


def _place():
    """The folder of a whole firmware, or None."""
    try:
        with open("/installed.json") as file:
            installed = json.load(file)
        with open(installed["place"] + "/build.txt") as file:
            return installed["place"] if file.read() == installed["build"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


place = _place()
if place is None:
    raise RuntimeError("no whole firmware is installed: flash it again")
# The firmware's own modules and no others: nothing beside them can take the place of one
sys.path[:] = [place, ".frozen", "/lib"]
__import__("main")
