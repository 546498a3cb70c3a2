"""The bench's TDA8029 on bytes, without a driver.

The protocol is NXP AN10207's. The frames that are written out are those that published hosts of the chip have in their code:
60 0001 6E 00 0F (power_up_5V) and E0 0001 6E C0, the answer without a card; 60 0000 69 09 (power_up_iso); 60 0000 09 69
(check_pres_card).
"""

from __future__ import annotations

import asyncio

import pytest

from mpos.bench.icc import atr
from mpos.bench.icc_chip import IccChip
from mpos.bench.icc_faults import Fault, Faults
from mpos.bench.icc_slot import IccSlot
from mpos.bench.tda8029_chip import SPOILINGS, Tda8029Chip, build, serve_coupler
from tests.host.icc.reader import EchoCard

T0 = atr.basic_t0(b"card")
T1 = atr.basic_t1(b"card")
SELECT = bytes.fromhex("00A4040007A000000333010100")


class Host:
    """Collects what a coupler sends."""

    def __init__(self, card: IccChip | EchoCard | None, *faults: Fault):
        self.slot = IccSlot(card, Faults(*faults))
        self.chip = Tda8029Chip(self.slot)
        self.sent = b""
        self.chip.output = self._take

    def _take(self, data: bytes) -> None:
        self.sent += data

    def write(self, data: str | bytes) -> str:
        self.sent = b""
        self.chip.receive(bytes.fromhex(data) if isinstance(data, str) else data)
        return self.sent.hex().upper()

    def ask(self, code: int, data: bytes = b"") -> bytes:
        """The data of the answer; its frame is checked. A NACK is its status as one number."""
        answer = bytes.fromhex(self.write(build(0x60, code, data)))
        assert answer[3] == code
        assert int.from_bytes(answer[1:3], "big") == len(answer) - 5
        assert atr.xor(answer) == 0
        assert answer[0] == 0x60
        return answer[4:-1]

    def refused(self, code: int, data: bytes = b"") -> int:
        answer = bytes.fromhex(self.write(build(0x60, code, data)))
        assert answer[:4] == bytes([0xE0, 0, 1, code])
        assert len(answer) == 6 and atr.xor(answer) == 0
        return answer[4]


# Frames as published


def test_presence():
    assert Host(None).write("600000 09 69") == "600001090068"
    assert Host(EchoCard(T0)).write("600000 09 69") == "600001090169"


def test_power_up_without_a_card():
    assert Host(None).write("600001 6E 00 0F") == "E000016EC04F"


def test_power_up():
    answer = Host(EchoCard(T0)).write("600001 6E 00 0F")
    assert answer == build(0x60, 0x6E, T0).hex().upper()
    assert Host(EchoCard(T0)).write("600000 69 09") == build(0x60, 0x69, T0).hex().upper()


def test_version():
    assert Host(None).ask(0x0A) == b"07"
    assert Host(None).refused(0x0A, b"\x00") == 0x35
    assert Host(None).refused(0x09, b"\x00") == 0x35
    assert Host(None).refused(0x4D, b"\x00") == 0x35


def test_cards_come_and_go():
    host = Host(None)
    host.slot.insert(EchoCard(T0))
    assert host.sent.hex().upper() == "600001A001C0"
    host.sent = b""
    host.slot.remove()
    assert host.sent.hex().upper() == "600001A000C1"


def test_wrong_lrc():
    assert Host(None).write("600000 09 68") == "E0000109F018"


def test_a_command_that_is_not_built():
    assert Host(None).refused(0x6B) == 0x55


# The line


def test_frames_in_pieces_and_together():
    host = Host(EchoCard(T0))
    frame = bytes.fromhex("6000000969")
    for at in range(4):
        assert host.write(frame[at : at + 1]) == ""
    assert host.write(frame[4:] + frame) == "600001090169" * 2


def test_noise_before_a_frame():
    assert Host(None).write("FF00 600000 09 69") == "600001090068"


def test_a_frame_that_stops():
    host = Host(None)
    host.write("600000")
    host.chip.tick()
    assert host.sent.hex().upper() == "E0000100FF1E"
    host.chip.tick()
    assert host.write("6000000969") == "600001090068"


def test_a_frame_that_is_too_long():
    assert Host(None).write("60FFFF 00 01") == "E0000100" + "35" + f"{0xE0 ^ 1 ^ 0x35:02X}"


def test_trace():
    host = Host(None)
    host.ask(0x09)
    assert [(each[0], each[1].hex()) for each in host.chip.trace] == [(">", "6000000969"), ("<", "600001090068")]


# Power


@pytest.mark.parametrize("code", [0x68, 0x69, 0x6D, 0x6E])
@pytest.mark.parametrize("data", [b"", b"\x00", b"\x01"])
def test_every_power_up(code, data):
    assert Host(EchoCard(T0)).ask(code, data) == T0


def test_power_up_parameters():
    assert Host(EchoCard(T0)).refused(0x69, b"\x02") == 0x35
    assert Host(EchoCard(T0)).refused(0x69, b"\x00\x00") == 0x35


def test_power_up_again_is_a_warm_reset():
    warm = atr.basic_t0(b"warm")
    host = Host(IccChip(EchoCard(T0), warm_atr=warm))
    assert host.ask(0x69) == T0
    assert host.ask(0x69) == warm
    assert host.ask(0x4D) == b""
    assert not host.slot.powered
    assert host.ask(0x69) == T0
    assert host.slot.violations == []


def test_inverse_convention():
    card = EchoCard(atr.basic_t0(b"inverse", inverse=True))
    assert Host(card).ask(0x69) == card.atr


