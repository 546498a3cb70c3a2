"""What the boot loader does on a microcontroller: mount the ROM image in MPOS_ROM, run a module out of it.

micropython start.py main
"""

import os
import sys

import rommap
import vfs

vfs.mount(vfs.VfsRom(rommap.open(os.getenv("MPOS_ROM"))), "/rom")
sys.path[:] = ["/rom", ".frozen"]
__import__(sys.argv[1])
