"""ISO/IEC 7816-3, 8: the answer to reset.

Vectors: openemv's emv-utils, tests/emv_atr_parse_test.c (atrs.py), and variants of them.
"""

from atrs import BASIC_T0, BASIC_T1, COMPLEX_T0, COMPLEX_T1, JAVA_CARD, with_check

from reader.errors import E_CARD_PROTOCOL
from reader.iso7816.atr import MAX_ATR, TA, TB, TC, TD, expected, interface, parse
from testing import cases, h, raises, requirement


def read_as_a_driver_does(data) -> int:
    """How many characters are read of a stream that begins with this ATR."""
    have = 0
    while True:
        wanted = expected(data, have)
        assert wanted >= have
        if wanted == have:
            return have
        assert wanted <= len(data)
        have = wanted


@requirement("ISO 7816-3", "8.1", "TS 3B sets the direct convention, TS 3F the inverse one.")
def test_conventions():
    assert not parse(h(BASIC_T0)).inverse
    assert parse(h("3F 60 00 00")).inverse


@requirement("ISO 7816-3", "8.2.2", "T0 says which of TA1 to TD1 follow and how many historical bytes there are.")
def test_t0_alone():
    atr = parse(h("3B 00"))
    assert (atr.f, atr.d, atr.guard, atr.protocol, bytes(atr.history)) == (372, 1, 0, 0, b"")
    assert interface(atr.data, 1, TA) == interface(atr.data, 1, TD) == interface(atr.data, 2, TA) == -1
    atr = parse(h("3B 65 00 FF 01 02 03 04 05"))
    assert bytes(atr.history) == h("01 02 03 04 05")
    assert atr.guard == 255


@requirement(
    "ISO 7816-3", "8.2.3", "Each TDi says which of the next four interface bytes follow, until one says that none do."
)
def test_a_chain_of_interface_bytes():
    raw = h(COMPLEX_T0)
    assert [interface(raw, 1, x) for x in (TA, TB, TC, TD)] == [0x13, 0x00, 0xFF, 0xD0]
    assert [interface(raw, 2, x) for x in (TA, TB, TC, TD)] == [0x00, -1, 0x0A, 0x3F]
    assert [interface(raw, 3, x) for x in (TA, TB, TC, TD)] == [0x03, 0x00, -1, -1]
    assert [interface(raw, 4, x) for x in (TA, TB, TC, TD)] == [-1, -1, -1, -1]


def test_t0_with_global_bytes():
    atr = parse(h(COMPLEX_T0))
    assert (atr.protocol, atr.protocols) == (0, b"\x00")
    assert (atr.f, atr.d) == (372, 4)
    assert atr.specific and not atr.specific_implicit
    assert (atr.f_now, atr.d_now) == (372, 4)
    assert atr.wi == 10
    assert (atr.clock_stop, atr.class_) == (0, 3)
    assert bytes(atr.history) == h("DE AD BE EF")
    assert atr.data == h(COMPLEX_T0)


def test_t1():
    atr = parse(h(COMPLEX_T1))
    assert (atr.protocol, atr.protocols) == (1, b"\x01")
    assert (atr.ifsc, atr.bwi, atr.cwi, atr.crc) == (0x7C, 4, 1, False)
    assert atr.specific
    assert bytes(atr.history) == h("DE AD BE EF")


def test_a_java_card():
    atr = parse(h(JAVA_CARD))
    assert (atr.f, atr.d, atr.guard) == (372, 12, 255)
    assert not atr.specific
    assert (atr.protocol, atr.ifsc, atr.bwi, atr.cwi) == (1, 254, 7, 5)
    assert (atr.clock_stop, atr.class_) == (0, 3)
    assert bytes(atr.history) == h("00 31 F5 73 C7 8A 40 00 90 00")


@requirement("ISO 7816-3", "8.3", "In negotiable mode the card goes on at F 372 and D 1, whatever TA1 offers.")
def test_negotiable_mode():
    atr = parse(h("3B 70 18 00 00"))
    assert (atr.f, atr.d) == (372, 12)
    assert (atr.f_now, atr.d_now) == (372, 1)


