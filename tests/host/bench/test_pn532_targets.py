"""The bench's PN532 with targets of every modulation, frame by frame.

Frames: nfcpy's tests (base_clf_pn53x.py, test_clf_pn532.py: InListPassiveTarget 106 kbps type B and 212 kbps FeliCa, InPSL,
SetParameters), chrome-nfc's issue 12 and libnfc's issue 516 (what the chip says to MIFARE commands), the README of a library
(authentication with a UID of 7 bytes). The cards are made up.
"""

from __future__ import annotations

import asyncio
import math

import pytest

from mpos.bench.cards.memory.classic import MifareClassic
from mpos.bench.cards.memory.felica import FelicaCard
from mpos.bench.cards.memory.ultralight import Ultralight
from mpos.bench.field import ANSWER_GARBLED, PULLED, Nak, Target
from tests.harness.requirements import requirement
from tests.host.bench.test_pn532_bus import joined
from tests.host.bench.test_pn532_chip import Card, Host

IDM, PMM = bytes.fromhex("0102030405060708"), bytes.fromhex("F1F2F3F4F5F6F7F8")
KEY = "FFFFFFFFFFFF"


class CardB:
    """SENSB_RES of nfcpy's test_sense_ttb_target_found."""

    modulation = "B"

    def __init__(self, uid: str = "E8253EEC", afi: int = 0, info: str = "008185", attrib: bytes = b"\x00"):
        self.uid = bytes.fromhex(uid)
        self.application_data = bytes([afi, 0, 0, 0x11])
        self.protocol_info = bytes.fromhex(info)
        self.attrib_response = attrib
        self.got: list[bytes] = []
        self.powered = 0

    def power_on(self) -> None:
        self.powered += 1

    def exchange(self, command: bytes) -> bytes | None:
        self.got.append(command)
        return b"\x90\x00"


def felica(uid: bytes = IDM, *systems: str) -> FelicaCard:
    return FelicaCard(
        {0x0009: [bytes(16)]}, tuple(bytes.fromhex(code) for code in systems or ("AABB",)), uid=uid, pmm=PMM
    )


# Type B


@requirement("UM0701-02", "7.3.5", "A type B target is reported with its ATQB and its answer to ATTRIB.")
def test_type_b() -> None:
    said = "4B01" + "01" + "50E8253EEC00000011008185" + "0100"
    assert Host(CardB()).hex("4A01030000") == Host(CardB()).hex("4A01030001") == said
    host = Host(CardB())
    host.ask("3205000101")
    assert host.hex("4A010300") == said
    assert host.hex("4A010300") == "4B00", "ISO/IEC 14443-3, 7.4: active as it is, it answers no REQB"
    host.start_cards()
    assert host.hex("4A010300") == said
    assert host.hex("4001 00A4040000") == "41009000"
    assert host.hex("0006") == "0100"
    assert host.hex("4E010101") == "4F27", "its bit rate was settled by ATTRIB"
    host.field.clear()
    assert host.hex("4001 00A4040000") == "4101"
    assert host.hex("0006") == "0101"


@pytest.mark.parametrize("command", ["4A0103", "4A01030002", "4A0103000000"])
def test_type_b_syntax(command: str) -> None:
    assert Host(CardB()).ask(command) == b"error"


@requirement("ISO 14443-3", "7.7.3", "AFI 00 asks all, X0 the cards of family X, XY and 0Y those with just this AFI.")
def test_afi() -> None:
    found = {}
    for asked in ("00", "10", "12", "02", "13", "20"):
        host = Host(CardB("00000000", 0x00), CardB("11111111", 0x12), CardB("22222222", 0x02))
        host.ask("3205000100")
        answer = host.hex(f"4A0203{asked}")
        found[asked] = [uid for uid in ("00000000", "11111111", "22222222") if "50" + uid in answer]
    assert found == {
        "00": ["00000000", "11111111"],
        "10": ["11111111"],
        "12": ["11111111"],
        "02": ["22222222"],
        "13": [],
        "20": [],
    }


