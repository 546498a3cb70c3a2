"""What type A targets say of themselves when they are activated (ISO/IEC 14443-3:2018, 6), as a coupler reports it."""

from micropython import const

from reader.errors import E_CARD_PROTOCOL, ReaderError
from reader.iso14443.ats import Ats

_SAK_CASCADE = const(0x04)  # 14443-3, table 9: UID not complete
_SAK_ISO14443_4 = const(0x20)  # 14443-3, table 9: compliant with 14443-4
_CASCADE_TAG = const(0x88)


class Target:
    """number: the coupler's; atqa: 16 bits; sak; uid: bytes, 4, 7 or 10; ats: bytes, TL first, or None."""

    def __init__(self, number: int, atqa: int, sak: int, uid: bytes, ats: "bytes | None"):
        self.number = number
        self.atqa = atqa
        self.sak = sak
        self.uid = uid
        self.ats = ats

    @property
    def is_isodep(self) -> bool:
        """The card speaks ISO/IEC 14443-4, thus APDUs."""
        return bool(self.sak & _SAK_ISO14443_4)


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
        number, atqa, sak, size = view[at], view[at + 1] << 8 | view[at + 2], view[at + 3], view[at + 4]
        at += 5
        uid = _uid(sak, bytes(view[at : at + size]), size)
        at += size
        ats = None
        if sak & _SAK_ISO14443_4:
            end = at + (view[at] if at < len(view) else 1)
            if end > len(view):
                raise ReaderError(E_CARD_PROTOCOL)
            ats = bytes(view[at:end])
            Ats(ats)
            at = end
        found.append(Target(number, atqa, sak, uid, ats))
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
