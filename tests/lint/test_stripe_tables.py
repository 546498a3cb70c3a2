"""What is wrong with a stripe has one number and one name on the device and on the host (mpos.describe.stripe)."""

from collections.abc import Iterator, Mapping

import pytest

from mpos.describe import stripe
from tests.lint.sources import File, read
from tests.lint.test_tables import constants

_ROOM = "firmware/reader/"
_TABLES = {
    "iso7811/reasons.py": stripe.UNREADABLE,
    "iso7813/reasons.py": stripe.WRONG,
    "iso7813/kind.py": stripe.KINDS,
    "iso7813/service_code.py": stripe.RULES,
}


def disagreements(file: File, table: Mapping[int, tuple[str, str]]) -> Iterator[str]:
    device = {value: (name, line) for name, value, line in constants(file, "") if name[0].isupper()}
    for value, (name, line) in device.items():
        if value is None or table.get(value, ("", ""))[0] != name:
            yield file.says(line, f"{name} = {value}: give mpos.describe.stripe the same name")
    for value in table.keys() - device.keys():
        yield f"mpos.describe.stripe: {value} ({table[value][0]}) is not in {file.path}; remove it there"


@pytest.mark.parametrize("path", _TABLES)
def test_both_sides_agree(path: str) -> None:
    found = list(disagreements(read(_ROOM + path), _TABLES[path]))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A = const(1)\nB = const(2)", "B = 2"),
        ("A = const(1)\nC = const(3)", "C = 3"),
        ("A = const(2)", "A = 2"),
        ("_X = const(9)", "1 (A) is not in"),
    ],
)
def test_a_difference_is_found(text: str, said: str) -> None:
    table = {1: ("A", "one"), 3: ("D", "another")}
    assert any(said in finding for finding in disagreements(File("x.py", text), table))


def test_agreement_passes() -> None:
    assert not list(disagreements(File("x.py", "_X = const(9)\nA = const(1)"), {1: ("A", "one")}))
