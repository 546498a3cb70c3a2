"""Offline data authentication: EMV 4.4 Book 3, 10.3; Book 2, chapters 5 (static) and 6 (dynamic, combined).

    await run(session)    after the records are read
    verify_cda(...)       when a GENERATE AC was answered with signed data

A failure ends no transaction: it is noted in the terminal verification results, and action analysis weighs it. Only an
answer to INTERNAL AUTHENTICATE that is none ends it (Book 3, 6.5.9).
"""

from hashlib import sha1

from micropython import const

from ...errors import E_DOL, E_STATUS_WORD, ReaderError
from ...util import ber_tlv
from .. import certificates, dol
from ..certificates import DYNAMIC_AT
from .session import TSI_ODA

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from .session import Session

_TAG_77_RESPONSE_TEMPLATE_FORMAT_2 = const(0x77)
_TAG_80_RESPONSE_TEMPLATE_FORMAT_1 = const(0x80)
_TAG_82_APPLICATION_INTERCHANGE_PROFILE = const(0x82)
_TAG_93_SIGNED_STATIC_APPLICATION_DATA = const(0x93)
_TAG_9F26_APPLICATION_CRYPTOGRAM = const(0x9F26)
_TAG_9F33_TERMINAL_CAPABILITIES = const(0x9F33)
_TAG_9F37_UNPREDICTABLE_NUMBER = const(0x9F37)
_TAG_9F45_DATA_AUTHENTICATION_CODE = const(0x9F45)
_TAG_9F46_ICC_PUBLIC_KEY_CERTIFICATE = const(0x9F46)
_TAG_9F47_ICC_PUBLIC_KEY_EXPONENT = const(0x9F47)
_TAG_9F49_DDOL = const(0x9F49)
_TAG_9F4B_SIGNED_DYNAMIC_APPLICATION_DATA = const(0x9F4B)
_TAG_9F4C_ICC_DYNAMIC_NUMBER = const(0x9F4C)

# AIP, byte 1: Book 3, Annex C1
_AIP1_SDA = const(0x40)
_AIP1_DDA = const(0x20)
_AIP1_CDA = const(0x01)

# Terminal capabilities, byte 3: Book 4, Annex A2
_CAPABILITY3_SDA = const(0x80)
_CAPABILITY3_DDA = const(0x40)
_CAPABILITY3_CDA = const(0x08)

# TVR, byte 1: Book 3, Annex C5
_TVR1_NOT_PERFORMED = const(0x80)
_TVR1_SDA_FAILED = const(0x40)
_TVR1_ICC_DATA_MISSING = const(0x20)
_TVR1_DDA_FAILED = const(0x08)
_TVR1_CDA_FAILED = const(0x04)
_TVR1_SDA_SELECTED = const(0x02)

_SW_OK = const(0x9000)
_SHA_1 = const(0x01)
_FORMAT_STATIC = const(0x03)  # Book 2, table 7
_CRYPTOGRAM = const(8)
_HASH = const(20)


async def run(s: "Session") -> None:
    """Choose the method and carry it out. Raises E_STATUS_WORD, E_TLV, E_TAG_MISSING for a bad answer of the card."""
    profile = s.data.need(_TAG_82_APPLICATION_INTERCHANGE_PROFILE)[0]
    capabilities = s.data.need(_TAG_9F33_TERMINAL_CAPABILITIES)[2]
    # Book 3, 10.3: the best that both can do, and only that one
    if profile & _AIP1_CDA and capabilities & _CAPABILITY3_CDA:
        _prepare_cda(s)
    elif profile & _AIP1_DDA and capabilities & _CAPABILITY3_DDA:
        s.set_tsi(TSI_ODA)
        if not await _dda(s):
            s.set_tvr(1, _TVR1_DDA_FAILED)
    elif profile & _AIP1_SDA and capabilities & _CAPABILITY3_SDA:
        s.set_tsi(TSI_ODA)
        s.set_tvr(1, _TVR1_SDA_SELECTED)
        if not _sda(s):
            s.set_tvr(1, _TVR1_SDA_FAILED)
    else:
        s.set_tvr(1, _TVR1_NOT_PERFORMED)


def _all_there(s, *tags: int) -> bool:
    # Book 3, 7.5
    for tag in tags:
        if s.data.get(tag) is None:
            s.set_tvr(1, _TVR1_ICC_DATA_MISSING)
            return False
    return True


def _sda(s) -> bool:
    """Book 2, 5.4."""
    there = _all_there(s, _TAG_93_SIGNED_STATIC_APPLICATION_DATA)
    s.issuer_key = certificates.issuer_key(s)
    if s.issuer_key is None or not there or not certificates.static_data_good(s):
        return False
    signed = s.data.need(_TAG_93_SIGNED_STATIC_APPLICATION_DATA)
    recovered = certificates.recover(signed, s.issuer_key, _FORMAT_STATIC)
    if recovered is None or recovered[2] != _SHA_1:
        return False
    if not certificates.holds(recovered, s.static_data, certificates.static_data_tail(s)):
        return False
    s.data.set(_TAG_9F45_DATA_AUTHENTICATION_CODE, recovered[3:5])
    return True


