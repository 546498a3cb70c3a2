"""WAV files of every kind that a recorder writes; files that are none."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from mpos.bench.head_signal import write
from mpos.swipe import wav

WAVE = [np.sin(np.arange(1000) / 9), np.linspace(-1, 1, 1000), np.zeros(1000)]


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize(
    ("kind", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64), (0xFFFE, 16), (0xFFFE, 24)]
)
def test_every_kind(tmp_path, kind, bits, channels):
    path = write(tmp_path / "a.wav", WAVE[:channels], rate=48_000, kind=kind, bits=bits)
    rate, read = wav.read(path)
    assert rate == 48_000 and len(read) == channels
    for wrote, got in zip(WAVE, read):
        assert np.abs(wrote - got).max() < (0.02 if bits == 8 else 0.0001)


def test_a_recording_that_was_cut_off(tmp_path):
    path = write(tmp_path / "a.wav", WAVE[:1])
    path.write_bytes(path.read_bytes()[:-500])
    assert len(wav.read(path)[1][0]) == 750


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda data: b"RIFX" + data[4:], "no WAV"),
        (lambda data: data[:12], "without a format"),
        (lambda data: data[:36], "without a format or without samples"),
        (lambda data: data[:22] + struct.pack("<H", 4) + data[24:], "4 channels"),
        (lambda data: data[:22] + struct.pack("<H", 0) + data[24:], "0 channels"),
        (lambda data: data[:24] + bytes(4) + data[28:], "contradicts"),
        (lambda data: data[:32] + struct.pack("<H", 3) + data[34:], "contradicts"),
        (lambda data: data[:20] + struct.pack("<H", 85) + data[22:], "format 85"),
        (lambda data: data[:32] + struct.pack("<HH", 1, 12) + data[36:], "12 bits"),
    ],
)
def test_what_is_no_recording(tmp_path, spoil, why):
    path = write(tmp_path / "a.wav", WAVE[:1])
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match=why):
        wav.read(path)


def test_samples_that_are_no_numbers(tmp_path):
    path = write(tmp_path / "a.wav", WAVE[:1], kind=3, bits=32)
    path.write_bytes(path.read_bytes()[:-4] + struct.pack("<f", float("nan")))
    with pytest.raises(ValueError, match="no numbers"):
        wav.read(path)
