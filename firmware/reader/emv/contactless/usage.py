"""Application usage control, for cash and cashback: EMV Contactless Book C-3, 5.5.1.3 and 5.5.1.4; EMV 4.4 Book 3,
Annex C2. Loaded for what is no plain sale."""

from micropython import const

from ...errors import E_CONTACTLESS_LIMIT
from ...outcome import DECLINED, MESSAGE_INSERT_OR_SWIPE, TRY_ANOTHER_INTERFACE, UI_PROCESSING_ERROR, Outcome
from ...util.bcd import to_int

_TAG_5F28_ISSUER_COUNTRY_CODE = const(0x5F28)
_TAG_9F07_APPLICATION_USAGE_CONTROL = const(0x9F07)

_CASH = const(1)
_CASH_DISBURSEMENT = const(17)
_CASHBACK = const(9)

# Domestic; the bit below it is for international use
_AUC1_CASH = const(0x80)
_AUC2_CASHBACK = const(0x80)

_CTQ1_CONTACT_FOR_CASH = const(0x04)
_CTQ1_CONTACT_FOR_CASHBACK = const(0x02)


def run(s) -> "Outcome | None":
    """None: the card allows it; else the way out that it names, or DECLINED."""
    if s.tx.transaction_type not in (_CASH, _CASH_DISBURSEMENT, _CASHBACK):
        return None
    cashback = s.tx.transaction_type == _CASHBACK
    usage = s.data.get(_TAG_9F07_APPLICATION_USAGE_CONTROL)
    country = s.data.get(_TAG_5F28_ISSUER_COUNTRY_CODE)
    if usage is not None and country is not None:
        shift = 0 if to_int(country) == s.terminal.country else 1
        if usage[cashback] & (_AUC2_CASHBACK if cashback else _AUC1_CASH) >> shift:
            return None
    if not s.ctq(1, _CTQ1_CONTACT_FOR_CASHBACK if cashback else _CTQ1_CONTACT_FOR_CASH):
        return Outcome(DECLINED, reason=E_CONTACTLESS_LIMIT)
    outcome = Outcome(TRY_ANOTHER_INTERFACE, reason=E_CONTACTLESS_LIMIT)
    outcome.ui = (MESSAGE_INSERT_OR_SWIPE, UI_PROCESSING_ERROR, 0)
    return outcome
