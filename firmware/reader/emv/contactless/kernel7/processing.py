"""Kernel 7, what follows from the card's data: EMV Contactless Book C-7, annex A (qualifiers); JR/T 0025.12, 7.6-7.8.

Mandatory data, type of the cryptogram, cardholder verification. Where C-7 takes over Visa's practice, Book C-3 is
cited.
"""

from micropython import const

from ....errors import E_CARD_DECLINED, E_CVM, E_EMV_DATA, E_OFFLINE_APPROVED, E_TAG_MISSING, ReaderError
from ....outcome import (
    CVM_CONFIRMATION_CODE,
    CVM_NONE,
    CVM_ONLINE_PIN,
    CVM_SIGNATURE,
    DECLINED,
    END_APPLICATION,
    ONLINE_REQUEST,
    TRY_ANOTHER_INTERFACE,
    Outcome,
)
from ... import track2

_TAG_57_TRACK2_EQUIVALENT_DATA = const(0x57)
_TAG_5A_PAN = const(0x5A)
_TAG_82_APPLICATION_INTERCHANGE_PROFILE = const(0x82)
_TAG_9F10_ISSUER_APPLICATION_DATA = const(0x9F10)
_TAG_9F26_APPLICATION_CRYPTOGRAM = const(0x9F26)
_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA = const(0x9F27)
_TAG_9F34_CVM_RESULTS = const(0x9F34)
_TAG_9F36_APPLICATION_TRANSACTION_COUNTER = const(0x9F36)
_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS = const(0x9F66)
_TAG_9F69_CARD_AUTHENTICATION_RELATED_DATA = const(0x9F69)
_TAG_9F6C_CARD_TRANSACTION_QUALIFIERS = const(0x9F6C)

# Type of the cryptogram: 9F27 bits 8-7, EMV 4.4 Book 3, 6.5.5.4; the same code in 9F10 byte 5, bits 6-5
_AAC = const(0)
_TC = const(1)
_ARQC = const(2)

_IAD_FORMAT = const(0x07)  # bytes 1 to 7: length, key index, cryptogram version, CVR
_IAD_LEAST = const(7)
_CVR_LENGTH = const(0x03)

_TTQ1_CONTACT = const(0x10)
_TTQ1_ONLINE_PIN = const(0x04)
_TTQ1_SIGNATURE = const(0x02)
_TTQ2_CVM = const(0x40)
_TTQ3_DEVICE_CVM = const(0x40)
_CTQ1_ONLINE_PIN = const(0x80)
_CTQ1_SIGNATURE = const(0x40)
_CTQ2_DEVICE_CVM = const(0x80)

# EMV 4.4 Book 4, 6.3.4.5: method, condition (always), result (0 unknown, 2 successful)
_RESULTS_NONE = b"\x1f\x00\x02"
_RESULTS_SIGNATURE = b"\x1e\x00\x00"
_RESULTS_ONLINE_PIN = b"\x02\x00\x00"
_RESULTS_DEVICE = b"\x01\x00\x02"

_CVM_IMPOSSIBLE = const(-1)


def process(data) -> Outcome:
    """The outcome, from everything the card sent. On ONLINE_REQUEST `data` has 9F27 and 9F34 as well.

    Raises E_TAG_MISSING, E_TAG_FORMAT, E_EMV_DATA (detail: the tag).
    """
    # Mandatory in every answer with a cryptogram; a card that declines may leave out all else
    data.need(_TAG_82_APPLICATION_INTERCHANGE_PROFILE)
    data.need(_TAG_9F36_APPLICATION_TRANSACTION_COUNTER)
    data.need(_TAG_9F26_APPLICATION_CRYPTOGRAM)
    kind = cryptogram_type(data)
    if kind == _AAC:
        return Outcome(DECLINED, reason=E_CARD_DECLINED)
    if kind == _TC:
        # No offline data authentication here, so nothing says that this card is genuine
        return Outcome(DECLINED, reason=E_OFFLINE_APPROVED)
    _check_account(data)
    cvm = _cvm(data)
    if cvm == _CVM_IMPOSSIBLE:
        contact = data.need(_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS)[0] & _TTQ1_CONTACT
        return Outcome(TRY_ANOTHER_INTERFACE if contact else END_APPLICATION, reason=E_CVM)
    # An expired card (5F24) goes online like any other: with an ARQC that is the issuer's to judge (JR/T 0025.12, 7.8.3)
    return Outcome(ONLINE_REQUEST, cvm=cvm)


