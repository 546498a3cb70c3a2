"""File control information of an application: EMV 4.4 Book 1, 11.3.4, table 8."""

from micropython import const

from ..errors import E_EMV_DATA, ReaderError
from ..util import ber_tlv

_TAG_50_APPLICATION_LABEL = const(0x50)
_TAG_6F_FCI_TEMPLATE = const(0x6F)
_TAG_84_DF_NAME = const(0x84)
_TAG_A5_FCI_PROPRIETARY_TEMPLATE = const(0xA5)


def df_name(fci) -> memoryview:
    """The name of what was selected (84). Raises E_TLV, E_TAG_MISSING, E_TAG_DUPLICATE."""
    return ber_tlv.need(ber_tlv.only(fci, _TAG_6F_FCI_TEMPLATE), _TAG_84_DF_NAME)


def proprietary(fci) -> memoryview:
    """The proprietary template (A5). Raises E_TLV, E_TAG_MISSING, E_TAG_DUPLICATE."""
    return ber_tlv.need(ber_tlv.only(fci, _TAG_6F_FCI_TEMPLATE), _TAG_A5_FCI_PROPRIETARY_TEMPLATE)


def keep(name: bytes, fci, data) -> memoryview:
    """Put the DF name and the label into `data`; the proprietary template.

    `name`: the ADF name that was selected; `fci`: response data of SELECT. Raises E_TLV, E_TAG_*, E_DATA_FULL, and
    E_EMV_DATA (detail 84) when another application answered.
    """
    answered = df_name(fci)
    # Book 1, 12.4: what answers is what was selected
    if answered[: len(name)] != name:
        raise ReaderError(E_EMV_DATA, _TAG_84_DF_NAME)
    data.put_card(_TAG_84_DF_NAME, answered)
    template = proprietary(fci)
    label = ber_tlv.find(template, _TAG_50_APPLICATION_LABEL)
    if label is not None:
        data.put_card(_TAG_50_APPLICATION_LABEL, label)
    return template
