"""A scratch folder of device tests for each module. What runs on the emulated board is collected where there is one."""

from __future__ import annotations

import pytest
from harness.scratch import Scratch

from mpos.provision import toolchain

try:
    toolchain.qemu()
    collect_ignore: list[str] = []
except toolchain.ToolchainMissing:
    collect_ignore = ["test_on_emulated_board.py"]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    return Scratch(tmp_path_factory.mktemp("device-tests"))
