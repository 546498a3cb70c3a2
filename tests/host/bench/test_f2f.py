"""The bench's stripes: characters, places, times, and the standard's way back from times to bits.

ISO/IEC 7811-2: coded character sets (bits as they are recorded, parity last), densities, location of the first bit.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from mpos.bench import f2f
from mpos.bench.f2f import CARD_MM, FIRST_BIT_MM, Stripe, encode, swipe, times

NUMERIC = {"0": "00001", "1": "10000", "9": "10011", ";": "11010", "=": "10110", "?": "11111"}
ALPHANUMERIC = {" ": "0000001", "%": "1010001", "A": "1000011", "Z": "0101111", "^": "0111110", "?": "1111100"}
CARD = Stripe("B6212340000000019^CARDHOLDER/TEST^4912101", "6212340000000019=4912101", "1234567890")


def text(bits) -> str:
    return "".join(str(int(bit)) for bit in bits)


@pytest.mark.parametrize(
    ("width", "base", "table"), [(5, 0x30, NUMERIC), (7, 0x20, ALPHANUMERIC)], ids=["numeric", "alphanumeric"]
)
def test_characters_of_the_standard(width, base, table):
    for letter, bits in table.items():
        assert text(f2f.character(ord(letter) - base, width)) == bits


def test_a_track_ends_with_its_check():
    # Worked by hand: columns of ; 1 2 ? have an even number of ones with the LRC's, its own parity is odd
    assert text(encode("12", 5)) == "11010" + "10000" + "01000" + "11111" + "11100"
    whole = encode("B12^AB^", 7).reshape(-1, 7)
    assert not (whole[:, :6].sum(axis=0) % 2).any() and (whole.sum(axis=1) % 2).all()
    for flaw in ({"bad_parity": 2}, {"bad_lrc": True}):
        flawed = encode("12", 5, **flaw)
        assert (flawed != encode("12", 5)).sum() in (1, 2)
    assert (encode("12", 5, bad_parity=2) != encode("12", 5)).nonzero()[0].tolist() == [14]
    assert (encode("12", 5, bad_lrc=True).reshape(-1, 5).sum(axis=1) % 2).all()
    assert text(encode("12", 5, start=False, end=False, lrc=False)) == "1000001000"
    assert (encode("12", 5, invert=True) + encode("12", 5) == 1).all()


@pytest.mark.parametrize(("letters", "width"), [("A", 5), ("a", 7), ("\x1f", 7)])
def test_characters_that_a_set_does_not_have(letters, width):
    with pytest.raises(ValueError):
        encode(letters, width)


@pytest.mark.parametrize(("number", "per_mm", "least"), [(1, 8.27, 34), (2, 2.95, 12), (3, 8.27, 34)])
def test_where_the_bits_are(number, per_mm, least):
    places = CARD.reversals(number)
    clocks = places[places < FIRST_BIT_MM - 1e-9]
    assert len(clocks) >= least
    assert np.diff(clocks) == pytest.approx(1 / per_mm, rel=0.001)
    assert FIRST_BIT_MM in places.round(9)
    # The first bit of either start sentinel is a one: a reversal in its middle
    assert (FIRST_BIT_MM + 0.5 / per_mm) == pytest.approx(places[len(clocks) + 1], abs=0.001)
    assert places[0] > 0 and places[-1] < CARD_MM


def test_nothing_is_recorded_beside_the_card():
    assert Stripe(None, "1" * 60).reversals(2)[-1] <= CARD_MM
    assert len(Stripe().reversals(1)) == 0 and swipe(Stripe()) == {} and Stripe().tracks() == []


def test_a_stripe_does_not_tell():
    assert "6212" not in repr(CARD)


@pytest.mark.parametrize("speed", [10, 40, 150])
def test_an_even_hand(speed):
    whole = times(CARD, speed_cm_s=speed)
    for number, when in whole.items():
        assert when == pytest.approx(CARD.reversals(number) / (speed * 10) * 1e6)
        assert (swipe(CARD, speed_cm_s=speed)[number].cumsum() <= when[-1]).all()


def test_a_hand_that_speeds_up():
    when = times(CARD, speed_cm_s=20, acceleration=100)[2]
    where = CARD.reversals(2)
    # s = v t + a t^2 / 2
    seconds = when / 1e6
    assert 200 * seconds + 500 * seconds**2 == pytest.approx(where)
    slowed = times(CARD, speed_cm_s=60, acceleration=-150)[2]
    assert np.diff(slowed)[-3:].mean() > 1.2 * np.diff(slowed)[:3].mean()


def test_a_hand_whose_speed_swings():
    even, swung = times(CARD)[1], times(CARD, wobble_percent=20)[1]
    ratio = np.diff(swung) / np.diff(even)
    assert 0.8 <= ratio.min() < 0.82 and 1.18 < ratio.max() <= 1.2
    assert (np.diff(swung) > 0).all()


@pytest.mark.parametrize(
    "options",
    [
        {"speed_cm_s": 0},
        {"speed_cm_s": 20, "acceleration": -100},
        {"wobble_percent": 100},
        {"direction": "sideways"},
    ],
)
def test_what_no_hand_can_do(options):
    with pytest.raises(ValueError):
        times(CARD, **options)


def test_jitter_stays_within_its_part_of_a_cell():
    even = np.diff(CARD.reversals(1))
    for seed in range(20):
        off = np.abs(np.diff(times(CARD, speed_cm_s=100, jitter_percent=10, seed=seed)[1]) / 1000 - even)
        assert 0.05 < off.max() / CARD.cell_mm(1) <= 0.1


def test_the_same_seed_is_the_same_swipe():
    options = {"jitter_percent": 20, "noise_us": 2, "dropouts": 3, "peaks": 3}
    first = swipe(CARD, **options, seed=4)
    assert all((first[number] == again).all() for number, again in swipe(CARD, **options, seed=4).items())
    other = swipe(CARD, **options, seed=5)
    assert any(len(first[n]) != len(other[n]) or (first[n] != other[n]).any() for n in first)


def test_dropouts_and_peaks_are_pairs():
    whole = len(CARD.reversals(2))
    assert len(times(CARD, dropouts=((2, 30.0),))[2]) == whole - 2
    assert len(times(CARD, peaks=((2, 30.0),))[2]) == whole + 2
    assert len(times(CARD, dropouts=((2, 30.0),))[1]) == len(CARD.reversals(1))
    assert sum(len(when) for when in times(CARD, peaks=5).values()) == 10 + sum(
        len(CARD.reversals(number)) for number in (1, 2, 3)
    )
    assert times(Stripe(), dropouts=2, peaks=2) == {}


def test_half_a_swipe():
    whole, half = times(CARD)[2], times(CARD, partial=(10.0, 50.0))[2]
    assert len(half) < len(whole) and half[0] >= 10 / 400 * 1e6 and half[-1] <= 50 / 400 * 1e6


def test_backward_is_the_other_way_round():
    forward, back = swipe(CARD, jitter_percent=5, seed=1), swipe(CARD, jitter_percent=5, seed=1, direction="back")
    for number in (1, 2, 3):
        assert np.abs(forward[number][::-1].astype(int) - back[number]).max() <= 1


def test_what_takes_too_long_is_as_long_as_may_be():
    slow = swipe(Stripe(None, "1", density={2: 0.05}), speed_cm_s=2)
    assert slow[2].max() == 65535


# Back to bits


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"direction": "back"},
        {"speed_cm_s": 10, "acceleration": 300},
        {"speed_cm_s": 150, "acceleration": -500, "noise_us": 1},
        {"jitter_percent": 15},
        {"wobble_percent": 30, "jitter_percent": 8},
    ],
    ids=str,
)
def test_bits_come_back(options):
    for seed in range(10):
        for number, intervals in swipe(CARD, **options, seed=seed).items():
            read = f2f.bits(intervals)
            recorded = CARD.bits(number).tolist()
            if options.get("direction") == "back":
                read.reverse()
            assert text(recorded) in text(read)
            # and everything around them are clocking zeros
            assert sum(read) == sum(recorded)


@pytest.mark.parametrize("moments", [[], [0.0], [0.0, 10.0], [0.0, 10.0, 50.0, 55.0, 300.0, 301.0], [5.0] * 9])
def test_what_is_no_stripe_gives_no_bits(moments):
    assert f2f.cells(moments) == ([], [])


def test_twenty_thousand_swipes_are_quick():
    began = time.process_time()
    for seed in range(200):
        swipe(CARD, jitter_percent=8, dropouts=1, peaks=1, seed=seed)
    assert (time.process_time() - began) / 200 < 0.003  # 0.3 ms on a quiet machine
