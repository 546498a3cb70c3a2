"""What a magnetic head shifts out: an ASIC with any tracks, which others disturb, and lines with any levels at all."""

from __future__ import annotations

import asyncio
from typing import Any

from mpos.bench import f2f
from tests.fuzz import device
from tests.fuzz.feed import Feed
from tests.fuzz.swiped import sell
from tests.fuzz.targets import target

device.install()
from reader.drivers import mag_head
from reader.drivers.mag_head_3v import MagHead3V
from reader.errors import E_HEAD, E_LINE_CLOSED, ReaderError
from tests.unit.drivers import mag_pins
from tests.unit.drivers.mag_pins import OLD_MODE, ZEROS, B, Head

_BITS = 608
# The ASIC gives each track eight times, six of which are only there to be strobed away; with two the fuzzer tries more
_TIMES = 2
_STROBES = 2 + 16 + _TIMES * 3 * _BITS
mag_head._TIMES, mag_pins.STROBES = _TIMES, _STROBES

_WIDTHS = (7, 5, 5, 7)  # of tracks 1 to 3, and of a licence's track 3
_LENGTHS = (0, 79, 37, 104)
_SENTINELS = "%;?"
# What one call may take: strobes to clear a swipe that a cancelled call left, and one that came meanwhile
_STROBES_MOST = 2 * _STROBES
_WAITS_MOST = 4000
_UNIT = 64  # operations, before a line is closed
_OPERATIONS_MOST = 6


def _text(feed: Feed, width: int) -> str:
    base, count = (0x20, 64) if width == 7 else (0x30, 16)
    return "".join(chr(base + (byte - base) % count) for byte in feed.block()[:110])


def _track(feed: Feed, number: int) -> tuple[str, str | None, str]:
    """Its bits from the first one on, as the ASIC stores them; if it is recorded as it should be, its characters, and the
    way it passes."""
    choice = feed.byte()
    text = None
    if choice & 7 == 0:
        return "", None, ""
    if choice & 7 == 1:
        bits = "".join(f"{byte:08b}" for byte in feed.block())
    else:
        width = _WIDTHS[number if number == 3 and choice & 8 else number - 1]
        text = _text(feed, width)
        bits = "".join(str(bit) for bit in f2f.encode(text, width))
        if any(letter in _SENTINELS for letter in text) or not text:
            text = None
    if choice & 0x10:
        at = feed.byte() << 8 | feed.byte()
        if at < len(bits):
            bits = bits[:at] + "10"[int(bits[at])] + bits[at + 1 :]
            text = None
    if choice & 0x20:
        bits = bits[::-1]
    if choice & 0x40:
        bits = "".join("10"[int(bit)] for bit in bits)
        text = None
    bits = bits.lstrip("0")
    if text is None or len(bits) > _BITS:
        return bits[:_BITS], None, ""
    return bits, text, "back" if choice & 0x20 else "forward"


def _attempt(call: Any, *expected: int) -> Any:
    """What the driver's call returns; None when it was cancelled, or refused with one of the errors `expected`."""
    try:
        result = call()
        return device.drive(result) if asyncio.iscoroutine(result) else result
    except asyncio.CancelledError:
        return None
    except ReaderError as error:
        assert error.code in expected, error
        return None


def _is_clean(mag: Any) -> bool:
    return not any(mag._stored) and not any(mag._swipe._characters)


def _check(swipe: Any) -> list[bytes]:
    """Three tracks, each decoded or with a reason."""
    tracks = [bytes(swipe.track(number)) for number in (1, 2, 3)]
    for number, track in enumerate(tracks, 1):
        assert len(track) <= _LENGTHS[number] and all(0x20 <= byte < 0x60 for byte in track)
        assert (swipe.reason(number) == 0) == bool(track) and 0 <= swipe.reason(number) <= 10
    return tracks


class _Asic:
    """A head of the unit tests, disturbed as the feed says; `mag` drives it."""

    def __init__(self, feed: Feed):
        choice = feed.byte()
        known = (ZEROS, B, OLD_MODE)
        preamble = known[choice & 3] if choice & 3 < 3 else feed.byte() << 8 | feed.byte()
        self.head = Head(preamble=preamble, watchdog_us=630_000 if choice & 4 else 262_000)
        self.head.says_so = not choice & 8
        self.head.is_deaf = choice & 0x30 == 0x30
        self.is_good = preamble in known and not self.head.is_deaf
        self.mag = self.head.driver()
        self.texts: list[str | None] = [None] * 3
        self.ways: list[str] = [""] * 3
        self._feed = feed

    def swipe(self) -> None:
        if self.head.tracks is not None:
            return
        tracks, self.texts, self.ways = zip(*[_track(self._feed, number) for number in (1, 2, 3)], strict=True)
        self.head.swipe(*tracks)

    def disturb(self) -> bool:
        """One wait of the next call takes longer, or the call is cancelled there: whether so."""
        choice, wait = self._feed.byte(), self.head.waits.count + 1 + self._feed.below(40)
        if choice & 1:
            self.head.waits.cancel_at = wait
        else:
            self.head.waits.late = {wait: choice * 4}
        return True

    def calm(self) -> None:
        self.head.waits.cancel_at = -1
        self.head.waits.late = {}

    def rest(self) -> None:
        """`start` and `stop` leave a head that is armed and has nothing."""
        had = _attempt(self.mag.start)
        assert had is not None, "not disturbed, and no answer"
        assert self.head._data() == 1 and self.head.tracks is None and self.head.strobes == 0
        assert _is_clean(self.mag)

    def read(self, is_disturbed: bool) -> None:
        was_swiped = self.mag.is_swiped()
        swipe = _attempt(self.mag.read, E_HEAD)
        self.calm()
        if swipe is None:
            assert is_disturbed or not self.is_good
            assert _is_clean(self.mag)
            self.rest()
            return
        assert self.head.tracks is None and not any(self.mag._stored)
        tracks = _check(swipe)
        assert self.is_good if was_swiped else not any(tracks)
        # A card goes one way
        assert len({way for track, way in zip(tracks, self.ways, strict=True) if track and way}) <= 1
        for track, text in zip(tracks, self.texts, strict=True):
            assert text is None or track in (b"", text.encode())
        swipe.wipe()
        assert _is_clean(self.mag)

    def sell(self) -> None:
        choice = self._feed.byte()
        _attempt(lambda: sell(self.mag, bool(choice & 1), bool(choice & 2), E_HEAD))
        self.calm()
        assert _is_clean(self.mag)
        self.rest()


