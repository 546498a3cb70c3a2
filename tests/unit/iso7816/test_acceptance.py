"""EMV 4.4 Book 1, 8.3: which answers to reset a terminal accepts.

ATRs: openemv's emv-utils, tests/emv_atr_parse_test.c, and single bytes of them changed.
"""

from atrs import BASIC_T0, BASIC_T1, COMPLEX_T0, COMPLEX_T1, JAVA_CARD, with_check

from reader.errors import E_CARD_PROTOCOL
from reader.iso7816 import acceptance as rule
from reader.iso7816.acceptance import check
from reader.iso7816.atr import parse
from testing import cases, h, raises, requirement


def changed(text: str, at: int, value: int) -> bytes:
    """The ATR with another value of one byte, and the TCK that goes with it."""
    data = bytearray(h(text))
    data[at] = value
    return with_check(data[:-1])


def verdict(data, warm: bool = False) -> int:
    return check(parse(data), warm)


@requirement("Book 1", "8.3", "The basic answers to reset of T=0 and T=1 are accepted after either reset.")
@cases(BASIC_T0, BASIC_T1, COMPLEX_T0, COMPLEX_T1, "3F 60 00 00")
def test_accepted(text):
    assert verdict(h(text)) == rule.ACCEPTED
    assert verdict(h(text), True) == rule.ACCEPTED


def test_a_card_that_is_not_emv():
    # emv-utils: non_emv_atr. TB1 is missing; the warm reset shows its BWI
    assert verdict(h(JAVA_CARD)) == rule.TB1_VPP
    assert verdict(h(JAVA_CARD), True) == rule.TB3_BWI


@requirement("Book 1", "8.3.1", "TS other than 3B and 3F is rejected.")
@cases("3A", "23", "03", "00", "FF")
def test_ts(ts):
    with raises(E_CARD_PROTOCOL):
        parse(h(ts + "60 00 00"))


@requirement("Book 1", "8.3.2", "T0 of any value is accepted that agrees with the characters that follow.")
@cases("3B 20 00", "3B 60 00 00", "3B 70 11 00 00", "3B E0 00 00 00", "3B 6F 00 00" + 15 * "41")
def test_t0(text):
    assert verdict(h(text)) == rule.ACCEPTED


@requirement("Book 1", "8.3.3.1", "In specific mode TA1 11 to 13 is accepted and holds at once.")
@cases((0x11, 1), (0x12, 2), (0x13, 4))
def test_ta1_in_specific_mode(ta1, d):
    for text in (COMPLEX_T0, COMPLEX_T1):
        atr = parse(changed(text, 2, ta1))
        assert check(atr) == rule.ACCEPTED
        assert (atr.f_now, atr.d_now) == (372, d)


@requirement("Book 1", "8.3.3.1", "In specific mode TA1 outside 11 to 13 is rejected.")
@cases(0x10, 0x14, 0x18, 0x23, 0x94, 0x01, 0xFF)
def test_ta1_rejected(ta1):
    assert verdict(changed(COMPLEX_T0, 2, ta1)) == rule.TA1_RATE
    assert verdict(changed(COMPLEX_T1, 2, ta1)) == rule.TA1_RATE


@requirement("Book 1", "8.3.3.1", "In negotiable mode any TA1 is accepted, and F 372 and D 1 stay in use.")
@cases("11", "13", "18", "96", "FF", "00")
def test_ta1_in_negotiable_mode(ta1):
    atr = parse(h("3B 70" + ta1 + "00 00"))
    assert check(atr) == rule.ACCEPTED
    assert (atr.f_now, atr.d_now) == (372, 1)


@requirement("Book 1", "8.3.3.1", "Without TA1 F 372 and D 1 are used, in specific mode too.")
def test_ta1_absent():
    atr = parse(h("3B E0 00 00 10 00"))
    assert check(atr) == rule.ACCEPTED
    assert atr.specific
    assert (atr.f_now, atr.d_now) == (372, 1)


@requirement("Book 1", "8.3.3.2", "After a cold reset only TB1 00 is accepted.")
@cases("3B 40 00", "3B 00", "3B 60 25 00", "3B 60 01 00", "3B 60 FF 00")
def test_tb1_cold(text):
    assert verdict(h(text)) == rule.TB1_VPP


