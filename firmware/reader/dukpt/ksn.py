"""The key serial number of TDES DUKPT: 10 bytes, of which the last 21 bits count the transactions.

ANSI X9.24-1:2009, Annex A: 59 bits name the device's initial key, 21 bits are the encryption counter.
"""

from micropython import const

LENGTH = 10
COUNTER_BITS = 21

_COUNTER = const(0x1FFFFF)


def counter(ksn) -> int:
    """The 21-bit encryption counter of the 10 bytes `ksn`."""
    return (ksn[7] << 16 | ksn[8] << 8 | ksn[9]) & _COUNTER


def set_counter(ksn, value: int) -> None:
    """Write the counter modulo 2**21 into the bytearray `ksn`; the other 59 bits stay."""
    ksn[7] = (ksn[7] & 0xE0) | (value >> 16) & 0x1F
    ksn[8] = (value >> 8) & 0xFF
    ksn[9] = value & 0xFF


def one_bits(value: int) -> int:
    """How many bits of the counter are set: a usable one has 1 to 10."""
    n = 0
    while value:
        value &= value - 1
        n += 1
    return n
