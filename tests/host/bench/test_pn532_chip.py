"""The bench's PN532 on bytes, without a driver.

Frames: NXP UM0701-02, 6.2.1 (printed) and 7.2.2; nfcpy, tests/test_clf_pn532.py and base_clf_pn53x.py.
"""

from __future__ import annotations

import asyncio

import pytest

from mpos.bench.field import Field, TargetRemoved
from mpos.bench.pn532_chip import Pn532Chip, serve_chip
from mpos.bench.pn532_faults import KINDS, Fault, Faults
from mpos.bench.pn532_frames import Receiver, build
from tests.harness.requirements import requirement

ACK = bytes.fromhex("0000FF00FF00")
NACK = bytes.fromhex("0000FFFF0000")
ERROR = bytes.fromhex("0000FF01FF7F8100")
VERSION = bytes.fromhex("0000FF06FAD50332010607E800")
DESFIRE_ATS = bytes.fromhex("067577810280")


class Card:
    def __init__(
        self, uid: str = "04112233445566", ats: bytes | None = DESFIRE_ATS, atqa: str = "0344", sak: int = 0x20
    ):
        self.uid, self.ats, self.atqa, self.sak = bytes.fromhex(uid), ats, bytes.fromhex(atqa), sak
        self.answer: bytes | None = b"\x90\x00"
        self.got: list[bytes] = []
        self.powered = 0

    def power_on(self) -> None:
        self.powered += 1

    def exchange(self, command: bytes) -> bytes | None:
        self.got.append(command)
        if self.answer == b"gone":
            raise TargetRemoved
        return self.answer


class Host:
    """Collects what a chip sends. `awake`: in normal mode."""

    def __init__(self, *targets: Card, faults: Faults | None = None, awake: bool = True):
        self.field = Field(*targets)
        self.chip = Pn532Chip(self.field, faults)
        self.sent = b""
        self.chip.output = self._take
        if awake:
            self.chip.receive(b"\x55\x55" + bytes(14))
            self.ask("14010000")

    def _take(self, data: bytes) -> None:
        self.sent += data

    def write(self, data: bytes) -> bytes:
        """What the chip sends because of these bytes."""
        self.sent = b""
        self.chip.receive(data)
        return self.sent

    def ask(self, command: str | bytes) -> bytes:
        """The answer's data with its code; the frames around it are checked."""
        data = bytes.fromhex(command) if isinstance(command, str) else command
        sent = self.write(build(0xD4, data))
        assert sent.startswith(ACK)
        ((kind, body),) = Receiver().feed(sent[len(ACK) :])
        assert kind == "info"
        assert body[:1] == b"\xd5" or body == b"\x7f"
        return body[1:] if body[0] == 0xD5 else b"error"

    def start_cards(self) -> None:
        """Carrier off and on."""
        self.ask("320100")
        self.ask("320101")

    def hex(self, command: str | bytes) -> str:
        return self.ask(command).hex().upper()


# Power, 7.2.11; AN10609_3, low battery mode


def test_asleep_it_hears_nothing_but_the_wake_up() -> None:
    host = Host(awake=False)
    assert host.write(b"\xff\xff\xff\xff") == b""
    assert not host.chip.awake
    host = Host(awake=False)
    assert host.write(b"\x55\x55" + bytes(14) + build(0xD4, b"\x02")) == ACK + VERSION


def test_zeros_wake_it_too() -> None:
    # nfcpy's ten zeros: each has one rising edge
    host = Host(awake=False)
    host.write(bytes(4))
    assert not host.chip.awake
    host.write(bytes(1))
    assert host.chip.awake


def test_before_sam_configuration_it_answers_little() -> None:
    host = Host(awake=False)
    host.write(b"\x55\x55" + bytes(14))
    assert host.write(build(0xD4, bytes.fromhex("4A0200"))) == b""
    assert host.write(build(0xD4, bytes.fromhex("0000"))) == b""
    assert host.hex("02") == "0332010607"
    assert host.hex("14010000") == "15"
    assert host.hex("0000") == "0100"


