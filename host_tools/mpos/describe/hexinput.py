"""Hex as people paste it."""

import re

_MOST_BYTES = 65_536
_SEPARATORS = re.compile(r"[\s:,\-]|0[xX]")


def parse_hex(text: str) -> bytes:
    """Bytes of hex digits; blanks, colons, commas, dashes and 0x in between are ignored.

    Raises ValueError with a sentence. It never quotes the text, which may hold card data.
    """
    digits = _SEPARATORS.sub("", text)
    if not digits:
        raise ValueError("there is nothing to describe: give the bytes in hex")
    if not re.fullmatch(r"[0-9A-Fa-f]+", digits):
        raise ValueError("this is not hex: only the digits 0-9 and A-F may be in it")
    if len(digits) % 2:
        raise ValueError(f"{len(digits)} hex digits make no whole bytes: one is missing or one too many")
    if len(digits) > 2 * _MOST_BYTES:
        raise ValueError(f"this is too long: at most {_MOST_BYTES} bytes")
    return bytes.fromhex(digits)
