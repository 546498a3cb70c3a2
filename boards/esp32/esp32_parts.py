"""What the M35 and the D200 have in common: the parts that an ESP32 or ESP32-S3 module brings, the lines of the PN532, of
the chip slot and of the magnetic head.

Machine calls are those of MicroPython 1.25's esp32 port. Nothing is touched before `peripherals()` of a board asks.
"""

import os
import sys
import time

import bluetooth
import esp32
import machine
import vfs
from machine import I2C, SPI, UART, Pin
from micropython import const

from reader.drivers.clock import Clock
from reader.drivers.entropy import Entropy
from reader.drivers.icc_slot import IccSlot
from reader.drivers.mag_head import MagHead
from reader.drivers.nvs_secret import NvsSecret
from reader.drivers.on_demand import OnDemand
from reader.storage.state_file import StateFile

_NFC_UART = const(1)  # 0 is the console, 2 the chip slot's
_NFC_BAUD = const(115_200)  # PN532 user manual UM0701-02, 6.2.3: the speed after reset; the driver makes it 460,800
# The longest frame is 275 bytes; the port's own buffers of 256 would lose the end of one received while the radio
# holds the processor, and make the sender of one wait
_NFC_BUFFER = const(512)
_NFC_SPI = const(1)  # 2 is the display's
_NFC_SPI_HZ = const(2_000_000)  # 6.2.5: 5 MHz at most, on short wires
_NFC_I2C = const(1)  # 0 is the keypad's and the display's
_NFC_I2C_HZ = const(400_000)  # 6.2.4: the most
_RESET_MS = const(1)
_CHIP_UART = const(2)
_CHIP_BAUD = const(9600)  # IccSlot sets the exact one
_CHIP_KHZ = const(3580)  # a crystal of 14.318 MHz, divided by 4
# A block of T=1 has 259 characters, and all are heard again while they are sent
_CHIP_BUFFER = const(512)
# From CMDVCC_N to the card's clock, by the TDA8035's own oscillator. To be measured on the first board (NXP AN13950); until
# then about the middle of what it may be
_CHIP_CLOCK_AFTER_US = const(3_000)
_STATE = "/state"
_CONSOLE_UART = const(0)
_FACTORY_BAUD = const(115_200)
_SPACE = "mpos"  # of ESP-IDF's non-volatile storage
_DATA_PARTITION = const(1)  # esp32.Partition.TYPE_DATA


def mcu() -> str:
    """ "ESP32" or "ESP32S3", from the port's own words: "<board> with <microcontroller>".

    Any other has other pins: ValueError, before one of them is driven.
    """
    said = sys.implementation._machine
    name = said.split(" with ")[-1].replace("-", "")  # some boards of the port say ESP32-S3
    if name not in ("ESP32", "ESP32S3"):
        raise ValueError("a board for ESP32 or ESP32S3 modules, this is " + said)
    return name


class RadioEntropy(Entropy):
    """The module's generator draws on the radio's noise only while the radio is on (ESP-IDF, Random Number
    Generation): so it is switched on first.
    """

    def draw(self, n: int) -> bytes:
        radio = bluetooth.BLE()
        if not radio.active():
            radio.active(True)
        return super().draw(n)


def contactless(pins) -> OnDemand:
    """The PN532 freshly reset, on the bus that `pins` name: NFC_SPI_SCK and so on, NFC_I2C_SCL and so on, or NFC_TX and NFC_RX;
    on SPI and I2C also NFC_IRQ, if it is wired."""
    reset = Pin(pins.NFC_RESET, Pin.OUT, value=0)
    time.sleep_ms(_RESET_MS)
    if hasattr(pins, "NFC_SPI_SCK"):
        make = _nfc_spi(pins)
    elif hasattr(pins, "NFC_I2C_SCL"):
        make = _nfc_i2c(pins)
    else:
        make = _nfc_hsu(pins)
    reset.value(1)
    time.sleep_ms(_RESET_MS)

    def reader():
        from reader.drivers.contactless import ContactlessReader
        from reader.drivers.pn532.chip import Pn532

        return ContactlessReader(Pn532(make()))

    return OnDemand(reader)


def _nfc_hsu(pins):
    # Both pins are named: the port's own choice for this UART are the ESP32's flash pins
    line = UART(
        _NFC_UART, baudrate=_NFC_BAUD, tx=pins.NFC_TX, rx=pins.NFC_RX, txbuf=_NFC_BUFFER, rxbuf=_NFC_BUFFER, timeout=0
    )

    def make():
        from reader.drivers.pn532.hsu import Hsu

        return Hsu(line)

    return make


