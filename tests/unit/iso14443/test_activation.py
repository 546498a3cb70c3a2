"""Answers to InListPassiveTarget, UM0701-02, 7.3.5. Cards: libnfc's list of type A cards; UIDs made up."""

from reader.errors import E_CARD_PROTOCOL
from reader.iso14443.activation import TYPE_A, targets
from testing import cases, h, raises

DESFIRE = "0344 20 07 04112233445566 067577810280"
CLASSIC = "0004 08 04 12675832"  # AN10609_3, table 2, first target


def test_none():
    assert targets(h("00")) == []


def test_a_card_with_iso14443_4():
    (target,) = targets(h("01 01" + DESFIRE))
    assert target.number == 1
    assert target.technology == TYPE_A
    assert target.uid == h("04112233445566")
    assert target.says == h("0344 20 067577810280")
    assert target.is_isodep


def test_a_card_without():
    (target,) = targets(h("01 01" + CLASSIC))
    assert (target.says, target.uid) == (h("0004 08"), h("12675832"))
    assert not target.is_isodep


def test_two():
    first, second = targets(h("02 01" + CLASSIC + "02" + DESFIRE))
    assert (first.number, second.number) == (1, 2)
    assert (first.is_isodep, second.is_isodep) == (False, True)


def test_triple_size():
    (target,) = targets(h("01 01 0804 00 0A 04112233445566778899"))
    assert target.uid == h("04112233445566778899")


@cases(
    "",
    "01",
    "01 01 0004 08",  # cut
    "01 01 0004 08 04 126758",
    "01 01 0344 20 07 04112233445566",  # no ATS
    "01 01 0344 20 07 04112233445566 0675778102",
    "01 01 0344 20 07 04112233445566 00",  # an ATS without TL
    "01 01 0344 20 07 04112233445566 0270",  # a malformed one
    "01 01" + CLASSIC + "00",  # more than it says
    "02 01" + CLASSIC,
    "01 01 4400 00 08 8804B6E400000000",  # a UID has 4, 7 or 10 bytes
    "01 01 0004 08 00",
    "01 01 0004 0C 04 12675832",  # cascade bit: not complete
    "01 01 0004 08 04 88675832",  # the first part of a longer one
)
def test_refuses(answer):
    with raises(E_CARD_PROTOCOL):
        targets(h(answer))
