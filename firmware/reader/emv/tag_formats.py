"""Format, length and source of the data objects the reader keeps: EMV 4.4 Book 3, Annex A; Contactless Book C-7.

One packed row of five bytes per data object: tag (two bytes), kind, least and most bytes of the value. A data
object that is in no row is not kept (Book 3, 10.2: what is not recognised is ignored).
"""

from micropython import const

from ..errors import E_TAG_FORMAT, ReaderError
from ..util.bcd import digit_count, is_numeric

# The kind: a format of Book 3, 4.3, and whether the card is a source of the data object
BINARY = const(0)
NUMERIC = const(1)
COMPRESSED = const(2)
TEXT = const(3)
_FORMAT = const(0x0F)
_FROM_CARD = const(0x80)

_ROW = const(5)
_ROWS = (
    b"\x00\x50\x83\x01\x10"  # 50 application label
    b"\x00\x57\x80\x08\x13"  # 57 track 2 equivalent data; its nibbles are checked in track2
    b"\x00\x5a\x82\x04\x0a"  # 5A PAN
    b"\x00\x82\x80\x02\x02"  # 82 application interchange profile
    b"\x00\x84\x80\x05\x10"  # 84 DF name
    b"\x00\x94\x80\x04\xfc"  # 94 application file locator
    b"\x00\x95\x00\x05\x05"  # 95 terminal verification results
    b"\x00\x9a\x01\x03\x03"  # 9A transaction date
    b"\x00\x9c\x01\x01\x01"  # 9C transaction type
    b"\x5f\x24\x81\x03\x03"  # 5F24 application expiration date
    b"\x5f\x25\x81\x03\x03"  # 5F25 application effective date
    b"\x5f\x28\x81\x02\x02"  # 5F28 issuer country code
    b"\x5f\x2a\x01\x02\x02"  # 5F2A transaction currency code
    b"\x5f\x34\x81\x01\x01"  # 5F34 PAN sequence number
    b"\x5f\x36\x01\x01\x01"  # 5F36 transaction currency exponent
    b"\x9f\x02\x01\x06\x06"  # 9F02 amount, authorised
    b"\x9f\x03\x01\x06\x06"  # 9F03 amount, other
    b"\x9f\x06\x00\x05\x10"  # 9F06 application identifier, terminal
    b"\x9f\x07\x80\x02\x02"  # 9F07 application usage control
    b"\x9f\x09\x00\x02\x02"  # 9F09 application version number, terminal
    b"\x9f\x10\x80\x01\x20"  # 9F10 issuer application data
    b"\x9f\x15\x01\x02\x02"  # 9F15 merchant category code
    b"\x9f\x16\x03\x0f\x0f"  # 9F16 merchant identifier
    b"\x9f\x1a\x01\x02\x02"  # 9F1A terminal country code
    b"\x9f\x1c\x03\x08\x08"  # 9F1C terminal identification
    b"\x9f\x1e\x03\x08\x08"  # 9F1E interface device serial number
    b"\x9f\x21\x01\x03\x03"  # 9F21 transaction time
    b"\x9f\x26\x80\x08\x08"  # 9F26 application cryptogram
    b"\x9f\x27\x80\x01\x01"  # 9F27 cryptogram information data
    b"\x9f\x33\x00\x03\x03"  # 9F33 terminal capabilities
    b"\x9f\x34\x00\x03\x03"  # 9F34 CVM results
    b"\x9f\x35\x01\x01\x01"  # 9F35 terminal type
    b"\x9f\x36\x80\x02\x02"  # 9F36 application transaction counter
    b"\x9f\x37\x00\x04\x04"  # 9F37 unpredictable number
    b"\x9f\x40\x00\x05\x05"  # 9F40 additional terminal capabilities
    b"\x9f\x41\x01\x02\x04"  # 9F41 transaction sequence counter
    b"\x9f\x4e\x03\x01\x28"  # 9F4E merchant name and location
    b"\x9f\x5d\x81\x06\x06"  # 9F5D available offline spending amount
    b"\x9f\x63\x80\x10\x10"  # 9F63 product identification information
    b"\x9f\x66\x00\x04\x04"  # 9F66 terminal transaction qualifiers
    b"\x9f\x69\x80\x05\x10"  # 9F69 card authentication related data
    b"\x9f\x6c\x80\x02\x02"  # 9F6C card transaction qualifiers
)

UNKNOWN = const(-1)


def row(tag: int) -> int:
    """Position of the row of `tag`, or UNKNOWN."""
    # The two bytes may also stand across columns: only at the start of a row are they its tag
    wanted = bytes((tag >> 8 & 0xFF, tag & 0xFF))
    at = _ROWS.find(wanted)
    while at >= 0 and at % _ROW:
        at = _ROWS.find(wanted, at + 1)
    return UNKNOWN if tag > 0xFFFF else at


def format_of(at: int) -> int:
    """BINARY, NUMERIC, COMPRESSED or TEXT, of the row at `at`."""
    return _ROWS[at + 2] & _FORMAT


def from_card(at: int) -> bool:
    """Whether a card may supply the data object of the row at `at`."""
    return _ROWS[at + 2] & _FROM_CARD != 0


def check(tag: int, at: int, value) -> None:
    """Raises E_TAG_FORMAT (detail: `tag`) unless `value` has the length and the digits its row asks for."""
    good = _ROWS[at + 3] <= len(value) <= _ROWS[at + 4]
    kind = format_of(at)
    if kind == NUMERIC:
        good = good and is_numeric(value)
    elif kind == COMPRESSED:
        good = good and digit_count(value) > 0
    if not good:
        raise ReaderError(E_TAG_FORMAT, tag)
