"""The card's I/O line on a UART: characters, their times, their echo, and what ends a session."""

import sys

from testing import cases, h, path, raises, requirement

sys.path.append(path("tests/unit/drivers"))
from icc_bench import LATE_MS, Bench

from reader.drivers.icc_line import inverse
from reader.errors import (
    E_CARD_FAULT,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_LINE_CLOSED,
    E_SLOT_SILENT,
)

LONG = bytes(range(256)) + b"\x00\x01\x02"  # a block of T=1, 259 characters


def pair(inverted=False):
    bench = Bench(atrs=(), inverted=inverted)
    line = bench.line()
    if inverted:
        line.invert()
        line.settle()
    return bench, line


@requirement(
    "ISO 7816-3", "8.1", "In the inverse convention a character is mirrored and inverted: TS 3F is 03 to a UART."
)
def test_the_inverse_convention():
    assert inverse(0x03) == 0x3F
    assert inverse(0x3F) == 0x03
    assert inverse(0x23) == 0x3B  # what a card of the inverse convention would send for a direct TS
    assert [inverse(inverse(i)) for i in range(256)] == list(range(256))


@requirement("ISO 7816-3", "7.1", "One etu is F/D clocks of the card.")
@requirement("ISO 7816-3", "7.2", "A character has 8 bits, even parity and a guard time of two etu.")
@cases((372, 1, 9624), (372, 2, 19247), (372, 4, 38495), (512, 16, 111875), (2048, 1, 1748))
def test_speeds(f, d, baud):
    bench, line = pair()
    line.set_etu(f, d)
    assert bench.settings[-1] == (baud, 8, 0, 2)


def test_the_uart_is_set_when_something_changes():
    bench, line = pair()
    line.set_etu(372, 1)
    line.settle()
    assert bench.settings == [(9624, 8, 0, 2)]
    line.invert()
    line.settle()
    line.set_etu(372, 4)
    assert bench.settings[1:] == [(9624, 8, 1, 2), (38495, 8, 1, 2)]
    line.restart()
    assert bench.settings[3:] == [(9624, 8, 0, 2)]


@cases(False, True)
async def test_characters_both_ways(inverted):
    bench, line = pair(inverted)
    bench.script = [(LONG, h("3B 00 FF"))]
    await line.send(LONG)
    out = bytearray(3)
    assert await line.receive_into(out, 1000, 100) == 3
    assert out == h("3B 00 FF")
    assert bench.got == LONG


@cases((1, 20), (7, 100), (100, 259))
async def test_a_uart_that_takes_a_few_at_a_time(takes, size):
    bench, line = pair()
    bench.takes = takes
    await line.send(LONG[:size])
    assert bench.got == LONG[:size]


@requirement(
    "ISO 7816-3",
    "7.2",
    "What the reader sends and hears again must be the same; else another has spoken on the one line.",
)
@cases(False, True)
async def test_an_echo_that_is_another(inverted):
    bench, line = pair(inverted)
    bench.echo_xor = 0x10
    with raises(E_CARD_PROTOCOL):
        await line.send(b"\x00\xa4")


async def test_no_echo():
    bench, line = pair()
    bench.echoes = False
    start = bench.us
    with raises(E_SLOT_SILENT):
        await line.send(b"\x00\xa4")
    assert bench.us - start < (LATE_MS + 10) * 1000


async def test_a_uart_that_takes_nothing():
    bench, line = pair()
    bench.takes = 0
    with raises(E_SLOT_SILENT):
        await line.send(b"\x00\xa4")


@cases(0, OSError(5))
async def test_a_line_that_is_closed(broken):
    bench, line = pair()
    bench.broken = broken
    with raises(E_LINE_CLOSED):
        await line.send(b"\x00")
    with raises(E_LINE_CLOSED):
        await line.receive_into(bytearray(1), 100, 100)
    with raises(E_LINE_CLOSED):
        line.discard()
    if broken:
        with raises(E_LINE_CLOSED):
            line.set_etu(372, 2)


@requirement("ISO 7816-3", "7.2", "The next character may come up to the waiting time after the one before.")
async def test_a_card_that_is_late_and_one_that_is_too_late():
    for extra_ms, count in ((-2, 2), (LATE_MS + 10, 1)):
        bench, line = pair()
        bench.say(b"\x01", bench.us + bench.etu_us(950))
        bench.say(b"\x02", bench.us + bench.etu_us(950 + 480) + extra_ms * 1000)
        assert await line.receive_into(bytearray(2), 960, 480) == count


async def test_silence_is_told_after_its_time():
    bench, line = pair()
    start = bench.us
    assert await line.receive_into(bytearray(5), 9600, 100) == 0
    took = bench.us - start
    assert bench.etu_us(9600) <= took <= bench.etu_us(9600) + (LATE_MS + 10) * 1000


async def test_times_follow_the_etu():
    bench, line = pair()
    line.set_etu(372, 4)
    start = bench.us
    assert await line.receive_into(bytearray(1), 9600, 100) == 0
    assert bench.us - start < 250_000 + (LATE_MS + 10) * 1000