@pytest.mark.parametrize(
    "kind, status",
    [("mute", 0x80), ("garbage", 0xC4), ("wrong-ts", 0xC4), ("long", 0xC6), ("short", 0x81), ("bad-tck", 0xC3)],
)
def test_bad_atrs(kind, status):
    host = Host(EchoCard(T1, 1), Fault(kind, reset=0))
    assert host.refused(0x69) == status
    assert host.ask(0x69) == T1


def test_an_atr_that_emv_does_not_take():
    host = Host(EchoCard(atr.basic_t0(tb1=None)))
    assert host.refused(0x6E, b"\x01") == 0x93
    assert len(host.ask(0x6E, b"\x00")) == 3


def test_faults_within_the_atr():
    host = Host(EchoCard(T0), Fault("removal", character=2))
    answer = host.write(build(0x60, 0x69))
    assert answer == "E0000169C048" + "600001A000C1"  # the command first, then the event
    assert Host(EchoCard(T0), Fault("power", character=2)).refused(0x69) == 0xA1


# Commands


@pytest.mark.parametrize("whole, protocol", [(T0, 0), (T1, 1)])
def test_card_command(whole, protocol):
    card = EchoCard(whole, protocol, answers=[b"\x6f\x01\x02\x90\x00"])
    host = Host(card)
    host.ask(0x69)
    assert host.ask(0x00, SELECT) == b"\x6f\x01\x02\x90\x00"
    assert host.ask(0x00, b"\x00\xb0\x00\x00") == b"\x00\xb0\x00\x00\x90\x00"
    assert card.got[0] == SELECT
    assert [each[:2] for each in host.slot.trace[:2]] == [(">", SELECT), ("<", b"\x6f\x01\x02\x90\x00")]


def test_card_command_without_power():
    assert Host(None).refused(0x00, SELECT) == 0xC0
    assert Host(EchoCard(T0)).refused(0x00, SELECT) == 0xA1


def test_commands_that_are_no_apdu():
    host = Host(EchoCard(T0))
    host.ask(0x69)
    assert host.refused(0x00, b"\x00\xa4\x04") == 0x21
    assert host.refused(0x00, SELECT[:-3]) == 0x20
    assert host.refused(0x00, SELECT + b"\x00") == 0x20
    assert host.slot.apdus == 0


@pytest.mark.parametrize("whole, protocol, status", [(T0, 0, 0x81), (T1, 1, 0x22)])
def test_a_mute_card(whole, protocol, status):
    host = Host(EchoCard(whole, protocol, answers=[None]))
    host.ask(0x69)
    assert host.refused(0x00, SELECT) == status


def test_removal_during_a_command():
    host = Host(EchoCard(T0), Fault("removal", apdu=1))
    host.ask(0x69)
    host.ask(0x00, SELECT)
    assert host.write(build(0x60, 0x00, SELECT)) == "E0000100C021" + "600001A000C1"
    assert host.refused(0x00, SELECT) == 0xC0


def test_the_supply_is_cut_during_a_command():
    host = Host(EchoCard(T0), Fault("power", apdu=0))
    host.ask(0x69)
    assert host.refused(0x00, SELECT) == 0xA1
    assert host.refused(0x00, SELECT) == 0xA1
    assert host.ask(0x69) == T0
    assert host.ask(0x00, SELECT) == SELECT + b"\x90\x00"


def test_forced_statuses():
    host = Host(EchoCard(T0))
    host.chip.statuses = {1: 0x83}
    host.ask(0x69)
    host.ask(0x00, SELECT)
    assert host.refused(0x00, SELECT) == 0x83
    host.ask(0x00, SELECT)


def test_settings_and_negotiation():
    host = Host(EchoCard(T0))
    for code, data in ((0x0C, b"\xfe"), (0x0D, b"\x06"), (0x11, b"\x06"), (0xA2, b""), (0xA4, b""), (0xA5, b"\x00")):
        assert host.ask(code, data) == b""
        assert host.refused(code, data + b"\x00") == 0x35
    assert host.refused(0x10, b"\x00\x13") == 0xA1
    host.ask(0x69)
    assert host.ask(0x10, b"\x00\x13") == b""
    assert host.refused(0x10, b"\x01\x13") == 0x31
    assert host.refused(0x10, b"") == 0x35
    host = Host(EchoCard(atr.basic_t0(ta2=0x00)))
    host.ask(0x69)
    assert host.refused(0x10, b"\x00\x13") == 0x30


# Answers that are spoiled


@pytest.mark.parametrize("kind", SPOILINGS)
def test_spoilings(kind):
    host = Host(None)
    hung_up: list[bool] = []
    host.chip.hang_up = lambda: hung_up.append(True)
    host.chip.spoilings = {1: kind}
    assert host.ask(0x09) == b"\x00"
    good = "600001090068"
    assert host.write("6000000969") != good
    assert host.write("6000000969") == good
    assert bool(hung_up) == (kind == "drop")


# The socket


async def test_a_conversation_through_the_socket():
    chip = Tda8029Chip(IccSlot(EchoCard(T0)))
    async with serve_coupler(chip) as address, asyncio.timeout(5):
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(bytes.fromhex("6000000969") + b"\x60\x00")
        assert (await reader.readexactly(6)).hex() == "600001090169"
        chip.slot.remove()
        assert (await reader.readexactly(6)).hex() == "600001a000c1"
        writer.close()
        await writer.wait_closed()
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(bytes.fromhex("6000000969"))  # what the first host left half said is forgotten
        assert (await reader.readexactly(6)).hex() == "600001090068"
        chip.spoilings = {2: "drop"}
        writer.write(bytes.fromhex("6000000969"))
        assert await reader.read() == b""
        writer.close()
