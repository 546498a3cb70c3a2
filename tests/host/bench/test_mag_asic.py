"""The bench's Delta ASIC at its pins. MagTek 99875336 (old mode), 99875337 (new mode)."""

from __future__ import annotations

import numpy as np
import pytest

from mpos.bench.f2f import Stripe, times
from mpos.bench.mag_asic import BITS, BITS_NEW, NEW_MODE, PREAMBLES, STROBES, DeltaAsic
from tests.host.bench.mag_reader import PREAMBLE, Clock, NewReader, Reader

STRIPE = Stripe("B6212340000000019^CARDHOLDER/TEST^4912101", "6212340000000019=4912101", "1234567890")
TRACKS = [STRIPE.bits(number).tolist() for number in (1, 2, 3)]
RESET_S = 0.03


def padded(bits, size=BITS):
    """A track as it is stored: from its first one on, zeros behind it."""
    return [*bits, *[0] * (size - len(bits))]


def swiped(stripe=STRIPE, revision="21006536", paced=False, clock=None, **options):
    asic = DeltaAsic(revision, clock=clock or Clock())
    assert asic.card(times(stripe, **options), paced)
    return asic


@pytest.mark.parametrize(("revision", "number"), PREAMBLES.items())
def test_all_passes_to_the_end(revision, number):
    clock = Clock()
    asic = swiped(revision=revision, clock=clock)
    reader = Reader(asic)
    assert not asic.read()
    assert reader.number() == number
    for turn in range(8):
        tracks = [padded(track) for track in TRACKS]
        for track in [each[::-1] for each in reversed(tracks)] if turn & 1 else tracks:
            clock.now += 0.05
            assert reader.track() == track
    assert asic.strobes == 0 and asic.clears == 1 and not asic.read()
    clock.now += RESET_S
    assert asic.read() and asic.violations == []
    # Armed again
    assert asic.card(times(STRIPE)) and not asic.read()


def test_the_number_of_strobes_that_clear_it():
    asic = swiped()
    assert STROBES == 14_610
    Reader(asic).pulse(STROBES - 1)
    assert asic.clears == 0
    asic.set_strobe(False)
    assert asic.clears == 0
    asic.set_strobe(True)
    assert asic.clears == 1


def test_backward_the_first_one_bit_comes_first():
    asic = swiped(direction="back")
    reader = Reader(asic)
    reader.number()
    for track in TRACKS:
        back = track[::-1]
        assert reader.track() == padded(back[back.index(1) :])


def test_tracks_that_are_not_there_are_zeros():
    asic = swiped(Stripe(None, "6212340000000019=4912101"))
    reader = Reader(asic)
    reader.number()
    assert [sum(reader.track()) for _ in range(3)] == [0, sum(TRACKS[1]), 0]


def test_no_more_bits_than_it_has_room_for():
    asic = swiped(Stripe(np.ones(640, np.int8)))
    reader = Reader(asic)
    reader.number()
    assert sum(reader.track()) == BITS


def test_a_scratch_before_the_start_is_stored():
    asic = swiped(peaks=((2, 3.0),))
    reader = Reader(asic)
    reader.number()
    reader.track()
    read = reader.track()
    assert read[0] == 1 and read[1:8] == [0] * 7 and sum(read) == sum(TRACKS[1]) + 1


# Flags


def test_the_zeroes_flag_comes_before_the_card_has_gone():
    clock = Clock()
    asic = swiped(paced=True, clock=clock)
    began = clock.now
    assert asic.read()
    clock.now = asic.due()
    while asic.read():
        clock.now = asic.due()
    # Data end at 7.44 mm + 40 bits of track 2 or 41 * 7 of track 1; a card at 40 cm/s takes 214 ms
    flagged = clock.now - began
    assert 0.1 < flagged < 0.2
    reader = Reader(asic)
    reader.pulse()
    assert asic.read()  # CLEAR takes it back, the card has not gone
    reader.pulse()
    assert not asic.read()  # STOP
    assert [reader.bit() for _ in range(PREAMBLE)] == [0] * PREAMBLE
    assert reader.track() == padded(TRACKS[0])


