"""ATS of ISO/IEC 14443-4, 5.2.

Vectors: libnfc's list of type A cards (libnfc.org, documentation/hardware/tags/iso14443), with TL put in front where that
list leaves it out.
"""

from reader.errors import E_CARD_PROTOCOL
from reader.iso14443.ats import MAX_ATS, Ats
from testing import cases, h, raises


def test_desfire():
    ats = Ats(h("06 75 77 81 02 80"))
    assert ats.frame_size == 64
    assert not ats.same_rate_only
    assert ats.rates == 0x77
    assert (ats.waiting_time, ats.guard_time) == (8, 1)
    assert not ats.takes_nad
    assert ats.takes_cid
    assert bytes(ats.historical) == h("80")


def test_jcop31_v241():
    ats = Ats(h("0D 78 77 B1 02 4A 43 4F 50 76 32 34 31"))
    assert ats.frame_size == 256
    assert (ats.waiting_time, ats.guard_time) == (11, 1)
    assert ats.takes_cid
    assert bytes(ats.historical) == b"JCOPv241"


def test_jcop31_has_no_tc1():
    ats = Ats(h("0A 38 77 B1 4A 43 4F 50 33 31"))
    assert (ats.waiting_time, ats.guard_time) == (11, 1)
    assert ats.takes_cid and not ats.takes_nad
    assert bytes(ats.historical) == b"JCOP31"


@cases(
    ("01", 32),  # TL alone: FSCI 2
    ("02 00", 16),
    ("02 05", 64),
    ("02 08", 256),
    ("02 0F", 256),  # reserved values count as 8
    ("02 88", 256),  # bit 8 of T0 is reserved
)
def test_defaults(raw, frame_size):
    ats = Ats(h(raw))
    assert ats.frame_size == frame_size
    assert (ats.rates, ats.same_rate_only) == (0, False)
    assert (ats.waiting_time, ats.guard_time) == (4, 0)
    assert ats.takes_cid and not ats.takes_nad
    assert len(ats.historical) == 0


def test_reserved_times_mean_the_defaults():
    ats = Ats(h("03 20 FF"))
    assert (ats.waiting_time, ats.guard_time) == (4, 0)


def test_each_interface_byte_alone():
    assert Ats(h("03 10 91")).same_rate_only
    assert Ats(h("03 10 91")).rates == 0x11
    assert Ats(h("03 40 01")).takes_nad
    assert not Ats(h("03 40 01")).takes_cid


def test_the_longest():
    raw = bytes((MAX_ATS, 0x08)) + bytes(MAX_ATS - 2)
    assert len(Ats(raw).historical) == MAX_ATS - 2


@cases(
    "",
    "00",
    "02",  # counts more than there is
    "05 75 77 81 02 80",  # less
    "02 70",  # no interface bytes where T0 says three
    "04 70 77 81",  # two of three
    "FF 08" + 253 * "00",  # longer than a frame
)
def test_refuses(raw):
    with raises(E_CARD_PROTOCOL):
        Ats(h(raw))
