"""Amounts as they are typed."""

from __future__ import annotations

import re
from decimal import Decimal

import typer

AMOUNT_MOST = Decimal("9999999.99")
CURRENCY_CNY = 156


def minor_units(text: str) -> int:
    """Of an amount like 12.34. Raises typer.BadParameter."""
    if not re.fullmatch(r"\d{1,7}(\.\d{1,2})?", text) or not 0 < Decimal(text) <= AMOUNT_MOST:
        raise typer.BadParameter(f"write it like 12.34, more than zero and at most {AMOUNT_MOST}")
    return int(Decimal(text) * 100)
