"""Command APDUs with short length fields (ISO/IEC 7816-3, 12.1).

case 1  CLA INS P1 P2
case 2  CLA INS P1 P2 Le
case 3  CLA INS P1 P2 Lc data
case 4  CLA INS P1 P2 Lc data Le
"""

from micropython import const

MAX_RESPONSE = const(258)  # 256 bytes and SW1 SW2

# What the transport itself answers to a command that it cannot send, for instance one of an issuer's script
# (ISO/IEC 7816-4, table 6): the caller has one way of failing less to think of.
WRONG_LENGTH = const(0x6700)
WRONG_INS = const(0x6D00)


def case_of(c_apdu) -> int:
    """1 to 4; 0: this is no command APDU, or one with extended length fields."""
    length = len(c_apdu)
    if length < 6:
        return (0, 0, 0, 0, 1, 2)[length]
    lc = c_apdu[4]
    if not lc:
        return 0  # 12.1.3: begins an extended length
    if length == 5 + lc:
        return 3
    return 4 if length == 6 + lc else 0


def data_of(c_apdu) -> memoryview:
    """The data field of a case 3 or 4; empty otherwise."""
    view = memoryview(c_apdu)
    return view[5 : 5 + view[4]] if len(view) > 5 else view[:0]


def le_of(c_apdu) -> int:
    """Ne: how many bytes of response data are wanted at most, 1 to 256; 0: no Le field."""
    if case_of(c_apdu) in (2, 4):
        return c_apdu[len(c_apdu) - 1] or 256
    return 0
