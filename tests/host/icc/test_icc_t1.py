"""The bench's card over T=1: ISO/IEC 7816-3, 11; EMV 4.4 Book 1, 9.2.4 and 9.2.5.

The conversations follow the scenarios of ISO/IEC 7816-3, Annex A, and are written in its way: I(N(S),M), R(N(R)), S(...).
A word before a block says what happened to it on the way.
"""

from __future__ import annotations

import re

import pytest

from mpos.bench.icc import atr, blocks
from mpos.bench.icc.t1 import T1Options
from mpos.bench.icc_chip import QUIET_TICKS, IccChip
from mpos.bench.icc_faults import Fault
from tests.harness.requirements import requirement
from tests.host.icc.reader import EchoCard, Reader

S_BLOCKS = {"RESYNCH": 0xC0, "IFS": 0xC1, "ABORT": 0xC2, "WTX": 0xC3}
LONG = bytes(range(1, 61))


def block(text: str, crc: bool = False) -> bytes:
    """I(0,0) with optional data in hex after it; R(1), R(1) edc, R(1) other; S(WTX request) 01."""
    name, inside, rest = re.fullmatch(r"(\w)\(([^)]*)\) ?(.*)", text).groups()  # type: ignore[union-attr]
    if name == "I":
        return blocks.i_block(int(inside[0]), bytes.fromhex(rest), more=inside[2] == "1", crc=crc)
    if name == "R":
        return blocks.r_block(int(inside), {"": 0, "edc": 1, "other": 2}[rest], crc=crc)
    kind, way = inside.split()
    return blocks.build(S_BLOCKS[kind] | (0x20 if way == "response" else 0), bytes.fromhex(rest), crc=crc)


def card(
    *answers: bytes | None, faults: tuple[Fault, ...] = (), crc: bool = False, ifsc: int = 254, **options
) -> Reader:
    target = EchoCard(atr.basic_t1(ifsc=ifsc, tc3=1 if crc else None), 1, list(answers) or [b"\x90\x00"] * 9)
    reader = Reader(IccChip(target, t1=T1Options(**options)), *faults)
    assert reader.activate() == target.atr
    reader.target = target  # type: ignore[attr-defined]
    return reader


def play(reader: Reader, conversation: str, crc: bool = False) -> None:
    """Each line: what the reader sends, and what comes back. `damaged` before the former spoils its EDC; `nothing`."""
    for line in conversation.strip().splitlines():
        sent, expected = (part.strip() for part in line.split("->"))
        data = block(sent.removeprefix("damaged "), crc)
        if sent.startswith("damaged "):
            data = data[:-1] + bytes([data[-1] ^ 0x80])
        came = reader.send(data)
        wanted = b"" if expected == "nothing" else block(expected.removeprefix("damaged "), crc)
        if expected.startswith("damaged "):
            wanted = wanted[:-1] + bytes([wanted[-1] ^ 0x01])
        assert came.hex() == wanted.hex(), line


# Without errors


@requirement("ISO 7816-3", "11.6.2", "The bench's card counts N(S) of its own I-blocks from 0, modulo 2.")
def test_exchange_of_i_blocks():
    reader = card()
    play(
        reader,
        """
        I(0,0) 8418000000 -> I(0,0) 9000
        I(1,0) 8418000000 -> I(1,0) 9000
        I(0,0) 8418000000 -> I(0,0) 9000
        """,
    )
    assert len(reader.target.got) == 3


@requirement(
    "ISO 7816-3", "11.6.2", "The bench's card asks for more time by S(WTX request) and answers once it has it."
)
def test_waiting_time_extension():
    play(
        card(wtx=(2, 5)),
        """
        I(0,0) 00B0 -> S(WTX request) 02
        S(WTX response) 02 -> S(WTX request) 05
        S(WTX response) 05 -> I(0,0) 9000
        I(1,0) 00B0 -> S(WTX request) 02
        S(WTX response) 02 -> S(WTX request) 05
        S(WTX response) 05 -> I(1,0) 9000
        """,
    )


