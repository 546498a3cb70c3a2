"""What a magnetic head gives for a swipe, as a recorder has it: a peak for each flux reversal, their signs in turns.

The voltage follows the speed of the flux, so peaks are the higher and the narrower the faster the card is.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpos.bench import f2f

Samples = NDArray[np.float64]

RATE = 44_100
_PEAK_MM = 0.03  # half of a peak's width at half its height
_QUIET_S = 0.05
_FAST_CM_S = 150.0


def signal(
    times: Samples,
    speed_cm_s: float = 40,
    rate: int = RATE,
    noise: float = 0.0,
    hum: float = 0.0,
    echo: float = 0.0,
    seed: int = 1,
) -> Samples:
    """Samples from -1 to 1 for reversals at `times` (us), with some quiet before and behind them.

    noise (standard deviation), hum (at 50 Hz), echo (behind each peak, of the other sign): as a part of a peak's height.
    """
    moments = times * 1e-6 + _QUIET_S
    out = np.zeros(int((moments[-1] + _QUIET_S) * rate))
    width = _PEAK_MM / (speed_cm_s * 10) * rate
    reach = int(12 * width) + 2
    for sign, moment in zip(np.resize((1, -1), len(moments)), moments * rate):
        for place, height in ((moment, 1.0), (moment + 4 * width, -echo)):
            near = np.arange(max(int(place) - reach, 0), min(int(place) + reach, len(out)))
            out[near] += sign * height / (1 + ((near - place) / width) ** 2)
    out += noise * np.random.default_rng(seed).normal(size=len(out))
    out += hum * np.sin(2 * np.pi * 50 / rate * np.arange(len(out)))
    return out * speed_cm_s / _FAST_CM_S


def swiped(stripe: f2f.Stripe, rate: int = RATE, **options: Any) -> list[Samples]:
    """A channel for each track of the card, all of one length; a quiet one for a blank card.

    Options: of f2f.times, and of `signal`.
    """
    of_head = {name: options.pop(name) for name in ("noise", "hum", "echo") if name in options}
    speed = options.get("speed_cm_s", 40)
    channels = [signal(times, speed, rate, **of_head) for times in f2f.times(stripe, **options).values()]
    channels = channels or [np.zeros(int(2 * _QUIET_S * rate))]
    longest = max(map(len, channels))
    return [np.pad(channel, (0, longest - len(channel))) for channel in channels]


def write(path: Path, channels: list[Samples], rate: int = RATE, kind: int = 1, bits: int = 16) -> Path:
    """A WAV file. kind: 1 PCM, 3 floating point, 0xFFFE: PCM with the header of newer recorders."""
    frames = np.clip(np.stack(channels, axis=1), -1, 1)
    if kind == 3:
        data = frames.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        data = np.round(frames * 127 + 128).astype(np.uint8).tobytes()
    else:
        values = np.round(frames * ((1 << (bits - 1)) - 1)).astype("<i4")
        data = values.reshape(-1, 1).view(np.uint8)[:, : bits // 8].tobytes()
    n = len(channels)
    header = struct.pack("<HHIIHH", kind, n, rate, rate * n * bits // 8, n * bits // 8, bits)
    if kind == 0xFFFE:
        header += struct.pack("<HHIH", 22, bits, 0, 1) + bytes.fromhex("000000001000800000AA00389B71")
    parts = (b"fmt ", header), (b"LIST", b"odd"), (b"data", data)
    body = b"".join(name + struct.pack("<I", len(part)) + part + b"\0" * (len(part) & 1) for name, part in parts)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body)
    return path


def edges(path: Path, stripe: f2f.Stripe, **options: Any) -> Path:
    """A text file with a section for each track."""
    parts = [
        f"track {number}\n" + ", ".join(map(str, times.tolist())) + "\n"
        for number, times in f2f.swipe(stripe, **options).items()
    ]
    path.write_text("# times between flux reversals, us\n" + "".join(parts))
    return path
