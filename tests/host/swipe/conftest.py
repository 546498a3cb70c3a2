"""One process of the firmware's decoder for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mpos.swipe.decoder import Decoder


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as decoder:
        yield decoder
