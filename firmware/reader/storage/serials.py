"""The numbers by which nothing old is taken again: of key blocks, and of each file that came over the link."""

from micropython import const

from ..errors import E_KEY_REPLAY, ReaderError
from .sections import SERIALS

_NUMBER = const(4)
_SIZE = const(12)
KEYS = const(0)  # of key blocks; those of files are link.protocol.FILE_*


def newer(ring, which: int, number: int) -> tuple[int, bytearray]:
    """What `ring.write` needs so that `number` (4 bytes) is the last one that was taken of `which` (KEYS, FILE_*).

    Raises E_KEY_REPLAY when it is not greater than the last one; E_NO_KEY, E_STORE.
    """
    kept = bytearray(_SIZE)
    ring.read_into(SERIALS, kept)
    at = which * _NUMBER
    if number <= int.from_bytes(kept[at : at + _NUMBER], "big"):
        raise ReaderError(E_KEY_REPLAY)
    kept[at : at + _NUMBER] = number.to_bytes(_NUMBER, "big")
    return SERIALS, kept
