"""The secret of the key store in ESP-IDF's non-volatile storage: outside of the key ring, whole whenever the power goes, and
encrypted where the module's flash is.
"""

from micropython import const

from reader.errors import E_STORE, ReaderError

_NAME = "secret"
_SIZE = const(64)  # more than it ever has
_NOT_FOUND = const(0x1102)  # ESP_ERR_NVS_NOT_FOUND


class NvsSecret:
    """ports.Store. `nvs`: esp32.NVS of a namespace that nobody else uses."""

    def __init__(self, nvs):
        self._nvs = nvs

    def load(self) -> bytearray | None:
        """Raises E_STORE when there is one that cannot be read."""
        found = bytearray(_SIZE)
        try:
            n = self._nvs.get_blob(_NAME, found)
        except OSError as error:
            if error.errno in (_NOT_FOUND, -_NOT_FOUND):
                return None
            raise ReaderError(E_STORE)
        return found[:n]

    def save(self, data) -> None:
        """Raises E_STORE; the old one stands then."""
        try:
            self._nvs.set_blob(_NAME, data)
            self._nvs.commit()
        except OSError:
            raise ReaderError(E_STORE)