def test_power_down_and_cycle() -> None:
    host = Host(Card())
    assert host.hex("4A0200").startswith("4B01")
    assert host.hex("16B000") == "1700"  # nfcpy
    assert not host.field.carrier
    assert host.write(b"\xff" + build(0xD4, b"\x02")[3:5]) == b""
    host = Host(Card())
    host.chip.power_cycle()
    assert host.write(build(0xD4, b"\x14\x01")) == b""


# Frames, 6.2


def test_frames_of_the_manual() -> None:
    host = Host()
    assert host.write(bytes.fromhex("0000FF02FED4022A00")) == ACK + VERSION


@pytest.mark.parametrize(
    "broken",
    [
        "0000FF02FDD4022A00",
        "0000FF02FED4022B00",
        "0000FF02FED5022900",
        "0000FF01FFD42C00",
        "0000FF0000",
        "0000FFFFFF0109F5",
        "0000FFFFFF010AF5",
    ],
)
def test_what_is_no_frame_is_dropped(broken: str) -> None:
    host = Host()
    assert host.write(bytes.fromhex(broken)) == b""
    assert host.hex("02") == "0332010607"


def test_a_frame_in_pieces_and_with_any_preamble() -> None:
    host = Host()
    frame = bytes(9) + build(0xD4, b"\x02")
    assert b"".join(host.write(frame[i : i + 1]) for i in range(len(frame))) == ACK + VERSION


def test_line_test_with_extended_frames() -> None:
    # nfcpy: Diagnose 00 with 262 bytes, which is the most
    host = Host()
    data = b"\x00" + bytes(i & 0xFF for i in range(262))
    assert host.ask(b"\x00" + data) == b"\x01" + data
    with pytest.raises(ValueError, match="265"):
        build(0xD4, bytes(265))


def test_nack_has_the_answer_sent_again() -> None:
    host = Host()
    assert host.write(NACK) == build(0xD5, b"\x15")  # to SAMConfiguration
    host.ask("02")
    assert host.write(NACK) == VERSION
    assert host.write(NACK) == VERSION
    assert host.write(ACK) == b""


@pytest.mark.parametrize(
    "command",
    [
        "99",
        "0201",
        "00",
        "0099",
        "000601",
        "14",
        "1402",
        "16",
        "32",
        "320100AA",
        "3203",
        "320200110A",
        "4A00",
        "4A0300",
        "4A0103",
        "40",
        "44",
        "5201AA",
        "54",
    ],
)
def test_a_syntax_error(command: str) -> None:
    assert Host().ask(command) == b"error"


# Targets, 7.3


def test_nobody() -> None:
    host = Host()
    assert host.hex("3205000100") == "33"
    assert host.hex("4A0200") == "4B00"
    assert host.field.carrier


def test_one_and_two_targets() -> None:
    one, two = Card(), Card("12675832", None, "0004", 0x08)
    host = Host(one, two)
    assert host.hex("4A0100") == "4B01" + "01034420" + "0704112233445566" + "067577810280"
    host.start_cards()
    assert host.hex("4A0200") == "4B02" + "01034420" + "0704112233445566" + "067577810280" + "02000408" + "0412675832"


def test_a_known_uid() -> None:
    host = Host(Card("01020304"), Card("04112233445566"), Card("04112233445566778899"))
    assert host.hex("4A020088041122").startswith("4B02"), "the first level of the cascade only"
    host.start_cards()
    assert host.hex("4A0100 88041122 33445566").startswith("4B0101034420" + "0704112233445566")
    assert host.hex("4A0200 88041122 88334455 66778899").startswith("4B0101034420" + "0A04112233445566778899")
    assert host.hex("4A020001020304").startswith("4B010103442004")


def test_without_end_it_waits_for_a_card_to_come() -> None:
    host = Host()
    assert host.write(build(0xD4, bytes.fromhex("4A0100"))) == ACK
    assert host.chip.waiting
    host.sent = b""
    host.field.present(Card())
    assert host.sent.hex().upper().startswith("0000FF15EBD54B0101")
    assert not host.chip.waiting


@pytest.mark.parametrize("stopper", [ACK, build(0xD4, b"\x02")])
def test_an_abort_ends_the_waiting(stopper: bytes) -> None:
    host = Host()
    host.write(build(0xD4, bytes.fromhex("4A0100")))
    assert host.write(stopper) == (b"" if stopper == ACK else ACK + VERSION)
    host.sent = b""
    host.field.present(Card())
    assert host.sent == b""


