"""Kernel 7, initiate application: EMV Contactless Book C-7, initiate application processing; JR/T 0025.12,
initial application processing.

FCI of the selected application, PDOL, GET PROCESSING OPTIONS.
"""

from micropython import const

from ....errors import E_STATUS_WORD, E_TAG_MISSING
from ....outcome import END_APPLICATION, SELECT_NEXT, TRY_AGAIN, TRY_ANOTHER_INTERFACE, Outcome
from ....util import ber_tlv
from ... import dol
from ... import fci as file_control_information
from ...commands import SW_OK
from ...processing_options import read_response
from ...tag_formats import CONTACTLESS

_TAG_9F38_PDOL = const(0x9F38)
_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS = const(0x9F66)

_SW_TRY_ANOTHER_INTERFACE = const(0x6984)
_SW_SELECT_NEXT = const(0x6985)
_SW_SEE_DEVICE = const(0x6986)


async def initiate(commands, name: bytes, fci, data) -> "Outcome | None":
    """None when the card answered with its data, which are in `data` then; else how the application ends.

    `name`: the ADF name that was selected; `fci`: response data of SELECT. Raises E_TLV, E_DOL, E_TAG_*,
    E_DATA_FULL, E_EMV_DATA, and what `transmit` raises.
    """
    pdol = ber_tlv.find(file_control_information.keep(name, fci, data), _TAG_9F38_PDOL)
    # A card without a PDOL, or with one that does not ask for the qualifiers, has no qPBOC: another application may
    if pdol is None:
        return Outcome(SELECT_NEXT, reason=E_TAG_MISSING, detail=_TAG_9F38_PDOL)
    if not dol.asks_for(pdol, _TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS):
        return Outcome(SELECT_NEXT, reason=E_TAG_MISSING, detail=_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS)
    length = dol.length_of(pdol)
    dol.build_into(pdol, data, commands.template(length))
    response, sw = await commands.get_processing_options(length)
    if sw != SW_OK:
        return _refused(sw)
    read_response(response, data, CONTACTLESS)
    return None


def _refused(sw: int) -> Outcome:
    """What a status word other than 9000 leads to (Book C-3, initiate application processing,
    whose practice is taken over here)."""
    code = END_APPLICATION
    if sw == _SW_TRY_ANOTHER_INTERFACE:
        code = TRY_ANOTHER_INTERFACE
    elif sw == _SW_SELECT_NEXT:
        code = SELECT_NEXT
    elif sw == _SW_SEE_DEVICE:
        # the cardholder has something to do on the device, then presents it again
        code = TRY_AGAIN
    return Outcome(code, reason=E_STATUS_WORD, detail=sw)
