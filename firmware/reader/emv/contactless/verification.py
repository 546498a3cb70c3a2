"""Cardholder verification: EMV Contactless Book C-3, 5.7; Book C-7, cardholder verification; JR/T 0025.12, 7.7.

The card has chosen among what the reader said it can do (9F66); what it chose stands in its qualifiers (9F6C).
"""

from micropython import const

from ...outcome import CVM_CONFIRMATION_CODE, CVM_NONE, CVM_ONLINE_PIN, CVM_SIGNATURE

_TAG_9F34_CVM_RESULTS = const(0x9F34)
_TAG_9F69_CARD_AUTHENTICATION_RELATED_DATA = const(0x9F69)
_TAG_9F6C_CARD_TRANSACTION_QUALIFIERS = const(0x9F6C)

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

# What card or reader ask for cannot be done: a method is required by the reader, or wished for by the card alone
REQUIRED = const(-1)
WISHED = const(-2)
# and the card contradicts itself
CONTRADICTION = const(-3)


def run(s, is_online: bool) -> int:
    """How the cardholder is verified (outcome.CVM_*), and 9F34; or REQUIRED, WISHED, CONTRADICTION.

    `is_online`: the card answered with an ARQC.
    """
    data = s.data
    required = s.ttq(2, _TTQ2_CVM)
    signature = s.ttq(1, _TTQ1_SIGNATURE)
    ctq = data.get(_TAG_9F6C_CARD_TRANSACTION_QUALIFIERS)
    if ctq is None:
        # Book C-3, 5.7.1.1: a card that says nothing is content with what the reader needs
        if not required:
            return _done(data, CVM_NONE, _RESULTS_NONE)
        if signature:
            return _done(data, CVM_SIGNATURE, _RESULTS_SIGNATURE)
        return _done(data, CVM_ONLINE_PIN, _RESULTS_ONLINE_PIN) if s.ttq(1, _TTQ1_ONLINE_PIN) else REQUIRED
    # 5.7.1.2: in this order, what the card asks for and the reader can do
    pin_wanted = ctq[0] & _CTQ1_ONLINE_PIN != 0
    if pin_wanted and s.ttq(1, _TTQ1_ONLINE_PIN):
        return _done(data, CVM_ONLINE_PIN, _RESULTS_ONLINE_PIN)
    if ctq[1] & _CTQ2_DEVICE_CVM and s.ttq(3, _TTQ3_DEVICE_CVM):
        # Nothing but the signature, or the issuer, can say that the qualifiers are the card's own: bytes 6 and 7 of the
        # card authentication related data, which are signed, repeat them
        related = data.get(_TAG_9F69_CARD_AUTHENTICATION_RELATED_DATA)
        if not is_online if related is None else bytes(related[5:7]) != bytes(ctq):
            return CONTRADICTION
        return _done(data, CVM_CONFIRMATION_CODE, _RESULTS_DEVICE)
    signature_wanted = ctq[0] & _CTQ1_SIGNATURE != 0
    if signature_wanted and signature:
        return _done(data, CVM_SIGNATURE, _RESULTS_SIGNATURE)
    # 5.7.1.3
    if required:
        return REQUIRED
    if pin_wanted or signature_wanted:
        return WISHED
    return _done(data, CVM_NONE, _RESULTS_NONE)


def none(s) -> int:
    """No verification, and that in 9F34."""
    return _done(s.data, CVM_NONE, _RESULTS_NONE)


def _done(data, cvm: int, results: bytes) -> int:
    data.put(_TAG_9F34_CVM_RESULTS, results)
    return cvm
