"""What a card answers to GET PROCESSING OPTIONS: EMV 4.4 Book 3, 6.5.8.4."""

from micropython import const

from ..errors import E_TAG_FORMAT, E_TLV, ReaderError
from ..util import ber_tlv

_TAG_77_RESPONSE_TEMPLATE_FORMAT_2 = const(0x77)
_TAG_80_RESPONSE_TEMPLATE_FORMAT_1 = const(0x80)
_TAG_82_APPLICATION_INTERCHANGE_PROFILE = const(0x82)
_TAG_94_APPLICATION_FILE_LOCATOR = const(0x94)

_AIP = const(2)


def read_response(response, data, source: int) -> None:
    """Put AIP, AFL and what else there is into `data`. `source`: tag_formats.CARD or CONTACTLESS.

    Raises E_TLV, E_TAG_*, E_DATA_FULL. That a data object is missing is the caller's to judge.
    """
    tag, _, _ = ber_tlv.read(response, ber_tlv.skip_padding(response, 0))
    if tag == _TAG_80_RESPONSE_TEMPLATE_FORMAT_1:
        # format 1: AIP and AFL without tags
        value = ber_tlv.only(response, tag)
        # the AFL has groups of four; without one there is nothing to read and no cryptogram either
        if len(value) < _AIP or (len(value) - _AIP) % 4:
            raise ReaderError(E_TAG_FORMAT, tag)
        data.put_card(_TAG_82_APPLICATION_INTERCHANGE_PROFILE, value[:_AIP], source)
        if len(value) > _AIP:
            data.put_card(_TAG_94_APPLICATION_FILE_LOCATOR, value[_AIP:], source)
        return
    # format 2: a template of data objects
    if tag != _TAG_77_RESPONSE_TEMPLATE_FORMAT_2:
        raise ReaderError(E_TLV)
    for inner, value in ber_tlv.objects(ber_tlv.only(response, tag)):
        data.put_card(inner, value, source)
