"""Device: a magnetic head with MagTek's triple-track Delta ASIC, by its two shift-out lines (ports.MagHead).

From MagTek's specification 99875336 (ASIC 21006529, 36, 37, 39; 21006540 and 41 in the mode they start in):
- DATA rests high and falls when a card has been read. Two pulses of STROBE answer: CLEAR, then STOP, after which DATA is
  low: the buffer is ready. From then on each falling edge of STROBE puts one bit on DATA, low for a one.
- First come 16 bits of preamble, which name the revision, then the tracks A, B, C as they were read, C, B, A backwards,
  and so on, each of them eight times. A track has 608 bits: it starts with its first one-bit and is filled up with
  zeros; one that is empty has only zeros. With the last rising edge the ASIC clears its memory: DATA is low until it is
  armed again.
- The watchdog clears it too, 262 to 630 ms after the last falling edge of STROBE: a reader that pauses for as long has lost
  the swipe. It also is the way out when the count of strobes is not known.

No call of a pin is quick enough to break a least time of the lines but STOP's. The other tasks have their turn after
each track and each piece of the clearing, some 4 ms on an ESP32.
"""

import asyncio
from time import sleep_us, ticks_add, ticks_diff, ticks_ms

from micropython import const

from reader.drivers.swipe import Swipe
from reader.errors import E_HEAD, ReaderError
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.ports import Pin

_BITS = const(608)  # of a track
_STOP_US = const(13)  # Shift-out timing: 12.4 us at least
_READY_POLLS = const(50)
_READY_US = const(20)
_PREAMBLE_BITS = const(16)
_OTHERS = const(0x3FFF)  # bits of the preamble that no revision has
_NEW_MODE = const(0xC000)  # another driver's: mag_head_3v.py
_TIMES = const(8)  # that each track comes
_UNKNOWN = const(-1)
_LEAST_MS = const(250)  # of the watchdog, less the time for a strobe
_MOST_MS = const(640)
# Tsc is 25 ms, but from when a card that is passing just then has gone; a swipe ends after 3.1 s whatever happens. Later
# revisions hold DATA high all the time and take 8 ms
_ARMED_MS = const(3_200)
_RESET_MS = const(8)
_LOOK_MS = const(2)


