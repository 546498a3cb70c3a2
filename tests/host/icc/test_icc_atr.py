"""The bench's cards answer to reset: ISO/IEC 7816-3, 8.2; EMV 4.4 Book 1, 8.3.

The ATRs of real cards are as many public lists of ATRs have them.
"""

from __future__ import annotations

import pytest

from mpos.bench.icc import atr
from mpos.bench.icc.atr import Interface
from mpos.bench.icc_chip import IccChip
from tests.harness.requirements import requirement
from tests.host.icc.reader import EchoCard, Reader

JCOP_V241 = bytes.fromhex("3BF81300008131FE454A434F5076323431B7")  # JCOP 2.4.1: TA1 13, T=1, IFSC 254
OPTELIO = bytes.fromhex("3B6E000080318066B0840C016E0183009000")  # T=0, 14 historical bytes
VIACCESS = bytes.fromhex("3F77180000C2EB41026C9000")  # inverse convention, TA1 18


def test_basic_atr_of_t0():
    # Book 1, table 15: TS, T0 with TB1 and TC1, both 00
    assert atr.basic_t0(b"\x31\x32").hex() == "3b6200003132"


def test_basic_atr_of_t1():
    # Book 1, table 16; TCK over all but TS
    built = atr.basic_t1(tc1=0x00, ifsc=0x20, bwi=4, cwi=5)
    assert built.hex() == "3be00000813120" + "45" + f"{0xE0 ^ 0x81 ^ 0x31 ^ 0x20 ^ 0x45:02x}"


def test_atr_of_a_real_card_from_its_parts():
    built = atr.assemble([Interface(0x13, 0x00, 0x00, t=1), Interface(t=1), Interface(0xFE, 0x45)], b"JCOPv241")
    assert built == JCOP_V241


def test_values_that_a_card_keeps():
    kept = atr.facts(JCOP_V241)
    assert (kept.ta1, kept.protocols, kept.ifsc, kept.crc, kept.specific, kept.inverse) == (
        0x13,
        [1],
        254,
        False,
        None,
        False,
    )
    assert atr.facts(OPTELIO).protocols == [0]
    kept = atr.facts(VIACCESS)
    assert (kept.ta1, kept.inverse, kept.protocols) == (0x18, True, [0])
    kept = atr.facts(atr.basic_t1(ta2=0x01, tc3=1))
    assert (kept.specific, kept.implicit, kept.crc) == (1, False, True)
    assert atr.facts(atr.basic_t0(ta2=0x10)).implicit
    both = atr.assemble([Interface(t=0), Interface(t=1), Interface(0x40, 0x45)])
    assert atr.facts(both).protocols == [0, 1]


@pytest.mark.parametrize("whole", [JCOP_V241, OPTELIO, VIACCESS, atr.basic_t0(), atr.basic_t1(b"x")])
def test_length(whole):
    assert atr.length(whole) == len(whole)
    for cut in range(1, len(whole)):
        assert atr.length(whole[:cut]) > cut or cut == 1


def test_impossible_atrs():
    with pytest.raises(ValueError):
        atr.basic_t0(bytes(16))
    with pytest.raises(ValueError):
        atr.assemble([Interface(t=1)])


def test_a_card_that_has_a_warm_atr_of_its_own():
    card = EchoCard(atr.basic_t0(b"cold"))
    card.warm_atr = atr.basic_t0(b"warm")  # type: ignore[attr-defined]
    assert IccChip(card).warm_atr == card.warm_atr  # type: ignore[attr-defined]
    assert IccChip(card, warm_atr=b"").warm_atr == b""
    assert IccChip(card, atr=b"").warm_atr == b""
    assert IccChip(EchoCard(card.atr)).warm_atr == card.atr


def test_convention_of_the_line():
    # 8.1: 3F is HHLLLLLL on the line, of which a UART of the direct convention makes 03
    assert atr.to_line(0x3F) == 0x03
    assert all(atr.to_line(atr.to_line(value)) == value for value in range(256))


@requirement("ISO 7816-3", "6.2.2", "The bench's card sends its ATR once RST has risen, and again after a warm reset.")
def test_cold_and_warm_reset():
    cold, warm = atr.basic_t0(b"cold"), atr.basic_t0(b"warm")
    card = EchoCard(cold)
    reader = Reader(IccChip(card, warm_atr=warm))
    assert reader.activate() == cold
    assert reader.warm_reset() == warm
    assert reader.warm_reset() == warm
    reader.deactivate()
    assert reader.activate() == cold
    reader.deactivate()
    assert card.resets == 4
    assert reader.slot.violations == []


@requirement(
    "ISO 7816-3", "8.1", "The bench's card of the inverse convention sends and takes inverted, mirrored bytes."
)
def test_inverse_convention():
    card = EchoCard(atr.basic_t0(b"hello", inverse=True), answers=[b"\x90\x00"])
    reader = Reader(card, inverse=True)
    assert reader.activate() == card.atr
    assert reader.ask("0020008001") == "20"
    assert reader.ask("55") == "9000"
    assert card.got == [bytes.fromhex("002000800155")]


