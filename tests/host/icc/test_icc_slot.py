"""The bench's chip card slot: its lines, its order, its socket, and what can be made to go wrong in it.

ISO/IEC 7816-3, 6; NXP AN10997 (TDA8035): activation, deactivation, and what OFF_N tells.
"""

from __future__ import annotations

import asyncio

import pytest

from mpos.bench.field import TargetRemoved
from mpos.bench.icc import atr
from mpos.bench.icc.blocks import i_block
from mpos.bench.icc_chip import IccChip
from mpos.bench.icc_faults import PLACES, Fault, Faults
from mpos.bench.icc_slot import CMDVCC_N, DATA, OFF_N, RSTIN, SETTINGS, IccSlot, serve_slot
from tests.harness.requirements import requirement
from tests.host.icc.reader import EchoCard, Reader

T0 = atr.basic_t0()
T1 = atr.basic_t1()
VERIFY = "0020008000"


# Presence


def test_presence_is_told_at_once_and_when_it_changes():
    reader = Reader(None)
    assert reader.levels == [0]
    card = EchoCard(T0)
    reader.slot.insert(card)
    assert reader.levels == [0, 1]
    reader.slot.remove()
    reader.slot.remove()
    assert reader.levels == [0, 1, 0]
    assert reader.slot.insertions == 1


def test_two_cards_are_an_error_of_the_script():
    with pytest.raises(ValueError):
        Reader(EchoCard(T0)).slot.insert(EchoCard(T0))


def test_a_listener_hears_of_cards():
    slot = IccSlot()
    heard: list[bool] = []
    slot.listen(lambda: heard.append(slot.chip is not None))
    slot.insert(EchoCard(T0))
    slot.remove()
    assert heard == [True, False]


def test_nothing_is_activated_without_a_card():
    reader = Reader(None)
    assert reader.activate() == b""
    assert not reader.slot.powered
    reader.slot.insert(EchoCard(T0))  # CMDVCC_N is low already: it takes a falling edge
    assert not reader.slot.powered
    reader.deactivate()
    assert reader.activate() == T0


# The order


@requirement("ISO 7816-3", "6.2", "The bench's slot accepts supply, then RST, and nothing else as an activation.")
def test_order_that_is_kept():
    reader = Reader(EchoCard(T0))
    for _ in range(2):
        reader.activate()
        reader.ask(VERIFY)
        reader.warm_reset()
        reader.deactivate()
    assert reader.slot.violations == []
    assert not reader.slot.powered


@requirement("ISO 7816-3", "6.4", "The bench's slot notes a supply that goes off while RST is high.")
def test_orders_that_are_not():
    reader = Reader(EchoCard(T0))
    reader.slot.receive(RSTIN, b"\x01")
    assert "RST rose without a supply" in reader.slot.violations[-1]
    reader.slot.receive(CMDVCC_N, b"\x00")
    assert "RST was high" in reader.slot.violations[-1]
    reader.slot.receive(CMDVCC_N, b"\x01")
    assert "before RST was low" in reader.slot.violations[-1]
    assert len(reader.slot.violations) == 3


def test_characters_out_of_order():
    reader = Reader(EchoCard(T0))
    assert reader.ask("00") == ""
    assert "without a supply" in reader.slot.violations[-1]
    reader.activate()
    reader.slot.receive(RSTIN, b"\x00")
    assert reader.ask("00") == ""
    assert "while RST was low" in reader.slot.violations[-1]
    assert reader.slot.chip.protocol is None


@pytest.mark.parametrize("kind, payload", [(CMDVCC_N, b""), (RSTIN, b"\x00\x00"), (SETTINGS, b"\x00"), (0x7F, b"")])
def test_messages_that_do_not_exist(kind, payload):
    reader = Reader(EchoCard(T0))
    reader.slot.receive(kind, payload)
    assert len(reader.slot.violations) == 1


