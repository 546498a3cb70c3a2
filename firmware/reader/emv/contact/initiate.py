"""Initiate application processing: EMV 4.4 Book 3, 10.1; GET PROCESSING OPTIONS, 6.5.8."""

from micropython import const

from ...errors import E_STATUS_WORD
from ...outcome import END_APPLICATION, SELECT_NEXT, Outcome
from ...util import ber_tlv
from .. import dol
from ..commands import SW_OK
from ..processing_options import read_response
from ..tag_formats import RECORD
from ..terminal import contact_data_into

_TAG_82_APPLICATION_INTERCHANGE_PROFILE = const(0x82)
_TAG_94_APPLICATION_FILE_LOCATOR = const(0x94)
_TAG_9F38_PDOL = const(0x9F38)

_SW_CONDITIONS = const(0x6985)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from .session import Session


async def run(s: "Session") -> "Outcome | None":
    """After the selection: the reader's data objects, then the card's profile and file locator are in `s.data`.

    SELECT_NEXT: the card wants another application for this transaction; END_APPLICATION for any other status word.
    Raises E_DOL, E_TLV, E_TAG_*, E_DATA_FULL, E_ENTROPY, and what `transmit` raises.
    """
    from .electronic_cash import offers

    # 10.1: all bits of TVR and TSI are 0 when a transaction begins
    contact_data_into(s.data, s.terminal, s.application, s.tx, s.entropy, offers(s))
    # 10.1: a card without a PDOL gets the command template with nothing in it
    pdol = ber_tlv.find(s.fci, _TAG_9F38_PDOL) or b""
    length = dol.length_of(pdol)
    values = s.commands.template(length)
    dol.build_into(pdol, s.data, values)
    s.pdol_values = bytes(values)
    response, sw = await s.commands.get_processing_options(length)
    if sw == _SW_CONDITIONS:
        # 10.1: not this application, for this transaction: back to the selection, without it
        return Outcome(SELECT_NEXT, reason=E_STATUS_WORD, detail=sw)
    if sw != SW_OK:
        return Outcome(END_APPLICATION, reason=E_STATUS_WORD, detail=sw)
    read_response(response, s.data, RECORD)
    # 6.5.8.4: both are always there
    s.data.need(_TAG_82_APPLICATION_INTERCHANGE_PROFILE)
    s.data.need(_TAG_94_APPLICATION_FILE_LOCATOR)
    return None