def _recover_icc_key(s) -> bool:
    """The card's key, for both dynamic methods: Book 2, 6.2 to 6.4."""
    there = _all_there(s, _TAG_9F46_ICC_PUBLIC_KEY_CERTIFICATE, _TAG_9F47_ICC_PUBLIC_KEY_EXPONENT)
    s.issuer_key = certificates.issuer_key(s)
    if s.issuer_key is None or not there or not certificates.static_data_good(s):
        return False
    s.icc_key = certificates.icc_key(s, s.issuer_key)
    return s.icc_key is not None


async def _dda(s) -> bool:
    """Book 2, 6.5."""
    if not _recover_icc_key(s):
        return False
    # 6.5.1: the card's list, or the reader's where the card has none; either asks for the unpredictable number
    ddol = s.data.get(_TAG_9F49_DDOL)
    if ddol is None:
        ddol = s.application.default_ddol
    try:
        if not dol.asks_for(ddol, _TAG_9F37_UNPREDICTABLE_NUMBER):
            return False
        length = dol.length_of(ddol)
        values = s.commands.field(length)
    except ReaderError as error:
        if error.code != E_DOL:
            raise
        return False
    dol.build_into(ddol, s.data, values)
    sent = bytes(values)  # the buffer is the commands' own
    answer, status = await s.commands.internal_authenticate(length)
    # Book 3, 6.5.9.5: anything else ends the transaction
    if status != _SW_OK:
        raise ReaderError(E_STATUS_WORD, status)
    recovered = certificates.recover_dynamic(_signed_data(answer), s.icc_key)
    if recovered is None or not certificates.holds(recovered, sent):
        return False
    return _keep_number(s, recovered)


def _signed_data(answer):
    """9F4B of the answer to INTERNAL AUTHENTICATE, in either format. Book 3, 6.5.9.4."""
    tag, start, end = ber_tlv.read(answer, ber_tlv.skip_padding(answer, 0))
    if tag == _TAG_80_RESPONSE_TEMPLATE_FORMAT_1:
        return answer[start:end]
    template = ber_tlv.need(answer, _TAG_77_RESPONSE_TEMPLATE_FORMAT_2)
    return ber_tlv.need(template, _TAG_9F4B_SIGNED_DYNAMIC_APPLICATION_DATA)


def _keep_number(s, recovered) -> bool:
    # Book 2, 6.5.2, 6.6.2, last sentences
    at = DYNAMIC_AT + 1
    s.data.set(_TAG_9F4C_ICC_DYNAMIC_NUMBER, recovered[at : at + recovered[DYNAMIC_AT]])
    return True


def _prepare_cda(s) -> None:
    """The card's key before GENERATE AC: Book 2, 6.2 to 6.4. Without it no signature is asked for."""
    if _recover_icc_key(s):
        s.cda = True
    else:
        s.set_tvr(1, _TVR1_CDA_FAILED)
        s.set_tsi(TSI_ODA)


def verify_cda(s: "Session", cdol1_values, cdol2_values, response, cid: int) -> bool:
    """Verify what a GENERATE AC was answered with: Book 2, 6.6.2. False: CDA failed, which the TVR now says.

    `response`: value of the template 77; `cid`: its 9F27; `cdol1_values`, `cdol2_values`: what the first and the second
    GENERATE AC sent, the latter empty when this is the first. When it holds, 9F26 and 9F4C are in the session's data.
    Raises E_TLV for a broken template.
    """
    s.set_tsi(TSI_ODA)
    if _verify(s, cdol1_values, cdol2_values, response, cid):
        return True
    s.set_tvr(1, _TVR1_CDA_FAILED)
    return False


def _verify(s, cdol1_values, cdol2_values, response, cid: int) -> bool:
    signed = ber_tlv.find(response, _TAG_9F4B_SIGNED_DYNAMIC_APPLICATION_DATA)
    if signed is None or s.icc_key is None:
        return False
    recovered = certificates.recover_dynamic(signed, s.icc_key)
    if recovered is None:
        return False
    # Table 19: length and number, CID, cryptogram, transaction data hash code
    at = DYNAMIC_AT + 1 + recovered[DYNAMIC_AT]
    end = at + 1 + _CRYPTOGRAM + _HASH
    if end - DYNAMIC_AT > recovered[3]:
        return False
    # Step 6
    if recovered[at] != cid:
        return False
    # Steps 7 to 9
    if not certificates.holds(recovered, s.data.need(_TAG_9F37_UNPREDICTABLE_NUMBER)):
        return False
    # Steps 10 to 12
    digest = sha1(s.pdol_values)
    digest.update(cdol1_values)
    digest.update(cdol2_values)
    _hash_response(digest, response)
    if digest.digest() != recovered[end - _HASH : end]:
        return False
    s.data.set(_TAG_9F26_APPLICATION_CRYPTOGRAM, recovered[at + 1 : at + 1 + _CRYPTOGRAM])
    return _keep_number(s, recovered)


def _hash_response(digest, response) -> None:
    """Each data object of the response as it came, but for the signed data (6.6.2, step 10)."""
    view = memoryview(response)
    at = ber_tlv.skip_padding(view, 0)
    while at < len(view):
        tag, _, end = ber_tlv.read(view, at)
        if tag != _TAG_9F4B_SIGNED_DYNAMIC_APPLICATION_DATA:
            digest.update(view[at:end])
        at = ber_tlv.skip_padding(view, end)
