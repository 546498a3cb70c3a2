"""Whole sales on the emulated microcontroller. Without `make setup TARGET=qemu` there is nothing to collect here."""

from __future__ import annotations

import pytest

from mpos.bench.device_qemu import BOARD
from mpos.provision import firmware, toolchain

try:
    toolchain.qemu()
    collect_ignore_glob: list[str] = []
except toolchain.ToolchainMissing:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """The firmware of the working tree, for the board."""
    firmware.build(BOARD)