def _nfc_spi(pins):
    select = Pin(pins.NFC_SPI_SELECT, Pin.OUT, value=1)
    bus = SPI(
        _NFC_SPI,
        baudrate=_NFC_SPI_HZ,
        polarity=0,
        phase=0,
        firstbit=SPI.LSB,
        sck=Pin(pins.NFC_SPI_SCK),
        mosi=Pin(pins.NFC_SPI_MOSI),
        miso=Pin(pins.NFC_SPI_MISO),
    )
    irq = _nfc_irq(pins)

    def make():
        from reader.drivers.pn532.spi import Spi

        return Spi(bus, select, irq)

    return make


def _nfc_i2c(pins):
    # The chip holds the clock while it is busy; the port waits 50 ms for it
    bus = I2C(_NFC_I2C, scl=Pin(pins.NFC_I2C_SCL), sda=Pin(pins.NFC_I2C_SDA), freq=_NFC_I2C_HZ)
    irq = _nfc_irq(pins)

    def make():
        from reader.drivers.pn532.i2c import I2c

        return I2c(bus, irq)

    return make


def _nfc_irq(pins) -> "Pin | None":
    return Pin(pins.NFC_IRQ, Pin.IN) if hasattr(pins, "NFC_IRQ") else None


def chip_slot(pins) -> IccSlot:
    """The chip slot behind the TDA8035, without power. What this UART cannot see: reader/drivers/icc_line.py."""
    power = Pin(pins.CHIP_POWER, Pin.OUT, value=1)
    reset = Pin(pins.CHIP_RESET, Pin.OUT, value=0)
    off = Pin(pins.CHIP_OFF, Pin.IN)
    line = UART(
        _CHIP_UART,
        baudrate=_CHIP_BAUD,
        bits=8,
        parity=0,
        stop=2,
        tx=pins.CHIP_TX,
        rx=pins.CHIP_RX,
        txbuf=_CHIP_BUFFER,
        rxbuf=_CHIP_BUFFER,
        timeout=0,
    )
    return IccSlot(line, power, reset, off, _CHIP_KHZ, _CHIP_CLOCK_AFTER_US)


def mag_head(pins) -> MagHead:
    """The head's ASIC in the mode that it starts in, STROBE at rest. DATA is driven by the ASIC all the time."""
    return MagHead(Pin(pins.MAG_STROBE, Pin.OUT, value=1), Pin(pins.MAG_DATA, Pin.IN))


def partition(name: str):
    """The raw partition (partitions-*.csv). ValueError when the module's table has none: it needs a MicroPython of its own."""
    found = esp32.Partition.find(_DATA_PARTITION, label=name)
    if not found:
        raise ValueError("no partition " + name + ": this MicroPython was not built from boards/")
    return found[0]


class Esp32Board:
    """The parts (ports.Board). `pins`: a module with the GPIO of each line by name (boards/*/pins_*.py)."""

    def __init__(self, name: str, pins):
        self.name = name
        self.clock = Clock()
        self.entropy = RadioEntropy()
        try:
            os.mkdir(_STATE)
        except OSError:
            pass  # it is there; or the data partition is not, and then the stores say so
        self.keys = partition("keys")
        self.journal = partition("journal")
        self.secret = NvsSecret(esp32.NVS(_SPACE))
        self.counter_store = StateFile(_STATE + "/counters")
        self.notice_store = StateFile(_STATE + "/notices")
        self.parameters = "/parameters.json"
        self.emv_tables = "/emv.tlv"
        self.contactless = contactless(pins)
        self.contact = chip_slot(pins)
        self.head = mag_head(pins)
        self.pin_pad = None  # the keypad has no driver yet
        self.display = None  # nor has the screen: no phone is paired

    def link(self, version: str, in_factory: bool = False):
        """BLE; in the factory the console's serial line, which a release has no prompt on."""
        if in_factory:
            from reader.link.serial_link import SerialLink

            link = SerialLink(UART(_CONSOLE_UART, baudrate=_FACTORY_BAUD, timeout=0))
            link.is_factory = True
            return link
        from reader.link.gatt_service import GattService

        return GattService(self.name, version)

    def image(self):
        """The ROM image of the firmware, or None when it is frozen in: then the boot loader checks its hash."""
        rom = vfs.rom_ioctl(2, 0)
        return None if isinstance(rom, int) else memoryview(rom)

    def restart(self) -> None:
        """Does not return."""
        machine.reset()
