"""Track 3 of a payment card: ISO/IEC 4909, and GB/T 19584, Annex B, which Chinese cards follow.

Format code (2 digits), account number (none, or 12 to 19 digits), =, country or =, currency (3), exponent (1), two
amounts (4 each), the cycle's begin (4) and length (2), tries (1), PIN parameters (6) or =, interchange (1), types of
three accounts (2 each), expiry YYMM or =. Behind it is nothing that a reader needs. Formats 90 to 99 are an issuer's
own (ISO/IEC 4909:2006, 8.2); UnionPay's is 99 with country 156, laid out like 01. Of the others, and of 02, only the
account number is looked at.
"""

from micropython import const

from ..errors import E_STRIPE_DATA, ReaderError
from .fields import Fields, account, check_digits, expiry_at, number_at
from .reasons import FORMAT_CODE, LONG
from .track2 import check_rest

_SEPARATOR = const(0x3D)  # =
_MOST = const(104)  # of 107 with sentinels and LRC
_FORMAT = const(2)
_COUNTRY = const(3)
_CURRENCY = const(3)
_BEFORE_PIN = const(16)  # exponent 1, amounts 4 and 4, cycle begin 4 and length 2, retries 1
_PIN_PARAMETERS = const(6)
_BEFORE_EXPIRY = const(7)  # interchange control 1, types of three accounts 2 each
_UNIONPAY = const(99)
_CHINA = const(156)


def fields(track) -> Fields:
    """The fields; `pan_digits` 0: the account number is on track 2 only. Raises E_STRIPE_DATA."""
    if len(track) > _MOST:
        raise ReaderError(E_STRIPE_DATA, LONG)
    code = number_at(track, 0, _FORMAT)
    if not (1 <= code <= 2 or code >= 90):
        raise ReaderError(E_STRIPE_DATA, FORMAT_CODE)
    found = Fields(_FORMAT)
    at = _FORMAT
    if at == len(track) or track[at] != _SEPARATOR:
        found.pan_digits = account(track, at, _SEPARATOR)
        at += found.pan_digits
    at += 1
    check_rest(track, at)
    found.discretionary_at = at
    has_country = at < len(track) and track[at] != _SEPARATOR
    if code == 1 or (code == _UNIONPAY and has_country and number_at(track, at, _COUNTRY) == _CHINA):
        at = check_digits(track, at + (_COUNTRY if has_country else 1), _CURRENCY + _BEFORE_PIN)
        no_parameters = at < len(track) and track[at] == _SEPARATOR
        at = at + 1 if no_parameters else check_digits(track, at, _PIN_PARAMETERS)
        found.expiry = expiry_at(track, check_digits(track, at, _BEFORE_EXPIRY), _SEPARATOR)
    return found
