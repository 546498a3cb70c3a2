"""docs/emv-requirements.md is what the marks in the tests say (tests/harness/requirements.py), and every row passed."""

from xml.etree import ElementTree

import pytest

from tests.harness import requirements
from tests.harness.not_covered import NOT_COVERED
from tests.harness.requirements import PASS, BadMark, Mark

_LEAST_ROWS = 550

_GOOD = Mark("Book 3", "10.5.1", "The first rule that applies is taken.", "tests/unit/test_x.py", "test_y")


def test_the_marks_are_well_formed() -> None:
    found = requirements.findings(requirements.marks())
    assert not found, "\n" + "\n".join(found)


def test_the_table_has_the_marks_rows_and_no_others() -> None:
    written = [mark for mark, _ in requirements.rows_in(requirements.TABLE.read_text(encoding="utf-8"))]
    marked = requirements.marks()
    missing, stale = set(marked) - set(written), set(written) - set(marked)
    said = [f"missing: {m.test}: {m.text}" for m in missing] + [f"no longer there: {m.test}: {m.text}" for m in stale]
    assert not said, "run `make requirements`\n" + "\n".join(sorted(said))
    assert written == marked, "the rows are in another order: run `make requirements`"


def test_every_row_passed() -> None:
    rows = requirements.rows_in(requirements.TABLE.read_text(encoding="utf-8"))
    bad = [f"{mark.test}: {result}" for mark, result in rows if result != PASS]
    assert not bad, "\n" + "\n".join(bad)
    assert len(rows) >= _LEAST_ROWS


def test_the_document_is_what_would_be_written() -> None:
    """Its head, counts and last chapter too: nothing in it is written by hand."""
    found = requirements.marks()
    results = {requirements.key(mark): PASS for mark in found}
    assert requirements.TABLE.read_text(encoding="utf-8") == requirements.table(found, results)


def test_what_is_not_covered_is_well_formed() -> None:
    for standard, section, what, why in NOT_COVERED:
        assert standard in requirements.STANDARDS and requirements.section_key(section), what
        assert what.endswith(".") and why.endswith(".") and "|" not in what + why, what
    assert len({what for _, _, what, _ in NOT_COVERED}) == len(NOT_COVERED)


# The machinery itself


def test_marks_are_found_on_functions_methods_and_twice() -> None:
    text = """
@requirement("Book 3", "10.2", "One.")
@cases((1, 2))
def test_a(x, y):
    pass

class TestB:
    @requirements.requirement("Book 1", "8.3", "Two, "
        "in two pieces.")
    @requirement("Book 1", "8.3", "Three.")
    async def test_c(self):
        pass
"""
    assert list(requirements.marks_in(text, "tests/t.py")) == [
        Mark("Book 3", "10.2", "One.", "tests/t.py", "test_a"),
        Mark("Book 1", "8.3", "Two, in two pieces.", "tests/t.py", "TestB::test_c"),
        Mark("Book 1", "8.3", "Three.", "tests/t.py", "TestB::test_c"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        '@requirement("Book 3", "10.2", f"One {x}.")\ndef test_a(): pass',
        '@requirement("Book 3", "10.2")\ndef test_a(): pass',
        '@requirement("Book 3", "10.2", text="One.")\ndef test_a(): pass',
        '@requirement("Book 3", "10.2", "One.")\ndef helper(): pass',
        '@requirement("Book 3", "10.2", "One.")\nclass TestA: pass',
    ],
)
def test_a_mark_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(BadMark):
        list(requirements.marks_in(text, "tests/t.py"))


@pytest.mark.parametrize(
    "bad",
    [
        Mark("EMV Book 3", "10.2", "One.", "f", "t"),
        Mark("Book 3", "", "One.", "f", "t"),
        Mark("Book 3", "10|2", "One.", "f", "t"),
        Mark("Book 3", "10.2", "No full stop", "f", "t"),
        Mark("Book 3", "10.2", "Two full stops..", "f", "t"),
        Mark("Book 3", "10.2", "two lines.\nOr more.", "f", "t"),
        Mark("Book 3", "10.2", "", "f", "t"),
        Mark("Book 1", "8", _GOOD.text, "f", "t"),
    ],
)
def test_a_bad_mark_is_found(bad: Mark) -> None:
    assert requirements.findings([_GOOD]) == []
    assert requirements.findings([_GOOD, bad])


def test_sections_are_in_the_order_of_a_table_of_contents() -> None:
    mixed = ["Annex C10", "6.5.10", "10.5.1", "Annex A", "6.5.9", "10", "Annex C3"]
    ordered = ["6.5.9", "6.5.10", "10", "10.5.1", "Annex A", "Annex C3", "Annex C10"]
    assert sorted(mixed, key=requirements.section_key) == ordered


@pytest.mark.parametrize(
    ("cases", "result"),
    [
        ('<testcase classname="tests.unit.test_x" name="test_y"/>', "pass"),
        (
            '<testcase classname="tests.unit.test_x" name="test_y[1]"/><testcase classname="other" name="test_y"/>',
            "pass",
        ),
        ('<testcase classname="other" name="test_y"/>', "not run"),
        ('<testcase classname="tests.unit.test_x" name="test_y_more"/>', "not run"),
        ('<testcase classname="tests.unit.test_x" name="test_y"><failure/></testcase>', "failed"),
        ('<testcase classname="tests.unit.test_x" name="test_y"><skipped/></testcase>', "skipped"),
        (
            '<testcase classname="tests.unit.test_x" name="test_y[0]"/>'
            '<testcase classname="tests.unit.test_x" name="test_y[1]"><failure/></testcase>'
            '<testcase classname="tests.unit.test_x" name="test_y[2]"/>',
            "failed",
        ),
        (  # passed, and then its clean-up broke
            '<testcase classname="tests.unit.test_x" name="test_y"/>'
            '<testcase classname="tests.unit.test_x" name="test_y"><error/></testcase>',
            "error",
        ),
    ],
)
def test_a_row_passes_only_if_every_case_did(cases: str, result: str) -> None:
    results = requirements.results_in(
        ElementTree.fromstring(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    )
    document = requirements.table([_GOOD], results)
    assert requirements.rows_in(document) == [(_GOOD, result)]
    assert ("1 of them pass" in document) == (result == "pass")


def test_a_sentence_with_a_bar_survives_the_table() -> None:
    mark = Mark("Book 2", "6.6.2", "The hash is over a | b.", "tests/t.py", "TestX::test_y")
    results = {("tests.t.TestX", "test_y"): PASS}
    assert requirements.rows_in(requirements.table([mark], results)) == [(mark, PASS)]
