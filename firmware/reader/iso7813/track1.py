"""Track 1 of a payment card: ISO/IEC 7813:2006, 7.1, format B; GB/T 19584 has the same.

B, account number (12 to 19 digits), ^, name (2 to 26), ^, expiry YYMM or ^, service code or ^, the issuer's own.
Chinese cards of JR/T 0009-2000 have 99 in the place of B.
"""

from micropython import const

from ..errors import E_STRIPE_DATA, ReaderError
from .fields import Fields, account, dates_into
from .reasons import FORMAT_CODE, LONG, NAME_LENGTH, SEPARATOR

_SEPARATOR = const(0x5E)  # ^
_B = const(0x42)
_9 = const(0x39)
_MOST = const(76)  # of 79 with sentinels and LRC
_NAME_LEAST = const(2)
_NAME_MOST = const(26)


def account_at(track) -> int:
    """Where the account number begins: behind B or 99. 0: it is neither format."""
    if len(track) > 1 and track[0] == _B:
        return 1
    return 2 if len(track) > 2 and track[0] == track[1] == _9 else 0


def fields(track) -> Fields:
    """The fields. Raises E_STRIPE_DATA with a number of reasons.py."""
    if len(track) > _MOST:
        raise ReaderError(E_STRIPE_DATA, LONG)
    at = account_at(track)
    if not at:
        raise ReaderError(E_STRIPE_DATA, FORMAT_CODE)
    found = Fields(at)
    found.pan_digits = account(track, at, _SEPARATOR)
    at = found.name_at = at + found.pan_digits + 1
    while at < len(track) and track[at] != _SEPARATOR:
        at += 1
    if at == len(track):
        raise ReaderError(E_STRIPE_DATA, SEPARATOR)
    found.name_length = at - found.name_at
    if not _NAME_LEAST <= found.name_length <= _NAME_MOST:
        raise ReaderError(E_STRIPE_DATA, NAME_LENGTH)
    dates_into(found, track, at + 1, _SEPARATOR)
    return found
