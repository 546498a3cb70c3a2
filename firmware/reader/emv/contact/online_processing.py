"""Online processing, its second half: EMV 4.4 Book 3, 10.9. The issuer's answer, and whether it is the issuer's."""

from micropython import const

from ...errors import E_TAG_DUPLICATE, E_TLV, ReaderError
from ...util import ber_tlv
from .. import dol
from ..commands import SW_OK
from .session import TSI_ISSUER_AUTHENTICATION

_TAG_82_APPLICATION_INTERCHANGE_PROFILE = const(0x82)
_TAG_89_AUTHORISATION_CODE = const(0x89)
_TAG_8A_AUTHORISATION_RESPONSE_CODE = const(0x8A)
_TAG_8D_CDOL2 = const(0x8D)
_TAG_91_ISSUER_AUTHENTICATION_DATA = const(0x91)

_AIP1_ISSUER_AUTHENTICATION = const(0x04)
_TVR5_ISSUER_AUTHENTICATION_FAILED = const(0x40)

_CODE = const(2)
_AUTHORISATION = const(6)
_AUTHENTICATION_LEAST = const(8)
_AUTHENTICATION_MOST = const(16)


async def run(s) -> None:
    """`s.answer_code` and `s.answer_data` into the data objects 8A, 89 and 91, and EXTERNAL AUTHENTICATE where the card
    wants it. Sets TVR byte 5 and the TSI. Raises what `transmit` raises.

    A field 55 that cannot be read, or issuer authentication data of a wrong length, fail the authentication.
    """
    put = s.data.set
    put(_TAG_8A_AUTHORISATION_RESPONSE_CODE, s.answer_code)
    try:
        # The issuer's own code, where the answer repeats it: it is the one under the cryptogram
        code = ber_tlv.find(s.answer_data, _TAG_8A_AUTHORISATION_RESPONSE_CODE)
        authorisation = ber_tlv.find(s.answer_data, _TAG_89_AUTHORISATION_CODE)
        proof = ber_tlv.find(s.answer_data, _TAG_91_ISSUER_AUTHENTICATION_DATA)
    except ReaderError as error:
        if error.code not in (E_TLV, E_TAG_DUPLICATE):
            raise
        s.set_tvr(5, _TVR5_ISSUER_AUTHENTICATION_FAILED)
        return
    if code is not None and len(code) == _CODE:
        put(_TAG_8A_AUTHORISATION_RESPONSE_CODE, code)
    if authorisation is not None and len(authorisation) == _AUTHORISATION:
        put(_TAG_89_AUTHORISATION_CODE, authorisation)
    if proof is None:
        return
    if not _AUTHENTICATION_LEAST <= len(proof) <= _AUTHENTICATION_MOST:
        s.set_tvr(5, _TVR5_ISSUER_AUTHENTICATION_FAILED)
        return
    put(_TAG_91_ISSUER_AUTHENTICATION_DATA, proof)
    # 10.9: by a command of its own, once, or else within the second GENERATE AC, if its list has 91
    if s.data.need(_TAG_82_APPLICATION_INTERCHANGE_PROFILE)[0] & _AIP1_ISSUER_AUTHENTICATION:
        s.arpc_done = True
        s.set_tsi(TSI_ISSUER_AUTHENTICATION)
        _, sw = await s.commands.external_authenticate(proof)
        if sw != SW_OK:
            s.set_tvr(5, _TVR5_ISSUER_AUTHENTICATION_FAILED)
    else:
        s.arpc_done = dol.asks_for(s.data.need(_TAG_8D_CDOL2), _TAG_91_ISSUER_AUTHENTICATION_DATA)
