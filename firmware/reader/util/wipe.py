"""Overwrite what must not stay in memory."""

from micropython import const

_PIECE = const(32)
_ZEROS = (
    b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
)


def wipe(buf) -> None:
    """Zero every byte of a bytearray or of a writable memoryview, in place."""
    view = memoryview(buf)
    end = len(view)
    whole = end - end % _PIECE
    # By pieces, since a loop over bytes takes 400 instructions for each
    for at in range(0, whole, _PIECE):
        view[at : at + _PIECE] = _ZEROS
    for at in range(whole, end):
        view[at] = 0
