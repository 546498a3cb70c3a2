"""The emulated board's chip slot: the firmware's own driver, in the machine, against the bench's coupler; and none."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpos.bench.icc import atr as atrs
from mpos.bench.icc_slot import IccSlot
from mpos.bench.qemu import booted
from mpos.bench.tda8029_chip import Tda8029Chip, serve_coupler
from mpos.provision import firmware

SESSION = """
import sys
sys.path[:] = ['/rom', '.frozen']
import asyncio, board
from reader.errors import ReaderError
async def session():
    slot = board.peripherals().contact
    try:
        await slot.start()
        await slot.wait_for_insertion(2000)
        card = await slot.activate()
        print(card.atr.hex(), card.protocol)
        print(bytes(await card.transmit(bytes((0, 0xb2, 1, 0x0c, 0)))).hex())
        await card.release()
    except ReaderError as error:
        print("error", error.code)
asyncio.run(session())
"""
SILENT, NO_CARD = 211, 106


class Card:
    atr = atrs.basic_t1(b"")
    protocol = 1

    def power_on(self) -> None:
        pass

    def exchange(self, command: bytes) -> bytes | None:
        return bytes(range(250)) + command + b"\x90\x00"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("firmware") / "out"
    firmware.build("qemu_rv32", out)
    return out / "romfs.img"


async def test_a_card(tmp_path: Path, image: Path) -> None:
    slot = IccSlot(Card())
    async with (
        serve_coupler(Tda8029Chip(slot)) as address,
        booted(tmp_path, ["", "", address], rom=image) as machine,
    ):
        said = await machine.exec(SESSION)
    assert said.split() == [Card.atr.hex(), "1", (bytes(range(250)) + bytes.fromhex("00B2010C009000")).hex()]
    assert not slot.powered


async def test_an_empty_slot(tmp_path: Path, image: Path) -> None:
    async with (
        serve_coupler(Tda8029Chip(IccSlot())) as address,
        booted(tmp_path, ["", "", address], rom=image) as machine,
    ):
        assert await machine.exec(SESSION) == f"error {NO_CARD}\n"


async def test_no_coupler_on_the_line(tmp_path: Path, image: Path) -> None:
    async with booted(tmp_path, rom=image) as machine:
        assert await machine.exec(SESSION) == f"error {SILENT}\n"
