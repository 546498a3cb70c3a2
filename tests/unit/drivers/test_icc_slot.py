"""The slot: insertion, activation and its times, answers to reset, deactivation. Times are those of the bench's clock."""

import asyncio
import sys

from testing import cases, h, path, raises, requirement

sys.path.append(path("tests/unit/drivers"))
from icc_bench import CLOCK_KHZ, Bench

from reader.errors import (
    E_CARD_ATR,
    E_CARD_FAULT,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_LINE_CLOSED,
    E_NO_CARD,
)

T0_ATR = "3B 60 00 00"
T0_INVERSE = "3F 60 00 00"
T1_ATR = "3B E0 00 FF 81 31 FE 45 14"
FASTER = "3B 70 13 00 00"  # TA1: D is 4
PPS = "FF 10 13 FC"
NO_TB1 = "3B 40 00"  # rejected after a cold reset, taken after a warm one (EMV 4.4 Book 1, 8.3.3.2)
IFS = ("00 C1 01 FE 3E", "00 E1 01 FE 1E")
SELECT = (h("00A4040000"), h("6A82"))


def clocks(us):
    return us * CLOCK_KHZ // 1000


async def activated(bench, clock_after_us=0):
    slot = bench.slot(clock_after_us)
    await slot.start()
    return slot, await slot.activate()


@requirement("ISO 7816-3", "6.2.1", "Activation begins with RST low, before the supply is switched on.")
@requirement("Book 1", "6.1.3.1", "At a cold reset RST rises 40,000 to 45,000 clocks after the clock has started.")
@cases(0, 3_000)
async def test_activation(clock_after_us):
    bench = Bench()
    _, card = await activated(bench, clock_after_us)
    assert (card.atr, card.protocol) == (h(T0_ATR), 0)
    assert bench.order() == ["reset0", "power1", "power0", "reset1"]
    began = bench.times("power", 0)[0] + clock_after_us
    assert 40_000 <= clocks(bench.times("reset", 1)[0] - began) <= 45_000


@requirement("ISO 7816-3", "6.4", "Deactivation is RST low, and then the clock, I/O and the supply go.")
async def test_deactivation():
    bench = Bench()
    slot, _ = await activated(bench)
    bench.log.clear()
    await slot.stop()
    assert bench.order() == ["reset0", "power1"]
    await slot.stop()
    assert bench.order() == ["reset0", "power1"]


@cases(1 << 28, (1 << 29) + 1_000_000, 1 << 30)
async def test_a_slot_that_was_idle_for_days(ms):
    # The ticks wrap: a difference of more than half their range looks negative
    bench = Bench()
    slot = bench.slot()
    slot._line._off_at = bench.us // 1000
    bench.us += ms * 1000
    start = bench.us
    await slot.activate()
    assert bench.us - start < 1_000_000


@requirement("ISO 7816-3", "6.2.4", "There are 10 ms without power between two activations.")
async def test_a_second_activation():
    bench = Bench(atrs=[T0_ATR, T0_ATR])
    slot, _ = await activated(bench)
    await slot.activate()
    assert bench.times("power", 0)[1] - bench.times("power", 1)[1] >= 10_000


@requirement(
    "Book 1", "6.1.3.2", "A warm reset holds RST low for 40,000 to 45,000 clocks, while supply and clock stay."
)
@requirement("Book 1", "8.3", "After a warm reset the answer is judged by the rules of a warm reset.")
async def test_a_warm_reset():
    bench = Bench(atrs=[NO_TB1, NO_TB1])
    _, card = await activated(bench)
    assert card.atr == h(NO_TB1)
    assert bench.order() == ["reset0", "power1", "power0", "reset1", "reset0", "reset1"]
    low = bench.times("reset", 1)[1] - bench.times("reset", 0)[1]
    assert 40_000 <= clocks(low) <= 45_000


