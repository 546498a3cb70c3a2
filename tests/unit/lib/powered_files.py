"""A file system in memory whose power goes at any operation: `vfs.mount(PoweredFiles(power), "/cut")`.

Operations are those that change something: an open that creates or truncates, a write, a flush with something to store,
rename, remove. A cut operation is not done, or done (odd shapes of the Power); a cut flush stores half. After a cut the test
calls `lose`: what was written and not flushed is gone.
"""

from flash_memory import PowerCut

_ENOENT = 2


class PoweredFiles:
    def __init__(self, power):
        self.power = power
        self.files = {}
        self._unstored = {}  # of files whose last bytes were never flushed, what is on the medium

    def lose(self):
        self.files.update(self._unstored)
        self._unstored = {}

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def open(self, path, mode):
        path = _name(path)
        self.power.live()
        if "r" in mode:
            if path not in self.files:
                raise OSError(_ENOENT)
            return _File(self, path, self.files[path], False)
        kept = self.files.get(path, b"") if "a" in mode else b""
        if "w" in mode or path not in self.files:
            self._step(lambda: self._set(path, b""))
        return _File(self, path, kept, True)

    def rename(self, old, new):
        old = _name(old)
        self.power.live()
        if old not in self.files:
            raise OSError(_ENOENT)

        def change():
            self._unstored.pop(_name(new), None)
            if old in self._unstored:
                self._unstored[_name(new)] = self._unstored.pop(old)
            self.files[_name(new)] = self.files.pop(old)

        self._step(change)

    def remove(self, path):
        self._step(lambda: (self._unstored.pop(_name(path), None), self.files.pop(_name(path))))

    def stat(self, path):
        self.power.live()
        if _name(path) not in self.files:
            raise OSError(_ENOENT)
        return (0x8000, 0, 0, 0, 0, 0, len(self.files[_name(path)]), 0, 0, 0)

    def _set(self, path, data):
        self._unstored.pop(path, None)
        self.files[path] = data

    def _step(self, change):
        cut = self.power.is_last()
        if not cut or self.power.shape & 1:
            change()
        if cut:
            raise PowerCut


class _File:
    def __init__(self, files, path, data, may_write):
        self._files = files
        self._path = path
        self._data = bytearray(data)
        self._at = 0
        self._may_write = may_write
        self._is_stored = True

    def seek(self, offset, whence=0):
        self._at = offset + (0, self._at, len(self._data))[whence]
        return self._at

    def read(self, n=-1):
        self._files.power.live()
        end = len(self._data) if n < 0 else min(len(self._data), self._at + n)
        data = bytes(self._data[self._at : end])
        self._at += len(data)
        return data

    def readinto(self, buf):
        data = self.read(len(buf))
        buf[: len(data)] = data
        return len(data)

    def write(self, data):
        if not self._may_write:
            raise OSError(9)
        self._files._step(lambda: None)  # into a buffer
        self._data += data
        self._is_stored = False
        return len(data)

    def flush(self):
        if self._is_stored:
            return
        files = self._files
        cut = files.power.is_last()
        whole = bytes(self._data)
        stored = len(files._unstored.get(self._path, files.files[self._path]))
        files._set(self._path, whole[: (stored + len(whole)) // 2] if cut and not files.power.shape & 1 else whole)
        self._is_stored = True
        if cut:
            raise PowerCut

    def close(self):
        if not self._is_stored:
            files = self._files
            files._unstored.setdefault(self._path, files.files[self._path])
            files.files[self._path] = bytes(self._data)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()


def _name(path):
    return path.lstrip("/")
