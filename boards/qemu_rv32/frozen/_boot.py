"""Run at every start, before boot.py: mount the file system in flash. A blank flash is formatted first."""

import flash
import mpos_boot
import vfs


def _mount() -> None:
    storage = flash.storage
    try:
        vfs.mount(vfs.VfsLfs2(storage), "/")
    except OSError:
        head = bytearray(storage.ioctl(5, 0))
        storage.readblocks(0, head)
        if head.count(b"\xff") != len(head):
            # Whatever this was, it is not ours to erase
            print("flash: no file system that can be mounted; vfs.VfsLfs2.mkfs(flash.storage) makes an empty one")
            return
        vfs.VfsLfs2.mkfs(storage)
        vfs.mount(vfs.VfsLfs2(storage), "/")


_mount()
mpos_boot.start_release()
