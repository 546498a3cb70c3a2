"""Raw flash of the unix board: a file that behaves as a NOR partition does (reader.ports.Flash).

MPOS_POWER_CUT=n: at program or erase number n of this process, over all its files, the power goes. Half of that operation
is done, and the process is killed, so that nothing of it runs on.
"""

import os

_BLOCK = 4096
_ENOENT = 2
_EINVAL = 22

_done = 0  # programs and erases so far

_ERASED = b"\xff" * 128  # a sector in one piece would not fit a heap that is cut up


class FlashFile:
    """The file at `path`, made blank when it is not there: `sectors` of 4,096 bytes."""

    def __init__(self, path: str, sectors: int):
        self._sectors = sectors
        try:
            self._file = open(path, "r+b")
        except OSError as error:
            if error.errno != _ENOENT:
                raise
            self._file = open(path, "w+b")
        # To the end, also of a file whose making a kill cut short
        for _ in range(self._file.seek(0, 2) // _BLOCK, sectors):
            self._file.write(b"\xff" * _BLOCK)

    def readblocks(self, block: int, buf, offset: int = 0) -> None:
        self._seek(block, offset, len(buf))
        if self._file.readinto(buf) != len(buf):
            raise OSError(_EINVAL)

    def writeblocks(self, block: int, buf, offset: int) -> None:
        """Clear the bits that are clear in `buf`."""
        size = len(buf)
        self._seek(block, offset, size)
        old = int.from_bytes(self._file.read(size), "big")
        new = (old & int.from_bytes(buf, "big")).to_bytes(size, "big")
        self._seek(block, offset, size)
        self._write(new)

    def ioctl(self, op: int, arg: int):
        if op == 4:
            return self._sectors
        if op == 5:
            return _BLOCK
        if op == 6:
            self._seek(arg, 0, _BLOCK)
            self._write(_ERASED, _BLOCK // len(_ERASED))
            return 0
        return None

    def _seek(self, block: int, offset: int, size: int) -> None:
        if not 0 <= block < self._sectors or offset < 0 or offset + size > _BLOCK:
            raise OSError(_EINVAL)
        self._file.seek(block * _BLOCK + offset)

    def _write(self, data, times: int = 1) -> None:
        global _done
        _done += 1
        cut = os.getenv("MPOS_POWER_CUT")
        if cut and int(cut) == _done:
            for _ in range(times // 2):
                self._file.write(data)
            if times == 1:
                self._file.write(data[: len(data) // 2])
            os.system("kill -KILL $PPID")
        for _ in range(times):
            self._file.write(data)
