"""The bench's card over T=0: ISO/IEC 7816-3, 10 and 12.2; EMV 4.4 Book 1, 9.3.1 and the exchanges of its Annex A."""

from __future__ import annotations

import pytest

from mpos.bench.icc import atr
from mpos.bench.icc.t0 import T0Options
from mpos.bench.icc_chip import IccChip
from mpos.bench.icc_faults import Fault
from tests.harness.requirements import requirement
from tests.host.icc.reader import EchoCard, Reader

ATR = atr.basic_t0()
SELECT = bytes.fromhex("00A4040007A0000003330101")
READ = bytes.fromhex("00B2010C")
FCI = bytes(range(1, 21))


def at(*answers: bytes | None, faults: tuple[Fault, ...] = (), **options: object) -> tuple[Reader, EchoCard]:
    card = EchoCard(ATR, answers=list(answers))
    reader = Reader(IccChip(card, t0=T0Options(**options)), *faults)  # type: ignore[arg-type]
    assert reader.activate() == ATR
    return reader, card


@requirement("ISO 7816-3", "12.2.2", "The bench's card takes a case 1 command as a header with P3 00.")
def test_case_1():
    reader, card = at(b"\x90\x00")
    assert reader.ask("8018000000") == "9000"  # APPLICATION UNBLOCK without data
    assert card.got == [bytes.fromhex("80180000")]


@requirement("Book 1", "Annex A", "The bench's card answers case 2 with Le 00 by 6Cxx, then sends the data (A2).")
def test_case_2_with_6c():
    reader, card = at(FCI + b"\x90\x00")
    assert reader.ask(READ + b"\x00") == "6C14"
    assert reader.send(READ + b"\x14") == b"\xb2" + FCI + b"\x90\x00"
    assert card.got == [READ + b"\x00"]  # once
    assert [each[:2] for each in reader.slot.trace] == [(">", READ + b"\x00"), ("<", FCI + b"\x90\x00")]


def test_case_2_whose_le_fits_at_once():
    reader, _ = at(bytes(8) + b"\x90\x00")
    assert reader.send("0084000008") == b"\x84" + bytes(8) + b"\x90\x00"


@pytest.mark.parametrize("le", [0x13, 0x15])
def test_case_2_with_another_le(le):
    reader, _ = at(FCI + b"\x90\x00")
    assert reader.ask(READ + bytes([le])) == "6C14"


def test_case_2_with_256_bytes():
    reader, _ = at(bytes(256) + b"\x90\x00")
    assert reader.send(READ + b"\x00") == b"\xb2" + bytes(256) + b"\x90\x00"


def test_case_2_without_data():
    reader, _ = at(b"\x6a\x83")
    assert reader.ask(READ + b"\x00") == "6A83"


@requirement("Book 1", "Annex A", "The bench's card answers case 2 by 61xx when it is made to (A5).")
def test_case_2_with_61_and_6c():
    reader, _ = at(FCI + b"\x90\x00", case_2="61", part=0x10)
    assert reader.ask(READ + b"\x00") == "6C14"
    assert reader.ask(READ + b"\x14") == "6110"
    assert reader.send("00C0000010") == b"\xc0" + FCI[:16] + b"\x61\x04"
    assert reader.send("00C0000004") == b"\xc0" + FCI[16:] + b"\x90\x00"


def test_a_command_between_6c_and_its_repetition_starts_afresh():
    reader, card = at(FCI + b"\x90\x00", b"\x90\x00")
    reader.send(READ + b"\x00")
    assert reader.ask("00B2020C00") == "9000"
    assert len(card.got) == 2


@requirement("Book 1", "Annex A", "The bench's card takes the data of case 3 after a procedure byte INS (A3).")
def test_case_3():
    reader, card = at(b"\x90\x00")
    assert reader.ask("0082000008") == "82"
    assert reader.ask("0102030405060708") == "9000"
    assert card.got == [bytes.fromhex("0082000008 0102030405060708")]


@requirement("ISO 7816-3", "10.3.3", "The bench's card asks for single data bytes by the complement of INS.")
def test_case_3_byte_by_byte():
    reader, card = at(b"\x90\x00", one_by_one=True)
    assert reader.ask("0082000003") == "7D"
    assert reader.ask("01") == "7D"
    assert reader.ask("02") == "7D"
    assert reader.ask("03") == "9000"
    assert card.got == [bytes.fromhex("0082000003010203")]


@requirement("Book 1", "Annex A", "The bench's card announces the data of case 4 by 61xx (A4).")
def test_case_4():
    reader, card = at(FCI + b"\x90\x00")
    assert reader.ask(SELECT[:5]) == "A4"
    assert reader.ask(SELECT[5:]) == "6114"
    assert reader.send("00C0000014") == b"\xc0" + FCI + b"\x90\x00"
    assert card.got == [SELECT + b"\x00"]


@requirement("Book 1", "Annex A", "The bench's card announces what is left of an answer by 61xx again (A6).")
def test_case_4_in_parts():
    reader, _ = at(FCI + b"\x90\x00", part=8)
    reader.send(SELECT[:5])
    assert reader.ask(SELECT[5:]) == "6108"
    assert reader.send("00C0000008") == b"\xc0" + FCI[:8] + b"\x61\x08"
    assert reader.send("00C0000008") == b"\xc0" + FCI[8:16] + b"\x61\x04"
    assert reader.send("00C0000004") == b"\xc0" + FCI[16:] + b"\x90\x00"
    assert reader.ask("00C0000004") == "6985"


