"""Initiate application: EMV Contactless Book C-3, 5.2; Book C-7, initiate application processing; JR/T 0025.12, 6.5.

FCI of the selected application, PDOL, GET PROCESSING OPTIONS.
"""

from micropython import const

from ...errors import E_SEE_PHONE, E_STATUS_WORD, E_TAG_MISSING
from ...outcome import END_APPLICATION, SELECT_NEXT, START_B, TRY_AGAIN, TRY_ANOTHER_INTERFACE, Outcome
from ...util import ber_tlv
from .. import dol
from .. import fci as file_control_information
from ..commands import SW_OK
from ..processing_options import read_response
from ..tag_formats import CONTACTLESS
from .session import READING

_TAG_9F38_PDOL = const(0x9F38)
_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS = const(0x9F66)

_SW_TRY_ANOTHER_INTERFACE = const(0x6984)
_SW_SELECT_NEXT = const(0x6985)
_SW_SEE_PHONE = const(0x6986)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from .session import Session


async def run(s: "Session") -> "Outcome | None":
    """None when the card answered with its data, which are in the session's data then; else how the application ends.

    Raises E_TLV, E_DOL, E_TAG_*, E_DATA_FULL, E_EMV_DATA, and what `transmit` raises.
    """
    data = s.data
    pdol = ber_tlv.find(file_control_information.keep(s.name, s.fci, data), _TAG_9F38_PDOL)
    # A card without a PDOL, or with one that does not ask for the qualifiers, cannot do this: another application may
    if pdol is None:
        return Outcome(SELECT_NEXT, reason=E_TAG_MISSING, detail=_TAG_9F38_PDOL)
    if not dol.asks_for(pdol, _TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS):
        return Outcome(SELECT_NEXT, reason=E_TAG_MISSING, detail=_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS)
    length = dol.length_of(pdol)
    dol.build_into(pdol, data, s.commands.template(length))
    response, sw = await s.commands.get_processing_options(length)
    if sw != SW_OK:
        return _refused(sw)
    read_response(response, data, CONTACTLESS)
    s.progress = READING
    s.answered = data.used
    return None


def _refused(sw: int) -> Outcome:
    """What a status word other than 9000 leads to: Book C-3, 5.2.2.2, whose practice Book C-7 shares."""
    if sw == _SW_SEE_PHONE:
        # The cardholder has something to do on the device, then presents it again
        outcome = Outcome(TRY_AGAIN, reason=E_SEE_PHONE, detail=sw)
        outcome.start = START_B
        return outcome
    code = END_APPLICATION
    if sw == _SW_TRY_ANOTHER_INTERFACE:
        code = TRY_ANOTHER_INTERFACE
    elif sw == _SW_SELECT_NEXT:
        code = SELECT_NEXT
    return Outcome(code, reason=E_STATUS_WORD, detail=sw)
