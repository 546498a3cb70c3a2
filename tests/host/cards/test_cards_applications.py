"""Cards with applications that are not for payment: points, NDEF, DESFire's commands; none of them has a payment system environment."""

from __future__ import annotations

import pytest

from mpos.bench.cards import CARDS, make_card
from mpos.bench.cards.memory import ENTRIES, MEMORY
from mpos.bench.cards.memory.applications import LOYALTY, DesfireCard, LoyaltyCard, TypeBCard
from mpos.bench.cards.registry import CONTACTLESS, names
from mpos.bench.field import modulation

SELECT_LOYALTY = "00A4040007F06D504F53000100"
SELECT_NDEF = "00A4040007D276000085010100"


def talk(card, *commands: str) -> list[str]:
    return [card.exchange(bytes.fromhex(command)).hex().upper() for command in commands]


def last(card, *commands: str) -> str:
    return talk(card, *commands)[-1]


def test_they_are_in_the_list_and_nobody_pays_with_one():
    assert len(ENTRIES) >= 13
    for entry in ENTRIES:
        assert CARDS[entry.name] is entry and entry.kind == MEMORY and entry.story.endswith(".")
        assert entry.name not in names(CONTACTLESS)
        (card,) = make_card(entry.name)
        assert modulation(card) in "ABF" and hasattr(card, "contents")
    assert {modulation(make_card(entry.name)[0]) for entry in ENTRIES} == {"A", "B", "F"}


@pytest.mark.parametrize("make", [LoyaltyCard, TypeBCard, DesfireCard])
def test_no_payment(make):
    card = make()
    assert last(card, "00A404000E325041592E5359532E444446303100") == "6A82"
    assert last(card, "00A4040008A00000033301010100") == "6A82"


@pytest.mark.parametrize("make, points", [(LoyaltyCard, 120), (TypeBCard, 35)])
def test_points(make, points):
    card = make()
    assert last(card, "80CA000104") == "6E00"  # nothing is selected
    assert last(card, SELECT_LOYALTY) == f"6F098407{LOYALTY.hex().upper()}9000"
    assert last(card, "80CA000104") == f"{points:08X}9000"
    assert last(card, "805400000400000005") == f"{points + 5:08X}9000"
    assert last(card, "805600000400000015") == f"{points + 5 - 0x15:08X}9000"
    assert last(card, "8056000004000003E8") == "6985"
    assert last(card, "8054000004FFFFFFFF") == "6985"
    assert last(card, "80CA000104") == f"{points + 5 - 0x15:08X}9000"
    assert talk(card, "80CA000204", "8054000003000005", "80B0000000", "00B0000000", "00") == [
        "6A86",
        "6700",
        "6D00",
        "6E00",
        "6700",
    ]
    card.power_on()
    assert last(card, "80CA000104") == "6E00"


def test_an_ndef_message():
    # NFC Forum Type 4 Tag Operation 2.0, 5.4: select application, capability container, file; read its length, then it
    message = bytes.fromhex("D1010D5504") + b"mpos.example"
    card = LoyaltyCard(message=message)
    assert last(card, SELECT_NDEF).endswith("9000")
    assert last(card, "00B000000F") == "6985"
    assert last(card, "00A4000C02E103", "00B000000F") == "000F20003B00340406E104003200009000"
    assert last(card, "00D60000020000") == "6985"
    assert last(card, "00A4000C02E104", "00B0000002") == f"{len(message):04X}9000"
    assert last(card, f"00B00002{len(message):02X}") == message.hex().upper() + "9000"
    assert last(card, "00D60000040002ABCD", "00B0000004") == "0002ABCD9000"
    assert last(card, "00B0003002") == "00009000"
    assert talk(card, "00B0003300", "00B0004002", "00D6003302ABCD", "00A4000C02E105", "00CA000000", "80B0000002") == [
        "006282",
        "6A86",
        "6985",
        "6A82",
        "6D00",
        "6E00",
    ]


def test_desfire():
    card = DesfireCard()
    version = talk(card, "9060000000", "90AF000000", "90AF000000")
    assert [part[-4:] for part in version] == ["91AF", "91AF", "9100"]
    assert bytes.fromhex(version[2])[:7] == card.uid
    assert last(card, "90AF000000") == "911C"
    assert last(card, "906A000000") == "4D504F9100"
    assert last(card, "90BD0000070100000000000000") == "911C"  # no application is selected
    assert last(card, "905A00000301020300") == "91A0"
    assert last(card, "905A0000034D504F00") == "9100"
    assert last(card, "903D00000901020000020000ABCD00") == "9100"
    assert last(card, "90BD0000070100000000000000") == "0000ABCD" + "00" * 28 + "9100"
    assert last(card, "90BD0000070102000002000000") == "ABCD9100"
    for command in ("90BD000007010000002100 0000", "903D0000090100 0000 030000ABCD00"):
        assert last(card, command) == "91BE"
    for command in (
        "90BD0000070300000000000000",
        "903D00000903020000020000ABCD00",
        "906C0000010300",
        "900C000001 0200",
    ):
        assert last(card, command) == "91F0"
    # a value changes with the commit only, and a selection forgets what was not committed
    assert last(card, "906C0000010200") == "320000009100"
    assert last(card, "900C000005020500000000", "906C0000010200") == "320000009100"
    assert last(card, "90DC000005020100000000", "90C7000000", "906C0000010200") == "360000009100"
    assert last(card, "900C000005020500000000", "905A0000034D504F00", "90C7000000", "906C0000010200") == "360000009100"
    assert last(card, "90DC000005023700000000") == "91BE"
    assert talk(card, "00B0000000", "90", "9060010000") == ["6E00", "6700", "6E00"]
    assert last(card, "905A00000300000000", "906C0000010200") == "911C"


@pytest.mark.parametrize("name, command", [("loyalty", "805400000400000005"), ("desfire", "90C7000000")])
def test_memory_is_kept(name, command):
    (card,) = make_card(name)
    talk(card, SELECT_LOYALTY, "905A0000034D504F00", "900C000005020500000000", command)
    (other,) = make_card(name)
    assert other.contents() != card.contents()
    other.restore(card.contents())
    assert other.contents() == card.contents()
