"""What an EMV terminal accepts of an answer to reset (EMV 4.4 Book 1, 8.3.1 to 8.3.4).

Since version 4.4 these clauses stand, under the same numbers, in the EMV Contact Interface Specification 1.0. A rule's
number is the detail of E_CARD_ATR. What is rejected after a cold reset gets one warm reset; what is rejected after that
ends the session.
"""

from micropython import const

from reader.iso7816.atr import TA, TB, TC, TD, interface

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.iso7816.atr import Atr

ACCEPTED = const(0)
UNREADABLE = const(
    1
)  # 8.3.1, 8.3.2, 8.3.4: iso7816.atr refused it (TS, T0 and what follows it, TCK); never returned here
TA1_RATE = const(2)  # 8.3.3.1: in specific mode a rate other than 372 with D 1, 2 or 4
TB1_VPP = const(3)  # 8.3.3.2: after a cold reset only TB1 = 00
TD1_PROTOCOL = const(4)  # 8.3.3.4: neither T=0 nor T=1
TA2_PROTOCOL = const(5)  # 8.3.3.5: not the protocol offered first
TA2_IMPLICIT = const(6)  # 8.3.3.5: a rate that the interface bytes do not give
TB2_VPP = const(7)  # 8.3.3.6
TC2_WI = const(8)  # 8.3.3.7: only 0A
TD2_PROTOCOL = const(9)  # 8.3.3.8
TA3_IFSC = const(10)  # 8.3.3.9: only 10 to FE
TB3_ABSENT = const(11)  # 8.3.3.10
TB3_BWI = const(12)  # 8.3.3.10: at most 4
TB3_CWI = const(13)  # 8.3.3.10: at most 5
TB3_GUARD = const(14)  # 8.3.3.10: 2**CWI not above N + 1
TC3_CRC = const(15)  # 8.3.3.11: only LRC
TA3_CLASS = const(16)  # ISO/IEC 7816-3, 8.3, T=15: a class of operating conditions that is reserved

_CLASSES = (1, 2, 4, 3, 6, 7)  # classes A, B, C, AB, BC, ABC


def check(atr: "Atr", warm: bool = False) -> int:
    """ACCEPTED, or the number of the first rule that the ATR breaks. `warm`: it answers a warm reset.

    Accepted with any value: TC1 (8.3.3.3), TA1 in negotiable mode (8.3.3.1), TB1 after a warm reset (8.3.3.2).
    """
    raw = atr.data
    if atr.specific and interface(raw, 1, TA) >= 0 and not 0x11 <= interface(raw, 1, TA) <= 0x13:
        return TA1_RATE
    if not warm and interface(raw, 1, TB) != 0x00:
        return TB1_VPP
    if atr.protocol > 1:
        return TD1_PROTOCOL
    if atr.specific:
        if interface(raw, 2, TA) & 0x0F != atr.protocol:
            return TA2_PROTOCOL
        if atr.specific_implicit:
            return TA2_IMPLICIT
    if interface(raw, 2, TB) >= 0:
        return TB2_VPP
    if interface(raw, 2, TC) not in (-1, 0x0A):
        return TC2_WI
    td2 = interface(raw, 2, TD)
    if td2 >= 0:
        t = td2 & 0x0F
        # 1 after T=1. After T=0 also 14, as long as EMV knew that, and 15 since
        if t != 1 and (atr.protocol or t < 14):
            return TD2_PROTOCOL
        if t == 15 and interface(raw, 3, TA) >= 0 and atr.class_ not in _CLASSES:
            return TA3_CLASS
        if t == 1:
            return _block_protocol(atr)
    return TB3_ABSENT if atr.protocol else ACCEPTED


def _block_protocol(atr: "Atr") -> int:
    """The bytes after a TD2 that says T=1."""
    raw = atr.data
    if 0 <= interface(raw, 3, TA) < 0x10:
        return TA3_IFSC
    if interface(raw, 3, TB) < 0:
        return TB3_ABSENT
    if atr.bwi > 4:
        return TB3_BWI
    if atr.cwi > 5:
        return TB3_CWI
    extra = atr.guard if atr.guard != 0xFF else -1
    if 1 << atr.cwi <= extra + 1:
        return TB3_GUARD
    return TC3_CRC if interface(raw, 3, TC) > 0x00 else ACCEPTED
