"""What the host says of the key store's sections and of the security log is what the firmware numbers so."""

from __future__ import annotations

import pytest

from mpos.describe.key_info import SECTIONS, KeyInfo
from mpos.describe.log_events import EVENTS
from tests.lint.sources import read
from tests.lint.test_tables import constants

_SECTIONS_FILE = "firmware/reader/storage/sections.py"
_EVENTS_FILE = "firmware/reader/storage/log_events.py"


def numbered(path: str, prefix: str) -> dict[int | None, str]:
    return {value: name for name, value, _ in constants(read(path), prefix)}


def test_sections_agree() -> None:
    device = numbered(_SECTIONS_FILE, "")
    assert device == SECTIONS
    assert len(device) >= 13, "the law saw hardly any section"


def test_log_events_agree() -> None:
    device = numbered(_EVENTS_FILE, "LOG_")
    device.pop(32)  # LOG_KINDS: the room, and no event
    assert device == {number: name for number, (name, _) in EVENTS.items()}
    assert len(device) >= 20, "the law saw hardly any event"


@pytest.mark.parametrize("name", SECTIONS.values())
def test_every_section_has_its_words(name: str) -> None:
    assert KeyInfo(name, "", 0, "", "", None).meaning != "unknown to this tool"
