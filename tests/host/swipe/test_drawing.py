"""The drawing: what is on it, and what must not be."""

from __future__ import annotations

import numpy as np
import pytest

from mpos.bench import f2f
from mpos.bench.head_signal import swiped, write
from mpos.swipe import drawing, recording, report
from mpos.swipe.recording import Track
from mpos.swipe.report import HIDDEN
from tests.host.swipe.tracks import TRACK_1, TRACK_2, TRACK_3

TEXTS = {1: TRACK_1, 2: TRACK_2, 3: TRACK_3}


def reading(decoder, number, text=None, flaws=None, **options):
    stripe = f2f.Stripe(**{f"track{number}": text or TEXTS[number]}, flaws={number: flaws} if flaws else {})
    return report.read(decoder, Track(number, f2f.swipe(stripe, **options)[number].tolist()))


@pytest.mark.parametrize("direction", ["forward", "back"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_character_is_over_its_cells(decoder, number, direction):
    read = reading(decoder, number, direction=direction, jitter_percent=6, seed=2)
    marks = drawing.marked(read)
    texts = [mark.text for mark in marks]
    if direction == "back":
        texts.reverse()
    assert texts == ["SS", *read.masked, "ES", HIDDEN]
    recorded = "".join(map(str, f2f.encode(TEXTS[number], f2f.WIDTH[number])))
    bits = "".join(str(c.bit) for c in read.cells[marks[0].first : marks[-1].last + 1])
    assert (bits if direction == "forward" else bits[::-1]) == recorded


@pytest.mark.parametrize("direction", ["forward", "back"])
def test_bits_of_what_is_hidden_are_not_drawn(decoder, direction):
    read = reading(decoder, 2, direction=direction)
    marks = drawing.marked(read)
    visible = drawing.shown(read, marks)
    for mark in marks:
        assert visible[mark.first : mark.last + 1] == [mark.text != HIDDEN] * (mark.last + 1 - mark.first)
    assert visible[0] and visible[-1]  # clocking zeros


def test_of_a_track_that_was_not_read_only_zeros_are_drawn(decoder):
    read = reading(decoder, 2, flaws={"bad_lrc": True})
    visible = drawing.shown(read, drawing.marked(read))
    assert any(visible) and not any(c.bit for c, seen in zip(read.cells, visible) if seen)


def test_zeros_inside_of_data_are_not_taken_for_clocking(decoder):
    bits = [0] * 12 + [1, 0, 0, 0, 1, 0, 0, 1] * 8 + [0] * 6
    times = [time for bit in bits for time in ((500, 500) if bit else (1000,))]
    read = report.read(decoder, Track(2, times))
    assert not read.decoded.ok and [c.bit for c in read.cells] == bits
    visible = drawing.shown(read, [])
    assert not any(visible)  # 12 and 6 zeros can be data of 7-bit characters


def test_a_cell_is_drawn_to_its_end_and_no_further(decoder):
    read = reading(decoder, 2)
    wave = drawing._Wave(read)
    for c in read.cells[20:60]:
        times, values = wave.between(wave.at[c.at], wave.at[c.end])
        assert times[0] == wave.at[c.at] and times[-1] == wave.at[c.end]
        # A one has one step inside, a zero has none
        assert np.count_nonzero(np.diff(values)) == c.bit


@pytest.mark.parametrize(
    "make",
    [
        lambda decoder: [reading(decoder, number) for number in (1, 2, 3)],
        lambda decoder: [reading(decoder, 2, flaws={"end": False})],
        lambda decoder: [report.read(decoder, Track(None, []))],
        lambda decoder: [report.read(decoder, Track(2, [1000] * 400))],
        lambda decoder: [],
    ],
)
def test_a_picture_of_anything(decoder, tmp_path, make):
    drawing.draw(make(decoder), tmp_path / "a.png", title="a $x_1$ b")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_a_signal(decoder, tmp_path):
    channels = swiped(f2f.Stripe(TRACK_1, TRACK_2), rate=96_000, noise=0.01, acceleration=50)
    (swipe,) = recording.load(write(tmp_path / "a.wav", channels, 96_000))
    readings = [report.read(decoder, track) for track in swipe.tracks]
    assert all(read.decoded.ok for read in readings)
    drawing.draw(readings, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 20_000