def test_exchange() -> None:
    card = Card()
    host = Host(card)
    assert host.hex("4001 00A4040000") == "4127", "no target yet"
    host.ask("4A0100")
    assert host.hex("4001 00A4040000") == "41009000"
    assert host.hex("4002 00A4040000") == "4127"
    assert card.got == [bytes.fromhex("00A4040000")]
    assert [(direction, data.hex()) for direction, data, _ in host.field.trace] == [(">", "00a4040000"), ("<", "9000")]


def test_exchange_in_parts() -> None:
    card = Card()
    card.answer = bytes(i & 0xFF for i in range(600))
    host = Host(card)
    host.ask("4A0100")
    assert host.ask(b"\x40\x41" + bytes(262)) == b"\x41\x00"
    assert card.got == []
    assert host.ask(b"\x40\x01" + b"\xaa") == b"\x41\x40" + card.answer[:262]
    assert card.got == [bytes(262) + b"\xaa"]
    assert host.ask(b"\x40\x01") == b"\x41\x40" + card.answer[262:524]
    assert host.ask(b"\x40\x01") == b"\x41\x00" + card.answer[524:]
    # a new command lets the rest of an answer fall
    host.ask(b"\x40\x01\x00")
    card.answer = b"\x6d\x00"
    assert host.ask(b"\x40\x01\x01") == b"\x41\x00\x6d\x00"


def test_a_mute_and_a_vanished_card() -> None:
    card = Card()
    host = Host(card)
    host.ask("4A0100")
    card.answer = None
    assert host.hex("400100") == "4101"
    # FWI 8 of the ATS: 302 us * 2**8
    assert host.chip.air_ms == pytest.approx(77.3, abs=0.1)
    assert host.hex("0006") == "0100"
    card.answer = b"gone"
    assert host.hex("400101") == "4101"
    assert not host.field.holds(card)
    assert host.hex("0006") == "0101"
    assert host.hex("404100") == "4101"
    assert host.hex("4A0100" if host.ask("3205000100") else "") == "4B00"


def test_presence_needs_a_card_with_iso14443_4() -> None:
    host = Host(Card("12675832", None, "0004", 0x08))
    assert host.hex("0006") == "0127"
    host.ask("4A0100")
    assert host.hex("0006") == "0127"
    assert host.hex("404130") == "4127", "no chaining either"
    host.field.clear()
    before = host.chip.air_ms
    host.ask("3202000B0D")
    assert host.hex("40013004") == "4101"
    assert host.chip.air_ms - before == pytest.approx(409.6)


def test_in_communicate_thru() -> None:
    card = Card()
    host = Host(card)
    assert host.hex("42 30 04") == "4301"
    host.ask("4A0100")
    # an I-block of ISO/IEC 14443-4, which the caller has to make himself; what is no block is not heard
    assert host.hex("42 02 00A4040000") == "4300" + "029000"
    assert host.hex("42 00A4040000") == "4301"
    host.field.clear()
    assert host.hex("42 03 00A4040000") == "4301"


def test_deselect_select_release() -> None:
    card = Card()
    host = Host(card)
    assert host.hex("5401") == "5527"
    assert host.hex("4401") == "4527"
    assert host.hex("5200") == "5300"
    host.ask("4A0100")
    powered = card.powered
    assert host.hex("4401") == "4500"
    assert host.hex("400100") == "4127"
    assert host.hex("5401") == "5500"
    assert card.powered == powered + 1
    assert host.hex("400100") == "41009000"
    assert host.hex("5201") == "5300"
    assert host.hex("5401") == "5527"
    host.start_cards()
    host.ask("4A0100")
    host.field.clear()
    assert host.hex("5401") == "5501"


@requirement(
    "ISO 14443-3", "6.3", "A card in PROTOCOL or HALT does not answer REQA; one that is just active does again."
)
def test_who_is_found_a_second_time() -> None:
    host = Host(Card(), Card("12675832", None, "0004", 0x08))
    host.ask("3205000101")
    assert host.hex("4A0200").startswith("4B02")
    assert host.hex("4A0200") == "4B01" + "0100040804" + "12675832"
    assert host.hex("4401") == "4500"
    assert host.hex("4A0200") == "4B00"
    host.start_cards()
    assert host.hex("4A0200").startswith("4B02")
    assert host.hex("5200") == "5300"
    assert host.hex("4A0200") == "4B00"


