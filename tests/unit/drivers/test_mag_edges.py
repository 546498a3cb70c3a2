"""A head that gives raw edges: what is decoded of them, when a swipe is over, and that nothing of it stays."""

import asyncio
from array import array

from reader.drivers import mag_edges
from reader.drivers.mag_edges import EdgeHead, PinEdges
from reader.iso7811 import track
from testing import cases

TRACK_2 = "11010" + "10000" + "10110" + "11111" + "00010"  # ;1=? and its LRC
CELL_US = 800
QUIET_US = 60_000
EMPTY = 1


def intervals(bits, cell=CELL_US):
    """F2F (ISO/IEC 7811-2, 8): a cell is a zero, two halves of one a one. Clocking zeros on both sides."""
    times = []
    for bit in "0" * 30 + bits + "0" * 30:
        times += [cell] if bit == "0" else [cell // 2, cell - cell // 2]
    return times


class Source:
    """A swipe that is there."""

    def __init__(self, times):
        self.kept = array("H", times)
        self.log = []

    def arm(self):
        self.log.append("arm")

    def is_done(self):
        return len(self.kept) > 0

    def times(self, number):
        return (self.kept, len(self.kept)) if number == 2 else (array("H"), 0)

    def wipe(self):
        self.log.append("wipe")
        self.kept = array("H")


class Pin:
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self):
        self.handler = None
        self.trigger = 0

    def irq(self, handler=None, trigger=3):
        self.handler = handler
        self.trigger = trigger


class Clock:
    """Wraps in the middle of the swipe."""

    us = (1 << 30) - 20_000

    def pass_us(self, us):
        self.us = self.us + us & (1 << 30) - 1


def head_of_pins(pins):
    clock = Clock()
    mag_edges.ticks_us = lambda: clock.us
    source = PinEdges(*pins)
    return EdgeHead(source), source, clock


def play(pin, clock, times):
    pin.handler(pin)
    for time in times:
        clock.pass_us(time)
        pin.handler(pin)


def left(source):
    return sum([sum(capture.times) for capture in source._captures])


async def test_read():
    source = Source(intervals(TRACK_2))
    head = EdgeHead(source)
    assert head.is_swiped()
    swipe = await head.read()
    assert bytes(swipe.track(2)) == b"1=" and [swipe.reason(number) for number in (1, 2, 3)] == [EMPTY, 0, EMPTY]
    assert source.log == ["wipe"] and not head.is_swiped()
    swipe.wipe()
    assert not sum(swipe._characters)


async def test_backwards():
    times = intervals(TRACK_2)
    times.reverse()
    swipe = await EdgeHead(Source(times)).read()
    assert bytes(swipe.track(2)) == b"1=" and swipe.is_backward


async def test_start_and_stop():
    source = Source([1])
    head = EdgeHead(source)
    assert await head.start() is True and source.log == ["arm"]
    await head.stop()
    assert source.log == ["arm", "wipe"]
    assert await head.start() is False


async def test_reading_is_cancelled():
    source = Source(intervals(TRACK_2))
    head = EdgeHead(source)
    task = asyncio.create_task(head.read())
    await asyncio.sleep_ms(0)
    await asyncio.sleep_ms(0)
    task.cancel()
    try:
        await task
        raise AssertionError("was not cancelled")
    except asyncio.CancelledError:
        pass
    assert not sum(head._swipe._characters) and source.log == ["wipe"]


async def test_pins():
    pins = [Pin(), Pin(), Pin()]
    head, source, clock = head_of_pins(pins)
    assert await head.start() is False and [pin.trigger for pin in pins] == [3, 3, 3]
    assert not head.is_swiped()
    play(pins[1], clock, intervals(TRACK_2))
    assert not head.is_swiped()
    clock.pass_us(QUIET_US)
    assert head.is_swiped()
    swipe = await head.read()
    assert bytes(swipe.track(2)) == b"1=" and swipe.reason(1) == EMPTY
    assert not left(source) and [pin.handler for pin in pins] == [None] * 3
    assert not head.is_swiped()
    assert await head.start() is False
    play(pins[1], clock, intervals(TRACK_2))
    await head.stop()
    assert not left(source) and not head.is_swiped()


async def test_a_reader_with_one_track():
    pin = Pin()
    head, _, clock = head_of_pins([None, pin, None])
    await head.start()
    play(pin, clock, intervals(TRACK_2))
    clock.pass_us(QUIET_US)
    assert head.is_swiped()
    assert bytes((await head.read()).track(2)) == b"1="


async def test_a_spark_is_no_swipe_and_no_part_of_one():
    pins = [Pin(), Pin(), Pin()]
    head, source, clock = head_of_pins(pins)
    await head.start()
    play(pins[1], clock, [100] * 20)
    clock.pass_us(QUIET_US)
    assert not head.is_swiped()
    play(pins[1], clock, intervals(TRACK_2))
    clock.pass_us(QUIET_US)
    assert head.is_swiped() and source.times(2)[1] == len(intervals(TRACK_2))
    assert bytes((await head.read()).track(2)) == b"1="


@cases(1420, 1421, 5000)
async def test_more_edges_than_there_is_room_for(count):
    pins = [Pin(), Pin(), Pin()]
    head, source, clock = head_of_pins(pins)
    await head.start()
    play(pins[0], clock, [500] * count)
    clock.pass_us(QUIET_US)
    assert head.is_swiped() and source.times(1)[1] == 1420
    assert (await head.read()).reason(1)


async def test_an_interval_that_is_too_long_for_its_place():
    pins = [Pin(), Pin(), Pin()]
    head, source, clock = head_of_pins(pins)
    await head.start()
    play(pins[1], clock, [70_000, 500])
    times, count = source.times(2)
    assert list(times[:count]) == [65535, 500]


def test_room_that_the_decoder_asks_for():
    assert track.SCRATCH == 96