@requirement("Book 1", "8.3.3.2", "After a warm reset TB1 of any value, or none, is accepted.")
@cases("3B 40 00", "3B 00", "3B 60 25 00", "3B 60 01 00", "3B 60 FF 00")
def test_tb1_warm(text):
    assert verdict(h(text), True) == rule.ACCEPTED


@requirement("Book 1", "8.3.3.3", "TC1 of any value, or none, is accepted.")
@cases("00", "01", "FE", "FF", "")
def test_tc1(tc1):
    atr = parse(h(("3B 60 00" if tc1 else "3B 20 00") + tc1))
    assert check(atr) == rule.ACCEPTED
    assert atr.guard == int(tc1 or "0", 16)


@requirement("Book 1", "8.3.3.4", "TD1 may say T=0 or T=1; any other protocol is rejected.")
@cases(0x02, 0x03, 0x0E)
def test_td1(t):
    assert verdict(changed(COMPLEX_T0, 5, 0xD0 | t)) == rule.TD1_PROTOCOL
    assert verdict(changed(COMPLEX_T1, 5, 0x90 | t)) == rule.TD1_PROTOCOL
    assert verdict(changed(COMPLEX_T1, 5, 0x90 | t), True) == rule.TD1_PROTOCOL


@requirement("Book 1", "8.3.3.4", "Without TD1 the protocol is T=0.")
def test_td1_absent():
    atr = parse(h(BASIC_T0))
    assert check(atr) == rule.ACCEPTED
    assert atr.protocol == 0


@requirement("Book 1", "8.3.3.5", "TA2 is accepted where it names the protocol offered first and has bit 5 zero.")
@cases((COMPLEX_T0, 0x01), (COMPLEX_T0, 0x0F), (COMPLEX_T1, 0x00), (COMPLEX_T1, 0x0E))
def test_ta2_protocol(text, ta2):
    assert verdict(changed(text, 6, ta2)) == rule.TA2_PROTOCOL
    assert verdict(changed(text, 6, ta2 | 0x80)) == rule.TA2_PROTOCOL


@requirement("Book 1", "8.3.3.5", "TA2 with bit 5 set, which leaves the rate to the card's maker, is rejected.")
@cases((COMPLEX_T0, 0x10), (COMPLEX_T1, 0x11), (COMPLEX_T1, 0x91))
def test_ta2_implicit(text, ta2):
    assert verdict(changed(text, 6, ta2)) == rule.TA2_IMPLICIT


@requirement("Book 1", "8.3.3.6", "An answer to reset with TB2 is rejected.")
@cases("3B E0 00 00 20 00", "3B E0 00 00 20 25")
def test_tb2(text):
    assert verdict(h(text)) == rule.TB2_VPP
    assert verdict(h(text), True) == rule.TB2_VPP


@requirement(
    "Book 1", "8.3.3.7", "TC2 0A is accepted, 00 rejected, and any other value rejected that is not supported."
)
@cases((0x0A, rule.ACCEPTED), (0x00, rule.TC2_WI), (0x09, rule.TC2_WI), (0x0B, rule.TC2_WI), (0xFF, rule.TC2_WI))
def test_tc2(tc2, expected):
    assert verdict(changed(COMPLEX_T0, 7, tc2)) == expected
    assert verdict(h("3B E0 00 00 40") + bytes((tc2,))) == expected


@requirement("Book 1", "8.3.3.8", "After TD1 with T=1 TD2 must say T=1.")
@cases(0x00, 0x02, 0x0E, 0x0F)
def test_td2_after_t1(t):
    assert verdict(changed(COMPLEX_T1, 7, 0x70 | t)) == rule.TD2_PROTOCOL