@requirement("ISO 7816-3", "11.6.2", "The bench's card takes the reader's IFSD and keeps its own blocks within it.")
def test_ifsd_by_the_reader():
    play(
        card(LONG + b"\x90\x00", LONG + b"\x90\x00"),
        f"""
        I(0,0) 00B0 -> I(0,1) {LONG[:32].hex()}
        R(1) -> I(1,0) {LONG[32:].hex()}9000
        S(IFS request) FE -> S(IFS response) FE
        I(1,0) 00B0 -> I(0,0) {LONG.hex()}9000
        """,
    )


@pytest.mark.parametrize("inf", ["00", "FF", "", "2020"])
def test_an_ifsd_that_is_reserved(inf):
    play(card(), f"S(IFS request) {inf} -> R(0) other")


def test_ifsc_by_the_card():
    reader = card(b"\x90\x00", b"\x90\x00", ifsc=16, ifs=40)
    play(
        reader,
        f"""
        I(0,0) {bytes(17).hex()} -> R(0) other
        I(0,0) {bytes(16).hex()} -> S(IFS request) 28
        S(IFS response) 28 -> I(0,0) 9000
        I(1,0) {bytes(40).hex()} -> I(1,0) 9000
        """,
    )


@requirement("ISO 7816-3", "11.6.2", "The bench's card acknowledges each block of a chain but the last by an R-block.")
def test_chaining_by_the_reader():
    reader = card()
    play(
        reader,
        """
        I(0,1) 0082000004 -> R(1)
        I(1,1) 0102 -> R(0)
        I(0,0) 0304 -> I(0,0) 9000
        I(1,0) 8418000000 -> I(1,0) 9000
        """,
    )
    assert reader.target.got[0] == bytes.fromhex("008200000401020304")


def test_chaining_by_the_card():
    play(
        card(LONG[:10], b"\x90\x00", part=4),
        f"""
        I(0,0) 00B0 -> I(0,1) {LONG[:4].hex()}
        R(1) -> I(1,1) {LONG[4:8].hex()}
        R(0) -> I(0,0) {LONG[8:10].hex()}
        I(1,0) 00B0 -> I(1,0) 9000
        """,
    )


def test_chaining_in_both_directions():
    play(
        card(LONG[:6], b"\x90\x00", part=4),
        f"""
        I(0,1) 00B0 -> R(1)
        I(1,0) 0000 -> I(0,1) {LONG[:4].hex()}
        R(1) -> I(1,0) {LONG[4:6].hex()}
        I(0,0) 00B0 -> I(0,0) 9000
        """,
    )


def test_an_answer_that_fills_its_block():
    whole = LONG[:30] + b"\x90\x00"
    play(card(whole), f"I(0,0) 00B0 -> I(0,0) {whole.hex()}")


# The reader's blocks are damaged


@requirement("ISO 7816-3", "11.6.3.2", "The bench's card asks for a damaged I-block again by an R-block (rule 7.1).")
def test_damaged_i_block():
    reader = card()
    play(
        reader,
        """
        damaged I(0,0) 00B0 -> R(0) edc
        I(0,0) 00B0 -> I(0,0) 9000
        damaged I(1,0) 00B1 -> R(1) edc
        I(1,0) 00B1 -> I(1,0) 9000
        """,
    )
    assert reader.target.got == [b"\x00\xb0", b"\x00\xb1"]


def test_damaged_i_block_in_a_chain():
    play(
        card(),
        """
        I(0,1) 00 -> R(1)
        damaged I(1,1) B0 -> R(1) edc
        I(1,1) B0 -> R(0)
        I(0,0) 00 -> I(0,0) 9000
        """,
    )


def test_the_r_block_about_it_is_damaged_too():
    play(
        card(faults=(Fault("bad-edc", block=0),)),
        """
        damaged I(0,0) 00B0 -> damaged R(0) edc
        R(0) edc -> R(0) edc
        I(0,0) 00B0 -> I(0,0) 9000
        """,
    )


