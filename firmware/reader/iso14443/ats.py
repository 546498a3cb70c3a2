"""The answer to select of an ISO/IEC 14443-4 type A card (14443-4:2018, 5.2).

    TL  T0  [TA(1)] [TB(1)] [TC(1)]  historical bytes

TL counts itself and all that follows, without the CRC. T0: bits 7 to 5 say which interface bytes follow, bits 4 to 1 are FSCI; bit 8 is
reserved and disregarded.
"""

from micropython import const

from reader.errors import E_CARD_PROTOCOL, ReaderError

MAX_ATS = const(254)  # 5.2.2: not more than the coupler's frame size, of which the largest is 256 with the CRC

_TA1 = const(0x10)
_TB1 = const(0x20)
_TC1 = const(0x40)
# 5.2.3, table 1: FSC for FSCI 0 to 8; what is reserved counts as 8
_FRAME_SIZES = (16, 24, 32, 40, 48, 64, 96, 128, 256)


class Ats:
    """frame_size: bytes the card takes in a block (FSC, with prologue and CRC).

    same_rate_only, rates: TA(1), bit 8 and the rates offered; waiting_time: FWI, 0 to 14, the frame waiting time is
    302 us * 2**FWI; guard_time: SFGI, 0 to 14; takes_nad, takes_cid; historical: a view of the historical bytes.
    """

    def __init__(self, raw):
        """raw: the ATS, TL first. Raises E_CARD_PROTOCOL when its bytes contradict each other."""
        view = memoryview(raw)
        # 5.2.2: TL is there, counts itself, and everything after it
        if not len(view) or view[0] != len(view) or len(view) > MAX_ATS:
            raise ReaderError(E_CARD_PROTOCOL)
        t0 = view[1] if len(view) > 1 else 0x02  # 5.2.2: TL 01, then the defaults hold, FSCI 2
        self.frame_size = _FRAME_SIZES[min(t0 & 0x0F, 8)]
        at = 2
        ta1, tb1, tc1 = 0x00, 0x40, 0x02  # 5.2.4 to 5.2.6: the values of an absent byte
        needed = bool(t0 & _TA1) + bool(t0 & _TB1) + bool(t0 & _TC1)
        if len(view) > 1 and len(view) - at < needed:
            raise ReaderError(E_CARD_PROTOCOL)
        if t0 & _TA1:
            ta1 = view[at]
            at += 1
        if t0 & _TB1:
            tb1 = view[at]
            at += 1
        if t0 & _TC1:
            tc1 = view[at]
            at += 1
        self.same_rate_only = bool(ta1 & 0x80)
        self.rates = ta1 & 0x77
        self.waiting_time = tb1 >> 4 if tb1 >> 4 < 15 else 4  # 5.2.5: 15 is reserved and means 4
        self.guard_time = tb1 & 0x0F if tb1 & 0x0F < 15 else 0  # 5.2.5: 15 is reserved and means 0
        self.takes_nad = bool(tc1 & 0x01)
        self.takes_cid = bool(tc1 & 0x02)
        self.historical = view[at:] if len(view) > 1 else view[:0]
