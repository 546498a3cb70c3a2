"""What is told of a track: everything that helps, nothing that a cardholder would miss."""

from __future__ import annotations

import json

import pytest

from mpos.bench import f2f
from mpos.bench.head_signal import swiped, write
from mpos.swipe import recording, report
from mpos.swipe.recording import Track
from tests.host.swipe.tracks import TRACK_1, TRACK_2, TRACK_3

PAN = "6212340000000005003"


def reading(decoder, number, text, **options):
    stripe = f2f.Stripe(**{f"track{number}": text})
    return report.read(decoder, Track(number, f2f.swipe(stripe, **options)[number].tolist()))


@pytest.mark.parametrize("direction", ["forward", "back"])
def test_a_payment_card(decoder, direction):
    read = reading(decoder, 1, TRACK_1, direction=direction)
    assert read.masked == "B621234*********5003^*********^3012120*********"
    said = "\n".join(report.lines(read))
    assert "621234*********5003" in said and "2030-12" in said and "service code: 120" in said
    assert "name: 9 characters, not shown" in said and "discretionary data: 9 characters, not shown" in said
    assert ("backward" in said) == (direction == "back")
    whole = said + json.dumps(report.record(read))
    for secret in (PAN, PAN[6:12], "TEST", "CARD", "000001234"):
        assert secret not in whole


def test_track_2(decoder):
    assert reading(decoder, 2, TRACK_2).masked == "621234*********5003=3012120*******"


def test_track_3_shows_its_account_only(decoder):
    masked = reading(decoder, 3, TRACK_3).masked
    assert masked.startswith("99621234*********5003=") and set(masked[22:]) == set("*=")


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "CAVERYLONGNAME^ANCHORAGE^"), (2, "636000123456789=2512"), (2, "0123456789"), (2, "7"), (3, "0102=0304")],
)
def test_of_other_cards_nothing_is_shown(decoder, number, text):
    read = reading(decoder, number, text)
    assert read.decoded.ok and set(read.masked) <= set("*=^")
    assert not any(part in str(report.record(read)) for part in text.replace("^", "=").split("=") if len(part) > 2)


def test_a_track_that_was_not_read(decoder):
    stripe = f2f.Stripe(track2=TRACK_2, flaws={2: {"bad_lrc": True}})
    read = report.read(decoder, Track(2, f2f.swipe(stripe)[2].tolist()))
    first, *rest = report.lines(read)
    assert first == "track 2: not read: the longitudinal redundancy check is wrong (6)"
    assert any("cm/s" in line for line in rest)
    assert report.record(read)["reason"] == 6 and report.record(read)["characters"] == ""


def test_no_reversals_at_all(decoder):
    read = report.read(decoder, Track(None, []))
    assert not read.decoded.ok and read.cells == [] and read.speed is None
    assert report.lines(read)[-1] == "  reversals: 1"


@pytest.mark.parametrize(("speed", "end"), [(15, 15), (40, 40), (20, 60), (60, 20)])
def test_speed(decoder, speed, end):
    acceleration = (end * end - speed * speed) / (2 * f2f.CARD_MM / 10)
    told = reading(decoder, 2, TRACK_2, speed_cm_s=speed, acceleration=acceleration).speed
    assert told is not None
    assert told.first == pytest.approx(speed, rel=0.25) and told.last == pytest.approx(end, rel=0.25)
    assert told.least * 0.999 <= told.mean <= told.most * 1.001


def test_jitter_is_measured(decoder):
    def worst(jitter):
        return max(abs(c.off) for c in reading(decoder, 2, TRACK_2, jitter_percent=jitter, seed=3).cells)

    assert worst(0) < 0.03 < worst(8) < 0.12


def test_a_recording_that_does_not_say_its_track(decoder, tmp_path):
    for number, text in ((1, TRACK_1), (2, TRACK_2)):
        path = write(tmp_path / "a.wav", swiped(f2f.Stripe(**{f"track{number}": text}), rate=96_000), 96_000)
        (swipe,) = recording.load(path)
        read = report.read(decoder, swipe.tracks[0])
        assert read.number == number and read.decoded.characters == text


def test_a_weak_spot_is_read_with_another_sensitivity(decoder, tmp_path):
    (wave,) = swiped(f2f.Stripe(track2=TRACK_2), rate=96_000)
    middle = len(wave) // 2
    wave[middle : middle + 700] *= 0.28
    (swipe,) = recording.load(write(tmp_path / "a.wav", [wave], 96_000))
    (track,) = swipe.tracks
    assert not decoder.times(2, track.times).ok
    assert report.read(decoder, track).decoded.characters == TRACK_2


def test_two_ways_to_read_it_are_none(decoder):
    other = f2f.swipe(f2f.Stripe(track2=TRACK_2[:-1] + "4"))[2].tolist()
    track = Track(2, f2f.swipe(f2f.Stripe(track2=TRACK_2))[2].tolist(), others=(Track(2, other),))
    read = report.read(decoder, track)
    assert not read.decoded.ok and read.decoded.reason == 10 and read.masked == ""
