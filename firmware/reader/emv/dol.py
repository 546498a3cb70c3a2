"""Data object lists: EMV 4.4 Book 3, 5.4. A list of tags and lengths, answered with values alone."""

from ..errors import E_DOL, E_TLV, ReaderError
from ..util import ber_tlv
from . import tag_formats


def entries(dol):
    """Each (tag, length) of the list. Raises E_DOL: a tag or its length byte is cut off."""
    at = 0
    while at < len(dol):
        try:
            tag, at = ber_tlv.read_tag(dol, at)
        except ReaderError as error:
            if error.code != E_TLV:
                raise
            raise ReaderError(E_DOL)
        # Book 3, 5.4: one byte of length per entry, a number up to 255 and no BER-TLV length
        if tag == 0 or at >= len(dol):
            raise ReaderError(E_DOL)
        yield tag, dol[at]
        at += 1


def length_of(dol) -> int:
    """Bytes that the answer to `dol` takes. Raises E_DOL."""
    total = 0
    for _, length in entries(dol):
        total += length
    return total


def asks_for(dol, tag: int) -> bool:
    """Whether `tag` is in the list. Raises E_DOL."""
    found = False
    for listed, _ in entries(dol):
        found = found or listed == tag
    return found


def build_into(dol, data, out) -> int:
    """Write the values that `dol` asks for from `data` (a DataStore) into `out`; returns their length.

    Raises E_DOL for a malformed list and for one whose answer is longer than `out`.
    """
    at = 0
    for tag, length in entries(dol):
        if at + length > len(out):
            raise ReaderError(E_DOL)
        _value_into(data.get(tag), tag, out, at, length)
        at += length
    return at


def _value_into(value, tag: int, out, at: int, length: int) -> None:
    # Book 3, 5.4, rule 2: unknown, without a value, or a template: zeros
    kind = tag_formats.BINARY
    if value is None:
        have = 0
    else:
        kind = tag_formats.format_of(tag_formats.row(tag))
        have = len(value)
    take = min(have, length)
    pad = length - take
    if kind == tag_formats.NUMERIC:
        # rule 2: too long loses its leftmost bytes, too short is padded with leading zeros
        for i in range(pad):
            out[at + i] = 0
        for i in range(take):
            out[at + pad + i] = value[have - take + i]
        return
    # others lose their rightmost bytes; cn is padded with trailing F, the rest with trailing zeros
    for i in range(take):
        out[at + i] = value[i]
    filler = 0xFF if kind == tag_formats.COMPRESSED else 0
    for i in range(take, length):
        out[at + i] = filler
