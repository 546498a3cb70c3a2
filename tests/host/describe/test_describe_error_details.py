"""The details of errors: the host has a sentence for each that the device's modules document, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mpos.cli import app
from mpos.describe.error_details import DETAILS
from mpos.describe.reader_errors import details, sentence

_READER = Path(__file__).parents[3] / "firmware" / "reader"
_ROW = re.compile(r"(?<!\S)(\d{1,2}) [a-zA-Z]")


def _documented(name: str) -> set[int]:
    text = ast.get_docstring(ast.parse((_READER / name).read_text(encoding="utf-8"))) or ""
    tables = [line for line in text.splitlines() if re.match(r"    \d", line)]
    return {int(number) for line in tables for number in _ROW.findall(line)}


@pytest.mark.parametrize(("code", "modules"), [(508, ["tr31.py", "app/key_load.py"]), (811, ["app/file_load.py"])])
def test_the_same_numbers(code: int, modules: list[str]) -> None:
    found = [_documented(name) for name in modules]
    assert all(found) and set.union(*found) == set(DETAILS[code])
    assert sum(len(numbers) for numbers in found) == len(DETAILS[code])  # none in both


def test_in_the_sentence() -> None:
    assert sentence(508, 5).startswith("E_KEY_BLOCK (508, detail 5: its MAC: made for another reader")
    assert sentence(508, 99).startswith("E_KEY_BLOCK (508, detail 99 (0x63)): ")
    assert sentence(508).startswith("E_KEY_BLOCK (508): ")
    assert details(605) == []


def test_listed() -> None:
    done = CliRunner().invoke(app, ["describe", "error", "508"])
    assert done.exit_code == 0
    assert all(f"detail {number}: {text}" in done.output for number, text in DETAILS[508].items())
