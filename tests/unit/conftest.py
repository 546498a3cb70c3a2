"""Tests of the firmware: collected by pytest, run by MicroPython (docs/testing.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.collect import DeviceFile


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector:
    """A test module below this folder is never imported by CPython."""
    return DeviceFile.from_parent(parent, path=module_path)
