"""The emulated microcontroller's parts: auxiliary line 0 is the PN532's, 1 the phone's, 2 a TDA8029's, 3 a PIN pad's; the
stores are on the flash, key store and journal in regions of their own. Nobody can see from inside whether a line is connected: a slot that is not there is silent.
"""

import os

import flash
import machine
from lines import Uart

from reader.drivers.clock import Clock
from reader.drivers.entropy import Entropy
from reader.drivers.on_demand import OnDemand
from reader.drivers.pin_pad import PinPad
from reader.drivers.tda8029.coupler import Tda8029
from reader.link.serial_link import SerialLink
from reader.storage.state_file import StateFile

_STATE = "/state"
_NFC_LINE = 0
_PHONE_LINE = 1
_CHIP_LINE = 2
_KEYS_LINE = 3


class _Board:
    name = "mPOS qemu_rv32"
    parameters = "/parameters.json"
    emv_tables = "/emv.tlv"

    def __init__(self):
        self.clock = Clock()
        self.entropy = Entropy()  # os.urandom is the processor's entropy source (RISC-V Zkr)
        try:
            os.mkdir(_STATE)
        except OSError:
            pass  # it is there
        self.keys = flash.keys
        self.journal = flash.journal
        self.secret = StateFile(_STATE + "/secret")
        self.counter_store = StateFile(_STATE + "/counters")
        self.notice_store = StateFile(_STATE + "/notices")
        self.contactless = OnDemand(_contactless(Uart(_NFC_LINE)))
        self.contact = Tda8029(Uart(_CHIP_LINE))
        self.head = None
        self.pin_pad = PinPad(Uart(_KEYS_LINE))
        self.display = None

    def link(self, version: str, in_factory: bool = False) -> SerialLink:
        link = SerialLink(Uart(_PHONE_LINE))
        link.is_factory = in_factory
        return link

    def image(self):
        """The ROM image of the firmware."""
        return memoryview(flash.rom)

    def restart(self) -> None:
        """Does not return."""
        machine.reset()


def _contactless(line):
    """What makes the reader, each time it is switched on."""

    def make():
        from reader.drivers.contactless import ContactlessReader
        from reader.drivers.pn532.chip import Pn532
        from reader.drivers.pn532.hsu import Hsu

        return ContactlessReader(Pn532(Hsu(line)))

    return make


def peripherals() -> _Board:
    """The parts of this board (ports.Board)."""
    return _Board()
