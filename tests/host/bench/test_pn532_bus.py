"""The bench's PN532 on its buses, message by message: speeds of the HSU, SPI, I2C, the IRQ line.

Transactions: libnfc, issue 516 (SPI: 02 then ready or not, 03 then the frame); UM0701-02, 6.2.4 and 6.2.5.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mpos.bench.field import Field
from mpos.bench.pn532_bus import serve_bus
from mpos.bench.pn532_chip import SPEEDS, Pn532Chip
from mpos.bench.pn532_faults import Fault, Faults
from mpos.bench.pn532_frames import ACK, NACK, build
from mpos.bench.run import Options, run_sale
from tests.harness.requirements import requirement

LIMIT_S = 5
VERSION = bytes.fromhex("0000FF06FAD50332010607E800")  # UM0701-02, 7.2.2
ASK_VERSION = build(0xD4, b"\x02")
NORMAL_MODE = build(0xD4, bytes.fromhex("140100"))
NORMAL_MODE_IRQ = build(0xD4, bytes.fromhex("14010001"))
SAM_ANSWER = build(0xD5, b"\x15")


class Reader:
    """What the far end of boards/unix/nfc_line.py says, and what it is told."""

    def __init__(self, chip: Pn532Chip, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.chip = chip
        self._reader = reader
        self._writer = writer
        self.levels: list[int] = []

    def say(self, kind: str, payload: bytes = b"") -> None:
        self._writer.write(kind.encode() + len(payload).to_bytes(2, "big") + payload)

    async def hear(self) -> tuple[str, bytes]:
        """The next message; levels of the IRQ line are kept."""
        while True:
            head = await asyncio.wait_for(self._reader.readexactly(3), LIMIT_S)
            payload = await asyncio.wait_for(self._reader.readexactly(int.from_bytes(head[1:], "big")), LIMIT_S)
            if head[:1] != b"i":
                return head[:1].decode(), payload
            self.levels.append(payload[0])

    async def ask(self, kind: str, payload: bytes) -> tuple[str, bytes]:
        self.say(kind, payload)
        return await self.hear()

    async def spi(self, payload: bytes) -> bytes:
        kind, answer = await self.ask("s", payload)
        assert kind == "r" and len(answer) == len(payload)
        return answer[1:]

    async def spi_read(self, size: int) -> bytes:
        return await self.spi(b"\x03" * (size + 1))

    async def serial(self, size: int) -> bytes:
        """Bytes of the HSU."""
        found = b""
        while len(found) < size:
            kind, data = await self.hear()
            assert kind == "w"
            found += data
        return found


@asynccontextmanager
async def joined(bus: str, irq: bool = False, chip: Pn532Chip | None = None) -> AsyncIterator[Reader]:
    chip = chip or Pn532Chip(Field())
    async with serve_bus(chip, bus, irq) as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        yield Reader(chip, reader, writer)
        writer.close()


def test_a_bus_that_is_none() -> None:
    with pytest.raises(ValueError, match="hsu, spi, i2c"):
        serve_bus(Pn532Chip(Field()), "usb")


@requirement(
    "UM0701-02", "7.2.8", "The chip changes its speed when the answer has been acknowledged; other speeds are noise."
)
async def test_hsu_speeds() -> None:
    async with joined("hsu") as reader:
        reader.say("w", b"\x55\x55" + bytes(14) + NORMAL_MODE)
        assert await reader.serial(len(ACK + SAM_ANSWER)) == ACK + SAM_ANSWER
        reader.say("w", build(0xD4, b"\x10\x06"))
        answer = ACK + build(0xD5, b"\x11")
        assert await reader.serial(len(answer)) == answer
        reader.say("w", ASK_VERSION)
        assert await reader.serial(len(ACK + VERSION)) == ACK + VERSION, "at the old speed until it has its ACK"
        reader.say("w", build(0xD4, b"\x10\x06"))
        await reader.serial(len(answer))
        reader.say("w", ACK)
        reader.say("w", ASK_VERSION)  # too slow now: not understood
        reader.say("b", (460_800).to_bytes(4, "big"))
        reader.say("w", ASK_VERSION)
        assert await reader.serial(len(ACK + VERSION)) == ACK + VERSION
        assert reader.chip.speed == 460_800
        reader.say("w", build(0xD4, b"\x00\x00"))
        reader.say("b", (115_200).to_bytes(4, "big"))
        await reader.serial(len(ACK) + 9)
    # The chip keeps power and speed; a reader that begins anew hears noise, if anything
    async with joined("hsu", chip=reader.chip) as anew:
        anew.say("w", ASK_VERSION)
        anew.say("b", (460_800).to_bytes(4, "big"))
        anew.say("w", ASK_VERSION)
        assert await anew.serial(len(ACK + VERSION)) == ACK + VERSION


async def test_what_the_chip_sends_at_another_speed() -> None:
    chip = Pn532Chip(Field())
    async with joined("hsu", chip=chip) as reader:
        reader.say("w", b"\x55\x55" + bytes(14) + NORMAL_MODE)
        await reader.serial(len(ACK + SAM_ANSWER))
        chip.speed = 9_600
        chip.output(VERSION)
        assert await reader.serial(len(VERSION)) == b"\xff" * len(VERSION)


def test_speeds_of_the_manual() -> None:
    # nfcpy, test_set_serial_baudrate
    assert dict(enumerate(SPEEDS)) == {
        0: 9600,
        1: 19200,
        2: 38400,
        3: 57600,
        4: 115200,
        5: 230400,
        6: 460800,
        7: 921600,
        8: 1288000,
    }


@requirement("UM0701-02", "6.2.5", "SPI: the status says whether a frame is ready; what is not read of it is lost.")
async def test_spi() -> None:
    async with joined("spi") as reader:
        assert await reader.spi(b"\x02\x02") == b"\xff", "the select wakes it, what is clocked meanwhile is lost"
        assert await reader.spi(b"\x02\x02") == b"\x00"
        await reader.spi(b"\x01" + NORMAL_MODE)
        assert await reader.spi(b"\x02\x02\x02") == b"\x01\x01"
        assert await reader.spi(b"\x03") == b"", "nothing clocked, nothing lost"
        assert await reader.spi_read(6) == ACK
        assert await reader.spi_read(len(SAM_ANSWER) + 2) == SAM_ANSWER + b"\x00\x00"
        assert await reader.spi(b"\x02\x02") == b"\x00"
        assert await reader.spi_read(4) == bytes(4), "nothing was ready"
        await reader.spi(b"\x01" + ASK_VERSION)
        assert await reader.spi_read(6) == ACK
        assert await reader.spi_read(5) == VERSION[:5]
        assert await reader.spi(b"\x02\x02") == b"\x00", "the rest is lost"
        await reader.spi(b"\x01" + NACK)
        assert await reader.spi_read(len(VERSION)) == VERSION, "and sent again"
        await reader.spi(b"\x01" + build(0xD4, b"\x10\x06"))
        await reader.spi_read(6)
        assert (await reader.spi_read(8)).hex() == "0000ff01ff7f8100", "no speed to set there"
        assert reader.chip.asked_in_vain == 3


@requirement(
    "UM0701-02", "6.2.4", "I2C: every read begins with the status byte; asleep the address is not acknowledged."
)
async def test_i2c() -> None:
    async with joined("i2c") as reader:
        assert await reader.ask("W", NORMAL_MODE) == ("a", b"\x00")
        assert await reader.ask("R", b"\x00\x01") == ("r", b"\x00")
        assert await reader.ask("W", NORMAL_MODE) == ("a", b"\x01")
        assert await reader.ask("R", b"\x00\x01") == ("r", b"\x01")
        assert await reader.ask("R", b"\x00\x07") == ("r", b"\x01" + ACK)
        assert await reader.ask("R", b"\x00\x04") == ("r", b"\x01" + SAM_ANSWER[:3])
        assert await reader.ask("R", b"\x00\x04") == ("r", bytes(4))
        # PowerDown, woken by SPI only: this bus never wakes it
        assert await reader.ask("W", build(0xD4, b"\x16\x20")) == ("a", b"\x01")
        await reader.ask("R", b"\x00\x07")
        assert (await reader.ask("R", b"\x00\x0c"))[1][1:10] == bytes.fromhex("0000FF03FDD5170014")
        for _ in range(3):
            assert await reader.ask("R", b"\x00\x01") == ("a", b"\x00")
            assert await reader.ask("W", NORMAL_MODE) == ("a", b"\x00")


async def test_a_new_command_voids_an_answer_that_was_not_fetched() -> None:
    async with joined("spi") as reader:
        await reader.spi(b"\x02\x02")
        await reader.spi(b"\x01" + NORMAL_MODE)
        await reader.spi(b"\x01" + ASK_VERSION)
        assert await reader.spi_read(6) == ACK
        assert await reader.spi_read(len(VERSION)) == VERSION
        await reader.spi(b"\x01" + ASK_VERSION)
        await reader.spi(b"\x01" + ACK)
        assert await reader.spi(b"\x02\x02") == b"\x00", "so does the abort"


async def test_asleep_with_an_answer_that_nobody_fetched() -> None:
    async with joined("spi") as reader:
        await reader.spi(b"\x02\x02")
        await reader.spi(b"\x01" + NORMAL_MODE)
        await reader.spi(b"\x01" + build(0xD4, b"\x16\x20"))
        assert not reader.chip.awake
        await reader.spi(b"\x01" + ACK)  # the select wakes it
        await reader.spi(b"\x01" + ASK_VERSION)
        assert await reader.spi_read(6) == ACK
        assert await reader.spi_read(len(VERSION)) == VERSION


@requirement("UM0701-02", "7.2.10", "The IRQ line falls for each frame that waits, if SAMConfiguration says so.")
async def test_irq() -> None:
    async with joined("i2c", irq=True) as reader:
        await reader.ask("W", b"")
        await reader.ask("W", NORMAL_MODE_IRQ)
        await reader.ask("R", b"\x00\x07")
        await reader.ask("R", b"\x00\x0b")
        await reader.ask("R", b"\x00\x01")
        assert reader.levels == [0, 1, 0, 1], "ACK, answer"
        await reader.ask("W", build(0xD4, bytes.fromhex("14010000")))
        await reader.ask("R", b"\x00\x07")
        await reader.ask("R", b"\x00\x0b")
        await reader.ask("W", ASK_VERSION)
        await reader.ask("R", b"\x00\x07")
        assert not reader.chip.drives_irq
        assert reader.levels[4:].count(0) <= 1, "up to the ACK of the command that switches it off"
    async with joined("i2c", irq=False) as reader:
        await reader.ask("W", b"")
        await reader.ask("W", NORMAL_MODE_IRQ)
        await reader.ask("R", b"\x00\x07")
        assert reader.levels == [], "not wired"


@pytest.mark.parametrize(
    ("bus", "kind", "payload"),
    [("hsu", "s", b"\x02\x02"), ("hsu", "b", b"\x01"), ("spi", "w", b""), ("i2c", "s", b""), ("i2c", "R", b"\x01")],
)
async def test_what_is_no_message_ends_the_line(bus: str, kind: str, payload: bytes) -> None:
    async with joined(bus) as reader:
        reader.say(kind, payload)
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.hear()


async def test_a_line_that_drops() -> None:
    async with joined("spi", chip=Pn532Chip(Field(), Faults(Fault("drop", command=0x02)))) as reader:
        await reader.spi(b"\x02\x02")
        await reader.spi(b"\x01" + ASK_VERSION)
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.spi(b"\x02\x02")


@pytest.mark.parametrize("options", [{"bus": "spi"}, {"irq": True}])
async def test_the_emulated_board_has_its_chip_on_the_uart(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="leave --bus and --irq out"):
        await run_sale(Options(card="approved", amount=1, currency=156, target="qemu", **options))
