"""A head's ASIC as the driver's two pins see it, in the mode it starts in: passes, watchdog, reset. Its time moves with
strobes and waits only.

head = Head("1101", "", "1")    bits of the tracks A, B, C, from the first one-bit on; without any: no card yet
mag = head.driver()             MagHead, with this head's clock in place of its own
"""

import asyncio

from reader.drivers import mag_head

ZEROS, B, OLD_MODE, NEW_MODE = 0x0000, 0x8000, 0x4000, 0xC000  # preambles
STROBES = 14_610
_BITS = 608
_MASK = (1 << 30) - 1
_START_MS = (1 << 30) - 15  # the ticks wrap in the middle of a swipe
_STROBE_US = 3
_TSC_US = 24_000


class _Waits:
    """What stands for asyncio in the driver. late: {number of the wait: ms that it takes longer}."""

    CancelledError = asyncio.CancelledError

    def __init__(self, head):
        self._head = head
        self.count = 0
        self.late = {}
        self.cancel_at = -1
        self.longest_us = 0  # between two of them
        self._since = 0

    async def sleep_ms(self, ms):
        self.count += 1
        self.longest_us = max(self.longest_us, self._head.us - self._since)
        self._head.us += (ms + self.late.get(self.count, 0)) * 1000
        self._since = self._head.us
        if self.count == self.cancel_at:
            raise asyncio.CancelledError


class _Pin:
    def __init__(self, value):
        self.value = value


class Head:
    """A head of its own clock; see above."""

    def __init__(self, *tracks, preamble=B, watchdog_us=262_000):
        self.us = 0
        self.preamble = preamble
        self.watchdog_us = watchdog_us
        self.waits = _Waits(self)
        self.tracks = None  # what is stored
        self.strobes = 0  # since the card
        self.cleared = 0  # times, by strobes
        self.expired = 0  # times, by the watchdog
        self.stray = 0  # strobes to a head at rest, or being reset
        self.level = 1  # of STROBE
        self.data = 1
        self.stuck = None  # DATA, whatever the ASIC does
        self.is_deaf = False  # STOP is not acknowledged
        self.tsc_us = _TSC_US
        self.says_so = True  # DATA is low while the memory is cleared
        self._busy_until = -1
        self._low_at = 0
        self._is_watched = False
        if tracks:
            self.swipe(*tracks)

    def driver(self):
        mag_head.asyncio = self.waits
        mag_head.ticks_ms = lambda: (_START_MS + self.us // 1000) & _MASK
        mag_head.sleep_us = self._pass
        return mag_head.MagHead(_Pin(self._strobe), _Pin(self._data))

    def swipe(self, *tracks):
        """A card goes by; what one left before is not touched."""
        self._settle()
        if self.tracks is None and self._busy_until < 0:
            self.tracks = tracks
            self.data = 0

    def _pass(self, us):
        self.us += us

    def _settle(self):
        """What the time that has passed did."""
        if self._is_watched and self.us - self._low_at >= self.watchdog_us:
            self.expired += 1
            self._reset(self._low_at + self.watchdog_us)
        if 0 <= self._busy_until <= self.us:
            self._busy_until = -1
            self.data = 1

    def _reset(self, since):
        self.tracks = None
        self.strobes = 0
        self._is_watched = False
        self.data = int(not self.says_so)
        self._busy_until = since + self.tsc_us

    def _data(self):
        self._settle()
        if self.stuck is not None:
            return self.stuck
        assert self.data is not None
        return self.data

    def _strobe(self, level):
        self.us += _STROBE_US
        self._settle()
        if level == self.level:
            return
        self.level = level
        if self.tracks is None:
            self.stray += not level
        elif not level:
            self._low_at = self.us
            self._is_watched = True
            self.strobes += 1
            self.data = 1 ^ self._bit(self.strobes - 3)
        elif self.strobes == STROBES:
            self.cleared += 1
            self._reset(self.us)
        elif self.strobes == 2:
            assert self.us - self._low_at > 12  # Tstb low of STOP: 12.4 us
            self.data = int(self.is_deaf)
        elif self.strobes > 2:
            self.data = None  # it says nothing until the next falling edge

    def _bit(self, n):
        if n < 16:
            return self.preamble >> n & 1 if n >= 0 else 0
        which, at = divmod(n - 16, _BITS)
        turn = which % 6
        if turn > 2:
            turn, at = 5 - turn, _BITS - 1 - at
        track = self.tracks[turn]
        return int(track[at]) if at < len(track) else 0
