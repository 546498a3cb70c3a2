"""Track 2 equivalent data (tag 57): EMV 4.4 Book 3, Annex A; ISO/IEC 7813.

Nibbles: PAN (8 to 19 digits), separator D, expiry YYMM, service code (3 digits), discretionary digits, and one F
where the count of nibbles is odd. Nothing here copies a digit or puts one into an error.
"""

from micropython import const

from ..errors import E_EMV_DATA, E_TAG_FORMAT, ReaderError
from ..util.bcd import digit_count, nibble

_TAG_57_TRACK2_EQUIVALENT_DATA = const(0x57)
_TAG_5A_PAN = const(0x5A)
_SEPARATOR = const(0xD)
_F = const(0xF)
_PAN_LEAST = const(8)  # ISO/IEC 7812-1, 4.1
_PAN_MOST = const(19)
_AFTER_SEPARATOR = const(7)  # expiry and service code


def check(track) -> int:
    """Digits of the PAN. Raises E_TAG_FORMAT (detail 57)."""
    n = 2 * len(track)
    if n and nibble(track, n - 1) == _F:
        n -= 1
    digits = 0
    while digits < n and nibble(track, digits) <= 9:
        digits += 1
    good = _PAN_LEAST <= digits <= _PAN_MOST and n - digits > _AFTER_SEPARATOR and nibble(track, digits) == _SEPARATOR
    for i in range(digits + 1, n):
        good = good and nibble(track, i) <= 9
    if not good:
        raise ReaderError(E_TAG_FORMAT, _TAG_57_TRACK2_EQUIVALENT_DATA)
    return digits


def check_same_pan(track, pan) -> None:
    """Tag 5A names the account of tag 57. Raises E_TAG_FORMAT (detail 57), E_EMV_DATA (detail 5A)."""
    digits = check(track)
    same = digit_count(pan) == digits
    if same:
        for i in range(digits):
            same = same and nibble(track, i) == nibble(pan, i)
    if not same:
        raise ReaderError(E_EMV_DATA, _TAG_5A_PAN)