@requirement(
    "ISO 7816-3", "6.3.1", "TA2 puts the card into specific mode: F and D of TA1 hold at once, unless bit 5 is set."
)
@cases(("00", True, False, 4), ("10", True, True, 1), ("01", True, False, 4))
def test_specific_mode(ta2, specific, implicit, d_now):
    # TD1 says T=0 and TA2
    atr = parse(h("3B F0 13 00 00 10" + ta2))
    assert (atr.specific, atr.specific_implicit) == (specific, implicit)
    assert (atr.f_now, atr.d_now) == (372, d_now)


@requirement("ISO 7816-3", "8.3", "TA1 codes F by its left half and D by its right half.")
@cases(
    # tables 7 and 8
    ("01", 372, 1),
    ("12", 372, 2),
    ("25", 558, 16),
    ("37", 744, 64),
    ("48", 1116, 12),
    ("59", 1488, 20),
    ("61", 1860, 1),
    ("94", 512, 8),
    ("A6", 768, 32),
    ("B1", 1024, 1),
    ("C2", 1536, 2),
    ("D3", 2048, 4),
)
def test_rates(ta1, f, d):
    atr = parse(h("3B 10" + ta1))
    assert (atr.f, atr.d) == (f, d)


@cases("71", "81", "E1", "F1", "10", "1A", "1F")
def test_reserved_rates_count_as_none(ta1):
    atr = parse(h("3B 10" + ta1))
    assert (atr.f, atr.d) == (372, 1)


@requirement(
    "ISO 7816-3",
    "8.2.3",
    "Without TD1 the one protocol is T=0, and T=1 has the parameters IFSC 32, BWI 4, CWI 13 and LRC.",
)
def test_defaults():
    atr = parse(h("3B 00"))
    assert (atr.protocol, atr.protocols) == (0, b"\x00")
    atr = parse(with_check("3B 80 01"))
    assert atr.protocol == 1
    assert (atr.ifsc, atr.bwi, atr.cwi, atr.crc) == (32, 4, 13, False)
    assert (atr.wi, atr.clock_stop, atr.class_) == (10, 0, 1)


@requirement("ISO 7816-3", "8.2.3", "The protocol named by TD1 is the first offer; each further one is named by a TD.")
@cases(
    ("3B 80 80 01", 0, b"\x00\x01"),  # T=0 and T=1
    ("3B 80 81 31 20 45", 1, b"\x01"),  # T=1 twice
    ("3B 80 81 80 0E", 1, b"\x01\x00\x0e"),
    ("3B 80 80 1F 03", 0, b"\x00"),  # T=15 is no protocol
)
def test_offers(text, first, offered):
    atr = parse(with_check(text))
    assert (atr.protocol, atr.protocols) == (first, offered)


@requirement(
    "ISO 7816-3",
    "11.4",
    "The first TA, TB and TC after a TD from TD2 on that says T=1 are IFSC, BWI with CWI, and the EDC.",
)
def test_the_first_bytes_of_t1_count():
    # TD1 T=1 (TA2 none), TD2 T=1 with TA3 TB3 TC3 TD3, TD3 T=1 with TA4
    atr = parse(with_check("3B 80 81 F1 40 23 01 11 50"))
    assert (atr.ifsc, atr.bwi, atr.cwi, atr.crc) == (0x40, 2, 3, True)
    # T=15 between them
    atr = parse(with_check("3B 80 80 9F C7 71 FE 05 00"))
    assert (atr.ifsc, atr.bwi, atr.cwi, atr.crc) == (0xFE, 0, 5, False)
    assert (atr.clock_stop, atr.class_) == (3, 7)


def test_the_first_bytes_of_t15_count():
    atr = parse(with_check("3B 80 80 9F 43 1F 81"))
    assert (atr.clock_stop, atr.class_) == (1, 3)
    atr = parse(with_check("3B 80 80 2F 00"))  # TB of T=15 (SPU) alone
    assert (atr.clock_stop, atr.class_) == (0, 1)


