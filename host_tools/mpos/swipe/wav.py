"""WAV files: PCM of 8, 16, 24 and 32 bits and floating point, any rate, up to three channels.

The library's own reader takes neither floating point nor the header of files with more than two channels.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHANNELS_MOST = 3
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_RIFF_HEAD = 12
_CHUNK_HEAD = 8
_FORMAT_LEAST = 16
_SUBFORMAT_AT = 24  # of the extensible header; its first two bytes are the format

Samples = NDArray[np.float64]


def read(path: Path) -> tuple[int, list[Samples]]:
    """(samples in a second, each channel's samples from -1 to 1). Raises OSError, ValueError."""
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("no WAV file")
    chunks: dict[bytes, bytes] = {}
    at = _RIFF_HEAD
    while at + _CHUNK_HEAD <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        # A recorder that was interrupted left a size that is too long, or none
        chunks.setdefault(name, data[at + _CHUNK_HEAD : at + _CHUNK_HEAD + size])
        at += _CHUNK_HEAD + size + (size & 1)
    header = chunks.get(b"fmt ", b"")
    if len(header) < _FORMAT_LEAST or b"data" not in chunks:
        raise ValueError("a WAV file without a format or without samples")
    kind, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", header)
    if kind == _EXTENSIBLE and len(header) >= _SUBFORMAT_AT + 2:
        (kind,) = struct.unpack_from("<H", header, _SUBFORMAT_AT)
    if not 1 <= channels <= CHANNELS_MOST:
        raise ValueError(f"{channels} channels: a head has up to {CHANNELS_MOST} tracks")
    if not rate or block != channels * bits // 8:
        raise ValueError("a WAV file whose format contradicts itself")
    samples = chunks[b"data"]
    values = _values(samples[: len(samples) // block * block], kind, bits)
    return rate, [np.ascontiguousarray(values[channel::channels]) for channel in range(channels)]


def _values(data: bytes, kind: int, bits: int) -> Samples:
    if kind == _FLOAT and bits in (32, 64):
        values = np.frombuffer(data, f"<f{bits // 8}").astype(np.float64)
        if not np.isfinite(values).all():
            raise ValueError("samples that are no numbers")
        return values
    if kind != _PCM:
        raise ValueError(f"WAV format {kind}: PCM or floating point only")
    if bits == 8:  # the only one without a sign
        return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128
    if bits in (16, 32):
        return np.frombuffer(data, f"<i{bits // 8}").astype(np.float64) / (1 << (bits - 1))
    if bits == 24:
        parts = np.frombuffer(data, np.uint8).reshape(-1, 3).astype(np.int64)
        joined = parts[:, 0] | parts[:, 1] << 8 | parts[:, 2] << 16
        return (joined - ((joined & 0x800000) << 1)) / float(1 << 23)
    raise ValueError(f"samples of {bits} bits: 8, 16, 24 or 32")
