"""Rewriting assertions changes what a failure says, and nothing else."""

from __future__ import annotations

import pytest
from harness.assertions import rewrite


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("assert a == b", "assert _compared('==', a, b), _sides()"),
        ("assert (a) != (b), 'why'", "assert _compared('!=', a, b), _sides('why')"),
        ("assert a not in (1, 2)  # why", "assert _compared('not in', a, (1, 2)), _sides()  # why"),
        ("assert f(x) is None; y()", "assert _compared('is', f(x), None), _sides(); y()"),
        ("assert 'é' < 'ü', 'ö'; z", "assert _compared('<', 'é', 'ü'), _sides('ö'); z"),
        ("assert (\n    a\n    >= b\n)  # why\nc", "assert _compared('>=', a, b), _sides()\n\n\n\nc"),
        ("if x: assert a > b", "if x: assert _compared('>', a, b), _sides()"),
        (
            "assert a <= 1; assert b is not 2",
            "assert _compared('<=', a, 1), _sides(); assert _compared('is not', b, 2), _sides()",
        ),
        ("async def f():\n  assert await g() in h", "async def f():\n  assert _compared('in', await g(), h), _sides()"),
    ],
)
def test_a_comparison(before: str, after: str) -> None:
    assert rewrite("tests/unit/test_x.py", before) == after


@pytest.mark.parametrize(
    "text", ["assert a", "assert 0 < a < 9", "assert not a == b", "assert (a ==\n b); c()", "a == b", "assert ("]
)
def test_what_stays(text: str) -> None:
    assert rewrite("tests/unit/test_x.py", text) == text


def test_only_test_files_are_rewritten() -> None:
    assert rewrite("firmware/reader/errors.py", "assert a == b") == "assert a == b"
