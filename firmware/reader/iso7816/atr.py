"""Answer to reset (ISO/IEC 7816-3:2006, 8.2).

    TS  T0  [TA1] [TB1] [TC1] [TD1  [TA2] [TB2] [TC2] [TD2 ...]]  historical bytes  [TCK]

The left half of T0 and of each TDi says which of the next four bytes follow; the right half of T0 is the number of
historical bytes, that of TDi a protocol T.
"""

from micropython import const

from reader.errors import E_CARD_PROTOCOL, ReaderError

MAX_ATR = const(33)  # 8.2.1: TS and at most 32 characters more
DIRECT = const(0x3B)
INVERSE = const(0x3F)
TA = const(1)
TB = const(2)
TC = const(4)
TD = const(8)

_BITS = b"\x00\x01\x01\x02\x01\x02\x02\x03\x01\x02\x02\x03\x02\x03\x03\x04"  # how many are set in 0 to 15
# 8.3, tables 7 and 8; 0: reserved
_F = (372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024, 1536, 2048, 0, 0)
_D = b"\x00\x01\x02\x04\x08\x10\x20\x40\x0c\x14\x00\x00\x00\x00\x00\x00"
_GLOBAL = const(15)  # T=15 is no protocol: its interface bytes hold for all


def expected(data, n: int) -> int:
    """How long the whole ATR is at least, judged by its first `n` bytes: more than `n` until it is complete, then `n`.

    Reading on to that length never reads too much. Raises E_CARD_PROTOCOL when this cannot become an ATR.
    """
    if n and data[0] != DIRECT and data[0] != INVERSE:
        raise ReaderError(E_CARD_PROTOCOL)
    if n < 2:
        return 2
    t0 = data[1]
    end = 2
    present = t0 >> 4
    check = 0
    while True:
        end += _BITS[present]
        # 8.2.5: TCK is there unless T=0 is the one protocol
        total = end + (t0 & 0x0F) + check
        if total > MAX_ATR:
            raise ReaderError(E_CARD_PROTOCOL)
        if not present & TD:
            if n > total:
                raise ReaderError(E_CARD_PROTOCOL)
            return total
        if end > n:
            return total
        td = data[end - 1]
        present = td >> 4
        if td & 0x0F:
            check = 1


def interface(data, i: int, letter: int) -> int:
    """The interface byte TAi, TBi, TCi or TDi (`letter`: TA, TB, TC, TD) of a whole ATR; -1: absent."""
    at = 2
    present = data[1] >> 4
    while i > 1 and present & TD:
        at += _BITS[present]
        present = data[at - 1] >> 4
        i -= 1
    if i > 1 or not present & letter:
        return -1
    return data[at + _BITS[present & (letter - 1)]]


class Atr:
    """data: all of it (bytes); history: a view of the historical bytes; inverse: the convention (8.1).

    protocol: the T offered first; protocols: all that are offered, each once (bytes).
    f, d: what TA1 offers, 372 and 1 when it is absent or reserved. specific: TA2 is there, so the card speaks
    `protocol` at that rate without being asked; specific_implicit: at a rate that only the card's maker knows.
    f_now, d_now: the rate after the reset, which is f and d in specific mode, else 372 and 1 (6.3.1); who then
    negotiates another one by PPS writes it here before the protocol begins.
    guard: N of TC1. wi: of T=0. ifsc, bwi, cwi, crc: of T=1. clock_stop (0 no, 1 low, 2 high, 3 either) and
    class_ (bits 1, 2, 4: classes A, B, C) of T=15.
    """

    def __init__(self, data):
        """Raises E_CARD_PROTOCOL unless `data` is one whole ATR in logical values, TS 3B or 3F first."""
        raw = self.data = bytes(data)
        size = len(raw)
        if size < 2 or expected(raw, size) != size:
            raise ReaderError(E_CARD_PROTOCOL)
        self.inverse = raw[0] == INVERSE
        self._rate(interface(raw, 1, TA), interface(raw, 2, TA))
        self.guard = max(interface(raw, 1, TC), 0)
        self.wi = interface(raw, 2, TC)
        if self.wi < 0:
            self.wi = 10  # 10.2
        self.ifsc, self.bwi, self.cwi, self.crc = 32, 4, 13, False  # 11.4.2 to 11.4.4
        self.clock_stop, self.class_ = 0, 1  # 8.3
        if self._offers(raw):
            check = 0
            for at in range(1, size):
                check ^= raw[at]
            if check:  # 8.2.5: T0 to TCK make zero
                raise ReaderError(E_CARD_PROTOCOL)
            size -= 1
        self.history = memoryview(raw)[size - (raw[1] & 0x0F) : size]

    def _rate(self, ta1: int, ta2: int) -> None:
        self.f, self.d = 372, 1
        if ta1 >= 0 and _F[ta1 >> 4] and _D[ta1 & 0x0F]:
            self.f, self.d = _F[ta1 >> 4], _D[ta1 & 0x0F]
        self.specific = ta2 >= 0
        self.specific_implicit = ta2 >= 0 and bool(ta2 & 0x10)
        self.f_now, self.d_now = 372, 1
        if self.specific and not self.specific_implicit:
            self.f_now, self.d_now = self.f, self.d

    def _offers(self, raw) -> bool:
        """The protocols and what is specific to them. True: the ATR ends with TCK."""
        td = interface(raw, 1, TD)
        self.protocol = td & 0x0F if td >= 0 else 0
        if self.protocol == _GLOBAL:  # 8.2.3: not the first one
            raise ReaderError(E_CARD_PROTOCOL)
        offered = [self.protocol]
        seen = 0  # a bit for each T whose first interface bytes have been read
        i = 1
        check = False
        while td >= 0:
            t = td & 0x0F
            check = check or t != 0
            if t != _GLOBAL and t not in offered:
                offered.append(t)
            i += 1
            # 8.2.3: from TD2 on, the bytes after TDi belong to its T, and the first of their kind count
            if i > 2 and not seen & 1 << t:
                seen |= 1 << t
                if t == 1:
                    self._block_parameters(interface(raw, i, TA), interface(raw, i, TB), interface(raw, i, TC))
                elif t == _GLOBAL and interface(raw, i, TA) >= 0:
                    self.clock_stop = interface(raw, i, TA) >> 6
                    self.class_ = interface(raw, i, TA) & 0x3F
            td = interface(raw, i, TD)
        self.protocols = bytes(offered)
        return check

    def _block_parameters(self, ta: int, tb: int, tc: int) -> None:
        if ta >= 0:  # 11.4.2: 00 and FF are reserved
            if ta in (0x00, 0xFF):
                raise ReaderError(E_CARD_PROTOCOL)
            self.ifsc = ta
        if tb >= 0:  # 11.4.3: BWI 10 to 15 are reserved
            if tb >> 4 > 9:
                raise ReaderError(E_CARD_PROTOCOL)
            self.bwi = tb >> 4
            self.cwi = tb & 0x0F
        if tc >= 0:  # 11.4.4: bit 1; the others are reserved
            self.crc = bool(tc & 0x01)


def parse(data) -> Atr:
    """As Atr."""
    return Atr(data)
