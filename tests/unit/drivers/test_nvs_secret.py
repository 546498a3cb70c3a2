"""The secret in ESP-IDF's storage, which is played as MicroPython's esp32.NVS: get_blob, set_blob, commit."""

from reader.drivers.nvs_secret import NvsSecret
from reader.errors import E_STORE
from testing import raises

_NOT_FOUND = 0x1102
_FULL = 0x1105


class _Nvs:
    def __init__(self):
        self.kept = {}
        self.pending = {}
        self.error = 0

    def get_blob(self, name, buf):
        if self.error:
            raise OSError(-self.error)
        if name not in self.kept:
            raise OSError(-_NOT_FOUND)
        value = self.kept[name]
        buf[: len(value)] = value
        return len(value)

    def set_blob(self, name, data):
        if self.error:
            raise OSError(-self.error)
        self.pending[name] = bytes(data)

    def commit(self):
        self.kept.update(self.pending)


def test_kept_once_committed():
    nvs = _Nvs()
    assert NvsSecret(nvs).load() is None
    NvsSecret(nvs).save(bytes(range(33)))
    found = NvsSecret(nvs).load()
    assert found == bytes(range(33)) and isinstance(found, bytearray)


def test_what_cannot_be_read_is_not_nothing():
    nvs = _Nvs()
    nvs.error = _FULL
    with raises(E_STORE):
        NvsSecret(nvs).load()
    with raises(E_STORE):
        NvsSecret(nvs).save(b"x")
