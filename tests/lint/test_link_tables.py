"""Both sides of the link number its messages alike (docs/link.md): reader/link/protocol.py and mpos.link.messages."""

from collections.abc import Iterator
from enum import IntEnum, IntFlag

import pytest

from mpos.link.messages import (
    CardEvent,
    CardType,
    FileName,
    Interface,
    KeyKind,
    Kind,
    Notice,
    Opcode,
    Operation,
    Prompt,
    Role,
    State,
    Tag,
    Technology,
)
from tests.lint.sources import File, read
from tests.lint.test_tables import constants

_PROTOCOL = "firmware/reader/link/protocol.py"
_PREFIXED: tuple[tuple[str, type[IntEnum | IntFlag]], ...] = (
    ("STATE_", State),
    ("CARD_", CardEvent),
    ("INTERFACE_", Interface),
    ("PROMPT_", Prompt),
    ("NOTICE_", Notice),
    ("TECHNOLOGY_", Technology),
    ("TYPE_", CardType),
    ("KEY_", KeyKind),
    ("OPERATION_", Operation),
    ("ROLE_", Role),
    ("FILE_", FileName),
)
_PLAIN: tuple[type[IntEnum | IntFlag], ...] = (Kind, Opcode, Tag)
_ELSEWHERE = {"TYPE_SALE", "CARD_EVENT"}  # a body's tag, and a constant that stands alone


def disagreements(file: File) -> Iterator[str]:
    """A finding for each number that one side has and the other has not, or has under another name."""
    device = {name: (value, line) for name, value, line in constants(file, "") if name.isupper()}
    host: dict[str, int] = {}
    for prefix, numbers in _PREFIXED:
        host |= {prefix + name: member.value for name, member in numbers.__members__.items()}
    for numbers in _PLAIN:
        host |= {name: member.value for name, member in numbers.__members__.items()}
    for name, (value, line) in device.items():
        if name not in host and name not in _ELSEWHERE:
            yield file.says(line, f"{name} is unknown to mpos.link.messages; add it there")
        elif host.get(name, value) != value:
            yield file.says(line, f"{name} is {value} here and {host[name]} in mpos.link.messages")
    for name in host.keys() - device.keys():
        yield file.says(1, f"{name} of mpos.link.messages is missing here")


def test_both_sides_agree() -> None:
    found = list(disagreements(read(_PROTOCOL)))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("RRN = const(0x8D)", "RRN = const(0x8C)", "RRN is 140 here and 141"),
        ("RRN = const(0x8D)", "", "RRN of mpos.link.messages is missing"),
        ("RRN = const(0x8D)", "RRN = const(0x8D)\nMORE = const(1)", "MORE is unknown"),
        ("STATE_ONLINE = const(3)", "STATE_ONLINE = const(4)", "STATE_ONLINE is 4 here and 3"),
    ],
)
def test_a_difference_is_found(old: str, new: str, said: str) -> None:
    file = read(_PROTOCOL)
    changed = File(file.path, file.text.replace(old, new))
    assert changed.text != file.text
    assert any(said in finding for finding in disagreements(changed))
