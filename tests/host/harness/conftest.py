"""A scratch folder of device tests for each module."""

from __future__ import annotations

import pytest
from harness.scratch import Scratch


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    return Scratch(tmp_path_factory.mktemp("device-tests"))
