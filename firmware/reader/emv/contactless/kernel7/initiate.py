"""Kernel 7, initiate application: EMV Contactless Book C-7, initiate application processing; JR/T 0025.12,
initial application processing.

FCI of the selected application, PDOL, GET PROCESSING OPTIONS.
"""

from micropython import const

from ....errors import E_EMV_DATA, E_STATUS_WORD, E_TAG_FORMAT, E_TAG_MISSING, E_TLV, ReaderError
from ....outcome import END_APPLICATION, SELECT_NEXT, TRY_AGAIN, TRY_ANOTHER_INTERFACE, Outcome
from ....util import ber_tlv
from ... import dol
from ...commands import SW_OK

_TAG_50_APPLICATION_LABEL = const(0x50)
_TAG_6F_FCI_TEMPLATE = const(0x6F)
_TAG_77_RESPONSE_TEMPLATE_FORMAT_2 = const(0x77)
_TAG_80_RESPONSE_TEMPLATE_FORMAT_1 = const(0x80)
_TAG_82_APPLICATION_INTERCHANGE_PROFILE = const(0x82)
_TAG_84_DF_NAME = const(0x84)
_TAG_94_APPLICATION_FILE_LOCATOR = const(0x94)
_TAG_9F38_PDOL = const(0x9F38)
_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS = const(0x9F66)
_TAG_A5_FCI_PROPRIETARY_TEMPLATE = const(0xA5)

_AIP = const(2)
_SW_TRY_ANOTHER_INTERFACE = const(0x6984)
_SW_SELECT_NEXT = const(0x6985)
_SW_SEE_DEVICE = const(0x6986)


async def initiate(commands, name: bytes, fci, data) -> "Outcome | None":
    """None when the card answered with its data, which are in `data` then; else how the application ends.

    `name`: the ADF name that was selected; `fci`: response data of SELECT. Raises E_TLV, E_DOL, E_TAG_*,
    E_DATA_FULL, E_EMV_DATA, and what `transmit` raises.
    """
    pdol = _read_fci(name, fci, data)
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
    _read_response(response, data)
    return None


def _read_fci(name: bytes, fci, data) -> "memoryview | None":
    """Keep the DF name and the label; the PDOL, or None."""
    # EMV 4.4 Book 1, 11.3.4: 6F with 84 and A5
    template = ber_tlv.only(fci, _TAG_6F_FCI_TEMPLATE)
    df_name = ber_tlv.need(template, _TAG_84_DF_NAME)
    # Book 1, 12.4: what answers is what was selected
    if df_name[: len(name)] != name:
        raise ReaderError(E_EMV_DATA, _TAG_84_DF_NAME)
    data.put_card(_TAG_84_DF_NAME, df_name)
    proprietary = ber_tlv.need(template, _TAG_A5_FCI_PROPRIETARY_TEMPLATE)
    label = ber_tlv.find(proprietary, _TAG_50_APPLICATION_LABEL)
    if label is not None:
        data.put_card(_TAG_50_APPLICATION_LABEL, label)
    return ber_tlv.find(proprietary, _TAG_9F38_PDOL)


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


def _read_response(response, data) -> None:
    """EMV 4.4 Book 3, 6.5.8.4: format 1 is AIP and AFL, format 2 a template of data objects."""
    tag, _, _ = ber_tlv.read(response, ber_tlv.skip_padding(response, 0))
    if tag == _TAG_80_RESPONSE_TEMPLATE_FORMAT_1:
        value = ber_tlv.only(response, tag)
        # the AFL has groups of four; without one there is nothing to read and no cryptogram either
        if len(value) < _AIP or (len(value) - _AIP) % 4:
            raise ReaderError(E_TAG_FORMAT, tag)
        data.put_card(_TAG_82_APPLICATION_INTERCHANGE_PROFILE, value[:_AIP])
        if len(value) > _AIP:
            data.put_card(_TAG_94_APPLICATION_FILE_LOCATOR, value[_AIP:])
        return
    if tag != _TAG_77_RESPONSE_TEMPLATE_FORMAT_2:
        raise ReaderError(E_TLV)
    for inner, value in ber_tlv.objects(ber_tlv.only(response, tag)):
        data.put_card(inner, value)