def test_a_level_that_is_there_already_changes_nothing():
    card = EchoCard(T0)
    reader = Reader(card)
    reader.activate()
    reader.slot.receive(CMDVCC_N, b"\x00")
    reader.slot.receive(RSTIN, b"\x01")
    assert reader.take() == b""
    assert card.resets == 1


# Removal and faults of the supply


def test_removal_while_it_works():
    reader = Reader(EchoCard(T0))
    reader.activate()
    reader.slot.remove()
    assert reader.levels == [1, 0]
    assert not reader.slot.powered
    assert reader.ask(VERIFY) == ""  # the reader does not know it yet: no violation
    reader.slot.insert(EchoCard(T0))
    assert reader.levels == [1, 0]  # the fault lasts until CMDVCC_N is high
    reader.deactivate()
    assert reader.levels == [1, 0, 1]
    assert reader.activate() == T0
    assert reader.slot.violations == []


def test_the_supply_is_cut():
    reader = Reader(EchoCard(T0))
    reader.activate()
    reader.slot.cut_power()
    assert reader.levels == [1, 0]
    assert reader.slot.chip is not None
    assert reader.ask(VERIFY) == ""
    reader.deactivate()
    assert reader.levels == [1, 0, 1]


def test_a_card_that_leaves_by_itself():
    card = EchoCard(T0)

    def leave(command: bytes) -> bytes | None:
        raise TargetRemoved

    card.exchange = leave  # type: ignore[method-assign]
    reader = Reader(card)
    reader.activate()
    assert reader.ask(VERIFY) == ""
    assert reader.levels == [1, 0]
    assert [each[0] for each in reader.slot.trace] == [">"]


def test_a_cut_without_power_is_none():
    reader = Reader(EchoCard(T0))
    reader.slot.cut_power()
    assert reader.levels == [1]


def test_a_reader_that_starts_anew_finds_its_lines_at_rest():
    card = EchoCard(T0)
    reader = Reader(card)
    reader.activate()
    reader.slot.connected()
    assert not reader.slot.powered
    assert reader.levels[-1] == 1
    assert reader.activate() == T0
    assert card.resets == 2


# Characters


def test_all_characters_are_counted():
    reader = Reader(EchoCard(T0, answers=[b"\x90\x00"]))
    reader.activate()
    assert reader.slot.characters == len(T0)
    reader.send(VERIFY)
    assert reader.slot.characters == len(T0) + 5 + 2


def conversation(reader: Reader) -> bytes:
    """An ATR and one command by T=1."""
    heard = reader.activate()
    return heard + reader.send(i_block(0, bytes.fromhex("00B0000000")))


WHOLE = len(T1) + 9 + 11


@pytest.mark.parametrize("number", range(WHOLE + 1))
def test_removal_at_every_character(number):
    card = EchoCard(T1, 1)
    reader = Reader(card, Fault("removal", character=number))
    heard = conversation(reader)
    if number == WHOLE:
        assert reader.slot.chip is not None and len(heard) == len(T1) + 11
        return
    assert reader.slot.chip is None
    assert reader.levels == [1, 0]
    assert reader.slot.characters == number
    assert len(heard) == (number if number < len(T1) else len(T1) + max(0, number - len(T1) - 9))
    assert reader.slot.violations == []


@pytest.mark.parametrize("number", range(0, WHOLE, 7))
def test_a_cut_supply_at_characters(number):
    reader = Reader(EchoCard(T1, 1), Fault("power", character=number))
    conversation(reader)
    assert reader.levels == [1, 0]
    assert reader.slot.chip is not None


def test_the_level_comes_after_the_characters_before_it():
    slot = IccSlot(EchoCard(T0), Faults(Fault("removal", character=2)))
    said: list[tuple[int, bytes]] = []
    slot.output = lambda kind, payload: said.append((kind, payload))
    slot.connected()
    slot.receive(SETTINGS, (9624).to_bytes(4, "big") + b"\x00\x01")
    slot.receive(CMDVCC_N, b"\x00")
    slot.receive(RSTIN, b"\x01")
    assert said == [(OFF_N, b"\x01"), (DATA, T0[:2]), (OFF_N, b"\x00")]


