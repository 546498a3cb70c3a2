"""Processing restrictions, of a card that approves offline: EMV Contactless Book C-3, 5.5.1; JR/T 0025.12, 7.6.

With an ARQC all of this is the issuer's to judge.
"""

from micropython import const

from ...errors import E_EXCEPTION_FILE, E_EXPIRED
from ...outcome import DECLINED, Outcome
from ...util.bcd import to_int

_TAG_5A_PAN = const(0x5A)
_TAG_5F24_APPLICATION_EXPIRATION_DATE = const(0x5F24)
_TAG_5F25_APPLICATION_EFFECTIVE_DATE = const(0x5F25)
_TAG_5F34_PAN_SEQUENCE_NUMBER = const(0x5F34)

_CTQ1_ONLINE_IF_EXPIRED = const(0x08)

_YEAR = const(10000)
_CENTURY = const(50)  # EMV 4.4 Book 4, 6.7.3: years from 50 on are of the 20th century


def run(s) -> "bool | Outcome":
    """False: nothing is in the way; True: the issuer is to be asked; or the Outcome DECLINED (E_EXPIRED,
    E_EXCEPTION_FILE)."""
    ask = False
    if not _is_valid(s):
        # 5.5.1.1
        if not s.ctq(1, _CTQ1_ONLINE_IF_EXPIRED):
            return Outcome(DECLINED, reason=E_EXPIRED)
        ask = True
    # 5.5.1.2: the terminal exception file
    pan = s.data.get(_TAG_5A_PAN)
    if pan is not None and s.tables is not None:
        sequence = s.data.get(_TAG_5F34_PAN_SEQUENCE_NUMBER)
        if s.tables.is_excepted(pan, -1 if sequence is None else to_int(sequence)):
            return Outcome(DECLINED, reason=E_EXCEPTION_FILE)
    return ask


def _is_valid(s) -> bool:
    """From its effective date to the end of its expiration date; a card that does not say when it expires, has."""
    year, month, day = s.tx.time[:3]
    today = year * _YEAR + month * 100 + day
    effective = s.data.get(_TAG_5F25_APPLICATION_EFFECTIVE_DATE)
    expiration = s.data.get(_TAG_5F24_APPLICATION_EXPIRATION_DATE)
    if expiration is None or _date(expiration) < today:
        return False
    return effective is None or _date(effective) <= today


def _date(value) -> int:
    """YYMMDD as YYYYMMDD."""
    date = to_int(value)
    return date + (20000000 if date < _CENTURY * _YEAR else 19000000)
