"""The whole run fits the heap of the small board, and gives back what it took."""

from __future__ import annotations

from mpos.bench.cards import make_card
from tests.e2e.conftest import heap, sale, world

HEAP = 128 * 1024
PEAK_BUDGET = 104 * 1024
DRIFT_BUDGET = 1024
TRANSACTIONS = 30


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