def _check_account(data) -> None:
    """An online request needs 57, and 5A, if the card has sent it, names the same account."""
    track = data.need(_TAG_57_TRACK2_EQUIVALENT_DATA)
    pan = data.get(_TAG_5A_PAN)
    if pan is None:
        track2.check(track)
    else:
        track2.check_same_pan(track, pan)


def cryptogram_type(data) -> int:
    """0 AAC, 1 TC, 2 ARQC. From 9F27, or from the card's verification results in 9F10, which is put as 9F27 then.

    Raises E_EMV_DATA (detail 9F27) when both are there and differ, or for the reserved type; E_TAG_MISSING (9F27)
    when neither says it.
    """
    cid = data.get(_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)
    iad = data.need(_TAG_9F10_ISSUER_APPLICATION_DATA)
    said = -1
    # JR/T 0025.5, annex on 9F10: byte 4 is the length of the CVR; its second byte has the first cryptogram's type
    if len(iad) >= _IAD_LEAST and iad[0] == _IAD_FORMAT and iad[3] == _CVR_LENGTH:
        said = iad[4] >> 4 & 3
    if cid is None:
        if said < 0:
            raise ReaderError(E_TAG_MISSING, _TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)
        data.put_card(_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA, bytes((said << 6,)))
        kind = said
    else:
        kind = cid[0] >> 6
        # 9F10 is under the cryptogram, 9F27 is not: whoever changes it on the way is caught here
        if said >= 0 and said != kind:
            raise ReaderError(E_EMV_DATA, _TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)
    if kind > _ARQC:
        raise ReaderError(E_EMV_DATA, _TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)
    return kind


def _cvm(data) -> int:
    """How the cardholder is verified, and 9F34; _CVM_IMPOSSIBLE when card or reader ask for what cannot be done."""
    ttq = data.need(_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS)
    ctq = data.get(_TAG_9F6C_CARD_TRANSACTION_QUALIFIERS)
    required = ttq[1] & _TTQ2_CVM != 0
    signature = ttq[0] & _TTQ1_SIGNATURE != 0
    if ctq is None:
        # Book C-3, cardholder verification; JR/T 0025.12, 7.6: a card that says nothing is content with what the reader needs
        if not required:
            return _done(data, CVM_NONE, _RESULTS_NONE)
        return _done(data, CVM_SIGNATURE, _RESULTS_SIGNATURE) if signature else _CVM_IMPOSSIBLE
    # Book C-3, cardholder verification: in this order, what the card asks for and the reader can do
    pin_wanted = ctq[0] & _CTQ1_ONLINE_PIN != 0
    if pin_wanted and ttq[0] & _TTQ1_ONLINE_PIN:
        return _done(data, CVM_ONLINE_PIN, _RESULTS_ONLINE_PIN)
    if ctq[1] & _CTQ2_DEVICE_CVM and ttq[2] & _TTQ3_DEVICE_CVM:
        _check_device_cvm(data, ctq)
        return _done(data, CVM_CONFIRMATION_CODE, _RESULTS_DEVICE)
    signature_wanted = ctq[0] & _CTQ1_SIGNATURE != 0
    if signature_wanted and signature:
        return _done(data, CVM_SIGNATURE, _RESULTS_SIGNATURE)
    if required or pin_wanted or signature_wanted:
        return _CVM_IMPOSSIBLE
    return _done(data, CVM_NONE, _RESULTS_NONE)


def _check_device_cvm(data, ctq) -> None:
    # Book C-3, cardholder verification: bytes 6 and 7 of the card authentication related data repeat the qualifiers
    related = data.get(_TAG_9F69_CARD_AUTHENTICATION_RELATED_DATA)
    if related is not None and bytes(related[5:7]) != bytes(ctq):
        raise ReaderError(E_EMV_DATA, _TAG_9F6C_CARD_TRANSACTION_QUALIFIERS)


def _done(data, cvm: int, results: bytes) -> int:
    data.put(_TAG_9F34_CVM_RESULTS, results)
    return cvm