@requirement("Book 1", "8.3", "A card whose answers to both resets are rejected is switched off.")
@cases((NO_TB1, "3B E0 00 00 81 31 05 45 10", 10), ("3C 60 00 00", "3C 60 00 00", 1))  # acceptance.TA3_IFSC, UNREADABLE
async def test_rejected_twice(first, second, rule):
    bench = Bench(atrs=[first, second])
    slot = bench.slot()
    with raises(E_CARD_ATR, rule):
        await slot.activate()
    assert bench.order()[-1] == "power1"
    assert len(bench.times("reset", 1)) == 2


@requirement("ISO 7816-3", "8.1", "A first character that is neither 3B nor 3F is no answer to reset.")
@requirement("ISO 7816-3", "8.2.5", "An answer whose check character is wrong is rejected.")
@cases("3C 60 00 00", "00 00 00 00", T1_ATR[:-2] + "15", "3B F0 00 00 00 8F FF" + " 8F" * 30)
async def test_what_is_no_answer_to_reset(first):
    bench = Bench([IFS], atrs=[first, T1_ATR])
    _, card = await activated(bench)
    assert card.atr == h(T1_ATR)


@requirement("Book 1", "6.1.3.1", "An answer to reset that begins within 42,000 clocks of RST rising is taken.")
async def test_an_answer_at_the_last_moment():
    bench = Bench()
    bench.first_us = 42_000 * 1000 // CLOCK_KHZ + 1_250  # to the end of the character
    await bench.slot(late_ms=2).activate()


@requirement(
    "Book 1",
    "6.1.3.1",
    "A card that has not begun its answer is switched off within 50 ms of RST rising, without a warm reset.",
)
async def test_a_mute_card():
    bench = Bench(atrs=[None])
    slot = bench.slot()
    with raises(E_CARD_ATR, 0):
        await slot.activate()
    assert bench.order() == ["reset0", "power1", "power0", "reset1", "reset0", "power1"]
    assert bench.times("power", 1)[-1] - bench.times("reset", 1)[0] <= 50_000


@requirement("Book 1", "8.1", "Up to 10,080 etu between two characters of an answer to reset are borne.")
async def test_a_slow_answer():
    bench = Bench()
    bench.gap_us = bench.etu_us(10_000) // 2
    await activated(bench)


@requirement("Book 1", "8.1", "More than 10,080 etu between two characters of the answer switch the card off.")
async def test_an_answer_that_stops():
    bench = Bench(atrs=["3B 65 00 00 01 02"])
    slot = bench.slot()
    with raises(E_CARD_ATR, 0):
        await slot.activate()
    last = bench.times("reset", 1)[0] + bench.first_us + 5 * bench.etu_us(12)
    off = bench.times("power", 1)[-1]
    # 10,080 etu; switched off within 24,000 etu of the last character's leading edge
    assert bench.etu_us(10_000) <= off - last <= bench.etu_us(14_400)


@requirement("Book 1", "8.1", "An answer to reset that takes more than 20,160 etu in all switches the card off.")
async def test_an_answer_that_takes_too_long():
    bench = Bench(atrs=["3B 6F 00 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F"])
    bench.gap_us = bench.etu_us(2_000)
    slot = bench.slot()
    with raises(E_CARD_ATR, 0):
        await slot.activate()
    began = bench.times("reset", 1)[0] + bench.first_us
    assert bench.etu_us(20_000) <= bench.times("power", 1)[-1] - began <= bench.etu_us(24_000)


async def test_the_inverse_convention():
    bench = Bench([SELECT], atrs=[T0_INVERSE, T0_ATR])
    slot, card = await activated(bench)
    assert card.atr == h(T0_INVERSE)
    assert bytes(await card.transmit(SELECT[0])) == SELECT[1]
    assert [parity for _, _, parity, _ in bench.settings] == [0, 1]
    await slot.activate()  # another card
    assert [parity for _, _, parity, _ in bench.settings] == [0, 1, 0]