class MagHead:
    """start; is_swiped until it is True; read; start... and stop in the end. One task at a time.

    Any call may be cancelled; `start` or `stop` then clear up. An ASIC without supply looks like one that nobody swipes at.
    """

    def __init__(self, strobe: "Pin", data: "Pin", watchdog_ms: int = _LEAST_MS, bits: int = _BITS):
        """`watchdog_ms`: how long a pause between two strobes is not too long for the swipe that is being read."""
        self._watchdog_ms = watchdog_ms
        self._strobe = strobe
        self._data = data
        self._stored = memoryview(bytearray(3 * bits // 8))
        self._swipe = Swipe()
        self._is_open = False  # strobes were given, and the ASIC is not armed again yet
        self._left = 0  # strobes until it clears its memory; _UNKNOWN: only the watchdog knows
        self._strobed = 0  # when, in ms
        self._said = 0  # the preamble

    async def start(self) -> bool:
        """Arm. True: a swipe from before was thrown away. Raises E_HEAD (DATA does not come to rest), E_LINE_CLOSED."""
        self._wipe()
        had = self._is_open
        if had:
            await self._clear()
        self._strobe.value(1)
        if not self._data.value():
            had = True
            self._begin()
            await self._clear()
        return had

    def is_swiped(self) -> bool:
        return not self._data.value()

    async def read(self) -> Swipe:
        """The tracks of the swipe that waits; the ASIC's memory is cleared before they are decoded.

        A swipe that was lost, because other tasks took too long, has three empty tracks. Raises E_LINE_CLOSED, and E_HEAD
        (detail: a preamble of no known revision; 0: the ASIC was not ready for one): nothing is stored then.
        """
        self._wipe()
        try:
            if self.is_swiped():
                await self._take()
        except (ReaderError, asyncio.CancelledError):
            self._wipe()
            raise
        return self._swipe

    async def stop(self) -> None:
        """Nothing of a swipe stays. The ASIC is armed all the time: what is swiped from now on is for `start` to throw away."""
        await self.start()

    def _track(self, number: int) -> memoryview:
        size = len(self._stored) // 3
        return self._stored[(number - 1) * size : number * size]

    def _wipe(self) -> None:
        wipe(self._stored)
        self._swipe.wipe()

    async def _take(self) -> None:
        is_known = self._begin()
        is_whole = is_known
        for number in range(1, 4):
            is_whole = is_whole and self._shift_into(self._track(number))
            await asyncio.sleep_ms(0)
        await self._clear()
        if not is_known:
            raise ReaderError(E_HEAD, self._said)
        if is_whole:
            await self._decode()
        wipe(self._stored)

    async def _decode(self) -> None:
        from reader.iso7811 import track

        swipe = self._swipe
        for number in range(1, 4):
            bits = self._track(number)
            swipe.put(number, track.read_bits_into(bits, 8 * len(bits), number, swipe.room(number)))
            await asyncio.sleep_ms(0)

    def _begin(self) -> bool:
        """Handshake and preamble. False: this is none of the revisions, or it was not ready."""
        strobe = self._strobe.value
        self._is_open = True
        self._left = _UNKNOWN
        self._said = 0
        self._strobed = ticks_ms()
        strobe(0)
        strobe(1)
        strobe(0)
        sleep_us(_STOP_US)
        strobe(1)
        for _ in range(_READY_POLLS):
            if not self._data.value():
                break
            sleep_us(_READY_US)
        else:
            return False
        if not self._preamble() or self._said & _OTHERS or self._said == _NEW_MODE:
            return False
        self._left = _TIMES * 8 * len(self._stored)
        return True

    def _preamble(self) -> bool:
        """The bit that is shifted out last is the highest one."""
        bits = bytearray(_PREAMBLE_BITS // 8)
        is_whole = self._shift_into(memoryview(bits))
        for i in range(_PREAMBLE_BITS):
            self._said |= (bits[i >> 3] >> (7 - (i & 7)) & 1) << i
        return is_whole

    def _shift_into(self, out: memoryview) -> bool:
        """Fill `out` with bits, the first one highest; STROBE stays low. False: the watchdog may have been quicker."""
        strobe, data = self._strobe.value, self._data.value
        for i in range(len(out)):
            if self._is_late():
                return False
            value = 0
            for _ in range(8):
                strobe(1)
                strobe(0)
                value = value << 1 | (1 ^ data())
            out[i] = value
            if self._is_late():
                return False
            self._strobed = ticks_ms()
            self._left -= 8
        return True

    def _is_late(self) -> bool:
        return not 0 <= ticks_diff(ticks_ms(), self._strobed) < self._watchdog_ms

    async def _clear(self) -> None:
        """Strobe on to the end, or leave it to the watchdog; then wait until the ASIC is armed. Raises E_HEAD."""
        strobe = self._strobe.value
        while self._left > 0 and not self._is_late():
            count = min(self._left, _BITS)
            for _ in range(count):
                strobe(1)
                strobe(0)
            self._data.value()  # where the lines are a socket all strobes have arrived then
            self._strobed = ticks_ms()
            self._left -= count
            await asyncio.sleep_ms(0)
        strobe(1)
        # Too late, or not knowing how many are left: no strobe may reach a head that has armed itself
        if self._left:
            await asyncio.sleep_ms(_MOST_MS)
            self._left = 0
        else:
            await asyncio.sleep_ms(_RESET_MS)
        end = ticks_add(ticks_ms(), _ARMED_MS)
        while not self._data.value():
            if ticks_diff(end, ticks_ms()) <= 0:
                raise ReaderError(E_HEAD, self._said)
            await asyncio.sleep_ms(_LOOK_MS)
        self._is_open = False
