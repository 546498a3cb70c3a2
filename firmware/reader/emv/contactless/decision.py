"""What follows from the card's data: EMV Contactless Book C-3, 5.4 to 5.8; Book C-7, annex A; JR/T 0025.12, 7.5 to 7.8.

Mandatory data, type of the cryptogram, restrictions, the card's signature, the cardholder's verification, and whether
the issuer is asked. A kernel adds what is its own (kernel3/kernel.py says what that is).
"""

from micropython import const

from ...errors import (
    E_BRAND,
    E_CARD_DECLINED,
    E_EMV_DATA,
    E_ODA,
    E_OFFLINE_APPROVED,
    E_TAG_MISSING,
    ReaderError,
)
from ...outcome import APPROVED, CVM_ONLINE_PIN, DECLINED, ONLINE_REQUEST, Outcome
from .. import track2
from . import verification

_TAG_57_TRACK2_EQUIVALENT_DATA = const(0x57)
_TAG_5A_PAN = const(0x5A)
_TAG_82_APPLICATION_INTERCHANGE_PROFILE = const(0x82)
_TAG_9F10_ISSUER_APPLICATION_DATA = const(0x9F10)
_TAG_9F26_APPLICATION_CRYPTOGRAM = const(0x9F26)
_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA = const(0x9F27)
_TAG_9F36_APPLICATION_TRANSACTION_COUNTER = const(0x9F36)
_TAG_9F4B_SIGNED_DYNAMIC_APPLICATION_DATA = const(0x9F4B)

# Type of the cryptogram: 9F27 bits 8-7, EMV 4.4 Book 3, 6.5.5.4; the same code in the CVR, byte 5 of 9F10, bits 6-5
AAC = const(0)
TC = const(1)
ARQC = const(2)

_AIP1_DDA = const(0x20)
_TTQ1_OFFLINE_ONLY = const(0x08)
_TTQ1_ODA_ONLINE = const(0x01)
_TTQ2_ONLINE = const(0x80)
_CTQ1_ONLINE_IF_ODA_FAILS = const(0x20)
_CTQ1_CONTACT_IF_ODA_FAILS = const(0x10)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from .session import Session


def run(s: "Session") -> Outcome:
    """The outcome, from everything the card sent. On ONLINE_REQUEST and APPROVED the data have 9F27 and 9F34 as well.

    Raises E_TAG_MISSING, E_TAG_FORMAT, E_EMV_DATA (detail: the tag).
    """
    kernel = s.kernel
    # Mandatory in every answer with a cryptogram; a card that declines may leave out all else
    for tag in (
        _TAG_82_APPLICATION_INTERCHANGE_PROFILE,
        _TAG_9F36_APPLICATION_TRANSACTION_COUNTER,
        _TAG_9F26_APPLICATION_CRYPTOGRAM,
    ):
        s.data.need(tag)
    kind = cryptogram_type(s.data, kernel)
    if kind == AAC:
        return Outcome(DECLINED, reason=E_CARD_DECLINED)
    online = kind == ARQC
    if kind == TC:
        if s.ttq(2, _TTQ2_ONLINE):
            # The card approved what the reader wanted to ask the issuer about
            if not kernel.TC_MAY_GO_ONLINE:
                return Outcome(DECLINED, reason=E_OFFLINE_APPROVED)
            online = True
        else:
            from . import restrictions

            restricted = restrictions.run(s)
            if isinstance(restricted, Outcome):
                return restricted
            online = restricted
    refused = _check_account(s)
    if refused is None and s.tx.transaction_type:
        from . import usage

        refused = usage.run(s)
    if refused is None and (not online or _signs_online(s)):
        refused = _authenticate(s)
        if refused is None:
            online = online or s.ask_issuer
    if refused is not None:
        return refused
    cvm = verification.run(s, kind == ARQC)
    if cvm < 0:
        refused = kernel.unverified(s, cvm)
        if refused is not None:
            return refused
        cvm = verification.none(s)
    # Book C-3, 5.7.1.2: a PIN that the issuer verifies takes the transaction there
    if not online and cvm != CVM_ONLINE_PIN:
        return Outcome(APPROVED, cvm=cvm)
    return kernel.online(s, Outcome(ONLINE_REQUEST, cvm=cvm))


def cryptogram_type(data, kernel) -> int:
    """AAC, TC or ARQC. From 9F27, or from the card's verification results in 9F10, which is put as 9F27 then.

    Raises E_EMV_DATA (detail 9F27) when both are there and differ, or for the reserved type; E_TAG_MISSING (9F27)
    when neither says it.
    """
    cid = data.get(_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)
    said = kernel.type_said(data.need(_TAG_9F10_ISSUER_APPLICATION_DATA))
    if cid is None:
        # Book C-3, 5.4.3.1
        if said < 0:
            raise ReaderError(E_TAG_MISSING, _TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)
        data.put_card(_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA, bytes((said << 6,)))
        kind = said
    else:
        kind = cid[0] >> 6
        # 9F10 is under the cryptogram, 9F27 is not: whoever changes it on the way is caught here
        if said >= 0 and said != kind:
            raise ReaderError(E_EMV_DATA, _TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)
    if kind > ARQC:
        raise ReaderError(E_EMV_DATA, _TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)
    return kind


def _check_account(s) -> "Outcome | None":
    """57 is mandatory, and 5A, if the card has sent it, names the same account; which is one of the scheme's."""
    track = s.data.need(_TAG_57_TRACK2_EQUIVALENT_DATA)
    pan = s.data.get(_TAG_5A_PAN)
    digits = track2.check(track)
    if pan is not None:
        track2.check_same_pan(track, pan)
    ranges = s.application.pan_ranges
    if ranges is not None:
        from . import brand

        if not brand.fits(track, digits, ranges):
            return Outcome(DECLINED, reason=E_BRAND)
    return None


def _signs_online(s) -> bool:
    """Offline data authentication for an online authorisation: both can, and the card did. Book C-3, 5.6.1.1;
    JR/T 0025.12, annex G."""
    return (
        s.ttq(1, _TTQ1_ODA_ONLINE)
        and s.data.need(_TAG_82_APPLICATION_INTERCHANGE_PROFILE)[0] & _AIP1_DDA != 0
        and s.data.get(_TAG_9F4B_SIGNED_DYNAMIC_APPLICATION_DATA) is not None
    )


def _authenticate(s) -> "Outcome | None":
    """The card's signature; `s.ask_issuer` when it does not hold and the issuer may still say yes. Book C-3, 5.6.1.2."""
    s.spare()
    from . import fdda

    if fdda.verify(s, s.kernel.SIGNS_NUMBER_ALONE):
        return None
    if s.ctq(1, _CTQ1_ONLINE_IF_ODA_FAILS) and not s.ttq(1, _TTQ1_OFFLINE_ONLY):
        s.ask_issuer = True
        return None
    if s.ctq(1, _CTQ1_CONTACT_IF_ODA_FAILS):
        return s.by_contact(E_ODA)
    return Outcome(DECLINED, reason=E_ODA)
