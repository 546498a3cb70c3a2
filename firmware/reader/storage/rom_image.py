"""Whether the firmware in a ROM partition is what was put there: its SHA-256 stands behind the image.

This finds damage and what was written over. That the image is the maker's is for a signature to say, not for a hash.
"""

from hashlib import sha256

from micropython import const

from ..errors import E_IMAGE, ReaderError

_MAGIC = b"\xd2\xcd\x31"  # MicroPython's ROMFS, then the length of its content
_HASH = const(32)
_PIECE = const(4096)
_LENGTH_MOST = const(4)  # bytes of the length, seven bits in each
_MORE = const(0x80)

# detail of E_IMAGE
NO_IMAGE = const(1)
DAMAGED = const(2)


def check(rom) -> bytes:
    """`rom`: the partition as a buffer. The image's SHA-256, 32 bytes; raises E_IMAGE."""
    end = _end(rom)
    digest = sha256()
    for at in range(0, end, _PIECE):
        digest.update(rom[at : min(at + _PIECE, end)])
    found = digest.digest()
    if found != bytes(rom[end : end + _HASH]):
        raise ReaderError(E_IMAGE, DAMAGED)
    return found


def _end(rom) -> int:
    """Where the image ends."""
    length = 0
    at = len(_MAGIC)
    if bytes(rom[:at]) == _MAGIC:
        for _ in range(_LENGTH_MOST):
            byte = rom[at]
            at += 1
            length = length << 7 | byte & 0x7F
            if not byte & _MORE:
                if at + length + _HASH <= len(rom):
                    return at + length
                break
    raise ReaderError(E_IMAGE, NO_IMAGE)