@pytest.mark.parametrize("kind, heard", [("change", "3B20"), ("parity", "3B70"), ("lost", "3B00")])
def test_a_character_of_the_card_is_damaged(kind, heard):
    reader = Reader(EchoCard(T0), Fault(kind, character=1, value=0x40))
    assert reader.activate()[:2].hex().upper() == heard


def test_a_character_of_the_reader_is_damaged():
    card = EchoCard(T0)
    reader = Reader(card, Fault("change", character=len(T0) + 3, value=0x01))
    reader.activate()
    reader.ask(VERIFY)
    assert card.got == [bytes.fromhex("00200081")]
    reader = Reader(card, Fault("lost", character=len(T0)))
    reader.activate()
    assert reader.ask(VERIFY) == ""


def test_hooks():
    reader = Reader(EchoCard(T0, answers=[b"\x90\x00"]))
    seen: list[tuple[str, int]] = []
    commands: list[tuple[bytes, int]] = []
    reader.slot.before_character = lambda direction, number: seen.append((direction, number))
    reader.slot.before_exchange = lambda command, number: commands.append((command, number))
    reader.activate()
    reader.send(VERIFY)
    assert [each[0] for each in seen] == ["<"] * 4 + [">"] * 5 + ["<"] * 2
    assert [each[1] for each in seen] == list(range(11))
    assert commands == [(bytes.fromhex("00200080"), 0)]


# APDUs


@pytest.mark.parametrize("kind", ["removal", "power", "silence"])
@pytest.mark.parametrize("protocol, whole", [(0, T0), (1, T1)])
def test_faults_at_an_apdu(kind, protocol, whole):
    card = EchoCard(whole, protocol, answers=[b"\x90\x00"] * 3)
    reader = Reader(card, Fault(kind, apdu=1))
    reader.activate()
    command = bytes.fromhex("80180000")
    talk = reader.t1 if protocol else reader.t0
    assert talk(command) == b"\x90\x00"
    with pytest.raises((AssertionError, IndexError)):
        talk(command)
    assert reader.levels == ([1] if kind == "silence" else [1, 0])
    assert len(card.got) == 1
    assert reader.slot.apdus == 2
    assert [each[0] for each in reader.slot.trace] == [">", "<"] + [">"] * (kind == "silence")


def test_a_hook_that_changes_the_card():
    """The card that got the command is gone, whatever is in the slot now."""
    first, second = EchoCard(T0), EchoCard(T0)
    reader = Reader(first)

    def swap(command: bytes, number: int) -> None:
        reader.slot.remove()
        reader.slot.insert(second)

    reader.slot.before_exchange = swap
    reader.activate()
    assert reader.ask(VERIFY) == ""
    assert first.got == second.got == []


# ATRs


@pytest.mark.parametrize(
    "kind, check",
    [
        ("mute", lambda heard: heard == b""),
        ("garbage", lambda heard: heard[0] not in (0x3B, 0x3F)),
        ("wrong-ts", lambda heard: heard[0] == 0x3C and heard[1:] == T1[1:]),
        ("short", lambda heard: T1.startswith(heard) and 0 < len(heard) < len(T1)),
        ("long", lambda heard: len(heard) > 33 and atr.length(heard[:40]) > 40),
        ("bad-tck", lambda heard: atr.xor(heard[1:]) == 1 and heard[:-1] == T1[:-1]),
    ],
)
def test_an_atr_that_is_bad_when_cold_and_good_when_warm(kind, check):
    reader = Reader(EchoCard(T1, 1), Fault(kind, reset=0))
    assert check(reader.activate())
    assert reader.warm_reset() == T1


def test_the_kinds_of_atr_are_all_tried():
    assert set(PLACES["reset"]) == {"mute", "garbage", "wrong-ts", "short", "long", "bad-tck"}


