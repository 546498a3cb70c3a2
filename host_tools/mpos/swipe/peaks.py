"""From a head's signal to flux reversals: each reversal is a peak, and the polarities of peaks alternate.

The amplitude follows the card's speed, so a peak counts by what it stands out from its neighbours and not by a level.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpos.swipe.wav import Samples

_NOISE_TIMES = 4.0  # a swing of that many times the noise may be a peak
_OF_LARGEST = 0.03  # and of that part of the largest one
# A peak stays one if it swings that part of what those around it do: echoes are less, weak spots of a stripe more; as
# there is no part that fits every recording, the others are tried when the first one reads nothing
SENSITIVITIES = (0.4, 0.3, 0.5, 0.2)
_NEIGHBOURS = 8  # on either side
_QUIET_TIMES = 12.0  # a pause of that many usual intervals ends a swipe
_REVERSALS_LEAST = 30  # in a swipe: less is a click of the cable

Places = NDArray[np.float64]


def reversals(samples: Samples, sensitivity: float = SENSITIVITIES[0]) -> Places:
    """Places of flux reversals, in samples, with a fraction; noise and hum give none."""
    signal = samples - np.median(samples) if len(samples) else samples
    largest = float(np.max(np.abs(signal), initial=0.0))
    if largest <= 0:
        return np.empty(0)
    # The median deviation from one sample to the next is noise, because most of a recording is silence or slope
    noise = float(np.median(np.abs(np.diff(signal)))) if len(signal) > 1 else 0.0
    least = max(min(_NOISE_TIMES * noise, largest / 2), _OF_LARGEST * largest)
    found = [_without_small(signal, part.tolist(), sensitivity) for part in swipes(np.array(_zigzag(signal, least)))]
    return np.array([_vertex(signal, at) for pivots in found for at in _without_ends(signal, pivots, sensitivity)])


def swipes(places: NDArray[Any]) -> list[NDArray[Any]]:
    """The reversals of each swipe of a recording: quiet lies between two of them."""
    return [part for part in _parts(places) if len(part) >= _REVERSALS_LEAST]


def _parts(places: NDArray[Any]) -> list[NDArray[Any]]:
    """Split where a pause is."""
    if len(places) < 2:
        return [places]
    gaps = np.diff(places)
    return np.split(places, np.flatnonzero(gaps > _QUIET_TIMES * np.median(gaps)) + 1)


def _zigzag(signal: Samples, least: float) -> list[int]:
    """Maxima and minima in turns, from each of which the signal comes back by `least`."""
    # Only samples where the slope turns can be one
    slope = np.sign(np.diff(signal))
    turns = [0, *(np.flatnonzero(slope[1:] * slope[:-1] <= 0) + 1).tolist(), len(signal) - 1]
    values = signal.tolist()
    found: list[int] = []
    high = low = turns[0]
    rising = 0  # 1: a maximum comes next, -1: a minimum; 0: nobody knows
    for at in turns:
        value = values[at]
        if value > values[high]:
            high = at
        if value < values[low]:
            low = at
        if rising >= 0 and values[high] - value >= least:
            found.append(high)
            rising, low = -1, at
            high = at
        elif rising <= 0 and value - values[low] >= least:
            found.append(low)
            rising, high = 1, at
            low = at
    return found


def _without_small(signal: Samples, pivots: list[int], part: float) -> list[int]:
    """Take out pairs of pivots whose swing is small beside those around it: ripple on a slope, noise in a pause."""
    while len(pivots) > 2:
        values = signal[pivots]
        swings = np.abs(np.diff(values))
        padded = np.pad(swings, _NEIGHBOURS, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1)
        usual = np.quantile(windows, 0.75, axis=1)
        ratio = swings / usual
        small = int(np.argmin(ratio))
        if ratio[small] >= part:
            break
        # Every small swing that is the smallest of its surroundings goes in one round
        local = np.lib.stride_tricks.sliding_window_view(np.pad(ratio, 2, constant_values=np.inf), 5).min(axis=1)
        gone: set[int] = set()
        for i in np.flatnonzero((ratio < part) & (ratio <= local)).tolist():
            pair = {i, i + 1}
            if not pair & gone:
                gone |= pair if 0 < i < len(swings) - 1 else ({0} if i == 0 else {len(pivots) - 1})
        pivots = [at for i, at in enumerate(pivots) if i not in gone]
    return pivots


def _without_ends(signal: Samples, pivots: list[int], part: float) -> list[int]:
    """Take out what the silence at either side was at its highest or lowest: it is no peak beside the first real one."""
    heights = np.abs(signal[pivots])
    first, last = 0, len(pivots)
    while last - first > 1 and heights[first] < part * np.max(heights[first : first + _NEIGHBOURS]):
        first += 1
    while last - first > 1 and heights[last - 1] < part * np.max(heights[max(last - _NEIGHBOURS, first) : last]):
        last -= 1
    return pivots[first:last]


def _vertex(signal: Samples, at: int) -> float:
    """Where the parabola through the peak and its two neighbours has its vertex."""
    if not 0 < at < len(signal) - 1:
        return float(at)
    before, here, after = signal[at - 1 : at + 2]
    bend = before - 2 * here + after
    return at + (0.5 * (before - after) / bend if bend else 0.0)
