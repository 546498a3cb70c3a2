"""Marks on tests: which requirement of a standard a test covers (docs/emv-requirements.md is made from them)."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def requirement(standard: str, section: str, text: str) -> Callable[[T], T]:
    """Decorator: the test covers this requirement, told in one sentence."""
    return lambda function: function
