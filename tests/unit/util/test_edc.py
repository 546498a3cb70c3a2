"""CRC-16 of ISO/IEC 13239; the exclusive-or of ISO/IEC 7816-3."""

from reader.util.edc import crc16, lrc
from testing import cases, h


@cases(
    (b"123456789", 0x906E),  # the check value that catalogues of CRCs give for it (CRC-16/X-25)
    (b"", 0x0000),
    # ISO/IEC 14443-3, annex B.2: data 00 00 00 give CRC_B CC C6, low byte first; 0A 12 34 56 give 2C F6
    (h("000000"), 0xC6CC),
    (h("0A123456"), 0xF62C),
)
def test_known_answers(data, expected):
    assert crc16(data) == expected


@cases(
    (b"", 0x00),
    (h("00 C1 01 FE"), 0x3E),  # S(IFS request) with IFSD 254
    # ATR of openemv's emv-utils, emv_atr_parse_test.c: T0 to TCK
    (h("E0 00 FF 81 31 7C 41 92"), 0x00),
    (h("E0 00 FF 81 31 7C 41"), 0x92),
)
def test_lrc(data, expected):
    assert lrc(data) == expected
    assert lrc(memoryview(data)) == expected