def test_the_auxiliary_flag_comes_when_the_card_has_gone():
    clock = Clock()
    asic = swiped(paced=True, clock=clock)
    began = clock.now
    while asic.read():
        clock.now = asic.due()
    Reader(asic).pulse()
    assert asic.read()
    while asic.read():
        clock.now = asic.due()
    assert clock.now - began == pytest.approx(CARD_S, abs=0.01)


CARD_S = 85.6 / 400


def test_half_a_card_has_only_the_auxiliary_flag():
    clock = Clock()
    asic = swiped(paced=True, clock=clock, partial=(0.0, 30.0))
    began = clock.now
    while asic.read():
        clock.now = asic.due()
    assert clock.now - began == pytest.approx(30 / 400 + 0.005, abs=0.002)
    Reader(asic).pulse()
    assert not asic.read()


def test_a_card_too_slow_is_given_up():
    clock = Clock()
    asic = swiped(paced=True, clock=clock, speed_cm_s=2, partial=(0.0, 85.0))
    clock.now += 2.1
    Reader(asic).pulse()
    assert not asic.read()


def test_what_passes_after_stop_is_lost():
    clock = Clock()
    asic = swiped(paced=True, clock=clock)
    clock.now += 0.1
    reader = Reader(asic)
    assert reader.number() == 0  # by a switch of its own: no flag was waited for
    read = reader.track()
    length = next(at for at in range(len(read), 0, -1) if read[at - 1])
    assert 100 < length < len(TRACKS[0]) and read[:length] == TRACKS[0][:length]
    assert asic.violations == ["a strobe before there was a flag"]


def test_only_clocking_zeros_are_a_card_without_data():
    asic = swiped(Stripe(None, np.zeros(100, np.int8)))
    reader = Reader(asic)
    assert not asic.read()
    reader.number()
    assert [sum(reader.track()) for _ in range(3)] == [0, 0, 0]


def test_a_blank_card_is_not_noticed():
    asic = DeltaAsic(clock=Clock())
    assert not asic.card(times(Stripe())) and asic.read()


def test_a_second_card_leaves_no_trace():
    asic = swiped()
    assert not asic.card(times(Stripe(None, "6212340000000027=4912101")))
    reader = Reader(asic)
    reader.number()
    reader.track()
    assert not asic.card(times(Stripe(None, "6212340000000027=4912101")))
    assert reader.track() == padded(TRACKS[1])


# Time


@pytest.mark.parametrize("watchdog_s", [0.262, 0.630])
def test_the_watchdog_clears_it(watchdog_s):
    clock = Clock()
    asic = DeltaAsic(watchdog_s=watchdog_s, clock=clock)
    asic.card(times(STRIPE))
    clock.now += 5  # it does not run before the first strobe
    assert not asic.read()
    reader = Reader(asic)
    reader.number()
    clock.now += watchdog_s - 0.001
    reader.bit()
    clock.now += watchdog_s - 0.001
    assert asic.watchdogs == 0
    clock.now += 0.002
    assert not asic.read() and (asic.watchdogs, asic.clears) == (1, 1)
    reader.pulse()
    assert asic.violations == ["a strobe while the memory was being cleared"]
    clock.now += RESET_S
    assert asic.read()


def test_it_does_not_arm_while_a_card_is_passing():
    clock = Clock()
    asic = swiped(clock=clock)
    Reader(asic).pulse(STROBES)
    assert not asic.card(times(STRIPE, speed_cm_s=10), paced=True)
    clock.now += RESET_S
    assert not asic.read()
    clock.now += 85.6 / 100
    assert asic.read()


def test_when_it_is_due():
    clock = Clock()
    asic = DeltaAsic(clock=clock)
    assert asic.due() == float("inf")
    asic.card(times(STRIPE))
    Reader(asic).pulse(2)
    assert asic.due() == pytest.approx(clock.now + 0.630)
    Reader(asic).pulse(STROBES - 2)
    assert asic.due() == pytest.approx(clock.now + 0.025)


