"""The head's driver at its pins, in time that stands still: counts of strobes, the watchdog, and a line that misbehaves."""

import asyncio

from mag_pins import NEW_MODE, OLD_MODE, STROBES, ZEROS, B, Head

from reader.errors import E_HEAD, E_LINE_CLOSED, ReaderError
from testing import cases, raises

# ";1=?" and its LRC, least significant bit first and odd parity last (ISO/IEC 7811-2, 9)
TRACK_2 = "11010" + "10000" + "10110" + "11111" + "00010"
READ, EMPTY, NO_START = 0, 1, 3
WATCHDOG_MS, LOST_MS = 262, 640


def lrc_of(bits, width):
    """So that the vector above does not prove itself: the columns are even, its own parity is odd."""
    columns = [sum([int(bits[at + i]) for at in range(0, len(bits) - width, width)]) & 1 for i in range(width - 1)]
    columns.append(1 ^ sum(columns) & 1)
    return "".join([str(bit) for bit in columns])


def left(mag):
    return sum(mag._stored) + sum(mag._swipe._characters)


def test_the_vector():
    assert lrc_of(TRACK_2, 5) == TRACK_2[-5:]


@cases(ZEROS, B, OLD_MODE)
async def test_each_revision(preamble):
    head = Head("", TRACK_2, "", preamble=preamble)
    mag = head.driver()
    assert mag.is_swiped()
    swipe = await mag.read()
    assert bytes(swipe.track(2)) == b"1=" and not swipe.is_backward
    assert [swipe.reason(number) for number in (1, 2, 3)] == [EMPTY, READ, EMPTY]
    assert (head.cleared, head.expired, head.stray) == (1, 0, 0)
    assert not mag.is_swiped()
    swipe.wipe()
    assert not left(mag) and len(swipe.track(2)) == 0


async def test_backwards_without_the_zeros_that_ended_the_lrc():
    """The ASIC stores from the first one-bit on: a check character 00010 read from behind has lost its last zero."""
    head = Head("", "".join([TRACK_2[-1 - i] for i in range(len(TRACK_2))]).lstrip("0"), "")
    swipe = await head.driver().read()
    assert bytes(swipe.track(2)) == b"1=" and swipe.is_backward


async def test_no_piece_keeps_the_other_tasks_waiting():
    head = Head("1" * 608, "1" * 608, "1" * 608)
    mag = head.driver()
    await mag.read()
    assert head.waits.longest_us < 608 * 3 * 3


async def test_all_tracks_full_of_ones():
    head = Head("1" * 608, "1" * 608, "1" * 608)
    swipe = await head.driver().read()
    assert all(swipe.reason(number) for number in (1, 2, 3))
    assert head.cleared == 1 and head.stray == 0


async def test_start_on_a_head_at_rest():
    head = Head()
    mag = head.driver()
    assert await mag.start() is False
    assert not mag.is_swiped() and head.strobes == head.stray == 0
    await mag.stop()
    await mag.stop()
    assert head.strobes == head.stray == 0


@cases(ZEROS, B, OLD_MODE)
async def test_start_throws_away_what_was_swiped_before(preamble):
    head = Head("", TRACK_2, "", preamble=preamble)
    mag = head.driver()
    assert await mag.start() is True
    assert (head.cleared, head.expired, head.stray) == (1, 0, 0)
    assert not left(mag)
    assert await mag.start() is False


async def test_stop_before_it_was_read():
    head = Head("", TRACK_2, "")
    mag = head.driver()
    await mag.stop()
    assert head.cleared == 1 and head.tracks is None and not left(mag)


@cases(NEW_MODE, 0x0001, 0x2000, 0xFFFF)
async def test_a_preamble_that_is_not_known(preamble):
    head = Head("", TRACK_2, "", preamble=preamble)
    mag = head.driver()
    with raises(E_HEAD, preamble):
        await mag.read()
    # How many strobes are left is not known, so that the watchdog clears it
    assert (head.cleared, head.expired, head.stray) == (0, 1, 0)
    assert not mag.is_swiped() and not left(mag)


@cases(NEW_MODE, 0x1234)
async def test_start_with_a_swipe_in_a_part_that_is_not_known(preamble):
    head = Head("", TRACK_2, "", preamble=preamble)
    mag = head.driver()
    assert await mag.start() is True
    assert (head.cleared, head.expired, head.stray) == (0, 1, 0)


async def test_stop_is_not_acknowledged():
    head = Head("", TRACK_2, "")
    head.is_deaf = True
    mag = head.driver()
    with raises(E_HEAD, 0):
        await mag.read()
    assert head.expired == 1 and head.strobes == 0


