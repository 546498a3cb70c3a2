"""On the device: what the stubs of machine and bluetooth answer. Bases by class name, functions by full name."""

import io
import os
import select
import socket

_MP_STREAM_POLL = 3
_MP_STREAM_CLOSE = 4
_CHIP_UART = 2
_CONSOLE = 0
_chip = {}  # the bench's chip slot, once it is asked for: "line"; by GPIO the pins that go there
_head = {}  # the bench's magnetic head, the same
_nfc = {}  # the PN532's SPI or I2C: "line"; by GPIO the pin of its IRQ line
_partitions = {}  # by label
_nvs = {}  # blobs by name
_NOT_FOUND = 0x1102  # ESP_ERR_NVS_NOT_FOUND
_SIZES = {"keys": 16, "journal": 8}  # partitions-*.csv
_radio = {"on": False, "broken": os.getenv("MPOS_RADIO_BROKEN")}


def _connected(variable):
    line = socket.socket()
    host, port = os.getenv(variable).split(":")
    line.connect(socket.getaddrinfo(host, int(port))[0][-1])
    line.setsockopt(6, 1, 1)  # TCP_NODELAY: a serial line holds nothing back
    line.setblocking(False)
    return line


def _chip_line():
    """The chip slot: UART 2, and the pins in MPOS_CHIP_PINS (power, reset, off)."""
    if "line" not in _chip and os.getenv("MPOS_CHIP"):
        from chip_line import ChipLine

        line = _chip["line"] = ChipLine(_connected("MPOS_CHIP"))
        pins = os.getenv("MPOS_CHIP_PINS").split(",")
        _chip.update({int(pin): part for pin, part in zip(pins, (line.power, line.reset, line.off))})
    return _chip.get("line")


def _head_line():
    """The magnetic head, and the pins in MPOS_HEAD_PINS (strobe, data)."""
    if not _head and os.getenv("MPOS_HEAD"):
        from head_line import HeadLine

        line = HeadLine(_connected("MPOS_HEAD"))
        pins = os.getenv("MPOS_HEAD_PINS").split(",")
        _head.update({int(pin): part for pin, part in zip(pins, (line.strobe, line.data))})


def _nfc_line(kind):
    """The PN532's lines; its IRQ line is at the pin MPOS_NFC_IRQ."""
    import nfc_line

    line = _nfc["line"] = getattr(nfc_line, kind)(_connected("MPOS_NFC"))
    if os.getenv("MPOS_NFC_IRQ"):
        _nfc[int(os.getenv("MPOS_NFC_IRQ"))] = line
    return line


class machine_UART(io.IOBase):
    """The line to the bench's PN532 or chip slot, non-blocking as the esp32 port's with timeout=0."""

    def ioctl(self, request, flags):
        if request == _MP_STREAM_POLL:
            ready = flags & select.POLLOUT
            for _, event in self._poll.ipoll(0):
                ready |= event
            return ready & (flags | select.POLLHUP | select.POLLERR)
        return 0 if request == _MP_STREAM_CLOSE else -1


def machine_UART___init__(uart, number, *args, **kwargs):
    if number == _CHIP_UART:
        uart._line = _chip_line()
        return
    if number == _CONSOLE:
        return
    uart._line = _nfc_line("SerialLine")
    uart._poll = select.poll()
    uart._poll.register(uart._line, select.POLLIN)


def machine_UART_write(uart, buf):
    return uart._line.write(buf)


def machine_UART_readinto(uart, buf):
    return uart._line.readinto(buf)


def machine_UART_init(uart, *args, **kwargs):
    uart._line.init(*args, **kwargs)


def machine_SPI___init__(spi, *args, **kwargs):
    _nfc_line("SpiBus")


def machine_SPI_write(spi, buf):
    _nfc["line"].write(buf)


def machine_SPI_readinto(spi, buf, write=0):
    _nfc["line"].readinto(buf, write)


def machine_I2C___init__(i2c, *args, **kwargs):
    _nfc_line("I2cBus")


def machine_I2C_writeto(i2c, address, buf):
    return _nfc["line"].writeto(address, buf)


def machine_I2C_readfrom_into(i2c, address, buf):
    _nfc["line"].readfrom_into(address, buf)


def machine_Pin___init__(pin, *args, **kwargs):
    _chip_line()
    _head_line()
    pin._part = _chip.get(args[0]) or _head.get(args[0]) or _nfc.get(args[0]) if args else None
    pin._level = kwargs.get("value")
    if pin._part and pin._level is not None:
        pin._part.value(pin._level)


def machine_Pin_value(pin, *level):
    if pin._part:
        return pin._part.value(*level)
    if level:
        pin._level = level[0]
        return None
    return pin._level


class _Flash:
    """What esp32.Partition.find gives: blocks of 4,096 bytes, in which a write only clears bits."""

    def __init__(self, sectors):
        self._sectors = sectors
        self._written = {}  # block: its content

    def readblocks(self, block, buf, offset=0):
        data = self._written.get(block)
        buf[:] = b"\xff" * len(buf) if data is None else data[offset : offset + len(buf)]

    def writeblocks(self, block, buf, offset):
        data = self._written.get(block)
        if data is None:
            data = self._written[block] = bytearray(b"\xff" * 4096)
        for i in range(len(buf)):
            data[offset + i] &= buf[i]

    def ioctl(self, op, arg):
        if op == 4:
            return self._sectors
        if op == 6:
            self._written.pop(arg, None)
        return 0


def esp32_Partition_find(owner, kind, subtype=0xFF, label=None, block_size=None):
    if label not in _SIZES or os.getenv("MPOS_NO_PARTITIONS"):
        return []
    if label not in _partitions:
        _partitions[label] = _Flash(_SIZES[label])
    return [_partitions[label]]


def esp32_NVS_get_blob(nvs, key, buffer):
    if key not in _nvs:
        raise OSError(-_NOT_FOUND)
    buffer[: len(_nvs[key])] = _nvs[key]
    return len(_nvs[key])


def esp32_NVS_set_blob(nvs, key, value):
    _nvs[key] = bytes(value)


def bluetooth_BLE_active(ble, *on):
    if on:
        if _radio["broken"]:
            raise OSError(5)
        _radio["on"] = on[0]
    return _radio["on"]


def bluetooth_BLE_irq(ble, handler):
    return None


def bluetooth_BLE_config(ble, *query, **settings):
    return None


def bluetooth_BLE_gatts_register_services(ble, services):
    number = iter(range(1, 1000))
    return tuple([tuple([next(number) for _ in characteristics]) for _, characteristics in services])
