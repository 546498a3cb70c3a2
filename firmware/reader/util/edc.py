"""Error detection codes.

CRC-16 of ISO/IEC 13239 (HDLC), as ISO/IEC 7816-3 (T=1), ISO/IEC 14443-3 (type B) and the serial link use it, and the
exclusive-or of ISO/IEC 7816-3.
"""

from micropython import const

# x16 + x12 + x5 + 1, lowest bit first: what four bits make of it
_FOUR_BITS = (
    0x0000, 0x1081, 0x2102, 0x3183, 0x4204, 0x5285, 0x6306, 0x7387,
    0x8408, 0x9489, 0xA50A, 0xB58B, 0xC60C, 0xD68D, 0xE70E, 0xF78F,
)  # fmt: skip
_START = const(0xFFFF)


def crc16(data) -> int:
    """Over all bytes; sent low byte first, in T=1 high byte first."""
    crc = _START
    table = _FOUR_BITS
    for byte in data:
        crc ^= byte
        crc = crc >> 4 ^ table[crc & 15]
        crc = crc >> 4 ^ table[crc & 15]
    return crc ^ _START


def lrc(data) -> int:
    """All bytes exclusive-ored: TCK, PCK, and the epilogue of a T=1 block (ISO/IEC 7816-3, 8.2.5, 9.2, 11.3.4)."""
    check = 0
    for byte in data:
        check ^= byte
    return check
