"""The chip's data objects for the host (DE55), in the order that UnionPay acquirers list them.

What follows 9F63 is there when the card gave it: the electronic cash code of an offline sale, and Visa's form factor
indicator and customer exclusive data (EMV Contactless Book C-3, annex A).
"""

from ..util import ber_tlv

# 9F26 9F27 9F10 9F37 9F36 95 9A 9C 9F02 5F2A 82 9F1A 9F03 9F33 9F34 9F35 9F1E 84 9F09 9F41 9F63 9F74 9F6E 9F7C, two bytes each
_ORDER = (
    b"\x9f\x26\x9f\x27\x9f\x10\x9f\x37\x9f\x36\x00\x95\x00\x9a\x00\x9c\x9f\x02\x5f\x2a\x00\x82"
    b"\x9f\x1a\x9f\x03\x9f\x33\x9f\x34\x9f\x35\x9f\x1e\x00\x84\x9f\x09\x9f\x41\x9f\x63\x9f\x74\x9f\x6e\x9f\x7c"
)


def icc_data_into(data, out) -> int:
    """Write what `data` (a DataStore) has of the list as BER-TLV into `out`; returns the length.

    Track data and PAN are not in the list. Raises E_TLV when `out` is too small.
    """
    writer = ber_tlv.Writer(out)
    for at in range(0, len(_ORDER), 2):
        tag = _ORDER[at] << 8 | _ORDER[at + 1]
        value = data.get(tag)
        if value is not None:
            writer.put(tag, value)
    return writer.length
