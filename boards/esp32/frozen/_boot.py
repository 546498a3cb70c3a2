"""Run at every start of a reader's own MicroPython, before boot.py and in place of the port's: mount the file system, then
start the firmware if it is for the field.
"""

import mpos_boot
import vfs
from flashbdev import bdev

try:
    vfs.mount(bdev, "/")
except OSError:
    import inisetup

    inisetup.setup()

mpos_boot.start_release()