async def test_data_that_stays_low():
    head = Head()
    head.stuck = 0
    mag = head.driver()
    with raises(E_HEAD):
        await mag.start()
    assert head.us < 5_000_000
    with raises(E_HEAD, 0xFFFF):
        await mag.read()


@cases(1, 2)
async def test_other_tasks_take_too_long_while_tracks_are_read(wait):
    """The watchdog clears the memory: what is shifted out then are zeros, or ones. Nobody is to believe them."""
    head = Head("", TRACK_2, "")
    head.waits.late = {wait: WATCHDOG_MS}
    mag = head.driver()
    swipe = await mag.read()
    assert [swipe.reason(number) for number in (1, 2, 3)] == [EMPTY] * 3
    assert (head.cleared, head.expired, head.stray) == (0, 1, 0)
    assert not left(mag)
    head.waits.late = {}
    head.swipe("", TRACK_2, "")
    assert bytes((await mag.read()).track(2)) == b"1="


@cases(3, 4, 20)
async def test_other_tasks_take_too_long_while_it_is_cleared(wait):
    head = Head("", TRACK_2, "")
    head.waits.late = {wait: WATCHDOG_MS}
    swipe = await head.driver().read()
    assert bytes(swipe.track(2)) == b"1="
    assert (head.cleared, head.expired, head.stray) == (0, 1, 0)


@cases(1, 2)
async def test_a_slow_watchdog(wait):
    """Data sheet: up to 630 ms. A pause that may have been too long counts as one; strobes stop until it is over."""
    head = Head("", TRACK_2, "", watchdog_us=630_000)
    head.waits.late = {wait: 300}
    swipe = await head.driver().read()
    assert swipe.reason(2) == EMPTY
    assert (head.expired, head.stray) == (1, 0)


async def test_a_pause_that_is_short_enough():
    head = Head("", TRACK_2, "")
    head.waits.late = {1: 240, 2: 240, 3: 240, 4: 240, 9: 240}
    swipe = await head.driver().read()
    assert bytes(swipe.track(2)) == b"1="
    assert (head.cleared, head.expired, head.stray) == (1, 0, 0)


async def test_a_card_passes_while_the_memory_is_cleared():
    """Tsc begins when it has gone."""
    head = Head("", TRACK_2, "")
    head.tsc_us = 3_100_000
    mag = head.driver()
    assert bytes((await mag.read()).track(2)) == b"1="
    assert not mag.is_swiped()


async def test_a_later_revision_says_nothing_while_it_clears():
    head = Head("", TRACK_2, "")
    head.says_so = False
    head.tsc_us = 8_000
    mag = head.driver()
    await mag.read()
    head.swipe("", TRACK_2, "")
    assert mag.is_swiped()


async def test_a_swipe_that_is_gone_before_it_is_read():
    mag = Head().driver()
    swipe = await mag.read()
    assert [swipe.reason(number) for number in (1, 2, 3)] == [EMPTY] * 3


@cases(1, 2, 3, 4, 20, 28, 30)
async def test_reading_is_cancelled(wait):
    head = Head("", TRACK_2, "")
    head.waits.cancel_at = wait
    mag = head.driver()
    try:
        await mag.read()
        raise AssertionError("was not cancelled")
    except asyncio.CancelledError:
        pass
    assert not left(mag)
    await mag.stop()
    assert (head.tracks, head.strobes, head.stray) == (None, 0, 0)
    assert head.cleared + head.expired == 1
    head.swipe("", TRACK_2, "")
    assert mag.is_swiped() and bytes((await mag.read()).track(2)) == b"1="


async def test_stop_long_after_reading_was_cancelled():
    head = Head("", TRACK_2, "")
    head.waits.cancel_at = 2
    mag = head.driver()
    try:
        await mag.read()
    except asyncio.CancelledError:
        pass
    head.us += LOST_MS * 1000
    await mag.stop()
    assert (head.cleared, head.expired, head.stray) == (0, 1, 0)


@cases(0, 1, 40, 2_000, 20_000)
async def test_the_line_is_closed(calls):
    head = Head("", TRACK_2, "")
    mag = head.driver()
    strobe = mag._strobe.value
    left_calls = [calls]

    def closing(level):
        left_calls[0] -= 1
        if left_calls[0] < 0:
            raise ReaderError(E_LINE_CLOSED)
        strobe(level)

    mag._strobe.value = closing
    with raises(E_LINE_CLOSED):
        await mag.read()
    assert not left(mag)
    with raises(E_LINE_CLOSED):
        await mag.stop()


def test_the_count():
    assert STROBES == 2 + 16 + 8 * 3 * 608