@requirement("Book 1", "8.3.3.8", "After TD1 with T=0 TD2 may say T=1, T=14 or T=15, and nothing else.")
def test_td2_after_t0():
    # emv-utils: TD2 with T=0; without T=1 or T=15 there is no TCK
    assert verdict(h("3B F4 13 00 FF D0 00 0A 30 03 00 DE AD BE EF")) == rule.TD2_PROTOCOL
    for t in (0x02, 0x0D):
        assert verdict(changed(COMPLEX_T0, 8, 0x30 | t)) == rule.TD2_PROTOCOL
    assert verdict(changed(COMPLEX_T0, 8, 0x3E)) == rule.ACCEPTED
    assert verdict(with_check("3B E0 00 00 80 31 20 45")) == rule.ACCEPTED


@requirement("Book 1", "8.3.3.9", "TA3 of T=1 below 10 is rejected; without it IFSC is 32.")
def test_ta3():
    assert verdict(changed(BASIC_T1, 6, 0x0F)) == rule.TA3_IFSC
    assert verdict(changed(BASIC_T1, 6, 0x01)) == rule.TA3_IFSC
    for ta3 in (0x10, 0xFE):
        assert verdict(changed(BASIC_T1, 6, ta3)) == rule.ACCEPTED
    with raises(E_CARD_PROTOCOL):
        parse(changed(BASIC_T1, 6, 0xFF))
    atr = parse(with_check("3B E0 00 FF 81 21 45"))
    assert check(atr) == rule.ACCEPTED
    assert atr.ifsc == 32


@requirement("Book 1", "8.3.3.10", "An answer to reset that offers T=1 without TB3 is rejected.")
@cases("3B E0 00 FF 81 11 20", "3B E0 00 FF 01", "3B E0 00 FF 81 01")
def test_tb3_absent(text):
    assert verdict(with_check(text)) == rule.TB3_ABSENT


@requirement("Book 1", "8.3.3.10", "TB3 with BWI above 4 or CWI above 5 is rejected.")
@cases(
    (0x45, rule.ACCEPTED),
    (0x00, rule.ACCEPTED),
    (0x55, rule.TB3_BWI),
    (0x90, rule.TB3_BWI),
    (0x46, rule.TB3_CWI),
    (0x0F, rule.TB3_CWI),
)
def test_tb3(tb3, expected):
    assert verdict(changed(BASIC_T1, 7, tb3)) == expected


@requirement(
    "Book 1", "8.3.3.10", "With T=1 the character waiting time must exceed the guard time: 2 to the CWI above N + 1."
)
@cases(
    # TC1, CWI: N is -1 for TC1 FF
    (0xFF, 0, rule.ACCEPTED),
    (0x00, 0, rule.TB3_GUARD),
    (0x00, 1, rule.ACCEPTED),
    (0x01, 1, rule.TB3_GUARD),
    (0x1E, 5, rule.ACCEPTED),
    (0x1F, 5, rule.TB3_GUARD),
    (0xFE, 5, rule.TB3_GUARD),
)
def test_cwi_against_the_guard_time(tc1, cwi, expected):
    data = bytearray(h(BASIC_T1))
    data[3] = tc1
    data[7] = 0x40 | cwi
    assert verdict(with_check(data[:-1])) == expected


@requirement("Book 1", "8.3.3.11", "TC3 other than 00, which would ask for a CRC, is rejected.")
@cases((0x00, rule.ACCEPTED), (0x01, rule.TC3_CRC), (0x02, rule.TC3_CRC), (0xFF, rule.TC3_CRC))
def test_tc3(tc3, expected):
    assert verdict(changed(COMPLEX_T1, 10, tc3)) == expected


@requirement("Book 1", "8.3.4", "A wrong TCK is rejected.")
def test_tck():
    for text in (BASIC_T1, COMPLEX_T0, COMPLEX_T1):
        data = bytearray(h(text))
        data[-1] ^= 1
        with raises(E_CARD_PROTOCOL):
            parse(data)


@requirement("ISO 7816-3", "8.3", "TA of T=15 names the classes A, B and C, or two or all of them in a row.")
@cases((0x01, 0), (0x02, 0), (0x04, 0), (0x03, 0), (0x06, 0), (0xC7, 0), (0x08, 16), (0x05, 16), (0x00, 16))
def test_classes(ta3, expected):
    # emv-utils: class indicator 08 in the complex ATR
    assert verdict(changed(COMPLEX_T0, 9, ta3)) == expected
