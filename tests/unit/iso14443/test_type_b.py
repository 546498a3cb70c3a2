"""ATQB and the answer to ATTRIB (ISO/IEC 14443-3, 7.9 and 7.10), and how a PN532 reports them (UM0701-02, 7.3.5).

Vectors: nfcpy, tests/base_clf_pn53x.py (test_sense_ttb_target_found) and tests/test_tag_tt4.py (a table of ATQBs with the
frame size and waiting time that each means).
"""

from reader.errors import E_CARD_PROTOCOL
from reader.iso14443.activation import TYPE_B
from reader.iso14443.type_b import Atqb, AttribAnswer, targets
from testing import cases, h, raises, requirement

ATQB = "50 E8253EEC 00000011 008185"


@requirement("ISO 14443-3", "7.9", "Every field of an ATQB is understood.")
def test_every_field():
    atqb = Atqb(h(ATQB))
    assert atqb.pupi == h("E8253EEC")
    assert (atqb.afi, atqb.aid_crc) == (0x00, h("0000"))
    assert (atqb.applications_here, atqb.applications) == (1, 1)
    assert (atqb.same_rate_only, atqb.rates) == (False, 0)
    assert (atqb.frame_size, atqb.is_isodep, atqb.min_tr2, atqb.waiting_time) == (256, True, 0, 8)
    assert (atqb.is_coded, atqb.takes_nad, atqb.takes_cid, atqb.guard_time) == (True, False, True, 0)


@cases(
    # nfcpy, test_tag_tt4.py: ATQB, frame size, FWI
    ("5030702A1C00000011000105", 16, 0),
    ("5030702A1C00000011001115", 24, 1),
    ("5030702A1C00000011002125", 32, 2),
    ("5030702A1C00000011003135", 40, 3),
    ("5030702A1C00000011004145", 48, 4),
    ("5030702A1C00000011005155", 64, 5),
    ("5030702A1C00000011006165", 96, 6),
    ("5030702A1C00000011007175", 128, 7),
    ("5030702A1C00000011008185", 256, 8),
    ("5030702A1C0000001100D1D5", 256, 13),  # a reserved frame size counts as 256
    ("5030702A1C0000001100F1F5", 256, 4),  # a reserved FWI as 4
)
def test_frame_size_and_waiting_time(atqb, frame_size, waiting_time):
    found = Atqb(h(atqb))
    assert (found.frame_size, found.waiting_time) == (frame_size, waiting_time)


@cases(
    # protocol info; same rate only, rates, ISO/IEC 14443-4, TR2, coded, NAD, CID
    ("008185", False, 0x00, True, 0, True, False, True),
    ("B38187", True, 0x33, True, 0, True, True, True),
    ("778780", False, 0x77, True, 3, False, False, False),
    ("FF8085", False, 0x00, False, 0, True, False, True),  # bit 4 of the rates is reserved: 106 kbit/s only
)
def test_protocol_info(info, same, rates, isodep, tr2, coded, nad, cid):
    found = Atqb(h("50E8253EEC 20123421" + info))
    assert (found.same_rate_only, found.rates, found.is_isodep, found.min_tr2) == (same, rates, isodep, tr2)
    assert (found.is_coded, found.takes_nad, found.takes_cid) == (coded, nad, cid)
    assert (found.afi, found.aid_crc, found.applications_here, found.applications) == (0x20, h("1234"), 2, 1)


@cases(("00", 0), ("70", 7), ("E0", 14), ("F0", 0))
def test_extended(last, guard_time):
    assert Atqb(h(ATQB + last)).guard_time == guard_time


@cases(
    "",
    "50",
    "50 E8253EEC 00000011 0081",  # cut
    "50 E8253EEC 00000011 008185 0000",  # longer than extended
    "51 E8253EEC 00000011 008185",
    "50 E8253EEC 00000011 008985",  # reserved protocol type
)
def test_atqb_refused(raw):
    with raises(E_CARD_PROTOCOL):
        Atqb(h(raw))


@cases(("00", 0, 0, ""), ("01", 1, 0, ""), ("10", 0, 256, ""), ("3E", 14, 1024, ""), ("00 9000", 0, 0, "9000"))
@requirement("ISO 14443-3", "7.10", "The answer to ATTRIB: MBLI, CID, higher layer response.")
def test_attrib_answer(raw, cid, size, response):
    answer = AttribAnswer(h(raw), 256)
    assert (answer.cid, answer.buffer_size, bytes(answer.response)) == (cid, size, h(response))


@cases("", "0F")
def test_attrib_answer_refused(raw):
    with raises(E_CARD_PROTOCOL):
        AttribAnswer(h(raw), 256)


def test_none():
    assert targets(h("00")) == []


def test_a_card():
    # nfcpy, test_sense_ttb_target_found
    (target,) = targets(h("01 01" + ATQB + "01 00"))
    assert (target.number, target.technology, target.uid, target.is_isodep) == (1, TYPE_B, h("E8253EEC"), True)
    assert target.says == h(ATQB)[1:]


def test_two():
    first, second = targets(h("02 01" + ATQB + "01 00 02 50 E8253EED 00000011 008085 00"))
    assert (first.number, second.number, second.uid) == (1, 2, h("E8253EED"))
    # One that does not speak ISO/IEC 14443-4 is not sent ATTRIB
    assert (first.is_isodep, second.is_isodep) == (True, False)


@cases(
    "",
    "01",
    "01 01" + ATQB,  # no answer to ATTRIB
    "01 01" + ATQB + "00",  # an empty one
    "01 01" + ATQB + "02 00",  # cut
    "01 01" + ATQB + "01 0F",
    "01 01" + ATQB + "01 00 00",  # more than it says
    "01 01 50 E8253EEC 00000011 008985 01 00",
    "02 01" + ATQB + "01 00",
)
def test_refuses(answer):
    with raises(E_CARD_PROTOCOL):
        targets(h(answer))