def test_a_card_that_stays_mute():
    reader = Reader(IccChip(EchoCard(T0), atr=b""))
    assert reader.activate() == b""
    assert reader.warm_reset() == b""


# Rules


@pytest.mark.parametrize("wrong", [{}, {"block": 1, "apdu": 2}, {"reset": 0}, {"character": 3}])
def test_faults_are_checked(wrong):
    with pytest.raises(ValueError):
        Fault("bad-edc", **wrong)


def test_faults_count_what_they_hit():
    faults = Faults(Fault("silence", apdu=2, times=2), Fault("removal", character=2))
    assert [bool(faults.meet("apdu", number)) for number in range(5)] == [False, False, True, True, False]
    assert faults.hits == 2


# The socket


async def message(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    async with asyncio.timeout(5):
        kind, length = await reader.readexactly(2)
        return kind, await reader.readexactly(length)


async def connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = address.split(":")
    return await asyncio.open_connection(host, int(port))


ON = bytes([SETTINGS, 6]) + (9600).to_bytes(4, "big") + bytes([0, 1, CMDVCC_N, 1, 0, RSTIN, 1, 1])


async def test_a_conversation_through_the_socket():
    slot = IccSlot(EchoCard(T0, answers=[bytes(256) + b"\x90\x00"]))
    async with serve_slot(slot) as address:
        assert address.startswith("127.0.0.1:")
        reader, writer = await connect(address)
        assert await message(reader) == (OFF_N, b"\x01")
        writer.write(ON)
        assert await message(reader) == (DATA, T0)
        writer.write(bytes([DATA, 5]) + bytes.fromhex("00B0000000"))
        heard = b""
        while len(heard) < 5 + 1 + 256 + 2:
            kind, payload = await message(reader)
            assert kind == DATA
            heard += payload
        assert heard == bytes.fromhex("00B0000000B0") + bytes(256) + b"\x90\x00"
        slot.remove()
        assert await message(reader) == (OFF_N, b"\x00")
        writer.close()
    assert slot.violations == []


async def test_one_reader_after_the_other():
    slot = IccSlot(EchoCard(T0))
    async with serve_slot(slot) as address:
        for _ in range(2):
            reader, writer = await connect(address)
            assert await message(reader) == (OFF_N, b"\x01")
            writer.write(ON)
            assert await message(reader) == (DATA, T0)
            writer.write(b"\x00\x05\x00")  # cut in the middle of a message
            writer.close()
            await writer.wait_closed()


async def test_a_slot_that_is_closed_hangs_up():
    slot = IccSlot(EchoCard(T0))
    async with serve_slot(slot) as address:
        reader, writer = await connect(address)
        assert await message(reader) == (OFF_N, b"\x01")
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionError):
        await connect(address)


async def test_a_reader_that_came_later_has_the_slot():
    slot = IccSlot(EchoCard(T0))
    async with serve_slot(slot) as address:
        first, first_writer = await connect(address)
        assert await message(first) == (OFF_N, b"\x01")
        second, second_writer = await connect(address)
        assert await message(second) == (OFF_N, b"\x01")
        first_writer.write(ON)
        await first_writer.drain()
        second_writer.write(bytes([0x7F, 0]) + ON)
        assert await message(second) == (DATA, T0)
        first_writer.close()
        second_writer.close()
    assert slot.violations == ["message 7F of 0 bytes"]


async def test_endless_null_through_the_socket():
    slot = IccSlot(EchoCard(T0), Faults(Fault("null", apdu=0)))
    async with serve_slot(slot) as address:
        reader, writer = await connect(address)
        assert await message(reader) == (OFF_N, b"\x01")
        writer.write(ON + bytes([DATA, 5]) + bytes.fromhex(VERIFY))
        assert await message(reader) == (DATA, T0)
        assert await message(reader) == (DATA, bytes.fromhex(VERIFY))
        for _ in range(3):
            assert await message(reader) == (DATA, b"\x60")
        writer.close()
