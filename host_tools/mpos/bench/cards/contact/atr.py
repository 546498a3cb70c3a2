"""Answers to reset. ISO/IEC 7816-3, 8.2; EMV 4.4 Book 1, 8.3. Logical values: TS is 3B (direct) or 3F (inverse)."""

_HISTORICAL = b"MPOS"


def made(head: str, *, inverse: bool = False, history: bytes = _HISTORICAL) -> bytes:
    """`head`: T0 without the number of historical bytes, and the interface bytes, in hex; TCK where one belongs."""
    data = bytearray.fromhex(head)
    data[0] |= len(history)
    data += history
    if _offers_other_than_t0(bytes(data)):
        check = 0
        for byte in data:
            check ^= byte
        data.append(check)
    return (b"\x3f" if inverse else b"\x3b") + bytes(data)


def _offers_other_than_t0(data: bytes) -> bool:
    """Whether a TD names a protocol that is not T=0. ISO/IEC 7816-3, 8.2.5."""
    at, y = 0, data[0] >> 4
    while True:
        at += bin(y).count("1")
        if not y & 8:
            return False
        if data[at] & 0x0F:
            return True
        y = data[at] >> 4


# T=0: TB1 00 (no VPP), TC1 00. Book 1, table 15
T0 = made("60 00 00")
T0_INVERSE = made("60 00 00", inverse=True)
# T=0 with TA1 18 (F 372, D 12), negotiable: a PPS changes the speed
T0_PPS = made("70 18 00 00")
# T=0 in specific mode at TA1 13 (F 372, D 4): TA2 00, which leaves no choice
T0_SPECIFIC = made("F0 13 00 00 10 00")
# T=1: TD1 81, TD2 31, TA3 FE (IFSC 254), TB3 45 (BWI 4, CWI 5). Book 1, table 16
T1 = made("E0 00 00 81 31 FE 45")
# T=1 with the smallest blocks EMV allows: IFSC 16
T1_SHORT_BLOCKS = made("E0 00 00 81 31 10 45")
T1_INVERSE = made("E0 00 00 81 31 FE 45", inverse=True)
