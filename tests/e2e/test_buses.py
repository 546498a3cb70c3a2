"""The sale by tap over each of the three buses of the contactless chip."""

from __future__ import annotations

import pytest

from mpos.bench.cards import make_card
from mpos.bench.field import Field
from mpos.bench.pn532_chip import POWER_DOWN
from mpos.bench.world import World
from tests.e2e.conftest import sale
from tests.harness.requirements import requirement


@requirement(
    "UM0701-02", "6.2", "A sale by tap over HSU (at 460,800 baud), SPI and I2C, with and without the IRQ line."
)
@pytest.mark.parametrize("irq", [False, True], ids=["", "irq"])
@pytest.mark.parametrize("bus", ["hsu", "spi", "i2c"])
async def test_a_sale_by_tap(bus, irq):
    if bus == "hsu" and irq:
        return  # nothing waits for that line on a UART
    async with World(Field(*make_card("approved")), bus=bus, irq=irq) as there, await there.connect() as reader:
        for _ in range(2):  # once fresh from the reset, once out of power-down
            record = await sale(there, reader)
            assert (record.outcome, record.interface) == ("approved", "contactless"), record
            assert not there.field.carrier and not there.chip.awake
        codes = [data[6] for way, data, _ in there.chip.trace if way == ">" and len(data) > 6]
        assert codes[-1] == POWER_DOWN
