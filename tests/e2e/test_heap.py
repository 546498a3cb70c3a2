"""The whole run fits the heap of the small board, and gives back what it took."""

from __future__ import annotations

import pytest

from mpos.bench.cards import make_card
from mpos.bench.customer import Customer
from mpos.bench.keypad import Typist
from mpos.bench.world import World
from tests.e2e.conftest import customer_sale, heap, insert_sale, sale, world

HEAP = 128 * 1024
PEAK_BUDGET = 104 * 1024
DRIFT_BUDGET = 1024
TRANSACTIONS = 30
INSERTED = 8


async def test_fits_and_comes_back():
    async with world() as there, await there.connect() as reader:
        start = await heap(reader)
        assert 0 < start < HEAP
        peak = 0
        for i in range(TRANSACTIONS):
            there.field.clear()
            for target in make_card("approved", atc=i + 1):
                there.field.present(target)
            record = await sale(there, reader, amount=100 + i)
            assert record.outcome == "approved", record
            peak = max(peak, record.heap_peak)
        assert start < peak <= PEAK_BUDGET
        # The first transaction leaves its result behind (LAST_RESULT); nothing grows after it
        assert abs(await heap(reader) - start) <= DRIFT_BUDGET


async def test_by_swipe_fits_and_comes_back():
    async with World(typist=Typist("1357")) as there, await there.connect() as reader:
        peak = 0
        start = await heap(reader)
        for _ in range(INSERTED):
            customer = Customer(there.field, there.slot, there.head, "stripe-tracks-1-2-3")
            record = await customer_sale(there, reader, customer, 100)
            assert record.outcome == "approved", record
            peak = max(peak, record.heap_peak)
        assert start < peak <= PEAK_BUDGET
        assert abs(await heap(reader) - start) <= DRIFT_BUDGET


@pytest.mark.parametrize("name", ["dda-1984", "t1-1984", "cda"])
async def test_by_insert_fits_and_comes_back(name):
    async with world(name) as there, await there.connect() as reader:
        peak = 0
        start = await heap(reader)
        (card,) = make_card(name)
        for _ in range(INSERTED):
            there.slot.remove()
            there.slot.insert(card)
            record = await insert_sale(there, reader, name)
            assert record.outcome == "approved", record
            peak = max(peak, record.heap_peak)
        assert start < peak <= PEAK_BUDGET
        assert abs(await heap(reader) - start) <= DRIFT_BUDGET
