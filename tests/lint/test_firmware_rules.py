"""Rules for code on the device that are seen in one file: exceptions, words, prints, module-level work."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.lint.sources import File, Law, assert_kept, findings, imports, python_files, read

_MISSING_ON_DEVICE = {"typing", "enum", "abc", "dataclasses", "contextlib", "functools", "logging", "itertools", "copy"}


def no_bare_except(file: File) -> Iterator[str]:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield file.says(node.lineno, "bare except; name what may be raised here")


def no_simulator(file: File) -> Iterator[str]:
    for number, line in enumerate(file.text.splitlines(), 1):
        if re.search(r"simulat(or|ed|ion)", line, re.IGNORECASE):
            yield file.says(number, "the firmware never asks where it runs; a board supplies the parts")


def no_print(file: File) -> Iterator[str]:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield file.says(node.lineno, "print in the firmware; send a code, text lives on the host")


def only_reader_errors(file: File) -> Iterator[str]:
    """What is raised by name is ReaderError: other exceptions carry no number."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            name = node.exc.func.id
            if name in (
                "Exception",
                "ValueError",
                "TypeError",
                "KeyError",
                "RuntimeError",
                "OSError",
                "AssertionError",
            ):
                yield file.says(node.lineno, f"raises {name}; raise ReaderError(code, detail)")


def no_missing_modules(file: File) -> Iterator[str]:
    for entry in imports(file):
        if entry.module.split(".")[0] in _MISSING_ON_DEVICE and file.path != "firmware/reader/ports.py":
            yield file.says(
                entry.line, f"MicroPython has no {entry.module}; for types import under `if _TYPE_CHECKING:`"
            )


def nothing_at_import(file: File) -> Iterator[str]:
    """Importing touches no hardware and starts nothing: no call of a part or a task at module level."""
    for statement in file.tree.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield file.says(statement.lineno, "a call at module level; importing a module is free and does nothing")
        for node in [statement.value] if isinstance(statement, ast.Assign) else []:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and re.match(
                    r"(machine\.|UART|Pin|SPI|I2C|asyncio\.)", ast.unparse(call)
                ):
                    yield file.says(call.lineno, "a part is opened at import; the board opens it when it is asked for")


def every_public_thing_documented(file: File) -> Iterator[str]:
    if not file.text.strip():
        return
    if ast.get_docstring(file.tree) is None:
        yield file.says(1, "no docstring; say which section of which standard this file is")
    for node in file.tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        is_long = (node.end_lineno or 0) - node.lineno > 8  # a shorter one may speak for itself
        if is_long and ast.get_docstring(node) is None:
            yield file.says(node.lineno, f"{node.name} has no docstring; give shapes, units, errors and the clause")


def native_code_stays(file: File, supervisor: File | None = None) -> Iterator[str]:
    """MicroPython never gives back the memory of native code, so a module that has some is loaded once and for all: at
    the start, or, when util/modules.py names it, whenever it is wanted first."""
    if not re.search(r"@(micropython\.)?(viper|native)\b", file.text):
        return
    module = file.path.removeprefix("firmware/").removesuffix(".py").replace("/", ".")
    kept = supervisor or read("firmware/reader/app/reader.py")
    named = {entry.module for entry in imports(kept)}
    for node in kept.tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            named |= {f"reader.{node.module}.{alias.name}" for alias in node.names}
    if module not in named and f'"{module}"' not in read("firmware/reader/util/modules.py").text:
        yield file.says(
            1, "has native code; import it at the top of reader/app/reader.py, so that it is never unloaded"
        )


_FIRMWARE_LAWS = [no_simulator, only_reader_errors, no_missing_modules, every_public_thing_documented]
_READER_LAWS = [no_print, nothing_at_import, native_code_stays]
_SAMPLES: list[tuple[Law, str]] = [
    (no_bare_except, "try:\n    f()\nexcept:\n    pass"),
    (no_simulator, "# only on the Simulator"),
    (no_print, "def f():\n    print(1)"),
    (only_reader_errors, "def f():\n    raise ValueError('x')"),
    (no_missing_modules, "from dataclasses import dataclass"),
    (no_missing_modules, "import typing"),
    (nothing_at_import, "start()"),
    (nothing_at_import, "_line = machine.UART(1)"),
    (native_code_stays, "@micropython.viper\ndef f(x: int) -> int:\n    return x"),
    (every_public_thing_documented, "x = 1"),
    (every_public_thing_documented, '"""Doc."""\ndef f():\n' + "    g()\n" * 10),
]


def test_no_bare_except_anywhere() -> None:
    assert_kept(no_bare_except, python_files("firmware/", "boards/", "host_tools/", "tests/"))


@pytest.mark.parametrize("law", _FIRMWARE_LAWS)
def test_firmware(law: Law) -> None:
    assert_kept(law, python_files("firmware/"))


@pytest.mark.parametrize("law", _READER_LAWS)
def test_reader(law: Law) -> None:
    assert_kept(law, python_files("firmware/reader/"))


@pytest.mark.parametrize(("law", "sample"), _SAMPLES)
def test_law_finds(law: Law, sample: str) -> None:
    assert findings(law, [File("firmware/reader/emv/x.py", sample)])


def test_laws_let_good_code_pass() -> None:
    good = '"""A section."""\n\ntry:\n    import json\nexcept ImportError:\n    json = None\n\n_X = const(1)\n'
    for law in [no_bare_except, *_FIRMWARE_LAWS, *_READER_LAWS]:
        assert findings(law, [File("firmware/reader/emv/x.py", good)]) == []