@requirement("Book 1", "Annex A", "The bench's card gives a warning of case 4 first, 6Cxx and the data then (A7).")
def test_case_4_with_a_warning():
    reader, _ = at(FCI + b"\x62\x83")
    reader.send(SELECT[:5])
    assert reader.ask(SELECT[5:]) == "6283"
    assert reader.ask("00C0000000") == "6C14"
    assert reader.send("00C0000014") == b"\xc0" + FCI + b"\x90\x00"


def test_case_4_with_a_warning_at_the_end():
    reader, _ = at(FCI + b"\x62\x83", warning="61")
    reader.send(SELECT[:5])
    assert reader.ask(SELECT[5:]) == "6114"
    assert reader.send("00C0000014") == b"\xc0" + FCI + b"\x62\x83"


def test_case_4_without_data():
    reader, _ = at(b"\x6a\x82")
    reader.send(SELECT[:5])
    assert reader.ask(SELECT[5:]) == "6A82"


def test_case_4_with_256_bytes():
    reader, _ = at(bytes(256) + b"\x90\x00")
    reader.send(SELECT[:5])
    assert reader.ask(SELECT[5:]) == "6100"
    assert reader.send("00C0000000") == b"\xc0" + bytes(256) + b"\x90\x00"


def test_get_response_that_asks_too_much():
    reader, _ = at(FCI + b"\x90\x00")
    reader.send(SELECT[:5])
    reader.send(SELECT[5:])
    assert reader.ask("00C00000FF") == "6C14"


def test_get_response_that_asks_for_less():
    reader, _ = at(FCI + b"\x90\x00")
    reader.send(SELECT[:5])
    reader.send(SELECT[5:])
    assert reader.send("00C0000010") == b"\xc0" + FCI[:16] + b"\x61\x04"


@requirement("ISO 7816-3", "10.3.3", "The bench's card sends NULL before any procedure byte when it needs time.")
def test_nulls():
    reader, _ = at(FCI + b"\x90\x00", nulls=2)
    assert reader.ask(SELECT[:5]) == "6060A4"
    assert reader.ask(SELECT[5:]) == "60606114"
    assert reader.send("00C0000014") == b"\x60\x60\xc0" + FCI + b"\x90\x00"


@pytest.mark.parametrize("ins", [0x60, 0x6F, 0x90, 0x9A])
def test_an_ins_that_cannot_be(ins):
    reader, card = at()
    assert reader.ask(bytes([0, ins, 0, 0, 0])) == "6D00"  # 10.3.2
    assert card.got == []


def test_an_instruction_that_the_card_does_not_know_is_refused_at_its_header():
    reader, card = at(b"\x6d\x00")
    assert reader.ask("8050000008") == "6D00"
    assert card.got == [bytes.fromhex("80500000")]


@requirement("ISO 7816-3", "7.3", "The bench's card does not take a T=0 character whose parity is wrong.")
def test_wrong_parity_is_not_taken():
    reader, card = at(b"\x90\x00")
    reader.settings(parity=1)
    assert reader.ask("8018000000") == ""
    reader.settings(parity=0)
    assert reader.ask("8018000000") == "9000"
    assert len(card.got) == 1


def test_a_mute_application():
    reader, card = at(None)
    assert reader.ask("8018000000") == ""
    assert reader.ask("8018000000") == ""
    assert len(card.got) == 1
    reader.warm_reset()
    assert reader.ask("8018000000") != ""


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize("case_2", ["exact", "61"])
@pytest.mark.parametrize("nulls, part", [(0, 256), (1, 7)])
def test_whole_commands_however_the_card_puts_them(one_by_one, case_2, nulls, part):
    answers = [b"\x90\x00", FCI + b"\x90\x00", b"\x63\xc2", FCI + b"\x90\x00", FCI + b"\x62\x83", b"\x69\x85"]
    commands = [b"\x80\x16\x00\x00", READ + b"\x00", SELECT[:1] + b"\x20\x00\x80\x02\x12\x34", *[SELECT + b"\x00"] * 3]
    card = EchoCard(ATR, answers=list(answers))
    options = T0Options(nulls=nulls, one_by_one=one_by_one, case_2=case_2, part=part)
    reader = Reader(IccChip(card, t0=options))
    reader.activate()
    assert [reader.t0(command) for command in commands] == answers
    assert card.got == commands


# Misbehaviour


def test_endless_null():
    reader, _ = at(faults=(Fault("null", apdu=0),))
    assert reader.ask("8018000000") == ""
    for _ in range(3):
        reader.slot.tick()
        assert reader.take() == b"\x60"
    assert reader.ask("8018000000") == ""  # the card is busy
    reader.warm_reset()
    reader.slot.tick()
    assert reader.take() == b""


@pytest.mark.parametrize(
    "kind, heard",
    [("silence", ""), ("procedure", "AB"), ("short", ""), ("long", "A4A55A"), ("parity", "B4")],
)
def test_faults_of_a_sending(kind, heard):
    reader, _ = at(faults=(Fault(kind, block=0),))
    assert reader.ask(SELECT[:5]) == heard


def test_a_fault_of_t1_does_not_fit():
    reader, _ = at(faults=(Fault("bad-edc", block=0),))
    with pytest.raises(ValueError):
        reader.ask(SELECT[:5])


def test_faults_of_data():
    reader, _ = at(FCI + b"\x90\x00", faults=(Fault("short", block=2), Fault("silence", apdu=1)))
    reader.send(SELECT[:5])
    reader.send(SELECT[5:])
    assert reader.send("00C0000014") == b"\xc0" + FCI[:10]
    assert reader.ask("8018000000") == ""