def test_inverse_convention_as_a_direct_reader_sees_it():
    reader = Reader(EchoCard(atr.basic_t0(inverse=True)))
    assert reader.activate()[:2] == bytes([0x03, 0xF9])  # 3F, 60


# Rate: 7.1, 8.3


def test_at_another_rate_everything_is_damaged():
    card = EchoCard(atr.basic_t0())
    reader = Reader(card)
    reader.activate()
    reader.settings(2 * 9624)
    assert reader.ask("0020008000") == ""
    assert card.got == []
    reader.warm_reset()
    reader.settings(9624 * 1.02)  # two percent are no harm
    assert reader.ask("0020008000") == "9000"
    assert len(card.got) == 1


def test_the_atr_at_another_rate_is_damaged():
    reader = Reader(EchoCard(atr.basic_t0()))
    reader.activate()
    reader.deactivate()
    reader.slot.receive(0x01, b"\x00")
    reader.settings(115200)
    reader.slot.receive(0x02, b"\x01")
    heard = reader.take()
    assert len(heard) == 4 and heard != reader.slot.chip.atr


@requirement("ISO 7816-3", "8.3", "The bench's card in specific mode works at the rate of TA1 right after its ATR.")
def test_specific_mode():
    card = EchoCard(atr.basic_t0(ta1=0x13, ta2=0x00))
    reader = Reader(card)
    reader.activate()
    assert reader.slot.chip.protocol == 0
    assert reader.ask("0020008000") == ""  # at the old rate
    reader.warm_reset()
    reader.settings(4 * 3_580_000 / 372)
    assert reader.ask("0020008000") == "9000"
    assert card.got == [bytes.fromhex("00200080")]


def test_specific_mode_with_implicit_values_stays_at_the_default_rate():
    reader = Reader(EchoCard(atr.basic_t0(ta1=0x13, ta2=0x10)))
    reader.activate()
    assert reader.ask("0020008000") == "9000"


# PPS: 9

FAST = atr.basic_t0(ta1=0x13)
REQUEST = "FF1013FC"  # T=0, Fi 1, Di 3


@requirement("ISO 7816-3", "9.3", "The bench's card repeats a PPS request that it accepts, then works at the new rate.")
def test_pps_accepted():
    reader = Reader(EchoCard(FAST))
    reader.activate()
    assert reader.ask(REQUEST) == REQUEST
    reader.settings(4 * 3_580_000 / 372)
    assert reader.ask("0020008000") == "9000"
    reader.warm_reset()
    assert reader.ask("0020008000") == "9000"  # at the default rate again


def test_pps_for_another_protocol_of_the_atr():
    card = EchoCard(atr.assemble([Interface(t=0), Interface(t=1), Interface(0xFE, 0x45)]), 1)
    reader = Reader(card)
    reader.activate()
    assert reader.ask("FF01FE") == "FF01FE"
    assert reader.slot.chip.protocol == 1
    assert reader.t1(b"\x00\xb0\x00\x00\x00") == b"\x00\xb0\x00\x00\x00\x90\x00"


def test_pps_refused_by_leaving_out_pps1():
    reader = Reader(IccChip(EchoCard(FAST), pps="defaults"))
    reader.activate()
    assert reader.ask(REQUEST) == "FF00FF"
    assert reader.ask("0020008000") == "9000"


@pytest.mark.parametrize(
    "request_, why",
    [("FF1013FD", "a wrong PCK"), ("FF01FE", "a protocol that the ATR does not offer"), ("FF1013", "not whole")],
)
def test_pps_without_an_answer(request_, why):
    reader = Reader(EchoCard(FAST))
    reader.activate()
    assert reader.ask(request_) == ""


def test_pps_with_pps2_and_pps3_is_answered_without_them():
    reader = Reader(EchoCard(FAST))
    reader.activate()
    assert reader.ask("FF70130102" + f"{0xFF ^ 0x70 ^ 0x13 ^ 0x01 ^ 0x02:02X}") == REQUEST


def test_pps_beyond_ta1_gets_the_defaults():
    reader = Reader(EchoCard(FAST))
    reader.activate()
    assert reader.ask("FF1018F7") == "FF00FF"


@pytest.mark.parametrize("kind, answer", [("silent", ""), ("garbage", "FF1013FD"), ("other-protocol", "FF1113FD")])
def test_pps_gone_wrong(kind, answer):
    reader = Reader(IccChip(EchoCard(FAST), pps=kind))
    reader.activate()
    assert reader.ask(REQUEST) == answer


def test_pps_kinds_are_checked():
    with pytest.raises(ValueError):
        IccChip(EchoCard(FAST), pps="maybe")


# Without power


def test_a_card_without_power_or_in_reset_says_nothing():
    chip = IccChip(EchoCard(atr.basic_t0()))
    said: list[int] = []
    chip.output = said.append
    chip.reset(True)
    chip.receive(0x00)
    assert said == []
    chip.power(True)
    chip.receive(0x00)
    assert said == []
    chip.reset(True)
    assert bytes(said) == atr.basic_t0()
    chip.reset(True)  # it is high already
    assert bytes(said) == atr.basic_t0()
