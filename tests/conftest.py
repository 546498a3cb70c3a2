"""What all tests share: where they find the harness, and how they are spread over processes."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(_TESTS), str(_TESTS.parent / "host_tools")]

from harness.spread import pytest_xdist_make_scheduler  # noqa: E402
from harness.targets import (  # noqa: E402
    pytest_addoption,
    pytest_configure,
    pytest_report_header,
    pytest_unconfigure,
)

__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_report_header",
    "pytest_unconfigure",
    "pytest_xdist_make_scheduler",
]