def test_wrong_parity_is_a_damaged_block():
    reader = card()
    first = reader.slot.characters
    reader.slot.faults.rules.append(Fault("parity", character=first + 2))
    play(reader, "I(0,0) 00B0 -> nothing")  # LEN: the card waits for more
    reader = card()
    reader.slot.faults.rules.append(Fault("parity", character=first + 4))
    play(reader, "I(0,0) 00B0 -> R(0) edc\nI(0,0) 00B0 -> I(0,0) 9000")


def test_a_block_that_stops():
    reader = card()
    assert reader.send(block("I(0,0) 00B0")[:4]) == b""
    for _ in range(QUIET_TICKS - 1):
        reader.slot.tick()
    assert reader.take() == b""
    reader.slot.tick()
    assert reader.take() == block("R(0) other")
    for _ in range(2 * QUIET_TICKS):
        reader.slot.tick()
    assert reader.take() == b""
    play(reader, "I(0,0) 00B0 -> I(0,0) 9000")


@requirement("ISO 7816-3", "11.6.3.2", "The bench's card says no more than three times that a block is invalid.")
def test_patience():
    play(
        card(),
        """
        damaged I(0,0) 00B0 -> R(0) edc
        damaged I(0,0) 00B0 -> R(0) edc
        damaged I(0,0) 00B0 -> R(0) edc
        damaged I(0,0) 00B0 -> nothing
        I(0,0) 00B0 -> I(0,0) 9000
        damaged I(1,0) 00B0 -> R(1) edc
        """,
    )


@pytest.mark.parametrize(
    "data, why",
    [
        (blocks.build(0x00, b"\x00\xb0", nad=0x21), "a NAD that was not agreed"),
        (blocks.build(0x01, b"\x00\xb0"), "an I-block with a reserved bit"),
        (blocks.build(0x40, b"\x00\xb0"), "an I-block out of sequence"),
        (blocks.build(0x83), "an R-block with a reserved error"),
        (blocks.build(0xA0), "an R-block with a reserved bit"),
        (blocks.build(0x80, b"\x00"), "an R-block with data"),
        (blocks.build(0x90), "an R-block about an I-block that never was"),
        (blocks.build(0x80), "an R-block about nothing"),
        (blocks.build(0xC5), "an unknown S-block"),
        (blocks.build(0xC3, b"\x01"), "S(WTX request) of a reader"),
        (blocks.build(0xE3, b"\x01"), "S(WTX response) that was not asked for"),
        (blocks.build(0xC0, b"\x00"), "S(RESYNCH request) with data"),
        (blocks.build(0xC2, b"\x00"), "S(ABORT request) with data"),
    ],
)
def test_invalid_blocks(data, why):
    reader = card()
    assert reader.send(data) == block("R(0) other")
    play(reader, "I(0,0) 00B0 -> I(0,0) 9000")


@pytest.mark.parametrize(
    "data", [blocks.build(0x83), blocks.build(0xA0), blocks.build(0x84), blocks.build(0x81, b"\x00")]
)
def test_what_is_no_r_block_does_not_ask_for_an_answer_again(data):
    reader = card()
    play(reader, "I(0,0) 00B0 -> I(0,0) 9000")
    assert reader.send(data) == block("R(1) other")
    play(reader, "R(0) edc -> I(0,0) 9000")


def test_len_255():
    reader = card()
    body = bytes([0, 0, 255]) + bytes(255)
    assert reader.send(body + blocks.edc(body)) == block("R(0) other")


# The card's blocks are damaged


@requirement("ISO 7816-3", "11.6.3.2", "The bench's card repeats its I-block when an R-block asks for it (rule 7.2).")
def test_the_answer_is_asked_for_again():
    reader = card(faults=(Fault("bad-edc", block=0, times=2),))
    play(
        reader,
        """
        I(0,0) 00B0 -> damaged I(0,0) 9000
        R(0) edc -> damaged I(0,0) 9000
        R(0) edc -> I(0,0) 9000
        I(1,0) 00B0 -> I(1,0) 9000
        """,
    )
    assert len(reader.target.got) == 2
    assert reader.slot.faults.hits == 2


