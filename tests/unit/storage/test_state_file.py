"""The state in a file: old or new, never a mixture, and every failure has its number."""

import os

from reader.errors import E_STORE
from reader.storage import state_file
from reader.storage.state_file import StateFile
from testing import raises

_FOLDER = "state_file_test." + str(os.urandom(8).hex())


class _Folder:
    """`with _Folder() as path:` a path in a new folder, which is gone afterwards."""

    def __enter__(self):
        os.mkdir(_FOLDER)
        return _FOLDER + "/state"

    def __exit__(self, *_):
        for name, kind, *_ in os.ilistdir(_FOLDER):
            (os.rmdir if kind == 0x4000 else os.remove)(_FOLDER + "/" + name)
        os.rmdir(_FOLDER)


def _write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def test_absent():
    with _Folder() as path:
        assert StateFile(path).load() is None


def test_save_and_load():
    with _Folder() as path:
        store = StateFile(path)
        for data in (b"one", bytes(384), b"", bytes(4096), bytearray(b"buffer"), memoryview(b"view")):
            store.save(data)
            assert store.load() == data
            assert StateFile(path).load() == data


def test_loaded_is_the_callers_to_wipe():
    with _Folder() as path:
        store = StateFile(path)
        store.save(b"keys")
        loaded = store.load()
        loaded[0] = 0
        assert store.load() == b"keys"


def test_leftover_temporary():
    with _Folder() as path:
        _write(path + ".new", b"half of the ne")
        store = StateFile(path)
        assert store.load() is None
        store.save(b"old")
        _write(path + ".new", b"half of the ne")
        assert store.load() == b"old"
        store.save(b"new")
        assert store.load() == b"new"


def test_bounds():
    with _Folder() as path:
        store = StateFile(path)
        store.save(b"old")
        with raises(E_STORE):
            store.save(bytes(4097))
        assert store.load() == b"old"
        _write(path, bytes(4097))
        with raises(E_STORE):
            store.load()


def test_not_a_file():
    with _Folder() as path:
        os.mkdir(path)
        store = StateFile(path)
        with raises(E_STORE):
            store.load()
        with raises(E_STORE):
            store.save(b"data")


def test_nowhere_to_write():
    with _Folder() as path:
        store = StateFile(path + "/no/such/folder")
        with raises(E_STORE):
            store.save(b"data")
        _write(path, b"")  # a file where a folder should be
        with raises(E_STORE):
            store.load()


class _CutOs:
    """The os module of a device whose power goes before operation `at`."""

    def __init__(self, at):
        self._left = at

    def _tick(self):
        self._left -= 1
        if self._left < 0:
            raise OSError(5)

    def stat(self, path):
        return os.stat(path)

    def rename(self, old, new):
        self._tick()
        os.rename(old, new)


class _CutFile:
    """A file that takes `room` bytes before the medium fails, or fails at flush."""

    def __init__(self, path, room, flushes, short):
        self._file = open(path, "wb")
        self._room = room
        self._flushes = flushes
        self._short = short

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self._file.close()

    def write(self, data):
        written = self._file.write(memoryview(data)[: self._room])
        if self._room < len(data) and not self._short:
            raise OSError(28)
        return written

    def flush(self):
        self._file.flush()
        if not self._flushes:
            raise OSError(5)


def test_failure_at_every_step():
    with _Folder() as path:
        store = StateFile(path)
        store.save(b"old state")
        new = b"new state!"
        faults = [(n, True, short) for n in range(len(new)) for short in (False, True)]
        faults.append((len(new), False, False))
        for fault in faults:
            state_file.open = lambda name, mode, fault=fault: _CutFile(name, *fault)
            try:
                with raises(E_STORE):
                    store.save(new)
            finally:
                del state_file.open
            assert store.load() == b"old state"
        state_file.os = _CutOs(0)
        try:
            with raises(E_STORE):
                store.save(new)
        finally:
            state_file.os = os
        assert store.load() == b"old state"
        state_file.os = _CutOs(1)
        try:
            store.save(new)
        finally:
            state_file.os = os
        assert store.load() == new


def test_short_read():
    with _Folder() as path:
        StateFile(path).save(b"state")

        class _Longer(_CutOs):
            def stat(self, name):
                return (0, 0, 0, 0, 0, 0, 6, 0, 0, 0)

        state_file.os = _Longer(9)
        try:
            with raises(E_STORE):
                StateFile(path).load()
        finally:
            state_file.os = os