def test_type_b_with_a_cid() -> None:
    """The card echoes CID 1 in its answer to ATTRIB: every block has it."""
    card = CardB(attrib=b"\x01")
    host = Host(card)
    blocks: list[str] = []
    host.field.before_block = lambda target, block, n: blocks.append(block.hex().upper())
    host.ask("4A010300")
    assert host.hex("40010084000008") == "41009000"
    host.ask("5200")
    assert blocks == ["0A010084000008", "CA01"]


def test_type_b_without_iso14443_4() -> None:
    card = CardB(info="008085")
    host = Host(card)
    assert host.hex("4A010300").startswith("4B01")
    assert host.hex("40010605") == "41009000"
    assert card.got == [b"\x06\x05"]
    assert host.hex("40410605") == "4127", "no chaining"
    assert host.hex("0006") == "0127"


# FeliCa


@requirement(
    "UM0701-02", "7.3.5", "A FeliCa target is reported with its answer to Polling, the system code if asked for."
)
def test_felica() -> None:
    host = Host(felica())
    assert host.hex("4A010100FFFF0100") == "4B01" + "01" + "14" + "01" + IDM.hex().upper() + PMM.hex().upper() + "AABB"
    assert host.hex("4A010200FFFF0000") == "4B01" + "01" + "12" + "01" + IDM.hex().upper() + PMM.hex().upper()
    assert host.hex("4A010100AABB0200")[-4:] == "0003"
    host.ask("3205000100")
    assert host.hex("4A010100AABC0000") == "4B00"
    assert host.hex("4A010100AAFF0000").startswith("4B0101"), "FF stands for any byte"


@pytest.mark.parametrize("command", ["4A0101", "4A010100FFFF01", "4A010101FFFF0100", "4A010100FFFF0102", "4A0105"])
def test_felica_syntax(command: str) -> None:
    assert Host(felica()).ask(command) == b"error"


@requirement("JIS X 6319-4", "6", "Each system of a card answers to Polling with an IDm of its own.")
def test_felica_systems() -> None:
    host = Host(felica(IDM, "0003", "12FC"))
    assert "0102030405060708" in host.hex("4A010100FFFF0100")
    assert "1102030405060708" in host.hex("4A01010012FC0100")


def test_felica_frames() -> None:
    host = Host(felica())
    host.ask("4A010100FFFF0100")
    read = "1006" + IDM.hex() + "01090001" + "8000"
    assert host.hex("4001" + read) == "4100" + "1D07" + IDM.hex().upper() + "0000" + "01" + 16 * "00"
    assert host.hex("42" + read) == "4300" + "1D07" + IDM.hex().upper() + "0000" + "01" + 16 * "00"
    assert host.hex("40010A" + read) == "4101", "a wrong length byte is nobody's"
    assert host.hex("4001") == "4101"
    assert host.hex("4001" + "0600FFFF0100") == "4100" + "14" + "01" + IDM.hex().upper() + PMM.hex().upper() + "AABB"
    assert host.hex("4041" + read) == "4127"
    host.field.on_air[host.field.blocks] = ANSWER_GARBLED
    assert host.hex("4001" + read) == "4102"
    assert host.hex("4401") == "4500"
    assert host.hex("5401") == "5500"
    host.field.clear()
    assert host.hex("4001" + read) == "4101"


def test_two_felica_cards_need_time_slots() -> None:
    other = bytes.fromhex("0909090909090909")
    host = Host(felica(), felica(other))
    host.ask("3205000100")
    assert host.hex("4A020100FFFF0000") == "4B00", "both at once: nothing that could be understood"
    answer = host.hex("4A020100FFFF0001")
    assert answer.startswith("4B02")
    assert IDM.hex() in answer.lower() and other.hex() in answer.lower()
    assert host.hex("4A010100FFFF0001").startswith("4B0101")


