"""A swipe drawn as an engineer with an oscilloscope wants to see it: the wave, bit cells, bits, characters, speed, jitter.

What a card holder would miss is not in the picture either: over cells whose character is not shown lies a band as wide
as the signal swings there, and neither their wave nor their bits are drawn. Of a track that was not read, only the
clocking zeros at both sides are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mpos.bench import f2f
from mpos.describe.stripe import unreadable
from mpos.swipe import cells as cell
from mpos.swipe.report import HIDDEN, Reading

WIDTHS = {1: (7,), 2: (5,), 3: (5, 7)}
_CELLS_A_ROW = 48
_IN_DATA_MOST = 2 * 7 - 2  # zeros that may follow one another in characters of 7 bits, each with a one in it
_AROUND = (
    16  # cells on either side of a hidden one from which its band is made: peaks beside ones are lower than others
)
_ZEROS = 10  # as many clocking zeros are drawn at either side
_WIDTH_IN, _ROW_IN, _PANEL_IN = 16.0, 1.25, 2.2
_DPI = 100
_WAVE, _BAND, _SHADE = "#1f4e79", "#c9d3dd", "#f3f5f7"
_INSIDE = 1e-6  # ms; a step of a square wave is on the edge of its cell
_SWING = 1.0  # of the wave that is made up where only times are known


@dataclass(frozen=True)
class Mark:
    """A character over its cells, first to last, in the order of time; text: HIDDEN where it is not shown."""

    first: int
    last: int
    text: str


def draw(readings: Sequence[Reading], path: Path, title: str = "") -> None:
    """Write a PNG. Raises OSError."""
    rows = [_rows(reading) for reading in readings]
    heights = [height for of_track in rows for height in (*[_ROW_IN] * len(of_track), _PANEL_IN)] or [_PANEL_IN]
    figure = Figure(figsize=(_WIDTH_IN, sum(heights) + 1.0), dpi=_DPI, layout="constrained")
    axes = list(figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
    if title:
        figure.suptitle(title, fontsize=11)
    for reading, of_track in zip(readings, rows):
        wave = _Wave(reading)
        marks = marked(reading)
        for i, (first, last) in enumerate(of_track):
            axis = axes.pop(0)
            if i == 0:
                axis.set_title(_headline(reading), fontsize=10, loc="left")
            _draw_row(axis, reading, wave, marks, first, last)
        _draw_panel(axes.pop(0), reading, wave, shown(reading, marks))
    figure.savefig(path, metadata={"Software": None})


def marked(reading: Reading) -> list[Mark]:
    """Where each character of the track is among its cells; none for a track that was not read."""
    if not reading.decoded.ok:
        return []
    bits = "".join(str(c.bit) for c in reading.cells)
    for width in WIDTHS[reading.number]:
        try:
            recorded = "".join(map(str, f2f.encode(reading.decoded.characters, width)))
        except ValueError:
            continue
        backward = reading.decoded.is_backward
        at = bits.find(recorded[::-1] if backward else recorded)
        if at < 0:
            continue
        texts = ["SS", *reading.masked, "ES", HIDDEN if HIDDEN in reading.masked else "LRC"]
        if backward:
            texts.reverse()
        return [Mark(at + i * width, at + (i + 1) * width - 1, text) for i, text in enumerate(texts)]
    return []


def shown(reading: Reading, marks: Sequence[Mark]) -> list[bool]:
    """For each cell, whether its wave and its bit may be drawn."""
    bits = [c.bit for c in reading.cells]
    ones = [i for i, bit in enumerate(bits) if bit]
    first, last = (ones[0], ones[-1]) if ones else (len(bits), -1)
    if not marks:  # nobody knows whether the stretch begins and ends outside of the data
        first = first if first > _IN_DATA_MOST else 0
        last = last if len(bits) - 1 - last > _IN_DATA_MOST else len(bits) - 1
    out = [not first <= i <= last for i in range(len(bits))]
    for mark in marks:
        for i in range(mark.first, mark.last + 1):
            out[i] = mark.text != HIDDEN
    return out


def _rows(reading: Reading) -> list[tuple[int, int]]:
    """(first cell, last + 1) of each strip."""
    ones = [i for i, c in enumerate(reading.cells) if c.bit]
    if not ones:
        return [(0, min(len(reading.cells), _CELLS_A_ROW))] if reading.cells else []
    first, last = max(ones[0] - _ZEROS, 0), min(ones[-1] + _ZEROS, len(reading.cells))
    return [(at, min(at + _CELLS_A_ROW, last)) for at in range(first, last, _CELLS_A_ROW)]


class _Wave:
    """The signal by time in ms, from the first reversal on; where there is none, a square wave."""

    def __init__(self, reading: Reading):
        signal = reading.track.signal
        if signal is not None:
            ms = 1000 / signal.rate
            self.at: NDArray[np.float64] = (signal.places - signal.places[0]) * ms
            self.time: NDArray[np.float64] = (np.arange(len(signal.samples)) - signal.places[0]) * ms
            self.value: NDArray[np.float64] = signal.samples
        else:
            self.at = np.cumsum([0, *reading.track.times]) / 1000
            levels = _SWING * (1 - 2 * (np.arange(len(self.at)) % 2))
            self.time = np.repeat(self.at, 2)[1:]
            self.value = np.repeat(levels, 2)[:-1]

    def between(self, begin: float, end: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times and values from begin to end and not a sample more: the next cell may be one that is not shown."""
        inside = slice(np.searchsorted(self.time, begin, side="right"), np.searchsorted(self.time, end))
        ends = np.interp((begin + _INSIDE, end - _INSIDE), self.time, self.value)
        return (
            np.concatenate(((begin,), self.time[inside], (end,))),
            np.concatenate((ends[:1], self.value[inside], ends[1:])),
        )


