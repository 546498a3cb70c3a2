"""The unix board: the parts of a reader on a PC, joined to the bench by sockets.

The bench says where everything is:
    MPOS_NFC         address:port of the PN532's lines
    MPOS_NFC_BUS     hsu, spi, i2c: which lines these are, in messages (nfc_line.py); unset: bytes of its UART, nothing else
    MPOS_NFC_IRQ     1: the IRQ line is wired
    MPOS_CHIP        address:port of the chip slot's lines (chip_line.py); unset: there is no slot
    MPOS_COUPLER     address:port of a TDA8029's serial line, which then is the chip slot
    MPOS_HEAD        address:port of the magnetic head's two lines (head_line.py); unset: there is no head
    MPOS_EDGES       address:port of a head that gives raw edges, instead
    MPOS_KEYS        address:port of the PIN pad's keys; unset: there is no PIN pad
    MPOS_DISPLAY     address:port of the screen on which a phone is paired (display_line.py); unset: there is none
    MPOS_DISPLAY_KEYS  1: it has a key for yes and one for no
    MPOS_RADIO       address:port of the Bluetooth controller (bluetooth.py)
    MPOS_PHONE       address:port of a serial line to the phone, or to the factory, instead of the radio
    MPOS_STATE       folder of the stores and the flash of the keys
    MPOS_POWER_CUT   number of the flash operation at which the power goes (flash_file.py)
    MPOS_PARAMETERS  the parameter file
    MPOS_EMV         the file of applications and keys for chip cards; unset: there is none
"""

import os
import socket
import sys

from flash_file import FlashFile
from micropython import const

from reader.drivers.clock import Clock
from reader.drivers.entropy import Entropy
from reader.drivers.on_demand import OnDemand
from reader.errors import E_LINE_CLOSED, ReaderError
from reader.storage.state_file import StateFile

_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)
# Characters come through a busy PC's process and socket, not from a card that keeps its time
_LATE_MS = const(400)
_RESTART = const(64)  # exit code: whoever started the reader starts it again (mpos.bench.device)
_KEY_SECTORS = const(16)
_JOURNAL_SECTORS = const(8)
# So do strobes; the ASIC of the bench is as patient (bench/mag_head.py)
_WATCHDOG_MS = const(9_000)


class _Board:
    name = "mPOS unix"

    def __init__(self):
        state = _setting("MPOS_STATE")
        self.clock = Clock()
        self.entropy = Entropy()
        self.keys = FlashFile(state + "/ring", _KEY_SECTORS)
        self.journal = FlashFile(state + "/journal", _JOURNAL_SECTORS)
        self.secret = StateFile(state + "/secret")
        self.counter_store = StateFile(state + "/counters")
        self.notice_store = StateFile(state + "/notices")
        self.parameters = _setting("MPOS_PARAMETERS")
        self.emv_tables = os.getenv("MPOS_EMV") or ""
        self.contactless = OnDemand(_contactless(_line(_setting("MPOS_NFC"))))
        self.contact = _contact()
        self.head = _head()
        self.pin_pad = _pin_pad()
        self.display = _display()

    def link(self, version: str, in_factory: bool = False):
        """A serial line where there is one, which the factory may use as long as the reader is `in_factory`; else BLE."""
        if address := os.getenv("MPOS_PHONE"):
            from reader.link.serial_link import SerialLink

            link = SerialLink(_line(address))
            link.is_factory = in_factory
            return link
        from reader.link.gatt_service import GattService

        return GattService(self.name, version, self._pairing())

    def _pairing(self):
        if self.display is None:
            return None
        from reader.link.pairing import Pairing
        from reader.storage.bonds import Bonds
        from reader.storage.key_ring import KeyRing

        return Pairing(self.display, Bonds(KeyRing(self.keys, self.journal, self.secret)), self.entropy)

    def image(self):
        """The ROM image, mapped as start.py has it; None for a firmware that is frozen in."""
        path = os.getenv("MPOS_ROM")
        if not path:
            return None
        import rommap

        return rommap.open(path)

    def restart(self) -> None:
        """Does not return."""
        sys.exit(_RESTART)


def peripherals() -> _Board:
    """The parts of this board (ports.Board)."""
    return _Board()


def _contactless(line):
    """What makes the reader, each time it is switched on."""
    kind = os.getenv("MPOS_NFC_BUS")
    if kind:
        import nfc_line

        line = {"hsu": nfc_line.SerialLine, "spi": nfc_line.SpiBus, "i2c": nfc_line.I2cBus}[kind](line)
    irq = line if os.getenv("MPOS_NFC_IRQ") else None

    def make():
        from reader.drivers.contactless import ContactlessReader
        from reader.drivers.pn532.chip import Pn532

        if kind == "spi":
            from reader.drivers.pn532.spi import Spi

            return ContactlessReader(Pn532(Spi(line, line, irq)))
        if kind == "i2c":
            from reader.drivers.pn532.i2c import I2c

            return ContactlessReader(Pn532(I2c(line, irq)))
        from reader.drivers.pn532.hsu import Hsu

        return ContactlessReader(Pn532(Hsu(line)))

    return make


def _contact():
    if address := os.getenv("MPOS_COUPLER"):
        from reader.drivers.tda8029.coupler import Tda8029

        return Tda8029(_line(address))
    if address := os.getenv("MPOS_CHIP"):
        from chip_line import ChipLine

        from reader.drivers.icc_slot import IccSlot

        line = ChipLine(_line(address))
        return IccSlot(line, line.power, line.reset, line.off, late_ms=_LATE_MS)
    return None


def _head():
    if address := os.getenv("MPOS_HEAD"):
        from head_line import HeadLine

        from reader.drivers.mag_head import MagHead

        line = HeadLine(_line(address))
        return MagHead(line.strobe, line.data, _WATCHDOG_MS)
    if address := os.getenv("MPOS_EDGES"):
        from head_line import EdgeLine

        from reader.drivers.mag_edges import EdgeHead

        return EdgeHead(EdgeLine(_line(address)))
    return None


def _display():
    if address := os.getenv("MPOS_DISPLAY"):
        from display_line import DisplayLine

        return DisplayLine(_line(address), bool(os.getenv("MPOS_DISPLAY_KEYS")))
    return None


def _pin_pad():
    if address := os.getenv("MPOS_KEYS"):
        from reader.drivers.pin_pad import PinPad

        return PinPad(_line(address))
    return None


def _setting(name: str) -> str:
    value = os.getenv(name)
    if not value:
        raise ValueError(name + " is not set: start the reader with `mpos run`, or read boards/unix/board.py")
    return value


def _line(address: str):
    host, port = address.rsplit(":", 1)
    line = socket.socket()
    try:
        line.connect(socket.getaddrinfo(host, int(port))[0][-1])
    except OSError:
        raise ReaderError(E_LINE_CLOSED) from None
    # A serial line sends what it is given at once; TCP would hold a second small write back for an answer
    line.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
    line.setblocking(False)
    return line
