"""Kernel 7, read application data: EMV 4.4 Book 3, 10.2; EMV Contactless Book C-7, read application data."""

from micropython import const

from ....errors import E_STATUS_WORD
from ....outcome import END_APPLICATION, Outcome
from ....util import ber_tlv
from ... import file_locator
from ...commands import SW_OK
from ...tag_formats import CONTACTLESS

_TAG_70_RECORD_TEMPLATE = const(0x70)
_TAG_94_APPLICATION_FILE_LOCATOR = const(0x94)

_SFI_EMV_MOST = const(10)  # Book 3, 5.3.2.2: above it a file may hold something else than templates 70


async def read_data(commands, data) -> "Outcome | None":
    """Read every record of the AFL into `data`. None, or END_APPLICATION for a status word other than 9000.

    A card that gave all in GET PROCESSING OPTIONS has no AFL. Raises E_TLV, E_TAG_*, E_DATA_FULL, and what
    `transmit` raises.
    """
    afl = data.get(_TAG_94_APPLICATION_FILE_LOCATOR)
    if afl is None:
        return None
    file_locator.check(afl)
    for at in range(0, len(afl), file_locator.ENTRY):
        sfi = afl[at] >> 3
        for record in range(afl[at + 1], afl[at + 2] + 1):
            response, sw = await commands.read_record(record, sfi)
            # Book 3, 10.2: any other status word ends the transaction
            if sw != SW_OK:
                return Outcome(END_APPLICATION, reason=E_STATUS_WORD, detail=sw)
            _keep(response, sfi, data)
    return None


def _keep(record, sfi: int, data) -> None:
    # Book 3, 10.2: files 11 to 30 have the proprietary records; what is not coded in a template 70 is not ours
    if sfi > _SFI_EMV_MOST and (not len(record) or record[0] != _TAG_70_RECORD_TEMPLATE):
        return
    for tag, value in ber_tlv.objects(ber_tlv.only(record, _TAG_70_RECORD_TEMPLATE)):
        data.put_card(tag, value, CONTACTLESS)
