"""What type B targets say of themselves when they are activated: ATQB (ISO/IEC 14443-3:2018, 7.9) and the answer to ATTRIB
(7.10), as a coupler reports them.

    ATQB               50  PUPI (4)  application data (4)  protocol info (3 or 4)
    application data   AFI  CRC_B of the AID (2)  number of applications: bits 8-5 of this AFI, 4-1 of the whole card
    protocol info      bit rates;  maximum frame size code, protocol type;  FWI, ADC, NAD and CID taken;  [SFGI]
    answer to ATTRIB   MBLI, CID;  higher layer response
"""

from micropython import const

from reader.errors import E_CARD_PROTOCOL, ReaderError
from reader.iso14443.activation import TYPE_B, Target

_ATQB = const(0x50)
_ATQB_SIZE = const(12)
_EXTENDED_SIZE = const(13)
_RATES_RESERVED = const(0x08)  # 7.9.4.4, bit 4 of the bit rates: whoever sets it is taken to do 106 kbit/s only
_TYPE_RESERVED = const(0x08)  # 7.9.4.3, bit 4 of the protocol type
_TYPE_ISO14443_4 = const(0x01)
# 7.9.4.2, as 14443-4 has them: what is reserved counts as 256
_FRAME_SIZES = (16, 24, 32, 40, 48, 64, 96, 128, 256)


class Atqb:
    """pupi; afi; aid_crc; applications_here, applications: how many have this AFI, how many there are (15: or more).

    same_rate_only, rates: as an ATS's TA(1); frame_size: bytes the card takes in a block; is_isodep; min_tr2: code 0 to 3;
    waiting_time: FWI, 0 to 14, the frame waiting time is 302 us * 2**FWI; is_coded: the application data are as above,
    else they are a proprietary matter; takes_nad, takes_cid; guard_time: SFGI, 0 to 14.
    """

    def __init__(self, raw):
        """raw: the ATQB, 50h first, 12 bytes or, extended, 13. Raises E_CARD_PROTOCOL for anything else."""
        view = memoryview(raw)
        if len(view) not in (_ATQB_SIZE, _EXTENDED_SIZE) or view[0] != _ATQB:
            raise ReaderError(E_CARD_PROTOCOL)
        rates, size, last = view[9], view[10], view[11]
        if size & _TYPE_RESERVED:
            raise ReaderError(E_CARD_PROTOCOL)  # 7.9.4.3: a reader goes no further with it
        self.pupi = bytes(view[1:5])
        self.afi = view[5]
        self.aid_crc = bytes(view[6:8])
        self.applications_here = view[8] >> 4
        self.applications = view[8] & 0x0F
        if rates & _RATES_RESERVED:
            rates = 0
        self.same_rate_only = bool(rates & 0x80)
        self.rates = rates & 0x77
        self.frame_size = _FRAME_SIZES[min(size >> 4, 8)]
        self.is_isodep = bool(size & _TYPE_ISO14443_4)
        self.min_tr2 = size >> 1 & 0x03
        self.waiting_time = last >> 4 if last >> 4 < 15 else 4  # 7.9.4.5: 15 is reserved and means 4
        self.is_coded = last >> 2 & 0x03 == 1
        self.takes_nad = bool(last & 0x02)
        self.takes_cid = bool(last & 0x01)
        guard = view[12] >> 4 if len(view) == _EXTENDED_SIZE else 0
        self.guard_time = guard if guard < 15 else 0


class AttribAnswer:
    """cid; buffer_size: bytes the card takes in a chain of blocks, 0: it does not say; response: a view of the higher layer
    response."""

    def __init__(self, raw, frame_size: int):
        """raw: the answer to ATTRIB. Raises E_CARD_PROTOCOL when it is empty, or names the reserved CID 15."""
        view = memoryview(raw)
        if not len(view) or view[0] & 0x0F == 15:
            raise ReaderError(E_CARD_PROTOCOL)
        mbli = view[0] >> 4
        self.cid = view[0] & 0x0F
        self.buffer_size = frame_size << mbli - 1 if mbli else 0  # 7.10.7: MBL = FSC * 2**(MBLI - 1)
        self.response = view[1:]


def targets(answer) -> list[Target]:
    """Read a PN532's answer to InListPassiveTarget for 106 kbps type B (UM0701-02, 7.3.5), from NbTg on:

    NbTg, then for each target: Tg, ATQB (12), length of the answer to ATTRIB, that answer. `says` is the ATQB after its
    50h. Raises E_CARD_PROTOCOL for anything else.
    """
    view = memoryview(answer)
    found = []
    at = 1
    for _ in range(view[0] if len(view) else 1):
        end = at + 1 + _ATQB_SIZE
        if len(view) <= end:
            raise ReaderError(E_CARD_PROTOCOL)
        number = view[at]
        said = bytes(view[at + 1 : end])
        atqb = Atqb(said)
        at = end + 1 + view[end]
        if at > len(view):
            raise ReaderError(E_CARD_PROTOCOL)
        if atqb.is_isodep or view[end]:
            AttribAnswer(view[end + 1 : at], atqb.frame_size)
        found.append(Target(number, TYPE_B, atqb.pupi, atqb.is_isodep, said[1:]))
    if at != len(view):
        raise ReaderError(E_CARD_PROTOCOL)
    return found
