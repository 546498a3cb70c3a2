"""Names that say a number twice agree with it: tags by name and value, error numbers on device and host."""

import ast
import re
from collections.abc import Iterator, Mapping

import pytest

from mpos.describe.reader_errors import ERRORS
from mpos.describe.tags import TAGS
from tests.lint.sources import File, findings, python_files, read

_LEAST_TAG = 0x42
_ERRORS_FILE = "firmware/reader/errors.py"


def constants(file: File, prefix: str) -> Iterator[tuple[str, int | None, int]]:
    """(name, value or None, line) of each module-level `NAME = const(value)` that begins with `prefix`."""
    for node in file.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            if name.startswith(prefix):
                if isinstance(value, ast.Call) and ast.unparse(value.func) == "const" and value.args:
                    value = value.args[0]
                number = value.value if isinstance(value, ast.Constant) and isinstance(value.value, int) else None
                yield name, number, node.lineno


def tag_names(file: File, table: Mapping[int, str] = TAGS) -> Iterator[str]:
    for name, value, line in constants(file, "_TAG_"):
        match = re.fullmatch(r"_TAG_([0-9A-F]{2,6})_([A-Z0-9_]+)", name)
        if not match and value is not None and value < _LEAST_TAG:
            continue  # a number about tags, as their longest length
        if not match:
            yield file.says(line, f"{name} should read _TAG_<hex>_<NAME>, as _TAG_9F02_AMOUNT_AUTHORISED")
            continue
        tag = int(match[1], 16)
        if value != tag:
            shown = "no number" if value is None else f"0x{value:X}"
            yield file.says(line, f"{name} is {shown}; its name says 0x{tag:X}")
        elif tag not in table:
            yield file.says(line, f"tag {tag:X} is unknown to mpos.describe.tags; add it there")
        elif table[tag] != match[2]:
            yield file.says(line, f"{name}: mpos.describe.tags calls this tag {table[tag]}; use that name")


def error_numbers(file: File, table: Mapping[int, tuple[str, str]] = ERRORS) -> list[str]:
    found = []
    numbers: dict[int, str] = {}
    for name, value, line in constants(file, "E_"):
        if value is None:
            found.append(file.says(line, f"{name} has no plain number"))
        elif value in numbers:
            found.append(file.says(line, f"{name} has the number of {numbers[value]}"))
        else:
            numbers[value] = name
            if table.get(value, ("", ""))[0] != name:
                found.append(file.says(line, f"{name} = {value}: give mpos.describe.reader_errors the same name"))
    for number, (name, sentence) in table.items():
        if number not in numbers:
            found.append(f"mpos.describe.reader_errors: {number} ({name}) is not in {file.path}; remove it there")
        if not sentence.endswith("."):
            found.append(f"mpos.describe.reader_errors: {number} ({name}) needs a sentence: what happened, what to do")
    return found


def test_tag_names_agree() -> None:
    files = python_files("firmware/")
    found = findings(tag_names, files)
    assert not found, "\n" + "\n".join(found)
    assert sum(1 for file in files for _ in constants(file, "_TAG_")) > 10, "the law saw hardly any tag"


def test_error_numbers_agree() -> None:
    found = error_numbers(read(_ERRORS_FILE))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "_TAG_9F02_AMOUNT_AUTHORISED = const(0x9F03)",
        "_TAG_9F02_AMOUNT_AUTHORISED = const(0x9F02 + 0)",
        "_TAG_9F02_AMOUNT = const(0x9F02)",
        "_TAG_AMOUNT_AUTHORISED = const(0x9F02)",
        "_TAG_DFFF7F_SECRET = const(0xDFFF7F)",
    ],
)
def test_tag_law_finds(line: str) -> None:
    table = {0x9F02: "AMOUNT_AUTHORISED"}
    assert list(tag_names(File("firmware/reader/emv/x.py", line), table))


def test_tag_law_lets_pass() -> None:
    line = "_TAG_9F02_AMOUNT_AUTHORISED = const(0x9F02)"
    assert list(tag_names(File("firmware/reader/emv/x.py", line), {0x9F02: "AMOUNT_AUTHORISED"})) == []


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("E_A = const(1)", {}),
        ("E_A = const(1)", {1: ("E_B", "Sentence.")}),
        ("E_A = const(1)", {1: ("E_A", "no sentence")}),
        ("E_A = const(1)", {1: ("E_A", "Sentence."), 2: ("E_B", "Sentence.")}),
        ("E_A = const(1)\nE_B = const(1)", {1: ("E_A", "Sentence.")}),
        ("E_A = const(x)", {}),
    ],
)
def test_error_law_finds(text: str, table: dict[int, tuple[str, str]]) -> None:
    assert error_numbers(File(_ERRORS_FILE, text), table)


def test_error_law_lets_pass() -> None:
    assert error_numbers(File(_ERRORS_FILE, "E_A = const(1)"), {1: ("E_A", "It broke. Mend it.")}) == []