def test_the_carrier_starts_cards_afresh() -> None:
    card = Card()
    host = Host(card)
    host.ask("4A0100")
    assert card.powered == 1
    host.ask("320100")
    assert host.hex("400100") == "4101", "no carrier, no card"
    host.ask("320101")
    assert card.powered == 2
    late = Card("01020304")
    host.field.present(late)
    assert late.powered == 1


def test_forced_status() -> None:
    host = Host(Card())
    host.chip.statuses[1] = 0x13
    host.ask("4A0100")
    assert [host.hex("400100"), host.hex("400100"), host.hex("400100")] == ["41009000", "4113", "41009000"]


def test_trace() -> None:
    host = Host(awake=False)
    host.field.clock = iter(range(100)).__next__
    host.chip.receive(b"\x55" + build(0xD4, b"\x02"))
    assert host.chip.trace == [(">", build(0xD4, b"\x02"), 0), ("<", ACK, 1), ("<", VERSION, 2)]


# Faults


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("no-ack", b""),
        ("lost-ack", VERSION),
        ("bad-ack", bytes.fromhex("0000FF00FE00") + VERSION),
        ("nack", NACK),
        ("silence", ACK),
        ("error-frame", ACK + ERROR),
        ("wrong-code", ACK + build(0xD5, b"\x01")),
        ("short", ACK + VERSION[:6]),
        ("bad-lcs", ACK + bytes.fromhex("0000FF06FBD50332010607E800")),
        ("bad-dcs", ACK + bytes.fromhex("0000FF06FAD50332010607E900")),
        ("bad-tfi", ACK + bytes.fromhex("0000FF06FAD40332010607E900")),
        ("long", ACK + bytes.fromhex("0000FF06FAD50332010607A5A5A5E800")),
    ],
)
def test_faults(kind: str, sent: bytes) -> None:
    host = Host(faults=Faults(Fault(kind, command=0x02)))
    assert host.write(build(0xD4, b"\x02")) == sent
    assert host.chip.faults.hits == 1
    assert host.hex("02") == "0332010607"


def test_garbage_around_whole_frames() -> None:
    host = Host(faults=Faults(Fault("garbage-before-ack", frame=1), Fault("garbage", frame=2)))
    first, second = host.write(build(0xD4, b"\x02")), host.write(build(0xD4, b"\x02"))
    assert first.endswith(ACK + VERSION) and len(first) > len(ACK + VERSION)
    assert second.startswith(ACK) and second.endswith(VERSION) and len(second) > len(ACK + VERSION)


def test_a_fault_lasts_as_long_as_it_says() -> None:
    host = Host(faults=Faults(Fault("bad-dcs", command=0x02, occurrence=1, times=2)))
    assert host.hex("02") == "0332010607"
    assert host.write(build(0xD4, b"\x02")) != ACK + VERSION
    assert host.write(NACK) != VERSION
    assert host.write(NACK) == VERSION


def test_a_fault_must_make_sense() -> None:
    with pytest.raises(ValueError, match="bad-dcs"):
        Fault("bad", frame=1)
    with pytest.raises(ValueError, match="either"):
        Fault("short")
    with pytest.raises(ValueError, match="either"):
        Fault("short", frame=1, command=2)
    assert len(set(KINDS)) == len(KINDS)


# The line


async def test_one_host_after_the_other() -> None:
    chip = Pn532Chip(Field(), Faults(Fault("drop", frame=2)))
    async with serve_chip(chip) as address:
        host, port = address.split(":")
        assert host == "127.0.0.1"
        for _ in range(2):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"\x55\x55" + build(0xD4, b"\x02"))
            assert await asyncio.wait_for(reader.readexactly(len(ACK + VERSION)), 5) == ACK + VERSION
            writer.close()
            await writer.wait_closed()
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(build(0xD4, b"\x02"))
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
    with pytest.raises(OSError):
        await asyncio.open_connection(host, int(port))
