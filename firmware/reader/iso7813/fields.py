"""What the tracks of a payment card have in common: account number, expiry, service code (ISO/IEC 7813:2006, 7).

A track is characters in ASCII, without sentinels and LRC, as iso7811 gives them. Nothing here copies one or puts one
into an error: results are positions, lengths and small numbers.
"""

from micropython import const

from ..errors import E_STRIPE_DATA, ReaderError
from .reasons import CHARACTER, EXPIRY, PAN_LENGTH, SEPARATOR, SHORT

_0 = const(0x30)
_9 = const(0x39)
_PAN_LEAST = const(12)  # ISO/IEC 7812-1 has 8; fewer than 12 leave nothing to mask (app/account.py)
_PAN_MOST = const(19)
_YYMM = const(4)
_SERVICE_CODE = const(3)


class Fields:
    """Of one track. `pan_at`, `pan_digits`; `name_at`, `name_length`: in track 1, else 0; `expiry`: YYMM as a number,
    -1: the card does not say, or says that it has none; `service_code`: 0 to 999, -1: there is none;
    `discretionary_at`: what is the issuer's own begins there."""

    def __init__(self, pan_at: int):
        self.pan_at = pan_at
        self.pan_digits = 0
        self.name_at = 0
        self.name_length = 0
        self.expiry = -1
        self.service_code = -1
        self.discretionary_at = 0


def digits_at(track, at: int) -> int:
    """How many digits stand there one after the other."""
    end = at
    while end < len(track) and _0 <= track[end] <= _9:
        end += 1
    return end - at


def check_digits(track, at: int, count: int) -> int:
    """`count` digits stand at `at`; where they end. Raises E_STRIPE_DATA: SHORT, CHARACTER."""
    have = digits_at(track, at)
    if have < count:
        raise ReaderError(E_STRIPE_DATA, SHORT if at + have >= len(track) else CHARACTER)
    return at + count


def number_at(track, at: int, count: int) -> int:
    """The number of `count` digits there, 9 at the most. Raises E_STRIPE_DATA: SHORT, CHARACTER."""
    value = 0
    for i in range(at, check_digits(track, at, count)):
        value = value * 10 + track[i] - _0
    return value


def account(track, at: int, separator: int) -> int:
    """How many digits the account number there has. Raises E_STRIPE_DATA: SEPARATOR, CHARACTER, PAN_LENGTH."""
    digits = digits_at(track, at)
    if at + digits == len(track):
        raise ReaderError(E_STRIPE_DATA, SEPARATOR)
    if track[at + digits] != separator:
        raise ReaderError(E_STRIPE_DATA, CHARACTER)
    if not _PAN_LEAST <= digits <= _PAN_MOST:
        raise ReaderError(E_STRIPE_DATA, PAN_LENGTH)
    return digits


def expiry_at(track, at: int, separator: int) -> int:
    """YYMM there, or -1: a separator in its place, or 0000 (GB/T 19584: the card has no expiry).

    Raises E_STRIPE_DATA: SHORT, CHARACTER, EXPIRY.
    """
    if at < len(track) and track[at] == separator:
        return -1
    value = number_at(track, at, _YYMM)
    if value == 0:
        return -1
    if not 1 <= value % 100 <= 12:
        raise ReaderError(E_STRIPE_DATA, EXPIRY)
    return value


def dates_into(fields: Fields, track, at: int, separator: int) -> None:
    """Expiry and service code, each of which a separator may stand for, and where the rest begins.

    Raises E_STRIPE_DATA: SHORT, CHARACTER, EXPIRY.
    """
    fields.expiry = expiry_at(track, at, separator)
    at += 1 if track[at] == separator else _YYMM
    if at < len(track) and track[at] == separator:
        at += 1
    else:
        fields.service_code = number_at(track, at, _SERVICE_CODE)
        at += _SERVICE_CODE
    fields.discretionary_at = at
