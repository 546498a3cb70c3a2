"""Kernel 7, UnionPay QuickPass (qPBOC): EMV Contactless Book C-7; JR/T 0025.12. What it does not share with the others.

Without the card's signature nothing but the cryptogram proves the card: the qualifiers (9F6C) are not under it, so the
host has to hold what they say, the cardholder's device included, against the card's verification results in 9F10.
"""

from micropython import const

from ....errors import E_CVM, E_EMV_DATA, ReaderError
from ....outcome import END_APPLICATION, Outcome
from .. import decision, verification

_TAG_9F6C_CARD_TRANSACTION_QUALIFIERS = const(0x9F6C)

_IAD_FORMAT = const(0x07)  # bytes 1 to 7: length, key index, cryptogram version, CVR
_IAD_LEAST = const(7)
_CVR_LENGTH = const(0x03)

RECOVERS = True  # a card whose approval was cut off gives it again (JR/T 0025.12, annex F)
SIGNS_NUMBER_ALONE = True  # version 00 of the signature too (annex B)
TC_MAY_GO_ONLINE = False


async def run(s) -> Outcome:
    """`s`: a Session. ONLINE_REQUEST and APPROVED with their CVM; DECLINED, SELECT_NEXT, TRY_AGAIN,
    TRY_ANOTHER_INTERFACE, END_APPLICATION with a reason. Raises as `EntryPoint.run`."""
    return await s.read() or finish(s)


def finish(s) -> Outcome:
    """What follows from what was read."""
    return decision.run(s)


def type_said(iad) -> int:
    """JR/T 0025.5, annex on 9F10: byte 4 is the length of the CVR; its second byte has the first cryptogram's type.
    -1: it does not say."""
    if len(iad) >= _IAD_LEAST and iad[0] == _IAD_FORMAT and iad[3] == _CVR_LENGTH:
        return iad[4] >> 4 & 3
    return -1


def unverified(s, why: int) -> "Outcome | None":
    """A card that asks for what cannot be done is to be read by contact. Raises E_EMV_DATA (detail 9F6C)."""
    if why == verification.CONTRADICTION:
        raise ReaderError(E_EMV_DATA, _TAG_9F6C_CARD_TRANSACTION_QUALIFIERS)
    return s.by_contact(E_CVM, otherwise=END_APPLICATION)


def online(s, outcome: Outcome) -> Outcome:
    """Nothing is added to a request to the issuer."""
    return outcome
