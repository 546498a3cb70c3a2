"""Error detection codes.

CRC-16 of ISO/IEC 13239 (HDLC), as ISO/IEC 7816-3 (T=1), ISO/IEC 14443-3 (type B) and the serial link use it, and the
exclusive-or of ISO/IEC 7816-3.
"""

from micropython import const

_POLYNOMIAL = const(0x8408)  # x16 + x12 + x5 + 1, lowest bit first
_START = const(0xFFFF)


def crc16(data) -> int:
    """Over all bytes; sent low byte first, in T=1 high byte first."""
    crc = _START
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ _POLYNOMIAL if crc & 1 else crc >> 1
    return crc ^ _START


def lrc(data) -> int:
    """All bytes exclusive-ored: TCK, PCK, and the epilogue of a T=1 block (ISO/IEC 7816-3, 8.2.5, 9.2, 11.3.4)."""
    check = 0
    for byte in data:
        check ^= byte
    return check
