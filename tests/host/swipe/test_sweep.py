"""A part of the bench's sweep: all that the standard permits is read, nothing is read wrong. `make bench` has the rest."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mpos.bench import f2f
from mpos.swipe.decoder import Judged
from tests.bench import swipes

SWIPES = 600


@pytest.fixture(scope="module")
def swept():
    return swipes.sweep(SWIPES)


def test_what_the_standard_permits_is_read(swept):
    assert swept.swipes == SWIPES
    assert swept.tracks == 3 * (SWIPES // 3)
    assert swept.refused == []


def test_nothing_is_read_wrong(swept):
    assert [seen for seen in swept.wrong if seen.way == swipes.TIMES or seen.part == swipes.INSIDE] == []
    assert len(swept.wrong) <= 1  # an ASIC that got bits wrong, past the standard: docs/swipe.md


def test_no_swipe_is_accepted_wrongly(swept):
    assert [seen for seen in swept.wrongly if seen.way == swipes.TIMES or seen.part == swipes.INSIDE] == []
    for way in (swipes.TIMES, swipes.BITS):
        assert swept.accepted[way] >= SWIPES // 3  # all inside the standard, and more


def test_rough_swipes_are_neither_all_read_nor_all_refused(swept):
    assert 0.02 < swept.rough_read / swept.rough_tracks < 0.5


def test_the_curve_falls(swept):
    assert swept.curve[0.0] == swept.curve[swipes.JITTER_PERCENT] == [1, 1, 1]
    assert swept.curve[40.0] == [0, 0, 0]


def test_the_same_number_is_the_same_swipe():
    for make in (swipes.inside, swipes.rough):
        first, second = make(7), make(7)
        assert first.options == second.options
        one, other = (f2f.swipe(case.stripe, **case.options) for case in (first, second))
        assert all(np.array_equal(one[track], other[track]) for track in one)
        assert make(8).options != first.options


def test_swipes_inside_the_standard_go_to_its_limits_and_not_past_them():
    cases = [swipes.inside(number) for number in range(300)]
    for track, most in swipes.DENSITY.items():
        densities = [case.stripe.density[track] for case in cases]
        assert min(densities) == 1 - most and max(densities) == 1 + most
    assert max(case.options["jitter_percent"] for case in cases) == swipes.JITTER_PERCENT
    assert max(case.options["wobble_percent"] for case in cases) == swipes.WOBBLE_PERCENT
    for case in cases:
        speed, acceleration = case.options["speed_cm_s"], case.options["acceleration"]
        end = (speed**2 + 2 * acceleration * f2f.CARD_MM / 10) ** 0.5
        assert min(speed, end) > 9.99 and max(speed, end) < 150.01
        assert 0.99 / swipes.RATIO_MOST < end / speed < 1.01 * swipes.RATIO_MOST
        assert not case.stripe.flaws


def test_a_decoder_that_lies_is_found(monkeypatch):
    decode = swipes.Decoder.times

    def lie(decoder, number, times):
        decoded = decode(decoder, number, times)
        return dataclasses.replace(decoded, characters=decoded.characters[:-1] + "0", reason=0)

    monkeypatch.setattr(swipes.Decoder, "times", lie)
    found = swipes.sweep(30).figures()
    assert found["swipes.wrong"] > 20
    assert found["swipes.wrongly"] > 5 and found["swipes.wrongly_bits"] == 0


@pytest.mark.parametrize(
    ("judged", "wrong"),
    [
        (Judged(0, 2, "1=23", "9=="), []),
        (Judged(0, 2, "1=23"), []),
        (Judged(0, 2, "1=24", "9=="), [2]),
        (Judged(0, 2, "1=23", "9=0"), [3]),
        (Judged(0, 1, "1=234", "9=="), []),  # made of track 1, which has more
        (Judged(0, 1, "1=23", "9=="), [2]),
    ],
)
def test_what_is_not_on_the_card_is_found(judged, wrong):
    stripe = f2f.Stripe("B1^A^234", "1=23", "9==")
    sent = dataclasses.replace(judged, track2=judged.track2.replace("=", "D"), track3=judged.track3.replace("=", "D"))
    assert swipes._not_on(stripe, sent) == wrong
    flawed = dataclasses.replace(stripe, flaws={1: {"bad_lrc": True}, 2: {"end": False}})
    assert swipes._not_on(flawed, sent) == sorted({2, *wrong})
