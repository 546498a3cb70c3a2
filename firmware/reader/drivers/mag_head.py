"""Device: a magnetic head with MagTek's triple-track Delta ASIC, by its two shift-out lines (ports.MagHead).

From MagTek's specification 99875336 (ASIC 21006529 to 21006541), by its sections:
- DATA rests high and falls when a card has been read. Two pulses of STROBE answer: CLEAR, then STOP, after which DATA is
  low: the buffer is ready. From then on each falling edge of STROBE puts one bit on DATA, low for a one.
- First come 16 bits of preamble, which name the revision, then the tracks A, B, C as they were read, C, B, A backwards,
  and so on, eight passes in all. A track starts with its first one-bit and is filled up with zeros; one that is
  empty has only zeros. At the end of the last pass the ASIC clears its memory: DATA goes low until it is armed again.
- The watchdog clears it too, 262 to 630 ms after the last falling edge of STROBE: a reader that pauses for as long has lost
  the swipe. It also is the way out when the count of strobes is not known.

Nothing here is quick enough to break a least time of the lines but STOP's 12.4 us.
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

_STOP_US = const(13)  # Shift-out timing: 12.4 us at least
_READY_POLLS = const(50)
_READY_US = const(20)
_PREAMBLE_BITS = const(16)
_PASSES = const(8)
# Preamble key. The bit that is shifted out last is the highest one, so that a revision is the sum of these two
_NEW_MODE = const(0xC000)  # 21006540/41: 704 bits a track, 608 of all the others
_REVISIONS = const(0x3FFF)  # bits that are 0 in each of them
_BITS = const(608)
_BITS_NEW = const(704)
_LEAST_MS = const(250)  # of the watchdog, with some time for the strobe itself
_MOST_MS = const(635)
_UNKNOWN = const(-1)
_RESET_MS = const(8)  # later revisions take as long and say nothing; DATA is high all the time
# Tsc is 25 ms, from when a card that is just being swiped has gone; a swipe ends after 3.1 s whatever happens
_ARMED_MS = const(3_200)
_LOOK_MS = const(2)
_PIECE = const(608)  # strobes between two looks of the other tasks: some 2 ms


class MagHead:
    """start; is_swiped until it is True; read; start... and stop in the end. One task at a time."""

    def __init__(self, strobe: "Pin", data: "Pin"):
        self._strobe = strobe
        self._data = data
        self._bits = memoryview(bytearray(3 * _BITS_NEW // 8))
        self._swipe = Swipe()
        self._left = 0  # strobes until the ASIC clears its memory; 0: no extraction was begun
        self._strobed = 0  # when, in ms

    async def start(self) -> bool:
        """Arm. True: a swipe from before was thrown away. Raises E_HEAD (it never comes to rest), E_LINE_CLOSED."""
        self._wipe()
        had = bool(self._left)
        self._strobe.value(1)
        if had:
            await self._clear()
        if not self._data.value():
            had = True
            try:
                self._begin()
            except ReaderError as error:
                if error.code != E_HEAD:
                    raise
            await self._clear()
        return had

    def is_swiped(self) -> bool:
        return not self._data.value()

    async def read(self) -> Swipe:
        """The tracks of the swipe that waits. The ASIC's memory is cleared first, then they are decoded.

        A swipe that was lost because other tasks took too long has three empty tracks. Raises E_HEAD (detail: a preamble
        of no known revision; 0: the ASIC is not ready for one), E_LINE_CLOSED; nothing is stored then.
        """
        try:
            size = self._begin()
            is_whole = True
            for number in range(3):
                await asyncio.sleep_ms(0)
                is_whole = self._shift_into(self._track(number, size)) and is_whole
            await self._clear()
            if is_whole:
                await self._decode(size)
        except ReaderError:
            self._wipe()
            await self._clear()
            raise
        except asyncio.CancelledError:
            self._wipe()
            raise
        wipe(self._bits)
        return self._swipe

    async def stop(self) -> None:
        self._wipe()
        if self._left or not self._data.value():
            await self.start()

    async def _decode(self, size: int) -> None:
        from reader.iso7811 import track

        for number in range(1, 4):
            bits = self._track(number - 1, size)
            self._swipe.put(number, track.read_bits_into(bits, size, number, self._swipe.room(number)))
            await asyncio.sleep_ms(0)

    def _track(self, number: int, size: int) -> memoryview:
        return self._bits[number * size // 8 : (number + 1) * size // 8]

    def _wipe(self) -> None:
        wipe(self._bits)
        self._swipe.wipe()

    def _begin(self) -> int:
        """Handshake and preamble; the bits of a track. Raises E_HEAD, the watchdog is then to clear it."""
        strobe = self._strobe.value
        self._left = _UNKNOWN
        self._strobed = ticks_ms()
        strobe(0)
        strobe(1)
        strobe(0)
        sleep_us(_STOP_US)
        strobe(1)
        polls = 0
        while self._data.value():
            polls += 1
            if polls > _READY_POLLS:
                raise ReaderError(E_HEAD)
            sleep_us(_READY_US)
        preamble = bytearray(_PREAMBLE_BITS // 8)
        self._shift_into(memoryview(preamble))
        # First bit out is the first of byte 0: mirrored, as the key is written
        number = 0
        for i in range(_PREAMBLE_BITS):
            number |= (preamble[i >> 3] >> (7 - (i & 7)) & 1) << i
        if number & _REVISIONS:
            raise ReaderError(E_HEAD, number)
        size = _BITS_NEW if number == _NEW_MODE else _BITS
        self._left = _PASSES * 3 * size
        return size

    def _shift_into(self, out: memoryview) -> bool:
        """Fill `out` with bits, first one highest. False: the watchdog may have been quicker."""
        strobe, data = self._strobe.value, self._data.value
        for i in range(len(out)):
            if self._is_late():
                return False
            value = 0
            for _ in range(8):
                strobe(0)
                value = value << 1 | (1 ^ data())
                strobe(1)
            out[i] = value
            self._strobed = ticks_ms()
            self._left -= 8
        return True

    def _is_late(self) -> bool:
        return not 0 <= ticks_diff(ticks_ms(), self._strobed) < _LEAST_MS

    async def _clear(self) -> None:
        """Strobe on to the end, or leave it to the watchdog; then wait until DATA is high. Raises E_HEAD."""
        strobe = self._strobe.value
        while self._left > 0 and not self._is_late():
            count = min(self._left, _PIECE)
            for _ in range(count):
                strobe(0)
                strobe(1)
            self._strobed = ticks_ms()
            self._left -= count
            await asyncio.sleep_ms(0)
        # Late: no strobe may reach a head that has armed itself
        await asyncio.sleep_ms(_MOST_MS if self._left else _RESET_MS)
        self._left = 0
        end = ticks_add(ticks_ms(), _ARMED_MS)
        while not self._data.value():
            if ticks_diff(end, ticks_ms()) <= 0:
                raise ReaderError(E_HEAD)
            await asyncio.sleep_ms(_LOOK_MS)
