"""Marks on tests: which requirement of a standard a test covers; and docs/emv-requirements.md, made from them.

    python -m tests.harness.requirements [-n N] [--junit FILE ...] [--check]

runs the marked tests (or takes the results of a run that was made already) and writes the table; `--check` compares
instead. A row says `pass` only if that run says so of the row's test: of each of its cases, and of at least one.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from xml.etree import ElementTree

T = TypeVar("T")

TOP = Path(__file__).resolve().parents[2]
TABLE = TOP / "docs" / "emv-requirements.md"
STANDARDS = {
    "Book 1": "EMV 4.4 Book 1: application independent ICC to terminal interface",
    "Book 2": "EMV 4.4 Book 2: security and key management",
    "Book 3": "EMV 4.4 Book 3: application specification",
    "Book 4": "EMV 4.4 Book 4: cardholder, attendant and acquirer interface",
    "ISO 7816-3": "ISO/IEC 7816-3: electrical interface and transmission protocols",
    "ISO 7816-4": "ISO/IEC 7816-4: organisation, security and commands",
    "PBOC 5": "PBOC 3.0 (JR/T 0025) part 5: debit and credit, terminal",
    "PBOC 13": "PBOC 3.0 (JR/T 0025) part 13: electronic cash",
    "Book A": "EMV Contactless Book A: architecture and general requirements",
    "Book B": "EMV Contactless Book B: Entry Point",
    "Book C-3": "EMV Contactless Book C-3: kernel 3 (Visa)",
    "Book C-7": "EMV Contactless Book C-7: kernel 7 (UnionPay)",
    "Book D": "EMV Contactless Book D: communication protocol",
    "ISO 14443-3": "ISO/IEC 14443-3: initialisation and anticollision",
    "ISO 14443-4": "ISO/IEC 14443-4: transmission protocol",
    "PBOC 12": "PBOC 3.0 (JR/T 0025) part 12: contactless IC card payment",
    "JIS X 6319-4": "JIS X 6319-4: high speed proximity cards (FeliCa)",
    "UM0701-02": "NXP UM0701-02: PN532 user manual",
    "ISO 9564-1": "ISO 9564-1: PIN management",
}
PASS = "pass"
NOT_RUN = "not run"
_WORST_FIRST = ("error", "failed", "skipped", PASS)
_JUNIT = TOP / "build" / "requirements.xml"
_RUN_LIMIT_S = 1800


def requirement(standard: str, section: str, text: str) -> Callable[[T], T]:
    """Decorator: the test covers this requirement, told in one sentence."""
    return lambda function: function


class BadMark(Exception):
    """A mark that the table cannot be made from; the text says where and why."""


@dataclass(frozen=True)
class Mark:
    """One requirement, and the test that covers it: file from the top of the repository, and function."""

    standard: str
    section: str
    text: str
    file: str
    function: str

    @property
    def test(self) -> str:
        return f"{self.file}::{self.function}"


def section_key(section: str) -> list[tuple[int, int, str]]:
    """Orders sections as a table of contents does: 6.5.9 before 6.5.10, chapters before annexes."""
    parts = re.findall(r"\d+|[A-Za-z]+", section)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


# What the tests say


def marks_in(text: str, file: str) -> Iterator[Mark]:
    """The marks of one file. Raises BadMark."""
    yield from _marks(ast.parse(text, file).body, file, "")


def _marks(body: Iterable[ast.stmt], file: str, prefix: str) -> Iterator[Mark]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _marks(node.body, file, f"{prefix}{node.name}::")
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and _name(decorator.func) == "requirement":
                where = f"{file}:{decorator.lineno}"
                if isinstance(node, ast.ClassDef) or not node.name.startswith("test_"):
                    raise BadMark(f"{where}: {node.name} is no test function")
                yield Mark(*_strings(decorator, where), file, prefix + node.name)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _strings(call: ast.Call, where: str) -> tuple[str, str, str]:
    values = [node.value if isinstance(node, ast.Constant) else None for node in call.args]
    if call.keywords or len(values) != 3 or not all(isinstance(value, str) for value in values):
        raise BadMark(f"{where}: requirement(standard, section, text) takes three plain strings")
    standard, section, text = (str(value) for value in values)
    return standard, section, text


def marks() -> list[Mark]:
    """All marks below tests/, in the order of the table."""
    files = sorted(path for path in (TOP / "tests").rglob("test_*.py"))
    found = [m for path in files for m in marks_in(path.read_text(encoding="utf-8"), path.relative_to(TOP).as_posix())]
    return sorted(found, key=_order)


def _order(mark: Mark) -> tuple[int, list[tuple[int, int, str]], str, str]:
    names = list(STANDARDS)
    standard = names.index(mark.standard) if mark.standard in STANDARDS else len(names)
    return standard, section_key(mark.section), mark.text, mark.test


def findings(found: Sequence[Mark]) -> list[str]:
    """What is wrong with the marks: `file::function: what`."""
    said: list[str] = []
    tests: dict[str, str] = {}
    for mark in found:
        if mark.standard not in STANDARDS:
            said.append(f"{mark.test}: {mark.standard!r} is none of {', '.join(STANDARDS)}")
        if not section_key(mark.section) or "|" in mark.section:
            said.append(f"{mark.test}: {mark.section!r} is no section")
        if not re.fullmatch(r"[A-Z0-9'\"(].*[^.\s]\.", mark.text):
            said.append(f"{mark.test}: {mark.text!r} is no sentence with a full stop")
        if mark.text in tests:
            said.append(f"{mark.test}: {mark.text!r} is said by {tests[mark.text]} too")
        tests.setdefault(mark.text, mark.test)
    return said


# What a run says


def results_in(junit: ElementTree.Element) -> dict[tuple[str, str], str]:
    """(classname, function) of a run with the worst result among its cases."""
    results: dict[tuple[str, str], str] = {}
    kinds = {"failure": "failed", "error": "error", "skipped": "skipped"}
    for case in junit.iter("testcase"):
        test = case.get("classname", ""), case.get("name", "").partition("[")[0]
        result = next((kinds[child.tag] for child in case if child.tag in kinds), PASS)
        results[test] = min(result, results.get(test, PASS), key=_WORST_FIRST.index)
    return results


def key(mark: Mark) -> tuple[str, str]:
    """What pytest's file calls the mark's test: classname, name."""
    *classes, function = mark.function.split("::")
    module = mark.file.removesuffix(".py").replace("/", ".")
    return ".".join([module, *classes]), function


def result_of(mark: Mark, results: Mapping[tuple[str, str], str]) -> str:
    """`pass`, what went wrong, or that the run did not have this test."""
    return results.get(key(mark), NOT_RUN)


def run(found: Sequence[Mark], workers: str) -> dict[tuple[str, str], str]:
    """Runs the files with marked tests; what came out."""
    _JUNIT.parent.mkdir(exist_ok=True)
    _JUNIT.unlink(missing_ok=True)
    # By file: a test that cannot be collected would keep pytest from running any, if it were named
    files = sorted({mark.file for mark in found})
    options = ["-q", "-n", workers, "--continue-on-collection-errors", f"--junitxml={_JUNIT}"]
    command = [sys.executable, "-m", "pytest", *options, *files]
    subprocess.run(command, cwd=TOP, check=False, timeout=_RUN_LIMIT_S)
    return results_in(ElementTree.parse(_JUNIT).getroot()) if _JUNIT.exists() else {}


# The table

_HEAD = """# EMV requirements and their tests