def test_wi_of_t0():
    assert parse(h("3B 80 40 0A")).wi == 10
    assert parse(h("3B 80 40 FF")).wi == 255
    assert parse(h("3B 80 40 00")).wi == 0  # reserved; 8.3.3.7 of EMV rejects it


@requirement("ISO 7816-3", "8.2.5", "TCK is absent where T=0 is the one protocol, and there otherwise.")
def test_the_check_character_is_there_or_not():
    assert read_as_a_driver_does(h(BASIC_T0)) == 4
    for text in ("3B 80 01", "3B 80 80 1F 03", "3B 80 80 01"):
        assert parse(with_check(text)).data == with_check(text)
        with raises(E_CARD_PROTOCOL):
            parse(h(text))
    with raises(E_CARD_PROTOCOL):
        parse(with_check("3B 60 00 00"))


@requirement("ISO 7816-3", "8.2.5", "The exclusive-or of T0 to TCK is zero.")
@cases(*(range(1, 9)))
def test_each_byte_is_checked(at):
    raw = bytearray(h(BASIC_T1))
    parse(raw)
    raw[at] ^= 0x02 if at in (1, 4, 5) else 0x01  # bits that leave the length alone
    with raises(E_CARD_PROTOCOL):
        parse(raw)


@requirement("ISO 7816-3", "8.2.1", "How long an answer to reset is follows from its own bytes while they arrive.")
@cases(BASIC_T0, BASIC_T1, COMPLEX_T0, COMPLEX_T1, JAVA_CARD, "3B 00", "3F 10 11")
def test_read_from_a_stream(text):
    data = h(text)
    # What comes after it is not waited for
    assert read_as_a_driver_does(data + b"\x00\x00\x00") == len(data)
    assert expected(data, len(data)) == len(data)
    # Less than the whole wants more
    for n in range(len(data)):
        assert expected(data, n) > n


@requirement("ISO 7816-3", "8.2.1", "After TS come 32 characters at most.")
def test_the_longest():
    # TA1 to TC1, then six more groups of TAi, TBi, TCi, TDi, and the rest historical bytes: 33 with TCK
    text = "3B F0 11 00 00 F1" + 5 * " 20 00 00 F1" + " 20 00 00 01"
    data = with_check(text)
    assert len(data) == 31
    assert len(parse(data).data) == 31
    data = bytearray(h(text + "41 42"))
    data[1] |= 2
    assert len(parse(with_check(data)).data) == MAX_ATR
    data = bytearray(h(text + "41 42 43"))
    data[1] |= 3
    with raises(E_CARD_PROTOCOL):
        parse(with_check(data))


def test_interface_bytes_without_end():
    data = h("3B F1") + 40 * b"\xf1"
    with raises(E_CARD_PROTOCOL):
        read_as_a_driver_does(data)
    with raises(E_CARD_PROTOCOL):
        parse(data)


@cases(
    "",
    "3B",
    "3B 60 00",  # TC1 is missing
    "3B 62 00 00 41",  # a historical byte is missing
    "3B 60 00 00 00",  # one too many
    "00 60 00 00",
    "03 60 00 00",  # inverse convention that nobody inverted
    "FF 60 00 00",
    "3B 80 1F 03 9C",  # T=15 cannot come first
    "3B 80 0F 8F",
)
def test_refuses(text):
    with raises(E_CARD_PROTOCOL):
        parse(h(text))
    if h(text)[:1] not in (b"", b"\x3b"):
        with raises(E_CARD_PROTOCOL):
            expected(h(text), 1)


@requirement("ISO 7816-3", "11.4.2", "IFSC 00 and FF are reserved.")
@cases("00", "FF")
def test_reserved_ifsc(ta3):
    with raises(E_CARD_PROTOCOL):
        parse(with_check("3B 80 81 11" + ta3))


@requirement("ISO 7816-3", "11.4.3", "BWI is 0 to 9.")
def test_reserved_bwi():
    assert parse(with_check("3B 80 81 21 9F")).bwi == 9
    with raises(E_CARD_PROTOCOL):
        parse(with_check("3B 80 81 21 A0"))
