"""Format, length and source of the data objects the reader keeps: EMV 4.4 Book 3, Annex A; PBOC 3.0 part 13;
Contactless Books C-3 and C-7.

One row of three bytes per data object: kind, least and most bytes of the value. A data object that is in no row is
not kept (Book 3, 10.2: what is not recognised is ignored). Templates have none, the issuer's scripts (71, 72, 86)
neither: they are read where they stand.

Lengths that only another data object fixes (certificates, remainders, exponents, lists) are open here: who uses them
judges them, since most of them then fail an authentication and not the transaction (Book 3, 7.5).
"""

from micropython import const

from ..errors import E_TAG_FORMAT, ReaderError
from ..util.bcd import digit_count, is_numeric

# The kind: a format of Book 3, 4.3
BINARY = const(0)
NUMERIC = const(1)
COMPRESSED = const(2)
TEXT = const(3)
_FORMAT = const(0x03)
# and who besides the reader may supply the data object
CARD = const(0x80)  # to the contact kernel
CONTACTLESS = const(0x40)  # a card to a contactless kernel: what that one has a use for, since it counts its bytes
ISSUER = const(0x20)
RECORD = const(0x10)  # a card, in the template 70 of a record or in its answer to GET PROCESSING OPTIONS

# The last byte of each tag, in the order of the rows: looking for one byte is quick, and none stands across columns
_LAST = (
    # one byte
    b"\x42\x4f\x50\x57\x5a\x81\x82\x84\x87\x88\x89\x8a\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x97\x98"
    b"\x99\x9a\x9b\x9c\x9d"
    # 5F
    b"\x20\x24\x25\x28\x2a\x2d\x30\x34\x36\x50\x53\x54\x55\x56\x57"
    # 9F
    b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18"
    b"\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27\x2d\x2e\x2f\x32\x33\x34\x35\x36\x37"
    b"\x38\x39\x3a\x3b\x3c\x3d\x40\x41\x42\x43\x44\x45\x46\x47\x48\x49\x4a\x4b\x4c\x4d\x4e\x4f\x5d\x63"
    b"\x66\x69\x6c\x6d\x6e\x74\x77\x78\x79\x7a\x7b\x7c"
)
_AT_5F = const(29)
_AT_9F = const(44)
_END = const(128)

