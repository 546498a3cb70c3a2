"""Fragments of the link: one header byte (first, last, six bits of sequence) and up to MTU-4 bytes."""

from __future__ import annotations

from collections.abc import Iterator

from mpos.link.messages import MAX_MESSAGE, LinkError

FIRST = 0x80
LAST = 0x40


def fragments(message: bytes, mtu: int) -> Iterator[bytes]:
    """Cut `message` for a connection of ATT MTU `mtu`."""
    room = mtu - 4
    parts = [message[i : i + room] for i in range(0, len(message), room)] or [b""]
    if len(parts) > 64:
        raise LinkError(f"an MTU of {mtu} is too small for a message of {len(message)} bytes")
    for i, part in enumerate(parts):
        yield bytes([(FIRST if i == 0 else 0) | (LAST if i == len(parts) - 1 else 0) | i]) + part


class Assembler:
    """Puts messages together; raises LinkError on a gap, and begins anew at the next first fragment."""

    def __init__(self) -> None:
        self._parts: list[bytes] | None = None

    def feed(self, fragment: bytes) -> bytes | None:
        if not fragment:
            raise LinkError("an empty fragment")
        head = fragment[0]
        if head & FIRST:
            self._parts = []
        parts, self._parts = self._parts, None
        if parts is None or head & 0x3F != len(parts):
            raise LinkError("a fragment is missing or out of order")
        parts.append(fragment[1:])
        if sum(map(len, parts)) > MAX_MESSAGE:
            raise LinkError("a message is longer than the link allows")
        if head & LAST:
            return b"".join(parts)
        self._parts = parts
        return None