def test_the_r_block_that_asks_is_damaged_too():
    play(
        card(faults=(Fault("bad-edc", block=0),)),
        """
        I(0,0) 00B0 -> damaged I(0,0) 9000
        damaged R(0) edc -> R(1) edc
        R(0) edc -> I(0,0) 9000
        """,
    )


def test_a_damaged_acknowledgement_in_a_chain_of_the_reader():
    play(
        card(faults=(Fault("bad-edc", block=0),)),
        """
        I(0,1) 00B0 -> damaged R(1)
        R(0) edc -> R(1)
        I(1,0) 0000 -> I(0,0) 9000
        """,
    )


def test_a_damaged_block_in_a_chain_of_the_card():
    play(
        card(LONG[:6], part=2, faults=(Fault("bad-edc", block=1),)),
        f"""
        I(0,0) 00B0 -> I(0,1) {LONG[:2].hex()}
        R(1) -> damaged I(1,1) {LONG[2:4].hex()}
        R(1) edc -> I(1,1) {LONG[2:4].hex()}
        R(0) -> I(0,0) {LONG[4:6].hex()}
        """,
    )


def test_a_damaged_acknowledgement_of_the_reader_in_a_chain_of_the_card():
    play(
        card(LONG[:6], part=2),
        f"""
        I(0,0) 00B0 -> I(0,1) {LONG[:2].hex()}
        damaged R(1) -> R(1) edc
        R(1) -> I(1,1) {LONG[2:4].hex()}
        R(0) -> I(0,0) {LONG[4:6].hex()}
        """,
    )


def test_an_i_block_in_place_of_an_acknowledgement():
    play(card(LONG[:6], part=2), f"I(0,0) 00B0 -> I(0,1) {LONG[:2].hex()}\nI(1,0) 00B0 -> R(1) other")


@requirement("ISO 7816-3", "11.6.3.2", "The bench's card repeats its S-request until it is answered (rule 7.3).")
def test_damaged_waiting_time_extension():
    play(
        card(wtx=(3,), faults=(Fault("bad-edc", block=0),)),
        """
        I(0,0) 00B0 -> damaged S(WTX request) 03
        R(0) edc -> S(WTX request) 03
        damaged S(WTX response) 03 -> S(WTX request) 03
        S(WTX response) 04 -> S(WTX request) 03
        S(WTX response) 03 -> I(0,0) 9000
        """,
    )


def test_an_i_block_in_place_of_an_s_response():
    play(card(wtx=(3,)), "I(0,0) 00B0 -> S(WTX request) 03\nI(1,0) 00B0 -> S(WTX request) 03")


def test_damaged_ifs():
    play(
        card(faults=(Fault("bad-edc", block=1),)),
        """
        damaged S(IFS request) FE -> R(0) edc
        S(IFS request) FE -> damaged S(IFS response) FE
        S(IFS request) FE -> S(IFS response) FE
        """,
    )


# RESYNCH and ABORT


@requirement(
    "ISO 7816-3", "11.6.3.2", "The bench's card starts afresh at S(RESYNCH request), N(S) and IFSD too (rule 6)."
)
def test_resynch():
    reader = card(b"\x90\x00", LONG + b"\x90\x00")
    play(
        reader,
        f"""
        S(IFS request) FE -> S(IFS response) FE
        I(0,0) 00B0 -> I(0,0) 9000
        S(RESYNCH request) -> S(RESYNCH response)
        I(0,0) 00B0 -> I(0,1) {LONG[:32].hex()}
        """,
    )


def test_resynch_in_the_middle_of_a_chain():
    reader = card()
    play(reader, "I(0,1) 00B0 -> R(1)\nS(RESYNCH request) -> S(RESYNCH response)\nI(0,0) 00B2 -> I(0,0) 9000")
    assert reader.target.got == [b"\x00\xb2"]