def test_each_technology_for_itself() -> None:
    host = Host(Card(), CardB(), felica())
    assert host.hex("4A0200").startswith("4B01")
    assert host.hex("4A020300").startswith("4B01")
    assert host.hex("4A020100FFFF0001").startswith("4B01")
    assert host.hex("4001 06").startswith("41"), "the one listed last is what is kept"


# Type A


@requirement("UM0701-02", "7.2.9", "Without fAutomaticRATS a card is selected and no more.")
def test_no_automatic_rats() -> None:
    host = Host(Card())
    assert host.hex("1204") == "13"
    assert host.hex("4A0100") == "4B01" + "01034420" + "0704112233445566"
    assert host.hex("1214") == "13"
    host.start_cards()
    assert host.hex("4A0100").endswith("067577810280")
    assert host.hex("1201") == host.hex("12") == b"error".hex().upper()


def test_frames_without_preamble() -> None:
    host = Host()
    assert (
        host.write(bytes.fromhex("0000FF03FDD412545600"[:-6]) + bytes.fromhex("54C600"))
        .hex()
        .startswith("0000ff00ff00")
    )
    assert host.write(bytes.fromhex("0000FF02FED4022A00")) == bytes.fromhex("00FF00FF" + "00FF06FAD50332010607E8")


@requirement("ISO 14443-4", "5.3", "PPS comes right after the ATS, and asks only for what TA(1) offers.")
def test_psl() -> None:
    # InPSL 01 02 01: nfcpy, test_in_psl
    assert Host(Card()).hex("4E010201") == "4F27"
    host = Host(Card())
    host.ask("4A0100")
    assert host.hex("4E010201") == "4F00"
    assert host.hex("4E010300") == b"error".hex().upper()
    assert host.hex("400100A4040000") == "41009000"
    assert host.hex("4E010000") == "4F01", "too late"
    same = Card(ats=bytes.fromhex("0675F7810280"))
    host = Host(same)
    host.ask("4A0100")
    assert host.hex("4E010201") == "4F01", "both rates must be the same"
    assert host.hex("4E010202") == "4F00"
    host = Host(Card(ats=bytes.fromhex("0578807002")))
    host.ask("4A0100")
    assert host.hex("4E010101") == "4F01"
    host = Host(MifareClassic())
    host.ask("4A0100")
    assert host.hex("4E010101") == "4F27"


@pytest.mark.parametrize(
    ("step", "card"), [("SELECT 1", Card()), ("SELECT 2", Card()), ("RATS", Card()), ("ATTRIB", CardB())]
)
def test_a_card_that_leaves_in_its_activation(step: str, card: Target) -> None:
    host = Host(card)
    host.ask("3205000100")
    host.field.on_step = lambda target, name: name == step and host.field.clear()
    assert host.hex("4A010300" if step == "ATTRIB" else "4A0100") == "4B00"


def test_activated_again_it_has_forgotten() -> None:
    card = Card()
    host = Host(card)
    host.ask("4A0100")
    host.start_cards()
    assert host.hex("400100") == "4101", "it has power again, and is not activated"
    assert card.powered == 2
    host.ask("4A0100")
    assert card.powered == 2
    assert host.hex("400100") == "41009000"
    classic = MifareClassic()
    host = Host(classic)
    host.ask("4A0100")
    host.ask("40016004" + KEY + "3C5D7E9F")
    host.ask("4A0100")
    assert host.hex("40013004") == "4113", "and what was authenticated is so no more"


# MIFARE


@requirement("UM0701-02", "7.1", "A NAK of a MIFARE card is status 13h, a failed authentication 14h, silence 01h.")
def test_mifare_statuses() -> None:
    host = Host(MifareClassic())
    host.ask("4A0100")
    assert host.hex("40013000") == "4113", "chrome-nfc, issue 12: a block read without authentication"
    assert host.hex("40013000") == "4101", "after its NAK it is silent"
    host.ask("4A0100")
    assert host.hex("40016004" + "010203040506" + "3C5D7E9F") == "4114"
    assert host.hex("40016004" + KEY + "3C5D7E9F") == "4114"
    host.ask("4A0100")
    assert host.hex("40016004" + KEY + "3C5D7E9F") == "4100"
    assert host.hex("40013004") == "4100" + 16 * "00"
    assert host.hex("40013008") == "4113", "another sector"
    host.ask("4A0100")
    host.field.clear()
    assert host.hex("40016004" + KEY + "3C5D7E9F") == "4101"
    assert host.hex("40013004") == "4101"