_ROW = const(3)
_ROWS = (
    b"\x81\x03\x03"  # 42 issuer identification number
    b"\x80\x05\x10"  # 4F ADF name
    b"\xc3\x01\x10"  # 50 application label
    b"\xd0\x08\x13"  # 57 track 2 equivalent data; its nibbles are checked in track2
    b"\xd2\x04\x0a"  # 5A PAN
    b"\x00\x04\x04"  # 81 amount, authorised, binary
    b"\xd0\x02\x02"  # 82 application interchange profile
    b"\xc0\x05\x10"  # 84 DF name
    b"\x80\x01\x01"  # 87 application priority indicator
    b"\x80\x01\x01"  # 88 short file identifier
    b"\x23\x06\x06"  # 89 authorisation code
    b"\x23\x02\x02"  # 8A authorisation response code
    b"\x90\x00\xfc"  # 8C CDOL1
    b"\x90\x00\xfc"  # 8D CDOL2
    b"\x90\x00\xfc"  # 8E CVM list; without a rule it is as if it were not there (10.5)
    b"\xd0\x01\x01"  # 8F CA public key index, card
    b"\xd0\x00\xf8"  # 90 issuer public key certificate; its length is judged by the authentication (Book 2, 5.3)
    b"\x20\x08\x10"  # 91 issuer authentication data
    b"\xd0\x00\xfc"  # 92 issuer public key remainder
    b"\x90\x00\xf8"  # 93 signed static application data
    b"\xd0\x04\xfc"  # 94 application file locator
    b"\x00\x05\x05"  # 95 terminal verification results
    b"\x90\x00\xfc"  # 97 TDOL
    b"\x00\x14\x14"  # 98 TC hash value
    b"\x00\x01\xfc"  # 99 transaction PIN data
    b"\x01\x03\x03"  # 9A transaction date
    b"\x00\x02\x02"  # 9B transaction status information
    b"\x01\x01\x01"  # 9C transaction type
    b"\x80\x05\x10"  # 9D directory definition file name
    b"\x93\x00\x1a"  # 5F20 cardholder name
    b"\xd1\x03\x03"  # 5F24 application expiration date
    b"\xd1\x03\x03"  # 5F25 application effective date
    b"\xd1\x02\x02"  # 5F28 issuer country code
    b"\x01\x02\x02"  # 5F2A transaction currency code
    b"\x83\x02\x08"  # 5F2D language preference
    b"\x91\x02\x02"  # 5F30 service code
    b"\xd1\x01\x01"  # 5F34 PAN sequence number
    b"\x01\x01\x01"  # 5F36 transaction currency exponent
    b"\x83\x00\xfc"  # 5F50 issuer URL
    b"\x80\x00\x22"  # 5F53 IBAN
    b"\x83\x08\x0b"  # 5F54 bank identifier code
    b"\x83\x02\x02"  # 5F55 issuer country code, alpha 2
    b"\x83\x03\x03"  # 5F56 issuer country code, alpha 3
    b"\x01\x01\x01"  # 5F57 account type
    b"\x01\x06\x06"  # 9F01 acquirer identifier
    b"\x01\x06\x06"  # 9F02 amount, authorised
    b"\x01\x06\x06"  # 9F03 amount, other
    b"\x00\x04\x04"  # 9F04 amount, other, binary
    b"\x90\x01\x20"  # 9F05 application discretionary data
    b"\x00\x05\x10"  # 9F06 application identifier, terminal
    b"\xd0\x02\x02"  # 9F07 application usage control
    b"\x90\x02\x02"  # 9F08 application version number, card
    b"\x00\x02\x02"  # 9F09 application version number, terminal
    b"\x80\x00\xfc"  # 9F0A application selection registered proprietary data
    b"\x93\x1b\x2d"  # 9F0B cardholder name, extended
    b"\x81\x03\x04"  # 9F0C issuer identification number, extended
    b"\x90\x05\x05"  # 9F0D issuer action code, default
    b"\x90\x05\x05"  # 9F0E issuer action code, denial
    b"\x90\x05\x05"  # 9F0F issuer action code, online
    b"\xc0\x01\x20"  # 9F10 issuer application data
    b"\x81\x01\x01"  # 9F11 issuer code table index
    b"\x83\x01\x10"  # 9F12 application preferred name
    b"\x80\x02\x02"  # 9F13 last online ATC register
    b"\x90\x01\x01"  # 9F14 lower consecutive offline limit
    b"\x01\x02\x02"  # 9F15 merchant category code
    b"\x03\x0f\x0f"  # 9F16 merchant identifier
    b"\x80\x01\x01"  # 9F17 PIN try counter
    b"\x20\x04\x04"  # 9F18 issuer script identifier
    b"\x91\x06\x06"  # 9F19 token requester ID
    b"\x01\x02\x02"  # 9F1A terminal country code
    b"\x00\x04\x04"  # 9F1B terminal floor limit
    b"\x03\x08\x08"  # 9F1C terminal identification
    b"\x00\x01\x08"  # 9F1D terminal risk management data
    b"\x03\x08\x08"  # 9F1E interface device serial number
    b"\x93\x00\xfc"  # 9F1F track 1 discretionary data
    b"\x92\x01\xfc"  # 9F20 track 2 discretionary data
    b"\x01\x03\x03"  # 9F21 transaction time
    b"\x00\x01\x01"  # 9F22 CA public key index, terminal
    b"\x90\x01\x01"  # 9F23 upper consecutive offline limit
    b"\x93\x1d\x1d"  # 9F24 payment account reference
    b"\x91\x02\x02"  # 9F25 last four digits of the PAN
    b"\xc0\x08\x08"  # 9F26 application cryptogram
    b"\xc0\x01\x01"  # 9F27 cryptogram information data
    b"\x90\x00\xf8"  # 9F2D PIN encipherment public key certificate
    b"\x90\x00\xfc"  # 9F2E PIN encipherment public key exponent
    b"\x90\x00\xfc"  # 9F2F PIN encipherment public key remainder
    b"\xd0\x00\xfc"  # 9F32 issuer public key exponent
    b"\x00\x03\x03"  # 9F33 terminal capabilities
    b"\x00\x03\x03"  # 9F34 CVM results
    b"\x01\x01\x01"  # 9F35 terminal type
    b"\xc0\x02\x02"  # 9F36 application transaction counter
    b"\x00\x04\x04"  # 9F37 unpredictable number
    b"\x80\x00\xfc"  # 9F38 PDOL
    b"\x01\x01\x01"  # 9F39 POS entry mode
    b"\x00\x04\x04"  # 9F3A amount, reference currency
    b"\x91\x02\x08"  # 9F3B application reference currency
    b"\x01\x02\x02"  # 9F3C transaction reference currency code
    b"\x01\x01\x01"  # 9F3D transaction reference currency exponent
    b"\x00\x05\x05"  # 9F40 additional terminal capabilities
    b"\x01\x02\x04"  # 9F41 transaction sequence counter
    b"\x91\x02\x02"  # 9F42 application currency code
    b"\x91\x01\x04"  # 9F43 application reference currency exponent
    b"\x91\x01\x01"  # 9F44 application currency exponent
    b"\x00\x02\x02"  # 9F45 data authentication code, recovered (Book 2, 5.4)
    b"\xd0\x00\xf8"  # 9F46 ICC public key certificate
    b"\xd0\x00\xfc"  # 9F47 ICC public key exponent
    b"\xd0\x00\xfc"  # 9F48 ICC public key remainder
    b"\x90\x00\xfc"  # 9F49 DDOL
    b"\xd0\x00\xfc"  # 9F4A static data authentication tag list
    b"\xc0\x00\xf8"  # 9F4B signed dynamic application data
    b"\x00\x02\x08"  # 9F4C ICC dynamic number, recovered (Book 2, 6.5.2)
    b"\x80\x02\x02"  # 9F4D log entry
    b"\x03\x01\x28"  # 9F4E merchant name and location
    b"\x80\x00\xfc"  # 9F4F log format
    b"\xc1\x06\x06"  # 9F5D available offline spending amount
    b"\xd0\x10\x10"  # 9F63 product identification information
    b"\x00\x04\x04"  # 9F66 terminal transaction qualifiers
    b"\xd0\x05\x10"  # 9F69 card authentication related data
    b"\xc0\x02\x02"  # 9F6C card transaction qualifiers
    b"\x81\x06\x06"  # 9F6D electronic cash reset threshold
    b"\xc0\x01\x20"  # 9F6E form factor indicator
    b"\xd3\x06\x06"  # 9F74 electronic cash issuer authorisation code
    b"\x81\x06\x06"  # 9F77 electronic cash balance limit
    b"\x81\x06\x06"  # 9F78 electronic cash transaction limit
    b"\xc1\x06\x06"  # 9F79 electronic cash balance
    b"\x01\x01\x01"  # 9F7A electronic cash terminal support indicator
    b"\x01\x06\x06"  # 9F7B electronic cash terminal transaction limit
    b"\xc0\x01\x20"  # 9F7C customer exclusive data
)

