"""The emulated microcontroller's parts: the PN532 on auxiliary line 0, the phone on line 1, stores on the flash."""

import os

from lines import Uart

from reader.drivers.clock import Clock
from reader.drivers.contactless import ContactlessReader
from reader.drivers.entropy import Entropy
from reader.drivers.pn532.chip import Pn532
from reader.drivers.pn532.hsu import Hsu
from reader.link.serial_link import SerialLink
from reader.storage.state_file import StateFile

_STATE = "/state"
_NFC_LINE = 0
_PHONE_LINE = 1


class _Board:
    name = "mPOS qemu_rv32"
    parameters = "/parameters.json"

    def __init__(self):
        self.clock = Clock()
        self.entropy = Entropy()  # os.urandom is the processor's entropy source (RISC-V Zkr)
        self.key_store, self.counter_store, self.notice_store = stores()
        self.contactless = ContactlessReader(Pn532(Hsu(Uart(_NFC_LINE))))

    def link(self, version: str) -> SerialLink:
        return SerialLink(Uart(_PHONE_LINE))


def stores() -> tuple:
    """Key store, counter store and notice store."""
    try:
        os.mkdir(_STATE)
    except OSError:
        pass  # it is there
    return StateFile(_STATE + "/keys"), StateFile(_STATE + "/counters"), StateFile(_STATE + "/notices")


def peripherals() -> _Board:
    """The parts of this board (ports.Board)."""
    return _Board()