async def test_the_longest_time_of_all():
    # 960 * 255 etu of the slowest speed: half a minute and more, without a large integer on the way
    bench, line = pair()
    line.set_etu(2048, 1)
    start = bench.us
    assert await line.receive_into(bytearray(1), 960 * 255, 100) == 0
    assert 139_000_000 < bench.us - start < 142_000_000


async def test_the_whole_time_is_bounded_too():
    bench, line = pair()
    bench.say(bytes(100), bench.us, 10_000)
    out = bytearray(100)
    have = await line.receive_into(out, 9600, 9600, 300)
    assert 25 <= have <= 31


async def test_characters_that_came_in_time_are_read_by_a_reader_that_is_late():
    bench, line = pair()
    bench.say(b"\x01\x02\x03", bench.us)
    bench.us += 5_000_000
    assert await line.receive_into(bytearray(3), 1, 1) == 3


@requirement("Book 1", "6.2", "Removal is noticed within 20 ms while the reader waits for the card.")
async def test_removal_while_waiting():
    bench, line = pair()
    bench.gone_at = bench.us + 123_000
    with raises(E_CARD_REMOVED):
        await line.receive_into(bytearray(1), 9600, 9600)
    assert bench.order()[-1] == "power1"
    assert bench.times("power", 1)[-1] - bench.gone_at <= 20_000


async def test_removal_while_sending():
    for guard in (0, 3):
        bench, line = pair()
        line.set_guard(guard)
        bench.gone_at = bench.us + 30_000
        with raises(E_CARD_REMOVED):
            await line.send(LONG)
        assert bench.times("power", 1)[-1] - bench.gone_at <= 20_000


async def test_removal_counts_more_than_what_was_received():
    bench, line = pair()
    bench.say(b"\x90\x00", bench.us)
    bench.gone_at = bench.us
    with raises(E_CARD_REMOVED):
        await line.receive_into(bytearray(2), 100, 100)


async def test_a_fault_is_told_from_removal():
    # TDA8035: with CMDVCC_N high again OFF_N is high when the card is still there
    bench, line = pair()
    bench.fault_at = bench.us + 5_000
    with raises(E_CARD_FAULT):
        await line.receive_into(bytearray(1), 9600, 9600)
    assert bench.power.level == 1 and bench.reset.level == 0
    bench, line = pair()
    bench.fault_at = bench.us
    with raises(E_CARD_FAULT):
        await line.send(b"\x00")


async def test_contacts_that_somebody_else_switched_off():
    bench, line = pair()
    line.power_off()
    with raises(E_CARD_REMOVED):
        await line.send(b"\x00")
    with raises(E_CARD_REMOVED):
        await line.receive_into(bytearray(1), 10, 10)
    assert bench.got == b""


@requirement(
    "ISO 7816-3",
    "7.2",
    "Between two characters that the reader sends there are 12 etu and the extra guard time N of TC1.",
)
@cases(1, 2, 20, 100, 254)
async def test_guard_time(n):
    bench, line = pair()
    line.set_guard(n)
    await line.send(b"\x01\x02\x03\x04")
    at = [us for name, _, us in bench.log if name == "write"]
    assert len(at) == 4
    for i in range(3):
        gap = at[i + 1] - at[i]
        assert bench.etu_us(12 + n) <= gap <= bench.etu_us(13 + n), gap


@requirement("ISO 7816-3", "7.2", "N of 255 asks for no extra guard time.")
async def test_no_extra_guard_time():
    bench, line = pair()
    for n in (0, 255):
        line.set_guard(n)
        bench.log.clear()
        await line.send(b"\x01\x02\x03\x04")
        assert [value for name, value, _ in bench.log] == [b"\x01\x02\x03\x04"]


@requirement(
    "Book 1", "9.2.4.2.2", "Between a character of the card's and the reader's next there are 22 etu at least."
)
async def test_turning_the_line_round():
    bench, line = pair()
    heard_at = bench.us + 10_000
    bench.say(b"\x90", heard_at)
    await line.receive_into(bytearray(1), 960, 960)
    await line.send(b"\x00")
    sent_at = next(us for name, _, us in bench.log if name == "write")
    # The character began ten etu and a half before it was there
    assert sent_at - heard_at >= bench.etu_us(12)
    assert sent_at - heard_at <= bench.etu_us(12) + 6_000


async def test_discard():
    bench, line = pair()
    bench.say(bytes(200), bench.us, 1)
    bench.us += 1_000
    line.discard()
    bench.say(b"\x55", bench.us)
    out = bytearray(1)
    assert await line.receive_into(out, 10, 10) == 1
    assert out == b"\x55"


async def test_discard_ends_on_a_line_that_never_does():
    bench, line = pair()
    bench.readinto = len
    line.discard()


async def test_nothing_of_what_was_sent_is_kept():
    _, line = pair(True)
    await line.send(h("0020008008 241234FFFFFFFF55"))
    assert any(line._wire) and any(line._heard_again)
    line.power_off()
    assert not any(line._wire) and not any(line._heard_again)
