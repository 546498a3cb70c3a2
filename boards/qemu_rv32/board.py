"""The emulated microcontroller's parts: the PN532 on auxiliary line 0, the phone on line 1, stores on the flash."""

import os
import time

from lines import Uart

from reader.drivers.contactless import ContactlessReader
from reader.drivers.pn532.chip import Pn532
from reader.drivers.pn532.hsu import Hsu
from reader.errors import E_ENTROPY, ReaderError
from reader.link.serial_link import SerialLink
from reader.storage.state_file import StateFile

_STATE = "/state"
_NFC_LINE = 0
_PHONE_LINE = 1


class _Clock:
    def ticks_ms(self) -> int:
        return time.ticks_ms()

    def now(self):
        return time.localtime()[:6]


class _Entropy:
    """The processor's entropy source (RISC-V Zkr, the seed register) by os.urandom."""

    def __init__(self):
        self._last = b""

    def fill(self, buf) -> None:
        try:
            fresh = os.urandom(max(len(buf), 8))
        except OSError:
            raise ReaderError(E_ENTROPY)
        if fresh == self._last or fresh.count(fresh[:1]) == len(fresh):
            raise ReaderError(E_ENTROPY)
        self._last = fresh
        buf[:] = fresh[: len(buf)]


class _Board:
    name = "mPOS qemu_rv32"
    parameters = "/parameters.json"

    def __init__(self):
        self.clock = _Clock()
        self.entropy = _Entropy()
        self.key_store, self.counter_store = stores()
        self.contactless = ContactlessReader(Pn532(Hsu(Uart(_NFC_LINE))))

    def link(self, version: str) -> SerialLink:
        return SerialLink(Uart(_PHONE_LINE))


def stores() -> tuple:
    """Key store and counter store."""
    try:
        os.mkdir(_STATE)
    except OSError:
        pass  # it is there
    return StateFile(_STATE + "/keys"), StateFile(_STATE + "/counters")


def peripherals() -> _Board:
    """The parts of this board (ports.Board)."""
    return _Board()
