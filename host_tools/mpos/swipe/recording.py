"""A recorded swipe from a file: a head's signal (WAV), or times between flux reversals in microseconds (text, CSV).

    track 2                one section for each track        track1,track2       or one column for each
    3387, 3391             as many on a line as one likes     1203,3387
    1690                                                      602,1690

Without a name, two columns are tracks 1 and 2, three are 1 to 3; a single one may be any. Numbers that only grow are
moments of the reversals instead of times between them. What follows # is a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mpos.swipe import peaks, wav
from mpos.swipe.wav import Samples

_US = 1_000_000
_MOMENTS_LEAST = 8  # that many numbers that only grow are no times between reversals
_TRACK = re.compile(r"track\s*([123])", re.IGNORECASE)
_TEXT_MOST = 1 << 20


class RecordingError(ValueError):
    """The file holds no recording."""


@dataclass(frozen=True)
class Signal:
    """What a head gave, from just before the first reversal on. places: the reversals in it, in samples."""

    rate: int
    samples: Samples
    places: peaks.Places


@dataclass(frozen=True)
class Track:
    """One track of one swipe. number: None where nobody said which; times: between its reversals, in us; others: the
    same track with more and with fewer peaks of its signal taken for reversals, to be tried when it does not read."""

    number: int | None
    times: list[int]
    signal: Signal | None = None
    others: tuple[Track, ...] = ()


@dataclass(frozen=True)
class Swipe:
    """at_s: when in the recording it began."""

    tracks: list[Track]
    at_s: float = 0.0


def load(path: Path) -> list[Swipe]:
    """The swipes in a file. Raises OSError, RecordingError."""
    with path.open("rb") as file:
        is_wav = file.read(4) == b"RIFF"
    try:
        found = _of_wav(path) if is_wav else [_of_text(path.read_bytes()[:_TEXT_MOST].decode("utf-8-sig"))]
    except ValueError as error:
        raise RecordingError(f"{path}: {error}") from None
    if not any(track.times for swipe in found for track in swipe.tracks):
        raise RecordingError(f"{path}: there is no swipe in it")
    return found


def _of_wav(path: Path) -> list[Swipe]:
    rate, channels = wav.read(path)
    parts = [
        (places, channel)
        for channel, samples in enumerate(channels)
        for places in peaks.swipes(peaks.reversals(samples))
    ]
    parts.sort(key=lambda part: part[0][0])
    swipes: list[list[tuple[peaks.Places, int]]] = []
    end = -1.0
    for places, channel in parts:
        if swipes and places[0] < end and channel not in [other for _, other in swipes[-1]]:
            swipes[-1].append((places, channel))
            end = max(end, places[-1])
        else:
            swipes.append([(places, channel)])
            end = float(places[-1])
    return [
        Swipe(
            [
                _track_of_wav(places, channels[channel], rate, channel + 1 if len(channels) > 1 else None)
                for places, channel in sorted(swipe, key=lambda part: part[1])
            ],
            at_s=float(swipe[0][0][0]) / rate,
        )
        for swipe in swipes
    ]


def _track_of_wav(places: peaks.Places, samples: Samples, rate: int, number: int | None) -> Track:
    margin = int(4 * np.median(np.diff(places))) + 1
    first = max(int(places[0]) - margin, 0)
    samples = samples[first : int(places[-1]) + margin]
    track, *others = [
        Track(number, _rounded(found / rate * _US), Signal(rate, samples, found))
        for found in (places - first, *[peaks.reversals(samples, part) for part in peaks.SENSITIVITIES[1:]])
    ]
    return replace(track, others=tuple(others))


def _rounded(moments_us: peaks.Places) -> list[int]:
    """Times between moments, rounded so that errors do not add up."""
    return np.diff(np.round(moments_us).astype(np.int64)).tolist()


def _of_text(text: str) -> Swipe:
    columns: dict[int | None, list[float]] = {}
    names: list[int | None] = []
    section: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        titles = [int(track) for track in _TRACK.findall(line)]
        if titles:
            if len(titles) == 1:
                section, names = titles[0], []
            else:
                section, names = None, list(titles)
            for track in titles:
                columns.setdefault(track, [])
            continue
        cells = re.split(r"[,;\t]", line) if re.search(r"[,;\t]", line) else line.split()
        try:
            values = [float(cell) if cell.strip() else None for cell in cells]
        except ValueError:
            raise ValueError(f"line {number} is neither times nor the name of a track") from None
        if section is not None:
            columns[section] += [value for value in values if value is not None]
            continue
        if not names:
            names = _unnamed(len(values), number)
        if len(values) > len(names):
            raise ValueError(f"line {number} has {len(values)} columns, the lines above it {len(names)}")
        for name, value in zip(names, values):
            if value is not None:
                columns.setdefault(name, []).append(value)
    return Swipe([Track(track, _times(values)) for track, values in columns.items() if values])


def _unnamed(count: int, line: int) -> list[int | None]:
    if count == 1:
        return [None]
    if count > wav.CHANNELS_MOST:
        raise ValueError(f"line {line} has {count} columns: one for each of up to {wav.CHANNELS_MOST} tracks")
    return [i + 1 for i in range(count)]


def _times(values: list[float]) -> list[int]:
    numbers = np.array(values)
    if not np.isfinite(numbers).all() or (numbers < 0).any():
        raise ValueError("times are numbers from 0 on")
    if len(numbers) >= _MOMENTS_LEAST and (np.diff(numbers) > 0).all():
        return _rounded(numbers)
    return np.round(numbers).astype(np.int64).tolist()
