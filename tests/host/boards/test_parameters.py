"""The parameter files of the boards: the firmware takes each, and none promises what its board cannot do."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mpos.provision.compile import firmware_path
from mpos.provision.firmware import BOARDS
from mpos.provision.toolchain import micropython
from tests.host.boards.wiring import BOARDS as FOLDER
from tests.host.boards.wiring import NAMES

FILES = sorted(FOLDER.glob("*/parameters.json"))
LIMIT_S = 30
# EMV 4.4 Book 4, Annex A2: terminal capabilities, byte 1 and byte 2
MANUAL, STRIPE, CHIP = 0x80, 0x40, 0x20
PLAINTEXT_PIN, ONLINE_PIN, SIGNATURE, ENCIPHERED_PIN, NO_CVM = 0x80, 0x40, 0x20, 0x10, 0x08
ANY_PIN = PLAINTEXT_PIN | ONLINE_PIN | ENCIPHERED_PIN
TTQ_ONLINE_PIN = 0x04  # EMV Contactless Book A, 5.7: byte 1

_LOADED = """
import sys
from reader.storage import parameters_file
parameters = parameters_file.load(sys.argv[1])
print(parameters.terminal.type, len(parameters.contactless))
"""


def terminal(path: Path) -> dict[str, Any]:
    section: dict[str, Any] = json.loads(path.read_text())["terminal"]
    return section


def pin_pads(board: str) -> set[str]:
    """What the board's modules make their `pin_pad` from, "None" where there is no driver."""
    folders = BOARDS[board].folders if board in BOARDS else (f"boards/{board}",)
    sources = "".join(path.read_text() for folder in folders for path in sorted((FOLDER.parent / folder).glob("*.py")))
    return set(re.findall(r"\.pin_pad = (\w+)", sources))


def test_each_reader_has_one() -> None:
    assert {path.parent.name for path in FILES} >= {*NAMES, "unix"}
    ids = [terminal(path)["id"] for path in FILES] + [terminal(path)["serial"] for path in FILES]
    assert len({terminal(path)["id"] for path in FILES}) == len(FILES), ids


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_firmware_takes_it(path: Path, tmp_path: Path) -> None:
    script = tmp_path / "load.py"
    script.write_text(_LOADED)
    done = subprocess.run(
        [str(micropython(32)), "-X", "heapsize=128K", str(script), str(path)],
        env={"MICROPYPATH": firmware_path(32)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    assert done.stdout.split() == ["22", str(len(json.loads(path.read_text())["contactless"]))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_no_pin_without_a_pin_pad(path: Path) -> None:
    pads = pin_pads(path.parent.name)
    assert pads, "the board does not say whether it has a PIN pad"
    cvm = bytes.fromhex(terminal(path)["capabilities"])[1]
    qualifiers = [bytes.fromhex(row["ttq"])[0] for row in json.loads(path.read_text())["contactless"]]
    if pads == {"None"}:
        assert not cvm & ANY_PIN
        assert not any(ttq & TTQ_ONLINE_PIN for ttq in qualifiers)
    assert cvm & NO_CVM  # or no sale of a card that asks for none


@pytest.mark.parametrize("name", NAMES)
def test_what_the_readers_claim(name: str) -> None:
    """There is no driver for the keys; the stripe and the chip slot have one."""
    path = FOLDER / name / "parameters.json"
    capabilities = terminal(path)["capabilities"]
    assert bytes.fromhex(capabilities)[0] & (MANUAL | STRIPE | CHIP) == STRIPE | CHIP
    assert bytes.fromhex(capabilities)[1] & SIGNATURE
    text = (FOLDER / name / "README.md").read_text()
    assert capabilities in text and terminal(path)["additional_capabilities"] in text