@requirement("ISO 7816-3", "6.3.1", "The protocol is the one that the card offers first.")
@requirement(
    "Book 1", "9.2.4.3", "A T=1 card is told right after its answer that the reader takes blocks of 254 bytes."
)
async def test_protocol_t1():
    bench = Bench([IFS, ("00 00 05 00A4040000 A5", "00 00 02 6A82 EA")], atrs=[T1_ATR])
    _, card = await activated(bench)
    assert card.protocol == 1
    assert bytes(await card.transmit(SELECT[0])) == SELECT[1]
    assert not bench.script


@requirement(
    "ISO 7816-3",
    "9",
    "PPS is the first thing after the answer to reset, at the first speed, and the new one holds after it.",
)
async def test_pps():
    bench = Bench([(PPS, PPS), SELECT], atrs=[FASTER])
    _, card = await activated(bench)
    assert bench.settings[-1][0] == 38495
    assert bytes(await card.transmit(SELECT[0])) == SELECT[1]


async def test_pps_in_the_inverse_convention():
    bench = Bench([(PPS, PPS), SELECT], atrs=["3F" + FASTER[2:]])
    _, card = await activated(bench)
    assert bench.settings == [(9624, 8, 0, 2), (9624, 8, 1, 2), (38495, 8, 1, 2)]
    assert bytes(await card.transmit(SELECT[0])) == SELECT[1]


async def test_pps_that_the_card_declines():
    bench = Bench([(PPS, "FF 00 FF"), SELECT], atrs=[FASTER])
    _, card = await activated(bench)
    assert bench.settings[-1][0] == 9624
    await card.transmit(SELECT[0])


@cases("", "FF 10 13 FD", "FF 11 13 FD", "00")
async def test_pps_that_fails(answer):
    # ISO/IEC 7816-3, 9.3: the card is reset; then it is used as it is
    bench = Bench([(PPS, answer), SELECT], atrs=[FASTER, FASTER])
    _, card = await activated(bench)
    assert bench.settings[-1][0] == 9624
    assert bench.order()[2:] == ["power0", "reset1", "reset0", "power1", "power0", "reset1"]
    assert bytes(await card.transmit(SELECT[0])) == SELECT[1]


@cases("3B 70 18 00 00", "3B 70 96 00 00", "3B F0 13 00 00 10 00")
async def test_no_pps_for(atr):
    # 12 times the speed, another F: not EMV's; TA2 is there: specific mode, nothing to agree on
    bench = Bench([SELECT], atrs=[atr])
    _, card = await activated(bench)
    await card.transmit(SELECT[0])
    assert bench.settings[-1][0] == (38495 if "13" in atr else 9624)


async def test_a_card_pulled_out_at_any_time_of_the_activation():
    whole = Bench([(PPS, PPS)], atrs=[FASTER])
    await activated(whole)
    start = whole.times("power", 0)[0]
    for at in range(0, whole.us - start, 1_500):
        bench = Bench([(PPS, PPS)], atrs=[FASTER])
        bench.gone_at = start + at
        slot = bench.slot()
        await slot.start()
        with raises(E_CARD_REMOVED):
            await slot.activate()
        assert bench.order()[-1] == "power1"


async def test_nothing_there():
    bench = Bench()
    bench.gone_at = 0
    slot = bench.slot()
    with raises(E_CARD_REMOVED):
        await slot.activate()
    assert "power0" not in bench.order()


async def test_a_short_circuit():
    bench = Bench()
    slot = bench.slot()
    bench.fault_at = bench.us + 2_000
    with raises(E_CARD_FAULT):
        await slot.activate()
    bench.fault_at = None
    bench.atrs = [h(T0_ATR)]
    await slot.activate()


@requirement("Book 1", "9.2.2.1", "A card that breaks the protocol, or is silent past its time, is switched off.")
@cases(("", E_CARD_TIMEOUT), ("55", E_CARD_PROTOCOL))
async def test_an_exchange_that_fails_ends_the_session(answer, code):
    bench = Bench([(SELECT[0], answer)])
    slot, card = await activated(bench)
    with raises(code):
        await card.transmit(SELECT[0])
    assert bench.order()[-2:] == ["reset0", "power1"]
    with raises(code):  # and stays so
        await card.transmit(SELECT[0])
    bench.atrs = [h(T0_ATR)]
    await slot.activate()


