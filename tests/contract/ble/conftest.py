"""Fixtures of the radio's tests: the air, and the two aiobles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from mpos.bench.radio import Radio
from mpos.provision import toolchain


@pytest_asyncio.fixture
async def radio() -> AsyncIterator[Radio]:
    async with Radio() as radio:
        yield radio
    assert radio.problems == []


@pytest.fixture(
    params=toolchain.aiobles(), ids=lambda found: found[1] if found[1] == "stand-in" else f"real-{found[1]}"
)
def aioble(request: pytest.FixtureRequest) -> str:
    """The folder of the stand-in, and then of the real aioble where the cache has it."""
    return str(Path(request.param[0]))
