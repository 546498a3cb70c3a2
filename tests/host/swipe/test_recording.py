"""Files of recorded swipes: the reversals in a head's signal, edge times in text, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from mpos.bench import f2f
from mpos.bench.head_signal import RATE, edges, signal, swiped, write
from mpos.swipe import peaks, recording
from tests.host.swipe.tracks import TRACK_1, TRACK_2

STRIPE = f2f.Stripe(TRACK_1, TRACK_2)
ONLY_2 = f2f.Stripe(track2=TRACK_2)


def intervals(stripe: f2f.Stripe, track: int = 2, **options) -> list[int]:
    return f2f.swipe(stripe, **options)[track].tolist()


@pytest.mark.parametrize("speed", [8, 40, 120])
@pytest.mark.parametrize(
    "disturbed", [{}, {"noise": 0.01}, {"hum": 0.3}, {"echo": 0.25}, {"noise": 0.01, "hum": 0.1, "echo": 0.1}]
)
def test_each_reversal_is_found_where_it_is(speed, disturbed):
    times = f2f.times(ONLY_2, speed_cm_s=speed)[2]
    found = peaks.reversals(signal(times, speed, 96_000, **disturbed))
    (places,) = peaks.swipes(found)
    # The last peak's echo has nothing beside it that it would be small against
    places = places[: len(times)] if "echo" in disturbed else places
    assert len(places) == len(times)
    off_us = np.diff(places) / 96_000 * 1e6 - np.diff(times)
    cell_us = f2f.INCH_MM / 75 / (speed * 10) * 1e6
    assert np.abs(off_us).max() < 0.1 * cell_us


def test_a_card_that_gets_faster_gets_louder():
    times = f2f.times(ONLY_2, speed_cm_s=10, acceleration=120)[2]
    wave = signal(times, 30)
    wave *= np.linspace(0.15, 1, len(wave))
    (places,) = peaks.swipes(peaks.reversals(wave))
    assert len(places) == len(times)


@pytest.mark.parametrize("wave", [np.zeros(0), np.zeros(1), np.zeros(5000), np.full(5000, 0.3)])
def test_silence(wave):
    assert len(peaks.reversals(wave)) == 0
    assert peaks.swipes(peaks.reversals(wave)) == []


def test_noise_is_hardly_a_swipe():
    noise = np.random.default_rng(1).normal(size=20_000) * 0.002
    click = noise.copy()
    click[10_000:10_010] += 0.5
    assert peaks.swipes(peaks.reversals(click)) == []


def test_one_channel_may_be_any_track(tmp_path):
    (swipe,) = recording.load(write(tmp_path / "a.wav", swiped(ONLY_2)))
    (track,) = swipe.tracks
    assert track.number is None and track.signal is not None
    assert len(track.others) == len(peaks.SENSITIVITIES) - 1
    assert sum(track.times) == pytest.approx(sum(intervals(ONLY_2)), rel=0.001)


def test_channels_are_tracks(tmp_path):
    (swipe,) = recording.load(write(tmp_path / "a.wav", swiped(STRIPE, rate=96_000), rate=96_000))
    assert [track.number for track in swipe.tracks] == [1, 2]
    assert [len(track.times) for track in swipe.tracks] == [len(intervals(STRIPE, n)) for n in (1, 2)]


def test_several_swipes_in_one_recording(tmp_path):
    slow, fast = (swiped(ONLY_2, speed_cm_s=speed)[0] for speed in (20, 60))
    quiet = np.zeros(RATE)
    swipes = recording.load(write(tmp_path / "a.wav", [np.concatenate((slow, quiet, fast, quiet, fast))]))
    assert len(swipes) == 3
    assert swipes[1].at_s == pytest.approx(len(slow) / RATE + 1 + 0.05, abs=0.02)
    assert all(len(swipe.tracks[0].times) == len(intervals(ONLY_2)) for swipe in swipes)


def test_sections_of_text(tmp_path):
    (swipe,) = recording.load(edges(tmp_path / "a.txt", STRIPE))
    assert [(track.number, track.times) for track in swipe.tracks] == [(n, intervals(STRIPE, n)) for n in (1, 2)]


def test_columns_with_names(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Track 3; track2\r\n10;20.4\r\n11;21\r\n;22\r\n")
    (swipe,) = recording.load(path)
    assert [(track.number, track.times) for track in swipe.tracks] == [(3, [10, 11]), (2, [20, 21, 22])]


@pytest.mark.parametrize(
    ("text", "tracks"),
    [
        ("10\n11\n12\n", [(None, [10, 11, 12])]),
        ("10,20\n11,21\n", [(1, [10, 11]), (2, [20, 21])]),
        ("10 20 30\n11 21 31\n", [(1, [10, 11]), (2, [20, 21]), (3, [30, 31])]),
        ("\ufeff# by hand\n\n10 # the first\n", [(None, [10])]),
        ("track 2\n10 11 12 13\n14,15\n", [(2, [10, 11, 12, 13, 14, 15])]),
    ],
)
def test_text_without_names(tmp_path, text, tracks):
    path = tmp_path / "a.txt"
    path.write_text(text)
    (swipe,) = recording.load(path)
    assert [(track.number, track.times) for track in swipe.tracks] == tracks


def test_moments_instead_of_times_between_them(tmp_path):
    path = tmp_path / "a.txt"
    moments = np.cumsum([1000, *intervals(ONLY_2)])
    path.write_text("track 2\n" + "\n".join(map(str, moments)))
    (swipe,) = recording.load(path)
    assert swipe.tracks[0].times == intervals(ONLY_2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no swipe"),
        ("track 2\n", "no swipe"),
        ("what is this\n", "line 1"),
        ("10\nx\n", "line 2"),
        ("1,2,3,4\n", "4 columns"),
        ("1,2\n1,2,3\n", "line 2 has 3 columns"),
        ("10\n-1\n", "from 0 on"),
        ("10\ninf\n", "from 0 on"),
        ("\x89PNG\r\n", "line 1"),
    ],
)
def test_files_that_are_no_recording(tmp_path, text, why):
    path = tmp_path / "a.txt"
    path.write_text(text, newline="")
    with pytest.raises(recording.RecordingError, match=why):
        recording.load(path)


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"\xff\xfe\x00\x01" * 10)
    with pytest.raises(recording.RecordingError):
        recording.load(path)
