"""A reader that tests share: it runs on from one to the next, but not from one that failed."""

from __future__ import annotations

import pytest

from mpos.link.messages import State
from tests.e2e.conftest import state
from tests.e2e.shared import Worlds


async def test_a_failure_takes_the_reader_with_it():
    worlds = Worlds()
    try:
        async with worlds.at_rest() as (first, _):
            pass
        with pytest.raises(AssertionError):
            async with worlds.at_rest() as (again, _):
                assert again is first
                raise AssertionError("a test that fails")
        async with worlds.at_rest() as (fresh, reader):
            assert fresh is not first and not fresh.slot.violations
            assert await state(reader) == State.IDLE
        async with worlds.at_rest(pin_pad=False) as (other, _):
            assert other is not fresh
    finally:
        await worlds.close()