def test_power_on_forgets():
    asic = swiped()
    asic.power_on()
    assert asic.read()


# Misuse


def test_data_says_nothing_between_two_strobes():
    asic = swiped()
    reader = Reader(asic)
    reader.number()
    seen = set()
    for _ in range(50):
        reader.pulse()
        seen.add(asic.read())
    assert seen == {False, True} and len(asic.violations) == 50


def test_a_strobe_without_a_card():
    asic = DeltaAsic(clock=Clock())
    Reader(asic).pulse()
    assert asic.violations == ["a strobe before there was a flag"]


def test_data_of_a_5_v_part_is_no_input():
    asic = swiped()
    asic.hold(True)
    assert asic.violations == ["DATA was pulled low: it is an output"]


# The new mode


def new(clock=None, stripe=STRIPE, paced=False, **options):
    asic = DeltaAsic("21006540", clock=clock or Clock())
    reader = NewReader(asic)
    reader.reset()
    assert asic.is_new and asic.read()
    assert asic.card(times(stripe, **options), paced)
    return asic, reader


def test_the_new_mode_there_and_back():
    asic, reader = new()
    assert not asic.read()
    assert reader.number() == NEW_MODE
    for turn in range(2):
        tracks = [padded(track, BITS_NEW) for track in TRACKS]
        for track in [each[::-1] for each in reversed(tracks)] if turn else tracks:
            assert reader.track() == track
    assert asic.violations == [] and asic.clears == 1
    reader.reset()
    assert asic.read() and asic.clears == 2
    assert asic.card(times(STRIPE))
    assert reader.number() == NEW_MODE


def test_the_new_mode_tells_of_the_card_first():
    clock = Clock()
    asic, reader = new(clock, paced=True)
    began = clock.now
    assert asic.read()
    clock.now = asic.due()
    assert not asic.read() and clock.now - began < 0.02
    reader.pulse()
    assert asic.read()  # seen; the buffer is not ready
    while asic.read():
        clock.now = asic.due()
    assert clock.now - began == pytest.approx(CARD_S, abs=0.01)
    assert sum(reader.bit() << place for place in range(PREAMBLE)) == NEW_MODE
    assert reader.track() == padded(TRACKS[0], BITS_NEW)
    assert asic.violations == []


def test_the_new_mode_too_early():
    clock = Clock()
    asic, reader = new(clock, paced=True)
    reader.pulse()
    reader.pulse()
    assert asic.violations == ["a strobe before there was a card", "a strobe before the buffer was ready"]


def test_the_new_mode_is_not_armed_by_a_reset_alone():
    asic = DeltaAsic("21006540", clock=Clock())
    reader = NewReader(asic)
    asic.hold(True)
    for level in (False, True, False):
        asic.set_strobe(level)
    asic.hold(False)
    reader.pulse()
    assert asic.is_new and not asic.card(times(STRIPE))
    reader.pulse()
    assert asic.card(times(STRIPE))


def test_a_reset_with_data_low_goes_back_to_the_old_mode():
    asic, _ = new()
    asic.set_strobe(True)
    asic.hold(True)
    for level in (False, True, False, True):
        asic.set_strobe(level)
    asic.hold(False)
    assert not asic.is_new and asic.read()
    assert asic.card(times(STRIPE))
    assert Reader(asic).number() == PREAMBLES["21006540"]


def test_data_is_high_while_strobe_is_in_the_new_mode():
    asic, reader = new()
    reader.number()
    for _ in range(20):
        asic.set_strobe(True)
        assert asic.read()
        asic.set_strobe(False)
    assert asic.violations == []


# What tests look at


def test_what_is_stored():
    asic = swiped()
    assert set(asic.memory) == {1, 2, 3}
    Reader(asic).pulse(STROBES)
    assert asic.memory == {}


@pytest.mark.parametrize("is_new", [False, True])
def test_another_preamble(is_new):
    asic, reader = new() if is_new else (swiped(), None)
    asic.preamble = 0x1234
    assert (reader or Reader(asic)).number() == 0x1234
