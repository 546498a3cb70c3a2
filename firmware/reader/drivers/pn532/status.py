"""The status byte that ends or begins the answers about targets (UM0701-02, 7.1) and what it means for a card.

    00 done                             0B RF protocol error         27 not acceptable in this context
    01 the target did not answer        0D overheated                29 released by the initiator (target mode)
    02 CRC      03 parity               0E internal buffer overflow  2A type B: the card was exchanged
    04 bit count  05 framing (MIFARE)   10 wrong parameter           2B type B: the card disappeared
    06 collision                        13 wrong format              2C NFCID3 mismatch
    07 chip's buffer too small          14 MIFARE authentication     2D over-current
    09 RF buffer overflow               23 UID check byte            2E NAD missing
    0A field not switched on in time    25 wrong DEP state  26 not allowed in this configuration

Bit 6 is more information (MI), bit 7 a NAD in the answer.
"""

from micropython import const

DONE = const(0x00)
NO_ANSWER = const(0x01)
NOT_AUTHENTICATED = const(0x14)
ERROR_MASK = const(0x3F)
MORE_INFORMATION = const(0x40)

_GARBLED = b"\x02\x03\x04\x05\x06\x0b\x13"  # what the card sent, or what is left of it, breaks its protocol
_GONE = b"\x29\x2a\x2b"


def is_garbled(status: int) -> bool:
    """The card answered, but not by the rules of ISO/IEC 14443: a fault of the card, or the card on its way out."""
    return status in _GARBLED


def is_gone(status: int) -> bool:
    """The chip itself says that the card is no longer there."""
    return status in _GONE
