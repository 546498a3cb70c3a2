"""Stripes in words."""

from __future__ import annotations

import pytest

from mpos.describe import stripe


@pytest.mark.parametrize(
    ("error", "number", "said"),
    [
        (109, 6, "redundancy check"),
        (105, 2, "licence"),
        (111, 3, "cash machines"),
        (112, 10, "two account numbers"),
        (112, 99, "unknown (99)"),
        (101, 1, ""),
    ],
)
def test_details(error: int, number: int, said: str) -> None:
    found = stripe.detail(error, number)
    assert said in found if said else not found


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (101, ["international", "normal authorisation", "no restrictions"]),
        (620, ["national, chip to be used", "authorised by the issuer, online", "no restrictions, PIN needed"]),
        (0, ["reserved (0)", "normal authorisation", "no restrictions, PIN needed"]),
        (-1, []),
        (1000, []),
    ],
)
def test_service_code(code: int, said: list[str]) -> None:
    assert stripe.service_code(code) == said