Made by `make requirements` from the `@requirement` marks in the tests, and from a run of these tests: a row says `pass`
because its test did. `make test` runs the same tests; `tests/lint/test_requirements.py` keeps this file and the marks
equal. The sentences are the project's own; section numbers are those of the standards.
"""
_ROW = re.compile(
    r"\| (?P<text>.+) \| (?P<section>[^|]+) \| `(?P<file>[^`:]+)::(?P<function>[^`]+)` \| (?P<result>[a-z ]+) \|"
)


def table(found: Sequence[Mark], results: Mapping[tuple[str, str], str]) -> str:
    """The whole document."""
    from tests.harness.not_covered import NOT_COVERED

    passed = sum(1 for mark in found if result_of(mark, results) == PASS)
    lines = [_HEAD, f"{len(found)} requirements, {passed} of them pass.", ""]
    for standard, title in STANDARDS.items():
        rows = [mark for mark in found if mark.standard == standard]
        if not rows:
            continue
        lines += [f"## {title}", "", f"Cited as {standard}.", ""]
        lines += ["| requirement | section | test | result |", "|---|---|---|---|"]
        for mark in rows:
            text = mark.text.replace("|", "\\|")
            lines.append(f"| {text} | {mark.section} | `{mark.test}` | {result_of(mark, results)} |")
        lines.append("")
    lines += ["## Not covered", "", "| standard | section | what | why |", "|---|---|---|---|"]
    lines += [f"| {standard} | {section} | {what} | {why} |" for standard, section, what, why in NOT_COVERED]
    return "\n".join(lines) + "\n"


def rows_in(document: str) -> list[tuple[Mark, str]]:
    """The rows of a table that was written before, each with its result."""
    rows: list[tuple[Mark, str]] = []
    standard = ""
    for line in document.splitlines():
        if line.startswith("Cited as "):
            standard = line.removeprefix("Cited as ").removesuffix(".")
        elif line.startswith("## "):
            standard = ""
        elif standard and (row := _ROW.fullmatch(line)):
            text = row["text"].replace("\\|", "|")
            rows.append((Mark(standard, row["section"], text, row["file"], row["function"]), row["result"]))
    return rows


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.harness.requirements",
        description="Write docs/emv-requirements.md from the marks in the tests and a run of them.",
        epilog="Example: python -m tests.harness.requirements --junit build/junit.xml --check",
    )
    parser.add_argument(
        "--junit",
        type=Path,
        action="append",
        help="take the results from this file of pytest's, and run nothing; of several the later one goes over the earlier",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the table would change")
    parser.add_argument("-n", default="2", metavar="N", help="tests at a time (2)")
    options = parser.parse_args(arguments)
    try:
        found = marks()
    except BadMark as error:
        print(error, file=sys.stderr)
        return 1
    if said := findings(found):
        print("\n".join(said), file=sys.stderr)
        return 1
    results: dict[tuple[str, str], str] = {}
    for path in options.junit or []:
        results |= results_in(ElementTree.parse(path).getroot())
    results = results if options.junit else run(found, options.n)
    document = table(found, results)
    bad = [f"{mark.test}: {result_of(mark, results)}" for mark in found if result_of(mark, results) != PASS]
    print("\n".join(dict.fromkeys(bad)), file=sys.stderr, end="\n" if bad else "")
    if options.check:
        if not TABLE.exists() or TABLE.read_text(encoding="utf-8") != document:
            print(f"{TABLE.relative_to(TOP)} is not what the tests say: run `make requirements`.", file=sys.stderr)
            return 1
    else:
        TABLE.write_text(document, encoding="utf-8")
        print(f"{TABLE.relative_to(TOP)}: {len(found)} requirements, {len(found) - len(bad)} pass.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
