"""The phones that are paired, in the key ring: at most four, the oldest goes (link/pairing.py).

A bond is `address(7) length(1) ours(length) theirs(length)`, oldest first: the identity address and the two secrets as the
radio's stack gave them (NimBLE: type and address as on the air; ble_store_value_sec).
"""

from micropython import const

from ..util.wipe import wipe
from .sections import BONDS

_ADDRESS = const(7)
_MOST = const(4)
_HEAD = const(8)
_ROOM = const(800)  # _MOST * (_HEAD + 2 * 96)


class Bonds:
    """`ring`: the KeyRing; nothing of a bond is kept here. All raise E_NO_KEY, E_STORE."""

    def __init__(self, ring):
        self._ring = ring

    def find(self, kind: int, index: int, address) -> "bytearray | None":
        """A secret, 1 ours or 2 theirs, for the caller to wipe: of `address`, or where that is None of the index'th bond,
        the newest being 0."""
        room = bytearray(_ROOM)
        try:
            for at in reversed(self._starts(room)):
                if room[at : at + _ADDRESS] == address or (address is None and not index):
                    length = room[at + _ADDRESS]
                    at += _HEAD + (kind - 1) * length
                    return room[at : at + length]
                index -= 1
        finally:
            wipe(room)
        return None

    def keep(self, address, ours, theirs) -> None:
        """Add a bond, in place of an older one with this address: one step of the ring. Two secrets of one length, at most
        96 bytes."""
        old = bytearray(_ROOM)
        room = bytearray(_ROOM)
        try:
            starts = [at for at in self._starts(old) if old[at : at + _ADDRESS] != address]
            end = 0
            for at in starts[-(_MOST - 1) :]:
                n = _HEAD + 2 * old[at + _ADDRESS]
                room[end : end + n] = memoryview(old)[at : at + n]
                end += n
            for part in (address, bytes((len(ours),)), ours, theirs):
                room[end : end + len(part)] = part
                end += len(part)
            self._ring.write(((BONDS, memoryview(room)[:end]),))
        finally:
            wipe(room)
            wipe(old)

    def _starts(self, room) -> list:
        # Where each begins, in `room`, which is filled. Nobody but `keep` writes this section, and the ring is authentic
        end = self._ring.read_into(BONDS, room)
        starts = []
        at = 0
        while at < end:
            starts.append(at)
            at += _HEAD + 2 * room[at + _ADDRESS]
        return starts