async def test_a_card_pulled_out_of_an_exchange():
    bench = Bench([(SELECT[0], "")])
    _, card = await activated(bench)
    bench.gone_at = bench.us + 50_000
    with raises(E_CARD_REMOVED):
        await card.transmit(SELECT[0])
    assert bench.times("power", 1)[-1] - bench.gone_at <= 20_000
    with raises(E_CARD_REMOVED):
        await card.transmit(SELECT[0])


async def test_an_exchange_that_is_cancelled_at_any_wait():
    waits = 1
    while True:
        bench = Bench([(SELECT[0], ""), SELECT], atrs=[T0_ATR, T0_ATR])
        slot, card = await activated(bench)
        bench.waits.count, bench.waits.cancel_at = 0, waits
        try:
            await card.transmit(SELECT[0])
        except asyncio.CancelledError:
            pass
        # Whoever cancels need not wait: the card is without power
        assert bench.order()[-2:] == ["reset0", "power1"]
        bench.waits.cancel_at = -1
        with raises(E_CARD_REMOVED):
            await card.transmit(SELECT[0])
        await slot.stop()
        bench._coming.clear()
        bench._card = b""
        bench.script = [SELECT]
        again = await slot.activate()
        assert bytes(await again.transmit(SELECT[0])) == SELECT[1]
        waits += 1
        if waits > 12:
            break


async def test_an_activation_that_is_cancelled_at_any_wait():
    whole = Bench()
    await activated(whole)
    for n in range(1, whole.waits.count + 1):
        bench = Bench()
        slot = bench.slot()
        bench.waits.cancel_at = n
        try:
            await slot.activate()
            raise AssertionError("was not cancelled")
        except asyncio.CancelledError:
            pass
        assert bench.power.level == 1 and bench.reset.level == 0
        bench.atrs = [h(T0_ATR)]
        bench._coming.clear()
        await slot.activate()


async def test_release():
    bench = Bench([SELECT])
    _, card = await activated(bench)
    await card.transmit(SELECT[0])
    await card.release()
    assert bench.order()[-2:] == ["reset0", "power1"]
    with raises(E_CARD_REMOVED):
        await card.transmit(SELECT[0])


async def test_insertion():
    bench = Bench()
    slot = bench.slot()
    await slot.start()
    assert await slot.is_present()
    start = bench.us
    await slot.wait_for_insertion(1000)
    assert 50_000 <= bench.us - start <= 70_000
    bench.gone_at = 0
    assert not await slot.is_present()
    start = bench.us
    with raises(E_NO_CARD):
        await slot.wait_for_insertion(1000)
    assert 1_000_000 <= bench.us - start <= 1_020_000


async def test_a_contact_that_bounces_is_no_card_yet():
    bench = Bench()
    slot = bench.slot()
    start = bench.us
    # Every 30 ms it is away for a moment, for the first half second
    bench.off_n = lambda: 0 if bench.us - start < 500_000 and (bench.us - start) % 30_000 < 10_000 else 1
    await slot.wait_for_insertion(2000)
    assert 540_000 <= bench.us - start <= 570_000  # 50 ms after the last one


async def test_a_card_that_comes_in_the_last_moment_is_waited_for():
    bench = Bench()
    slot = bench.slot()
    start = bench.us
    bench.off_n = lambda: 0 if bench.us - start < 985_000 else 1
    await slot.wait_for_insertion(1000)


async def test_removal_is_waited_for_without_power():
    bench = Bench()
    slot, _ = await activated(bench)
    bench.gone_at = bench.us + 300_000
    assert await slot.wait_for_removal(1000)
    assert bench.times("power", 1)[-1] < bench.gone_at
    bench.gone_at = None
    assert not await slot.wait_for_removal(1000)


async def test_a_line_that_is_gone():
    bench = Bench()
    bench.broken = OSError(5)
    with raises(E_LINE_CLOSED):
        await bench.slot().start()