@target("mag-head", longest=400, runs=120)
def asic(data: bytes) -> None:
    """Cards pass; the reader starts, reads, sells and stops, is late, and is cancelled. No strobe goes to a head at rest."""
    feed = Feed(data)
    world = _Asic(feed)
    is_disturbed = False
    for _ in range(_OPERATIONS_MOST):
        if not feed.left:
            break
        before = world.head.waits.count
        match feed.below(8):
            case 0 | 1 | 2:
                world.swipe()
            case 3 | 4:
                world.read(is_disturbed)
                is_disturbed = False
            case 5:
                world.sell()
                is_disturbed = False
            case 6:
                is_disturbed = world.disturb()
            case 7:
                _attempt(world.mag.stop if feed.byte() & 1 else world.mag.start)
                world.calm()
                is_disturbed = False
                world.rest()
        assert world.head.stray == 0 and world.head.strobes <= _STROBES
        assert world.head.waits.count - before < _WAITS_MOST
    world.calm()
    world.rest()
    assert world.head.waits.longest_us < 3 * 3 * _BITS + 20_000


class _Line:
    """DATA has any levels, each for one look, and the last one for ever; after some operations the line is closed."""

    def __init__(self, feed: Feed):
        closed = feed.byte()
        self._budget = device.Budget(closed * _UNIT if closed < 0xF0 else 1 << 30)
        self._is_closed = False
        self._feed = feed
        self._looks = self._byte = 0
        self.strobes = self.waits = self.ms = 0
        self._is_strobe_high = True
        self._scale = feed.byte() & 3
        self.CancelledError = asyncio.CancelledError
        self.strobe, self.data = _Pin(self._strobe), _Pin(self._data)

    async def sleep_ms(self, ms: int) -> None:
        self.waits += 1
        self.ms += ms + (self._scale and self.waits % 7 * self._scale)

    def _spend(self) -> None:
        try:
            self._budget.spend()
        except device.Unbounded:
            raise ReaderError(E_LINE_CLOSED) from None

    def _strobe(self, level: int) -> None:
        self._spend()
        self.strobes += self._is_strobe_high and not level
        self._is_strobe_high = bool(level)

    def _data(self, level: int | None = None) -> int:
        self._spend()
        if level is not None:
            return 0
        if not self._looks & 7 and self._feed.left:
            self._byte = self._feed.byte()
        self._looks += 1
        return self._byte >> (7 - (self._looks - 1 & 7)) & 1


class _Pin:
    def __init__(self, value: Any):
        self.value = value


def _mag_of(line: _Line, choice: int) -> Any:
    mag_head.asyncio = line
    mag_head.ticks_ms = lambda: line.ms
    mag_head.sleep_us = lambda _us: None
    return MagHead3V(line.strobe, line.data) if choice & 1 else mag_head.MagHead(line.strobe, line.data)


@target("mag-lines", longest=800, runs=120)
def lines(data: bytes) -> None:
    """Both parts. A call ends after so many strobes and waits, and what fails leaves nothing behind."""
    feed = Feed(data)
    choice = feed.byte()
    calls = feed.take(feed.below(_OPERATIONS_MOST) + 1)
    line = _Line(feed)
    mag = _mag_of(line, choice)
    for call in calls:
        strobes, waits = line.strobes, line.waits
        is_left = not call & 3  # what `read` gave is as it was: for the next call to wipe
        match call & 3:
            case 0:
                _attempt(mag.is_swiped, E_LINE_CLOSED)
            case 1:
                swipe = _attempt(mag.read, E_HEAD, E_LINE_CLOSED)
                if swipe is not None:
                    _check(swipe)
                    is_left = call & 4
                    if not is_left:
                        swipe.wipe()
            case 2:
                _attempt(mag.start, E_HEAD, E_LINE_CLOSED)
            case 3:
                _attempt(mag.stop, E_HEAD, E_LINE_CLOSED)
        assert is_left or _is_clean(mag)
        assert line.strobes - strobes <= _STROBES_MOST and line.waits - waits <= _WAITS_MOST
