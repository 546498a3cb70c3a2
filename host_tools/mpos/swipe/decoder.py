"""The firmware's decoder of magnetic stripes, run by MicroPython from the compiled firmware and kept running.

    with Decoder() as decoder:
        decoder.times(2, [3387, 3390, ...])     -> Decoded

The other end is boards/unix/decode_swipe.py. One request is answered before the next one is sent.
"""

from __future__ import annotations

import os
import select
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

from mpos.provision import compile as mpy
from mpos.provision import toolchain

HEAP = "128k"  # a reader's
TIME_MOST = 0xFFFF  # us; stands for that or longer
TIMES_MOST = 4095
_BITS = 32
_ANSWER_LIMIT_S = 30.0
_HEAD = struct.Struct("<BBHH")
_ANSWER = struct.Struct("<hBH")
_FIELDS = struct.Struct("<8h")


class DecoderFailed(RuntimeError):
    """The firmware's decoder died, or does not answer."""


@dataclass(frozen=True)
class Decoded:
    """One track. characters: without sentinels and LRC; reason: of iso7811/reasons.py, 0 when it was read."""

    characters: str
    reason: int
    is_backward: bool

    @property
    def ok(self) -> bool:
        return not self.reason


_EMPTY = Decoded("", 1, False)


@dataclass(frozen=True)
class Fields:
    """Where a payment card's fields are in the characters. expiry: YYMM; -1: there is none."""

    pan_at: int
    pan_digits: int
    expiry: int
    service_code: int
    name_at: int
    name_length: int
    discretionary_at: int
    check_digit_is_right: bool


@dataclass(frozen=True)
class Judged:
    """A whole swipe. error: of the reader's, 0 when it takes the card; number: the track that counts; track2, track3: what
    goes to the host, in digits and D, "" for a track that does not."""

    error: int
    number: int = 0
    track2: str = ""
    track3: str = ""


class Decoder:
    """A process of the firmware's decoder. Raises ToolchainMissing, CompileError, DecoderFailed."""

    def __init__(self) -> None:
        environment = {"PATH": os.environ.get("PATH", ""), "MICROPYPATH": mpy.firmware_path(_BITS)}
        self._process = subprocess.Popen(
            [toolchain.micropython(_BITS), "-X", f"heapsize={HEAP}", "-m", "decode_swipe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
        )

    def __enter__(self) -> Decoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process. Twice is once."""
        self._process.kill()
        self._process.communicate()

    def times(self, number: int, times: Sequence[int]) -> Decoded:
        """Track `number` from times between flux reversals in us; longer ones than TIME_MOST are cut to it."""
        return self._track("T", number, len(times), _packed(times))

    def bits(self, number: int, bits: Sequence[int]) -> Decoded:
        """Track `number` from the bits of an ASIC."""
        text = "".join("01"[bit] for bit in bits)
        size = (len(bits) + 7) // 8
        return self._track("B", number, len(bits), int(text.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big"))

    def clock(self, times: Sequence[int], backward: bool = False, skip: int = 0) -> list[int]:
        """Bits as the clock recovery alone gives them, without `skip` times at the end that it begins with."""
        n, _, data = self._ask("F", int(backward), len(times), _packed(times), skip)
        return [data[i >> 3] >> (7 - (i & 7)) & 1 for i in range(max(n, 0))]

    def fields(self, number: int, characters: str) -> tuple[int, Fields | None]:
        """(kind of track, its fields if it is a payment card's)"""
        kind, _, data = self._ask("K", number, len(characters), characters.encode("ascii"))
        if not data:
            return kind, None
        pan_at, digits, expiry, service_code, name_at, name_length, discretionary_at, right = _FIELDS.unpack(data)
        return kind, Fields(pan_at, digits, expiry, service_code, name_at, name_length, discretionary_at, bool(right))

    def judge(self, tracks: Mapping[int, Decoded]) -> Judged:
        """What the reader makes of the tracks of one swipe; a number that is not there: an empty track."""
        data = b""
        for number in (1, 2, 3):
            track = tracks.get(number, _EMPTY)
            characters = track.characters.encode("ascii")
            data += _ANSWER.pack(len(characters) or -track.reason, track.is_backward, len(characters)) + characters
        error, number, packed = self._ask("J", 0, len(data), data)
        if error:
            return Judged(error)
        size = (packed[0] + 1) // 2 + 1
        sent = [part[1:].hex().upper()[: part[0]] for part in (packed[:size], packed[size:])]
        return Judged(0, number, *sent)

    def _track(self, request: str, number: int, count: int, data: bytes) -> Decoded:
        value, flags, characters = self._ask(request, number, count, data)
        return Decoded(characters.decode("ascii"), max(-value, 0), bool(flags & 1))

    def _ask(self, request: str, number: int, count: int, data: bytes, skip: int = 0) -> tuple[int, int, bytes]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(_HEAD.pack(ord(request), number, count, skip) + data)
        except BrokenPipeError:
            raise self._failed("has ended") from None
        value, flags, size = _ANSWER.unpack(self._read(_ANSWER.size))
        return value, flags, self._read(size)

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        data = b""
        deadline = time.monotonic() + _ANSWER_LIMIT_S
        while len(data) < size:
            ready, _, _ = select.select([self._process.stdout], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                raise self._failed(f"has said nothing for {_ANSWER_LIMIT_S:.0f} s")
            part = self._process.stdout.read(size - len(data))
            if not part:
                raise self._failed("has ended")
            data += part
        return data

    def _failed(self, what: str) -> DecoderFailed:
        self._process.kill()
        _, said = self._process.communicate()
        return DecoderFailed(f"the firmware's decoder {what}: {said.decode(errors='replace').strip()}")


def _packed(times: Sequence[int]) -> bytes:
    if len(times) > TIMES_MOST:
        raise ValueError(f"{len(times)} times: {TIMES_MOST} at the most")
    return struct.pack(f"<{len(times)}H", *[min(int(t), TIME_MOST) for t in times])
