"""Issuer update: EMV Contactless Book C-3, issuer update processing. The card comes once more, and hears what its issuer has answered.

It changes nothing about the transaction, which the issuer's answer has decided.
"""

from micropython import const

from ...errors import E_STATUS_WORD, E_TAG_DUPLICATE, E_TLV, ReaderError
from ...outcome import APPROVED, Outcome
from ...util import ber_tlv
from ..commands import SW_OK
from .session import ended

_TAG_71_ISSUER_SCRIPT_TEMPLATE_1 = const(0x71)
_TAG_72_ISSUER_SCRIPT_TEMPLATE_2 = const(0x72)
_TAG_91_ISSUER_AUTHENTICATION_DATA = const(0x91)

_AUTHENTICATION_LEAST = const(8)
_AUTHENTICATION_MOST = const(16)


def is_wanted(issuer_data) -> bool:
    """Whether the issuer's answer (field 55) has something for the card."""
    try:
        for tag, _ in ber_tlv.objects(issuer_data):
            if tag in (
                _TAG_71_ISSUER_SCRIPT_TEMPLATE_1,
                _TAG_72_ISSUER_SCRIPT_TEMPLATE_2,
                _TAG_91_ISSUER_AUTHENTICATION_DATA,
            ):
                return True
    except ReaderError as error:
        if error.code != E_TLV:
            raise
    return False


async def run(s) -> Outcome:
    """EXTERNAL AUTHENTICATE, then the scripts of `s.answer_data`; `s.script_results` as after a contact transaction.
    APPROVED: the card has taken it; END_APPLICATION (E_STATUS_WORD): it did not believe the issuer.

    The application is selected. Raises what `transmit` raises.
    """
    from ..contact import script_processing

    proof = None
    try:
        proof = ber_tlv.find(s.answer_data, _TAG_91_ISSUER_AUTHENTICATION_DATA)
    except ReaderError as error:
        if error.code not in (E_TLV, E_TAG_DUPLICATE):
            raise
    if proof is not None and _AUTHENTICATION_LEAST <= len(proof) <= _AUTHENTICATION_MOST:
        _, sw = await s.commands.external_authenticate(proof)
        if sw != SW_OK:
            return ended(E_STATUS_WORD, sw)
    await script_processing.run(s, _TAG_71_ISSUER_SCRIPT_TEMPLATE_1)
    await script_processing.run(s, _TAG_72_ISSUER_SCRIPT_TEMPLATE_2)
    return Outcome(APPROVED)
