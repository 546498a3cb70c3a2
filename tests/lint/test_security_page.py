"""docs/security.md names tests: they are there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.lint.sources import CLONE

_PAGE = CLONE / "docs" / "security.md"


def named(text: str) -> Iterator[tuple[str, str]]:
    """(file or folder, function or "") of each test that is named in backquotes; `::name` is of the file before it."""
    for line in text.splitlines():
        place = ""
        for path, name in re.findall(r"`(tests/[\w/.]+)?(?:::(\w+))?`", line):
            if path or name:
                place = path or place
                yield place, name


def missing(text: str) -> Iterator[str]:
    for place, name in named(text):
        path = CLONE / place
        if not place or not path.exists():
            yield f"{place or name}: there is no such file"
        elif name and not re.search(rf"^(?:async )?def {name}\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            yield f"{place}: no test {name}"


def test_every_test_is_there() -> None:
    text = _PAGE.read_text(encoding="utf-8")
    assert len(list(named(text))) > 60
    assert list(missing(text)) == []


def test_one_that_is_not_there_is_found() -> None:
    text = "| a | `tests/lint/test_security_page.py::test_every_test_is_there`, `::test_nothing` | `tests/none` |"
    assert list(missing(text)) == [
        "tests/lint/test_security_page.py: no test test_nothing",
        "tests/none: there is no such file",
    ]
