"""Tests of the firmware: collected by pytest, run by MicroPython (docs/testing.md)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_TOP / "tests"), str(_TOP / "host_tools")]

from harness.collect import DeviceFile  # noqa: E402


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector:
    """A test module below this folder is never imported by CPython."""
    return DeviceFile.from_parent(parent, path=module_path)