@pytest.mark.parametrize(
    "command",
    [
        "",
        "AF00",
        "60",
        "30",
        "300400",
        "6004" + KEY + "041122334455A1",
        "A00400",
        "A20401",
        "C004",
        "C0040102",
        "B00401",
        "1B",
    ],
)
def test_what_is_no_mifare_command(command: str) -> None:
    """libnfc, issue 516: AF 00; the README of martin-eden's library: a UID of 7 bytes."""
    host = Host(MifareClassic())
    host.ask("4A0100")
    assert host.ask("4001" + command) == b"error"


def test_keys_are_not_recorded() -> None:
    host = Host(MifareClassic())
    host.ask("4A0100")
    host.ask("40016104" + KEY + "3C5D7E9F")
    assert [data.hex().upper() for _, data, _ in host.field.trace] == ["6104", "0A"]


def test_mifare_in_two_parts() -> None:
    card = MifareClassic()
    host = Host(card)
    sent: list[str] = []
    host.field.before_block = lambda target, block, n: sent.append(block.hex().upper())
    host.ask("4A0100")
    host.ask("40016004" + KEY + "3C5D7E9F")
    value = "0A000000F5FFFFFF0A00000004FB04FB"
    assert host.hex("4001A004" + value) == "4100"
    assert host.hex("4001C104" + "05000000") == "4100"
    assert host.hex("4001C204") == "4100"
    assert host.hex("4001B005") == "4100"
    assert sent == ["6004", "A004", value, "C104", "05000000", "C204", "00000000", "B005"]
    assert card.blocks[5].hex().upper() == "0A000000F5FFFFFF0A00000000FF00FF", "the address is block 5's own"
    assert host.hex("4001C106" + "05000000") == "4113", "no value there"


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("command", ["A004" + 16 * "11", "C10405000000"])
def test_mifare_pulled_between_the_parts(command: str, part: int) -> None:
    value = bytes.fromhex("0A000000F5FFFFFF0A00000004FB04FB")
    card = MifareClassic(blocks={4: value})
    host = Host(card)
    host.ask("4A0100")
    host.ask("40016004" + KEY + "3C5D7E9F")
    host.field.on_air[1 + part] = PULLED
    assert host.hex("4001" + command) == "4101"
    assert card.blocks[4] == value


def test_mifare_second_part_refused() -> None:
    class Full(MifareClassic):
        def exchange(self, command: bytes) -> bytes | None:
            if len(command) == 4:
                raise Nak(0)
            return super().exchange(command)

    host = Host(Full(blocks={4: bytes.fromhex("0A000000F5FFFFFF0A00000004FB04FB")}))
    host.ask("4A0100")
    host.ask("40016004" + KEY + "3C5D7E9F")
    assert host.hex("4001C10405000000") == "4113"


def test_ultralight_and_ntag() -> None:
    host = Host(Ultralight("ntag213"))
    host.ask("4A0100")
    assert host.hex("4260") == "4300" + "0004040201000F03"
    assert host.hex("4001A20601020304") == "4100"
    assert host.hex("423A0606") == "4300" + "01020304"
    assert host.hex("42A20605060708") == "4302", "nfcpy: an ACK has no CRC, which is reported as a wrong one"
    assert host.hex("421B00000000") == "4302", "so has a NAK"
    host.ask("4A0100")
    assert host.hex("40016004" + KEY + "04A1B2C3") == "4114", "no Crypto-1 there"
    host.field.on_air[host.field.blocks] = ANSWER_GARBLED
    assert host.hex("40013000") == "4102"