def _draw_row(axis: Axes, reading: Reading, wave: _Wave, marks: list[Mark], first: int, last: int) -> None:
    visible = shown(reading, marks)
    low, high = float(np.min(wave.value)), float(np.max(wave.value))
    margin = 0.12 * (high - low or 1)
    axis.set_ylim(low - 3 * margin, high + 3 * margin)
    for i in range(first, last):
        c = reading.cells[i]
        begin, end = wave.at[c.at], wave.at[c.end]
        if i % 2:
            axis.axvspan(begin, end, color=_SHADE, linewidth=0)
        if visible[i]:
            axis.text((begin + end) / 2, low - 2.4 * margin, str(c.bit), ha="center", fontsize=7)
        else:
            before, after = reading.cells[max(i - _AROUND, 0)], reading.cells[min(i + _AROUND, len(visible) - 1)]
            _, values = wave.between(wave.at[before.at], wave.at[after.end])
            axis.fill_between([begin, end], values.min(), values.max(), color=_BAND, linewidth=0)
    for i, j in _runs(visible, first, last):
        axis.plot(*wave.between(wave.at[reading.cells[i].at], wave.at[reading.cells[j].end]), color=_WAVE, linewidth=1)
    for mark in marks:
        if first <= mark.first < last:
            begin = wave.at[reading.cells[mark.first].at]
            axis.axvline(begin, color="#8a949e", linewidth=0.6)
            end = wave.at[reading.cells[min(mark.last, last - 1)].end]
            axis.text((begin + end) / 2, high + 1.1 * margin, mark.text, ha="center", fontsize=8, family="monospace")
    begin, end = wave.at[reading.cells[first].at], wave.at[reading.cells[last - 1].end]
    axis.set_xlim(begin, begin + (end - begin) * _CELLS_A_ROW / (last - first))
    axis.set_yticks([])
    axis.tick_params(labelsize=7)


def _runs(visible: Sequence[bool], first: int, last: int) -> list[tuple[int, int]]:
    """(first, last) of the cells in a row that may be drawn."""
    runs: list[tuple[int, int]] = []
    for i in range(first, last):
        if visible[i] and runs and runs[-1][1] == i - 1:
            runs[-1] = (runs[-1][0], i)
        elif visible[i]:
            runs.append((i, i))
    return runs


def _draw_panel(axis: Axes, reading: Reading, wave: _Wave, visible: Sequence[bool]) -> None:
    """Reversals of cells that are shown one by one, of all of them the worst ones around; and the speed."""
    if len(reading.cells) < 2:
        axis.text(0.5, 0.5, "no bit cells", ha="center", transform=axis.transAxes)
        axis.set_axis_off()
        return
    at = np.array([wave.at[c.at] for c in reading.cells])
    off = np.array([100 * c.off for c in reading.cells])
    axis.plot(at[list(visible)], off[list(visible)], ".", markersize=3, color=_WAVE)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(np.abs(off), _AROUND, mode="edge"), 2 * _AROUND + 1)
    worst = around.max(axis=1)
    axis.fill_between(at, -worst, worst, color=_BAND, linewidth=0, alpha=0.6)
    axis.set_ylabel("off its place, % of a bit", fontsize=8, color=_WAVE)
    axis.set_xlabel("ms", fontsize=8)
    axis.tick_params(labelsize=7)
    most = max(20.0, float(worst.max()))
    axis.set_ylim(-1.1 * most, 1.1 * most)
    axis.margins(x=0)
    speed = axis.twinx()
    speed.plot(at, cell.speeds_cm_s(reading.cells, reading.number), color="#b26a00", linewidth=1.2)
    speed.set_ylabel("cm/s", fontsize=8, color="#b26a00")
    speed.set_ylim(bottom=0)
    speed.tick_params(labelsize=7)


def _headline(reading: Reading) -> str:
    said = f"track {reading.number}: "
    if reading.decoded.ok:
        said += "swiped backward" if reading.decoded.is_backward else "swiped forward"
    else:
        said += f"not read, {unreadable(reading.decoded.reason)}"
        if reading.cells:
            first, last, count = reading.cells[0].at, reading.cells[-1].end, len(reading.track.times) + 1
            said += f"; these are reversals {first + 1} to {last + 1} of {count}"
    speed = reading.speed
    return said if speed is None else f"{said}; {speed.mean:.0f} cm/s, {speed.change:+.0%} to its end"
