"""What a track is, before its fields are looked at: of a bank's card, or of what. Nothing here raises.

A kind's number is the detail of E_NOT_PAYMENT; `mpos.describe.stripe` has the names.
"""

from micropython import const

from .fields import digits_at, number_at
from .track1 import account_at

EMPTY = const(0)
PAYMENT = const(1)
AAMVA = const(2)  # a driving licence or identity card of North America
GIFT = const(3)  # digits that are no bank's account: gift, loyalty, fuel, airline
OWN_FORMAT = const(4)  # track 1 in a format of its issuer's: A, C to Z
OTHER = const(5)  # hotel keys, time clocks, doors

_SEPARATOR_1 = const(0x5E)  # ^
_BETWEEN_NAMES = const(0x24)  # $
_SEPARATOR_2 = const(0x3D)  # =
_0 = const(0x30)
_1 = const(0x31)
_2 = const(0x32)
_9 = const(0x39)
_A = const(0x41)
_Z = const(0x5A)
_PAN_LEAST = const(12)
_PAN_MOST = const(19)
_IIN = const(6)
# ISO/IEC 7812-1: 0 none, 1 airlines, 7 petroleum: no bank's
_NO_BANK = b"017"
# AAMVA's issuer identification numbers: 636000 to 636062, 604425 to 604434
_US = const(636)
_US_LAST = const(62)
_MORE = const(604)
_MORE_FIRST = const(425)
_MORE_LAST = const(434)
_SEX_AT = const(29)  # AAMVA track 3: behind versions 1 and 1, postal code 11, class 2, restrictions 10, endorsements 4
_SEXES = b"12MF"


def kind(track, number: int) -> int:
    """Of track `number`, 1 to 3."""
    if not len(track):
        return EMPTY
    return _kind_1(track) if number == 1 else _kind_2(track) if number == 2 else _kind_3(track)


def _kind_1(track) -> int:
    # AAMVA: state (2 letters) and city, ^, names with $ between them, ^, address
    if len(track) > 1 and _A <= track[0] <= _Z and _A <= track[1] <= _Z:
        marks = max(_next(track, 2, _SEPARATOR_1), _next(track, 2, _BETWEEN_NAMES))
        return AAMVA if marks < len(track) else OWN_FORMAT
    at = account_at(track)
    if at:
        digits = digits_at(track, at)
        name = at + digits
        end = _next(track, name + 1, _SEPARATOR_1)
        if _is_account(track, at, digits, _SEPARATOR_1) and end > name + 1 and _has_dates(track, end + 1, _SEPARATOR_1):
            return PAYMENT
        return GIFT if digits else OTHER
    return OWN_FORMAT if _A <= track[0] <= _Z else OTHER


def _kind_2(track) -> int:
    digits = digits_at(track, 0)
    if digits >= _IIN:
        high = number_at(track, 0, 3)
        low = number_at(track, 3, 3)
        if (high == _US and low <= _US_LAST) or (high == _MORE and _MORE_FIRST <= low <= _MORE_LAST):
            return AAMVA
    if _is_account(track, 0, digits, _SEPARATOR_2) and _has_dates(track, digits + 1, _SEPARATOR_2):
        return PAYMENT
    # A number, and perhaps more numbers
    return GIFT if digits and (digits == len(track) or track[digits] == _SEPARATOR_2) else OTHER


def _kind_3(track) -> int:
    # A letter: read with 7 bits a character, where a bank's has 5
    if len(track) > _SEX_AT and max(track) >= _A and track[_SEX_AT] in _SEXES:
        return AAMVA
    digits = digits_at(track, 0)
    # Format 01, 02 or 90 to 99, account number or none, separator
    bank = digits >= 2 and (track[0] == _9 or (track[0] == _0 and _1 <= track[1] <= _2))
    has_pan = digits == 2 or _PAN_LEAST <= digits - 2 <= _PAN_MOST
    return PAYMENT if bank and has_pan and digits < len(track) and track[digits] == _SEPARATOR_2 else OTHER


def _next(track, at: int, character: int) -> int:
    """Where `character` stands from `at` on, or the track's length."""
    while at < len(track) and track[at] != character:
        at += 1
    return at


def _is_account(track, at: int, digits: int, separator: int) -> bool:
    """An account number of a bank's, and a separator."""
    end = at + digits
    return (
        _PAN_LEAST <= digits <= _PAN_MOST and end < len(track) and track[end] == separator and track[at] not in _NO_BANK
    )


def _has_dates(track, at: int, separator: int) -> bool:
    """Expiry and service code, or separators in their places."""
    for count in (4, 3):
        if at < len(track) and track[at] == separator:
            at += 1
        elif digits_at(track, at) >= count:
            at += count
        else:
            return False
    return True