# Time


def test_a_raw_card_that_is_too_slow() -> None:
    card = Ultralight()
    card.delay_ms = 60.0  # type: ignore[attr-defined]
    host = Host(card)
    host.ask("4A0100")
    assert host.hex("40013000") == "4101", "51.2 ms are what the chip waits for"
    host.ask("3202000B0B")
    assert host.hex("40013000").startswith("4100")


def test_a_card_that_asks_for_time_for_ever() -> None:
    card = Card()
    card.delay_ms = math.inf  # type: ignore[attr-defined]
    host = Host(card)
    host.ask("4A0100")
    for _ in range(2):
        host.sent = b""
        assert host.write(bytes.fromhex("0000FF04FCD440010" + "0EB00")).hex() == "0000ff00ff00"
    assert host.hex("02") == "0332010607", "a new command ends it"
    assert host.write(bytes.fromhex("0000FF04FCD440010" + "0EB00")).hex() == "0000ff00ff00"
    host.sent = b""
    host.field.clear()
    assert host.sent.hex() == "0000ff03fdd54101e900", "it has gone at last"


async def test_real_time_passes_as_far_as_is_asked_for() -> None:
    card = Card()
    card.delay_ms = 5000.0  # type: ignore[attr-defined]
    host = Host(card)
    host.ask("4A0100")
    assert host.hex("400100") == "41009000", "none, without being asked"
    assert host.chip.air_ms >= 5000
    host.field.real_ms = 20
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert host.write(bytes.fromhex("0000FF04FCD440010" + "0EB00")).hex() == "0000ff00ff00"
    came = asyncio.Event()
    host.chip.output = lambda data: came.set()
    await asyncio.wait_for(came.wait(), 5)
    assert loop.time() - began >= 0.02
    came.clear()
    host.write(bytes.fromhex("0000FF04FCD440010" + "0EB00"))
    came.clear()
    host.chip.receive(bytes.fromhex("0000FF00FF00"))
    await asyncio.sleep(0.03)
    assert not came.is_set(), "aborted"


# Whole sessions of others


def test_a_session_of_nfcpy() -> None:
    """What nfcpy sends when it opens and closes a PN532 (test_clf_pn532.py: test_init_linux_stty_set_none, close)."""
    line_test = "00 00" + "".join(f"{n % 256:02x}" for n in range(262))
    host = Host(awake=False)
    host.write(bytes(10))
    expected = {
        "02": "03 32010607",
        "14 010000": "15",
        line_test: "01" + line_test[2:],
        "12 00": "13",
        "32 02000b0a": "33",
        "32 0400": "33",
        "32 05010001": "33",
        "32 0a59f43f114d85616f266287": "33",
        "32 0b69ff3f114185616f": "33",
        "32 0cff0485": "33",
        "32 0d85158a8508b28501da": "33",
        "32 0102": "33",
        "10 04": "11",
    }
    for command, answer in expected.items():
        assert host.ask(command) == bytes.fromhex(answer), command
    host.write(bytes.fromhex("0000FF00FF00"))
    assert host.chip.speed == 115_200
    assert host.hex("16 b000") == "1700"
    assert not host.chip.awake


async def test_a_transaction_of_libnfc_on_spi() -> None:
    """Issue 516: the frame as it was clocked out, not ready, ready, ACK; not ready, ready, the error frame."""
    async with joined("spi", chip=Host(Ultralight()).chip) as reader:
        reader.chip.receive(bytes.fromhex("0000FF04FCD44A0100E100"))
        for _ in range(2):
            await reader.spi_read(40)
        await reader.spi(bytes.fromhex("01" + "0000FF05FBD44001AF003C00"))
        assert await reader.spi(b"\x02\x02") == b"\x01"
        assert (await reader.spi_read(6)).hex() == "0000ff00ff00"
        assert await reader.spi(b"\x02\x02") == b"\x01"
        assert (await reader.spi_read(8)).hex() == "0000ff01ff7f8100"
