"""What targets say of themselves when they are activated, as a coupler reports it: all types, and type A (ISO/IEC
14443-3:2018, 6). Type B: type_b.py beside this file; FeliCa: reader/felica/polling.py.
"""

from micropython import const

from reader.errors import E_CARD_PROTOCOL, ReaderError
from reader.iso14443.ats import Ats

TYPE_A = const(1)
TYPE_B = const(2)

_SAK_CASCADE = const(0x04)  # 14443-3, table 9: UID not complete
_SAK_ISO14443_4 = const(0x20)  # 14443-3, table 9: compliant with 14443-4
_CASCADE_TAG = const(0x88)


class Target:
    """number: the coupler's; technology: TYPE_A, TYPE_B, 4 for FeliCa; uid: bytes, of type A 4, 7 or 10; is_isodep: it
    speaks ISO/IEC 14443-4, thus APDUs; says: all that it said, of type A ATQA (2, most significant byte first), SAK and,
    if it speaks ISO/IEC 14443-4, its ATS, TL first.
    """

    def __init__(self, number: int, technology: int, uid: bytes, is_isodep: bool, says: bytes):
        self.number = number
        self.technology = technology
        self.uid = uid
        self.is_isodep = is_isodep
        self.says = says


def targets(answer) -> list[Target]:
    """Read a PN532's answer to InListPassiveTarget for 106 kbps type A (UM0701-02, 7.3.5), from NbTg on:

    NbTg, then for each target: Tg, SENS_RES (2, most significant byte first), SEL_RES, length of NFCID1, NFCID1,
    and the ATS, TL first, if SEL_RES has bit 6. Raises E_CARD_PROTOCOL for anything else, and for a malformed ATS.
    """
    view = memoryview(answer)
    found = []
    at = 1
    for _ in range(view[0] if len(view) else 1):
        if len(view) < at + 5:
            raise ReaderError(E_CARD_PROTOCOL)
        number, sak, size = view[at], view[at + 3], view[at + 4]
        says = bytes(view[at + 1 : at + 4])
        at += 5
        uid = _uid(sak, bytes(view[at : at + size]), size)
        at += size
        is_isodep = bool(sak & _SAK_ISO14443_4)
        if is_isodep:
            end = at + (view[at] if at < len(view) else 1)
            if end > len(view):
                raise ReaderError(E_CARD_PROTOCOL)
            ats = bytes(view[at:end])
            Ats(ats)
            says += ats
            at = end
        found.append(Target(number, TYPE_A, uid, is_isodep, says))
    if at != len(view):
        raise ReaderError(E_CARD_PROTOCOL)
    return found


def _uid(sak: int, uid: bytes, size: int) -> bytes:
    """A UID as 14443-3, 6.5.4 makes it: single, double or triple size, complete, without cascade tags."""
    if len(uid) != size or size not in (4, 7, 10) or sak & _SAK_CASCADE:
        raise ReaderError(E_CARD_PROTOCOL)
    # 6.5.4: a cascade tag cannot begin a single size UID, which would then be the first part of a longer one
    if size == 4 and uid[0] == _CASCADE_TAG:
        raise ReaderError(E_CARD_PROTOCOL)
    return uid