UNKNOWN = const(-1)


def row(tag: int) -> int:
    """Position of the row of `tag`, or UNKNOWN."""
    high = tag >> 8
    if high == 0x9F:
        at = _LAST.find(bytes((tag & 0xFF,)), _AT_9F, _END)
    elif high == 0:
        at = _LAST.find(bytes((tag,)), 0, _AT_5F)
    elif high == 0x5F:
        at = _LAST.find(bytes((tag & 0xFF,)), _AT_5F, _AT_9F)
    else:
        return UNKNOWN
    return UNKNOWN if at < 0 else at * _ROW


def format_of(at: int) -> int:
    """BINARY, NUMERIC, COMPRESSED or TEXT, of the row at `at`."""
    return _ROWS[at] & _FORMAT


def is_from(at: int, source: int) -> bool:
    """Whether `source` (CARD, CONTACTLESS, ISSUER, RECORD) may supply the data object of the row at `at`."""
    return _ROWS[at] & source != 0


def check(tag: int, at: int, value) -> None:
    """Raises E_TAG_FORMAT (detail: `tag`) unless `value` has the length and the digits its row asks for."""
    good = _ROWS[at + 1] <= len(value) <= _ROWS[at + 2]
    kind = format_of(at)
    if kind == NUMERIC:
        good = good and is_numeric(value)
    elif kind == COMPRESSED:
        good = good and digit_count(value) > 0
    if not good:
        raise ReaderError(E_TAG_FORMAT, tag)
