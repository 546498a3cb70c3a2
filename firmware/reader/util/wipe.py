"""Overwrite what must not stay in memory."""


def wipe(buf) -> None:
    """Zero every byte of a bytearray or of a writable memoryview, in place."""
    for i in range(len(buf)):
        buf[i] = 0
