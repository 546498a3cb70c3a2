"""Magnetic stripes in words: why one was refused, what kind of card it is, what its service code asks for.

The numbers are the firmware's: iso7811/reasons.py, and kind.py, reasons.py and service_code.py of iso7813. Each row has
the name there and what it means; a lint keeps both equal.
"""

from __future__ import annotations

# Detail of E_STRIPE
AMBIGUOUS = 10
UNREADABLE: dict[int, tuple[str, str]] = {
    0: ("OK", "read"),
    1: ("EMPTY", "nothing is recorded there, or the card was held the wrong way round"),
    2: ("CLOCK", "the card was drawn too unevenly, or is scratched"),
    3: ("NO_START", "no start sentinel"),
    4: ("NO_END", "no end sentinel: the swipe stopped too early"),
    5: ("PARITY", "a character with the wrong parity"),
    6: ("LRC", "the longitudinal redundancy check is wrong"),
    7: ("TOO_LONG", "more characters than the track may have"),
    8: ("TWO_STARTS", "a second start sentinel inside"),
    9: ("ALL_ONES", "nothing but ones"),
    AMBIGUOUS: ("AMBIGUOUS", "it can be read in more than one way"),
}

# Detail of E_STRIPE_DATA
WRONG: dict[int, tuple[str, str]] = {
    1: ("CHARACTER", "a character where it may not stand"),
    2: ("SEPARATOR", "no separator behind the account number or the name"),
    3: ("SHORT", "the track ends inside a field"),
    4: ("LONG", "more characters than the track may have"),
    5: ("PAN_LENGTH", "the account number has not 12 to 19 digits"),
    6: ("CHECK_DIGIT", "the account number's check digit is wrong"),
    7: ("NAME_LENGTH", "the name has not 2 to 26 characters"),
    8: ("EXPIRY", "the expiry has no such month"),
    9: ("FORMAT_CODE", "the format code is none of a bank's"),
    10: ("PAN_DIFFERS", "two tracks name two account numbers"),
    11: ("EXPIRY_DIFFERS", "two tracks name two expiry dates"),
    12: ("SERVICE_CODE_DIFFERS", "two tracks name two service codes"),
    13: ("NO_TRACK", "of track 1, 2 and 3 only the third could be read"),
}

# Detail of E_NOT_PAYMENT after a swipe
KINDS: dict[int, tuple[str, str]] = {
    0: ("EMPTY", "nothing on the stripe"),
    1: ("PAYMENT", "a bank's card"),
    2: ("AAMVA", "a driving licence or identity card of North America"),
    3: ("GIFT", "a gift, loyalty, fuel or airline card: its number is no bank's account"),
    4: ("OWN_FORMAT", "a card in its issuer's own format"),
    5: ("OTHER", "no payment card: a hotel key, an access or time card"),
}

# Detail of E_SERVICE_CODE
RULES: dict[int, tuple[str, str]] = {
    0: ("ALLOWED", "allowed"),
    1: ("TEST", "a test card"),
    2: ("PRIVATE", "for its issuer's own terminals only"),
    3: ("ATM_ONLY", "for cash machines only"),
    4: ("CASH_ONLY", "for cash only, not for goods and services"),
    5: ("PIN_NEEDED", "needs a PIN, and this reader has no PIN pad"),
}

_DETAILS = {105: KINDS, 109: UNREADABLE, 111: RULES, 112: WRONG}

# ISO/IEC 7813, table 3: the three digits of a service code
_INTERCHANGE = {
    "1": "international",
    "2": "international, chip to be used",
    "5": "national",
    "6": "national, chip to be used",
    "7": "private, no interchange",
    "9": "test",
}
_AUTHORISATION = {
    "0": "normal authorisation",
    "2": "authorised by the issuer, online",
    "4": "authorised by the issuer, online, unless agreed otherwise",
}
_SERVICES = {
    "0": "no restrictions, PIN needed",
    "1": "no restrictions",
    "2": "goods and services only",
    "3": "cash machines only, PIN needed",
    "4": "cash only",
    "5": "goods and services only, PIN needed",
    "6": "no restrictions, PIN where there is a PIN pad",
    "7": "goods and services only, PIN where there is a PIN pad",
}


def detail(error: int, number: int) -> str:
    """What detail `number` of the firmware's error says; "" for an error without such a table. Never raises."""
    table = _DETAILS.get(error)
    if table is None:
        return ""
    return table.get(number, ("", f"unknown ({number})"))[1]


def unreadable(reason: int) -> str:
    """Why a track could not be read, with the number."""
    return f"{detail(109, reason)} ({reason})"


def service_code(code: int) -> list[str]:
    """The three digits in words; nothing for -1, a card without one. Never raises."""
    if not 0 <= code <= 999:
        return []
    digits = f"{code:03d}"
    tables = (_INTERCHANGE, _AUTHORISATION, _SERVICES)
    return [table.get(digit, f"reserved ({digit})") for digit, table in zip(digits, tables, strict=True)]
