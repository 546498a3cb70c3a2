"""Writing the data objects of a card. ISO/IEC 8825-1, definite lengths."""


def tlv(tag: int, *parts: bytes) -> bytes:
    """One data object: the value is the concatenation of `parts`."""
    value = b"".join(parts)
    name = tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")
    n = len(value)
    if n < 0x80:
        length = bytes([n])
    elif n < 0x100:
        length = bytes([0x81, n])
    else:
        length = b"\x82" + n.to_bytes(2, "big")
    return name + length + value


def dol(*entries: tuple[int, int]) -> bytes:
    """A data object list of (tag, length)."""
    return b"".join(tag.to_bytes((tag.bit_length() + 7) // 8, "big") + bytes([n]) for tag, n in entries)
