"""GENERATE AC: EMV 4.4 Book 3, 6.5.5 (command), 9.2.2 (TC hash), 9.3 (what may be answered); Book 2, 6.6 (CDA)."""

from micropython import const

from ...errors import E_TAG_FORMAT, E_TAG_MISSING, E_TLV, ReaderError
from ...util import ber_tlv
from .. import dol
from ..commands import SW_OK
from .session import TSI_CARD_RISK, TSI_ODA

_TAG_77_RESPONSE_TEMPLATE_FORMAT_2 = const(0x77)
_TAG_80_RESPONSE_TEMPLATE_FORMAT_1 = const(0x80)
_TAG_8C_CDOL1 = const(0x8C)
_TAG_97_TDOL = const(0x97)
_TAG_98_TC_HASH_VALUE = const(0x98)
_TAG_9F10_ISSUER_APPLICATION_DATA = const(0x9F10)
_TAG_9F26_APPLICATION_CRYPTOGRAM = const(0x9F26)
_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA = const(0x9F27)
_TAG_9F36_APPLICATION_TRANSACTION_COUNTER = const(0x9F36)
_TAG_9F4B_SIGNED_DYNAMIC_APPLICATION_DATA = const(0x9F4B)

_CDA = const(0x10)  # P1: Book 3, table 12
_TYPE = const(6)  # where P1 and the CID have the type of cryptogram
_TVR5_DEFAULT_TDOL = const(0x80)

# Format 1: CID, ATC, cryptogram, then up to 32 bytes of issuer application data
_FORMAT_1_LEAST = const(11)
_FORMAT_1_MOST = const(43)
_VALUES_MOST = const(255)

AAC = const(0)
TC = const(1)
ARQC = const(2)
# besides those, what `ask` may return
NOT_ALLOWED = const(4)
CDA_FAILED = const(8)  # added to the type


async def ask(s, asked: int, list_tag: int, allowed) -> int:
    """Ask the card for the cryptogram `asked` (AAC, TC, ARQC) with the values of the data object list `list_tag`.

    What it answers: AAC, TC or ARQC, with CDA_FAILED added when its signature is no good; NOT_ALLOWED for a type that is
    not among `allowed`; or minus the status word. `s.data` has CID, ATC, cryptogram and issuer application data then.
    Raises E_DOL, E_TLV, E_TAG_*, and what `transmit` raises.
    """
    cda = s.cda and asked != AAC
    # Book 4, 10.1: both are said before the command that they are about
    s.set_tsi(TSI_CARD_RISK | TSI_ODA if cda else TSI_CARD_RISK)
    length, values = _values(s, list_tag)
    response, sw = await s.commands.generate_ac(asked << _TYPE | (_CDA if cda else 0), length)
    if sw != SW_OK:
        return -sw
    kind, template = _keep(s, response, cda)
    if kind not in allowed:
        return NOT_ALLOWED
    if not cda or kind == AAC:
        return kind
    from .offline_data_authentication import verify_cda

    first = list_tag == _TAG_8C_CDOL1
    cid = s.data.need(_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)[0]
    good = verify_cda(s, s.cdol1_values, b"" if first else values, template, cid)
    return kind if good else kind | CDA_FAILED


def _values(s, list_tag: int) -> "tuple[int, bytes]":
    """Put the values into the command; their length, and for CDA a copy of them."""
    listed = s.data.need(list_tag)
    if dol.asks_for(listed, _TAG_98_TC_HASH_VALUE):
        s.data.set(_TAG_98_TC_HASH_VALUE, _tc_hash(s))
    length = dol.length_of(listed)
    out = s.commands.field(length)
    dol.build_into(listed, s.data, out)
    values = bytes(out) if s.cda else b""
    if list_tag == _TAG_8C_CDOL1:
        s.cdol1_values = values
    return length, values


def _tc_hash(s) -> bytes:
    """9.2.2: the hash over what the TDOL lists: the card's, else the acquirer's, else an empty one."""
    from hashlib import sha1

    listed = s.data.get(_TAG_97_TDOL)
    if listed is None:
        s.set_tvr(5, _TVR5_DEFAULT_TDOL)
        listed = s.application.default_tdol
    length = dol.length_of(listed)
    # A TDOL has no command to fit into; longer than one it is refused all the same
    out = bytearray(min(length, _VALUES_MOST))
    dol.build_into(listed, s.data, out)
    return sha1(out).digest()


def _keep(s, response, cda: bool) -> "tuple[int, memoryview]":
    """Put the answer's data objects in place of those of an earlier cryptogram; its type, and the template's value."""
    data = s.data
    tag, _, _ = ber_tlv.read(response, ber_tlv.skip_padding(response, 0))
    if tag not in (_TAG_80_RESPONSE_TEMPLATE_FORMAT_1, _TAG_77_RESPONSE_TEMPLATE_FORMAT_2):
        raise ReaderError(E_TLV)
    value = ber_tlv.only(response, tag)
    if tag == _TAG_80_RESPONSE_TEMPLATE_FORMAT_1:
        # 6.5.5.4
        if not _FORMAT_1_LEAST <= len(value) <= _FORMAT_1_MOST:
            raise ReaderError(E_TAG_FORMAT, tag)
        cid = value[:1]
        counter = value[1:3]
        cryptogram = value[3:_FORMAT_1_LEAST]
        issuer_data = value[_FORMAT_1_LEAST:] or None
        signature = None
    else:
        cid = ber_tlv.need(value, _TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)
        counter = ber_tlv.need(value, _TAG_9F36_APPLICATION_TRANSACTION_COUNTER)
        cryptogram = ber_tlv.find(value, _TAG_9F26_APPLICATION_CRYPTOGRAM)
        issuer_data = ber_tlv.find(value, _TAG_9F10_ISSUER_APPLICATION_DATA)
        signature = ber_tlv.find(value, _TAG_9F4B_SIGNED_DYNAMIC_APPLICATION_DATA)
    data.set(_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA, cid)
    data.set(_TAG_9F36_APPLICATION_TRANSACTION_COUNTER, counter)
    if issuer_data is None:
        data.drop(_TAG_9F10_ISSUER_APPLICATION_DATA)
    else:
        data.set(_TAG_9F10_ISSUER_APPLICATION_DATA, issuer_data)
    kind = cid[0] >> _TYPE
    if cda and kind != AAC:
        # Book 2, 6.6.1: the cryptogram is inside the signature, and without one there is nothing to believe (7.5)
        if signature is None:
            raise ReaderError(E_TAG_MISSING, _TAG_9F4B_SIGNED_DYNAMIC_APPLICATION_DATA)
        data.drop(_TAG_9F26_APPLICATION_CRYPTOGRAM)
    elif cryptogram is None:
        raise ReaderError(E_TAG_MISSING, _TAG_9F26_APPLICATION_CRYPTOGRAM)
    else:
        data.set(_TAG_9F26_APPLICATION_CRYPTOGRAM, cryptogram)
    return kind, value
