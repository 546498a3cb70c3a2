"""Track 2 of a payment card: ISO/IEC 7813:2006, 7.2; GB/T 19584.

Account number (12 to 19 digits), =, expiry YYMM or =, service code or =, the issuer's own (digits, = between them).
"""

from micropython import const

from ..errors import E_STRIPE_DATA, ReaderError
from .fields import Fields, account, dates_into, digits_at
from .reasons import CHARACTER, LONG

_SEPARATOR = const(0x3D)  # =
_MOST = const(37)  # of 40 with sentinels and LRC


def fields(track) -> Fields:
    """The fields. Raises E_STRIPE_DATA with a number of reasons.py."""
    if len(track) > _MOST:
        raise ReaderError(E_STRIPE_DATA, LONG)
    found = Fields(0)
    found.pan_digits = account(track, 0, _SEPARATOR)
    dates_into(found, track, found.pan_digits + 1, _SEPARATOR)
    check_rest(track, found.discretionary_at)
    return found


def check_rest(track, at: int) -> None:
    """From `at` on there are digits and separators only: ISO/IEC 7811-2 keeps : < > for the hardware.

    Raises E_STRIPE_DATA: CHARACTER.
    """
    while at < len(track):
        at += digits_at(track, at)
        if at < len(track) and track[at] != _SEPARATOR:
            raise ReaderError(E_STRIPE_DATA, CHARACTER)
        at += 1
