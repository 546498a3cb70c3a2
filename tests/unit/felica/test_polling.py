"""Polling and its answer (JIS X 6319-4), as a PN532 reports it (UM0701-02, 7.3.5).

Vectors: nfcpy, tests/base_clf_pn53x.py (test_sense_ttf_target_found) and tests/test_tag_tt3.py (sensf_req, sensf_res).
"""

from reader.errors import E_CARD_PROTOCOL
from reader.felica.polling import answers, command
from testing import cases, h, raises, requirement

SAYS = "01 0102030405060708 F1F2F3F4F5F6F7F8 AABB"


@cases((0xFFFF, "00 FFFF 01 03"), (0x12FC, "00 12FC 01 03"))  # nfcpy, test_tag_tt3.py: 0012FC0103
@requirement("JIS X 6319-4", "Polling", "Polling names a system code, asks for the card's and gives it time slots.")
def test_command(system_code, expected):
    assert command(system_code) == h(expected)


def test_none():
    assert answers(h("00")) == []


@requirement("JIS X 6319-4", "Polling", "IDm, PMm and the system code of a card are understood.")
def test_a_card():
    (found,) = answers(h("01 01 14" + SAYS))
    assert found == (1, h("0102030405060708"), h("F1F2F3F4F5F6F7F8 AABB"))


def test_a_card_that_does_not_say_its_system_code():
    # nfcpy, test_tag_tt3.py
    (found,) = answers(h("01 01 12 01 01FE000000000000 FFFFFFFFFFFFFFFF"))
    assert found == (1, h("01FE000000000000"), h("FFFFFFFFFFFFFFFF"))


def test_two():
    first, second = answers(h("02 01 14" + SAYS + "02 12 01 0202030405060708 FFFFFFFFFFFFFFFF"))
    assert (first[0], second[0], second[1]) == (1, 2, h("0202030405060708"))


@cases(
    "",
    "01",
    "01 01",
    "01 01 14",
    "01 01 14 01 0102030405060708 F1F2F3F4F5F6F7F8 AA",  # cut
    "01 01 13 01 0102030405060708 F1F2F3F4F5F6F7F8 AA",  # neither without nor with a system code
    "01 01 14 03 0102030405060708 F1F2F3F4F5F6F7F8 AABB",  # another answer
    "01 01 00",
    "01 01 14" + SAYS + "00",  # more than it says
    "02 01 14" + SAYS,
)
def test_refuses(answer):
    with raises(E_CARD_PROTOCOL):
        answers(h(answer))
