"""A chip slot whose time stands still unless somebody waits: UART, pins, and a card that answers by a script.

bench = Bench([("00A4...", "A4 61 10")], atrs=["3B 60 00 00"])
slot = bench.slot()             the driver, with this bench's clock in place of its own
bench.log                       [(what, value, us), ...] of the pins and the UART, in order
"""

import asyncio

from reader.drivers import icc_line, icc_slot
from reader.drivers.icc_line import IccLine, inverse
from reader.drivers.icc_slot import IccSlot
from testing import h, hexed

CLOCK_KHZ = 3580
LATE_MS = 25
_START_US = (1 << 30) - 700_000  # the ticks wrap in the middle of a session
_MASK = (1 << 30) - 1


class _Waits:
    """What stands for asyncio in the drivers: waiting moves the clock. `cancel_at`: the wait that is cancelled."""

    CancelledError = asyncio.CancelledError

    def __init__(self, bench):
        self._bench = bench
        self.count = 0
        self.cancel_at = -1

    async def sleep_ms(self, ms):
        self.count += 1
        if self.count == self.cancel_at:
            raise asyncio.CancelledError
        self._bench.us += max(ms, 0) * 1000


class _Pin:
    def __init__(self, bench, name):
        self._bench = bench
        self._name = name
        self.level = -1

    def value(self, level):
        if level != self.level:
            self.level = level
            self._bench.log.append((self._name, level, self._bench.us))
            self._bench.changed(self._name, level)


class _Off:
    def __init__(self, bench):
        self._bench = bench

    def value(self):
        return self._bench.off_n()


class Bench:
    """script: [(characters from the reader, characters of the card), ...]; atrs: the answer to each reset, None: mute.

    Both in logical values; an answer whose first is 3F is of the inverse convention. All times are absolute, in us.
    """

    def __init__(self, script=(), atrs=("3B 60 00 00",), inverted=False):
        self.us = _START_US
        self.log = []
        self.waits = _Waits(self)
        self.script = [(h(a), h(b)) for a, b in script]
        self.atrs = [None if a is None else h(a) for a in atrs]
        self.power = _Pin(self, "power")
        self.reset = _Pin(self, "reset")
        self.off = _Off(self)
        self.uart = self
        self.first_us = 12_000 * 1000 // CLOCK_KHZ  # from RST to the answer's first character
        self.gap_us = 0  # between two characters of an answer to reset; 0: as short as can be
        self.reply_us = 2_500  # from the last character of a command to the first of its answer
        self.gone_at = None  # when the card is pulled out
        self.fault_at = None  # when the front-end cuts the power
        self.echoes = True
        self.echo_xor = 0
        self.takes = 1000  # characters that a write takes; 0: none
        self.broken = None  # an OSError, or the number that write and readinto return
        self.settings = []
        self.got = bytearray()
        self._coming = []  # (us, character) on the line
        self._free = 0  # when what was written is sent
        self._card = b""  # written, not yet matched
        self._speed = 9600
        self._is_inverse = inverted
        self._is_latched = False

    def slot(self, clock_after_us=0, late_ms=LATE_MS):
        self._install()
        return IccSlot(self, self.power, self.reset, self.off, CLOCK_KHZ, clock_after_us, late_ms)

    def line(self):
        self._install()
        line = IccLine(self, self.power, self.reset, self.off, CLOCK_KHZ, LATE_MS)
        line.power_on()
        return line

    def _install(self):
        for module in (icc_line, icc_slot):
            module.asyncio = self.waits
            module.ticks_ms = lambda: self.us // 1000 & _MASK
            module.ticks_us = lambda: self.us & _MASK
        icc_line.sleep_us = self._sleep_us

    def _sleep_us(self, us):
        self.us += us

    # What a test looks at

    def times(self, what, value):
        """When the pin was set so."""
        return [us for name, level, us in self.log if (name, level) == (what, value)]

    def order(self):
        """The pins' changes: "power0", "reset1"."""
        return [f"{name}{value}" for name, value, _ in self.log if name in ("power", "reset")]

    def etu_us(self, etu):
        return etu * 1_000_000 // self._speed

    # The slot

    def off_n(self):
        if self.gone_at is not None and self.us >= self.gone_at:
            return 0
        if self.fault_at is not None and self.us >= self.fault_at and self.power.level == 0:
            self._is_latched = True
        if self.power.level == 1:
            self._is_latched = False
        return 0 if self._is_latched else 1

    def changed(self, name, level):
        if (name, level) == ("reset", 1) and self.atrs:
            atr = self.atrs.pop(0)
            if atr:
                self._is_inverse = atr[0] == 0x3F
                self.say(atr, self.us + self.first_us, self.gap_us)

    def say(self, data, at, gap=0):
        """Characters of the card's, the first at `at`."""
        for value in data:
            self._coming.append((at, inverse(value) if self._is_inverse else value))
            at += gap or self.etu_us(12)

    # The UART

    def init(self, baudrate, bits, parity, stop):
        self._fail()
        self.settings.append((baudrate, bits, parity, stop))
        self.log.append(("uart", baudrate, self.us))
        self._speed = baudrate

    def write(self, buf):
        if self.broken is not None:
            return self._fail()
        count = min(len(buf), self.takes)
        if not count:
            return None
        self.log.append(("write", bytes(buf[:count]), self.us))
        at = max(self.us, self._free)
        for value in buf[:count]:
            at += self.etu_us(12)
            if self.echoes:
                self._coming.append((at, value ^ self.echo_xor))
            self._hear(inverse(value) if self._is_inverse else value, at)
        self._free = at
        return count

    def readinto(self, buf):
        if self.broken is not None:
            return self._fail()
        count = 0
        while count < len(buf) and self._coming and self._coming[0][0] <= self.us:
            buf[count] = self._coming.pop(0)[1]
            count += 1
        return count or None

    def _fail(self):
        if isinstance(self.broken, int):
            return self.broken
        if self.broken is not None:
            raise self.broken
        return None

    def _hear(self, value, at):
        self.got.append(value)
        self._card += bytes([value])
        if self.script:
            expected, reply = self.script[0]
            if not expected.startswith(self._card):
                raise AssertionError(f"expected {hexed(expected)}, got {hexed(self._card)}")
            if self._card == expected:
                self.script.pop(0)
                self._card = b""
                self.say(reply, at + self.reply_us)