def test_abort_by_the_reader():
    reader = card(LONG[:6], b"\x90\x00", part=2)
    play(
        reader,
        f"""
        I(0,0) 00B0 -> I(0,1) {LONG[:2].hex()}
        S(ABORT request) -> S(ABORT response)
        I(1,0) 00B2 -> I(1,0) 9000
        """,
    )


def test_abort_by_the_card():
    reader = card(faults=(Fault("abort", block=0),))
    play(
        reader,
        """
        I(0,1) 00B0 -> S(ABORT request)
        damaged S(ABORT response) -> S(ABORT request)
        S(ABORT response) -> R(1)
        I(1,0) 00B2 -> I(0,0) 9000
        """,
    )
    assert reader.target.got == [b"\x00\xb2"]


# CRC


def test_crc_of_published_check_value():
    # the catalogue value of this CRC ("CRC-16/IBM-SDLC", "X-25") over the digits 1 to 9
    assert blocks.edc(b"123456789", crc=True).hex() == "906e"


@requirement("ISO 7816-3", "11.4.4", "The bench's card uses two CRC bytes when its ATR says so.")
def test_crc():
    reader = card(crc=True, faults=(Fault("bad-edc", block=1),))
    play(
        reader,
        """
        damaged I(0,0) 00B0 -> R(0) edc
        I(0,0) 00B0 -> damaged I(0,0) 9000
        R(0) edc -> I(0,0) 9000
        """,
        crc=True,
    )


@pytest.mark.parametrize("crc", [False, True])
@pytest.mark.parametrize("part, wtx, ifs", [(254, (), None), (5, (1,), None), (40, (1, 9), 200)])
def test_whole_commands_however_the_card_puts_them(crc, part, wtx, ifs):
    target = EchoCard(atr.basic_t1(ifsc=20, tc3=int(crc)), 1)
    reader = Reader(IccChip(target, t1=T1Options(part=part, wtx=wtx, ifs=ifs)))
    reader.activate()
    for size in (5, 20, 21, 60, 261):
        command = bytes(each & 0xFF for each in range(size))
        assert reader.t1(command, ifsc=20, crc=crc) == command + b"\x90\x00"
    assert [len(each) for each in target.got] == [5, 20, 21, 60, 261]


# Misbehaviour


@pytest.mark.parametrize(
    "kind, heard",
    [
        ("silence", ""),
        ("bad-edc", "0000029000 93"),
        ("bad-sequence", "0040029000 D2"),
        ("bad-nad", "2100029000 B3"),
        ("bad-pcb", "00FF029000 6D"),
        ("len-255", "0000FF9000 6F"),
        ("len-more", "0000039000 93"),
        ("short", "000002"),
        ("long", "0000029000 92A55A"),
        ("parity", "0000029000 82"),
    ],
)
def test_faults_of_a_sending(kind, heard):
    reader = card(faults=(Fault(kind, block=0),))
    assert reader.ask(block("I(0,0) 00B0")) == heard.replace(" ", "")
    assert reader.ask(block("R(0) edc")) == "000002900092"


def test_bad_sequence_of_an_r_block():
    reader = card(faults=(Fault("bad-sequence", block=0),))
    assert reader.send(block("I(0,1) 00B0")) == block("R(0)")


def test_a_block_that_the_card_does_not_hear():
    reader = card(faults=(Fault("ignored", heard=1), Fault("bad-edc", heard=2)))
    play(
        reader,
        """
        I(0,0) 00B0 -> I(0,0) 9000
        I(1,0) 00B0 -> nothing
        R(1) edc -> R(1) edc
        I(1,0) 00B0 -> I(1,0) 9000
        """,
    )


def test_endless_wtx():
    reader = card(faults=(Fault("wtx", apdu=1),))
    play(reader, "I(0,0) 00B0 -> I(0,0) 9000\nI(1,0) 00B0 -> S(WTX request) 01")
    for _ in range(30):
        play(reader, "S(WTX response) 01 -> S(WTX request) 01")


def test_a_mute_application():
    play(card(None), "I(0,0) 00B0 -> nothing")


def test_unknown_damage():
    with pytest.raises(ValueError):
        blocks.damage("rust", block("R(0)"))
