"""Bit cells on the stripe: how long each took, how fast the card was, how far off its reversals are.

ISO/IEC 7811-2 and -6: tracks 1 and 3 have 210 bits to an inch, track 2 has 75. A 0 is one time between reversals, a 1
is two of half the length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INCH_MM = 25.4
BITS_PER_INCH = {1: 210, 2: 75, 3: 210}
_SMOOTHED = 9  # cells around one, whose median is what it should be


@dataclass(frozen=True)
class Cell:
    """at, end: index of the reversals that bound it; us: how long it took; off: its worst reversal, as a part of the
    length that its neighbours have."""

    bit: int
    at: int
    end: int
    us: int
    off: float


@dataclass(frozen=True)
class Speed:
    """cm/s. first, last: over the first and the last tenth of the cells."""

    mean: float
    least: float
    most: float
    first: float
    last: float

    @property
    def change(self) -> float:
        """As a part of what it was at first."""
        return self.last / self.first - 1


def cells(bits: Sequence[int], times: Sequence[int]) -> list[Cell]:
    """The cells of `bits`, one stretch of `times`, wherever it begins in them: where it fits best."""
    ends = np.cumsum([0, *(1 + bit for bit in bits)])
    used = int(ends[-1])
    if not bits or used > len(times):
        return []
    moments = np.cumsum([0, *times]).astype(float)
    best: tuple[float, list[Cell]] | None = None
    for skip in range(len(times) - used + 1):
        places = ends + skip
        off = _off(np.asarray(bits), moments, places)
        badness = float(np.sum(np.abs(off)))
        if best is None or badness < best[0]:
            lengths = np.diff(moments[places])
            best = (
                badness,
                [
                    Cell(bit, int(at), int(end), int(us), float(o))
                    for bit, at, end, us, o in zip(bits, places, places[1:], lengths, off)
                ],
            )
    assert best is not None
    return best[1]


def _off(bits: NDArray[np.int64], moments: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    lengths = np.diff(moments[places])
    usual = medians(lengths)
    off = np.divide(lengths, usual, out=np.ones_like(lengths), where=usual > 0) - 1
    middles = moments[places[:-1] + 1] - moments[places[:-1]]
    half = np.divide(middles, lengths, out=np.full_like(lengths, 0.5), where=lengths > 0) - 0.5
    half[bits == 0] = 0
    return np.where(np.abs(half) > np.abs(off), half, off)


def speed(found: Sequence[Cell], number: int) -> Speed | None:
    """None for fewer cells than tell a speed."""
    lengths = np.array([cell.us for cell in found], dtype=float)
    if len(lengths) < _SMOOTHED or not lengths.all():
        return None
    speeds = speeds_cm_s(found, number)
    tenth = max(len(speeds) // 10, 1)
    return Speed(
        mean=float(cell_cm(number) * len(lengths) / (lengths.sum() * 1e-6)),
        least=float(speeds.min()),
        most=float(speeds.max()),
        first=float(np.median(speeds[:tenth])),
        last=float(np.median(speeds[-tenth:])),
    )


def speeds_cm_s(found: Sequence[Cell], number: int) -> NDArray[np.float64]:
    """At each cell, smoothed."""
    return cell_cm(number) / (medians(np.array([max(cell.us, 1) for cell in found], dtype=float)) * 1e-6)


def cell_cm(number: int) -> float:
    return INCH_MM / BITS_PER_INCH[number] / 10


def medians(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each cell and those around it."""
    if len(lengths) < _SMOOTHED:
        return np.full(len(lengths), np.median(lengths) if len(lengths) else 0.0)
    padded = np.pad(lengths, _SMOOTHED // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED)
    return np.asarray(np.median(windows, axis=1), dtype=np.float64)
