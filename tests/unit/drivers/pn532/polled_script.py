"""A PN532 on SPI or I2C that knows one conversation: [(bytes written, frames to fetch), ...], and the IRQ line.

Written without the driver's modules, after UM0701-02, 6.2.4 and 6.2.5. A NACK makes it give the last frame again.
"""

from pn532_script import NACK

from testing import hexed


class _Chip:
    def __init__(self, steps, asleep=0):
        self._steps = list(steps)
        self._frames = []
        self._last = b""
        self.again = b""  # what a NACK brings in place of the last frame
        self._asleep = asleep  # transactions until it is awake
        self.looks = 0  # at the status byte
        self.bytes = 0  # on the bus, with those of address and operation
        self.reads = []  # how much of each frame was read
        self.busy = 0  # looks that find nothing ready, before each frame
        self._left = 0
        self.drives_irq = True

    def hears(self, data):
        if data == NACK:
            self._frames.insert(0, self.again or self._last)
            return
        if not self._steps:
            raise AssertionError("after the end of the script: " + hexed(data))
        expected, frames = self._steps.pop(0)
        assert data == expected, hexed(data) + " in place of " + hexed(expected)
        self._frames += frames
        self._left = self.busy

    def is_awake(self):
        if self._asleep:
            self._asleep -= 1
            return False
        return True

    def is_ready(self):
        self.looks += 1
        if self._left:
            self._left -= 1
            return False
        return bool(self._frames)

    def fetch(self, size):
        self.reads.append(size)
        if not self._frames:
            return bytes(size)
        self._last = self._frames.pop(0)
        self._left = self.busy
        data = self._last[:size]
        return data + bytes(size - len(data))

    def value(self):
        """The IRQ line."""
        return 0 if self.drives_irq and self._frames else 1

    def done(self):
        assert not self._steps, str(len(self._steps)) + " steps were not played"
        assert not self._frames, "a frame was not fetched"


class SpiChip(_Chip):
    """As machine.SPI; `select` is its pin."""

    def __init__(self, steps, asleep=0):
        super().__init__(steps, asleep)
        self.select = Select()

    def write(self, buf):
        assert self.select.level == 0
        self.bytes += len(buf)
        if self.is_awake():
            assert buf[0] == 0x01
            self.hears(bytes(buf[1:]))

    def readinto(self, buf, write=0):
        assert self.select.level == 0
        self.bytes += len(buf)
        if not self.is_awake():
            buf[:] = b"\xff" * len(buf)
        elif write == 0x02:
            buf[:] = bytes((0xFF, 0x01 if self.is_ready() else 0x00))
        else:
            assert write == 0x03
            buf[:] = b"\xff" + self.fetch(len(buf) - 1)


class Select:
    def __init__(self):
        self.level = 1

    def value(self, level):
        assert level != self.level
        self.level = level


class I2cChip(_Chip):
    """As machine.I2C."""

    def writeto(self, address, buf):
        assert address == 0x24
        self.bytes += 1 + len(buf)
        if not self.is_awake():
            raise OSError(19)
        self.hears(bytes(buf))
        return len(buf)

    def readfrom_into(self, address, buf):
        assert address == 0x24
        self.bytes += 1 + len(buf)
        if not self.is_awake():
            raise OSError(19)
        if len(buf) == 1:
            buf[0] = 1 if self.is_ready() else 0
        else:
            buf[:] = b"\x01" + self.fetch(len(buf) - 1)
