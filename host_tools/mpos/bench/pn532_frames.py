"""PN532 frames on the chip's side of the line (UM0701-02, 6.2.1)."""

from __future__ import annotations

from collections.abc import Iterator

ACK = bytes.fromhex("0000FF00FF00")
NACK = bytes.fromhex("0000FFFF0000")
ERROR = bytes.fromhex("0000FF01FF7F8100")
MAX_LENGTH = 265  # 6.2.1.2: TFI and packet data


def build(tfi: int, data: bytes) -> bytes:
    """An information frame, extended if it must be (6.2.1.1, 6.2.1.2)."""
    body = bytes([tfi]) + data
    if len(body) > MAX_LENGTH:
        raise ValueError(f"{len(body)} bytes do not fit a frame of at most {MAX_LENGTH}")
    if len(body) > 255:
        size = len(body).to_bytes(2, "big")
        head = b"\xff\xff" + size + bytes([-sum(size) & 0xFF])
    else:
        head = bytes([len(body), -len(body) & 0xFF])
    return b"\x00\x00\xff" + head + body + bytes([-sum(body) & 0xFF, 0])


class Receiver:
    """Cuts the host's bytes into frames. `feed` yields ("ack" | "nack" | "info", body), body from TFI on.

    What is no frame is dropped without a word, as the chip does (6.2.2).
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def reset(self) -> None:
        self._buffer.clear()

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        self._buffer += data
        while True:
            at = self._buffer.find(b"\x00\xff")
            if at < 0:
                del self._buffer[: len(self._buffer) - (self._buffer[-1:] == b"\x00")]
                return
            del self._buffer[:at]
            found = self._cut()
            if found is None:
                return
            kind, body, used = found
            del self._buffer[:used]
            if kind:
                yield kind, body

    def _cut(self) -> tuple[str, bytes, int] | None:
        buffer = self._buffer
        if len(buffer) < 4:
            return None
        if buffer[2:4] == b"\x00\xff":
            return "ack", b"", 4
        if buffer[2:4] == b"\xff\x00":
            return "nack", b"", 4
        first, size = 4, buffer[2]
        if buffer[2:4] == b"\xff\xff":
            if len(buffer) < 7:
                return None
            first, size = 7, int.from_bytes(buffer[4:6], "big")
            if sum(buffer[4:7]) & 0xFF or size > MAX_LENGTH:
                return "", b"", 2
        elif sum(buffer[2:4]) & 0xFF:
            return "", b"", 2
        if not size:
            return "", b"", 2
        end = first + size
        if len(buffer) <= end:
            return None
        if sum(buffer[first : end + 1]) & 0xFF:
            return "", b"", 2
        return "info", bytes(buffer[first:end]), end + 1
