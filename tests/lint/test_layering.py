"""Dependencies point one way (docs/architecture.md): who may import whom, on the device and on the host."""

from collections.abc import Iterator

import pytest

from tests.lint.sources import File, assert_kept, findings, imports, python_files

# What each room of firmware/reader may import besides itself. Single modules at the top are rooms too.
_ROOMS: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "outcome": set(),
    "ports": set(),
    "util": {"errors"},
    "crypto": {"errors", "util"},
    "dukpt": {"crypto", "errors", "iso9564", "storage", "util"},
    "iso7811": {"errors", "util"},
    "iso7813": {"errors", "util"},
    "iso7816": {"errors", "util"},
    "iso14443": {"errors", "util"},
    "mifare": {"errors", "util"},
    "felica": {"errors", "util"},
    "iso8583": {"crypto", "errors", "util"},
    "iso9564": {"crypto", "errors", "util"},
    "tr31": {"crypto", "errors", "util"},
    "emv": {"crypto", "errors", "iso9564", "outcome", "util"},
    "storage": {"crypto", "errors", "util"},
    "drivers": {"errors", "felica", "iso14443", "iso7811", "iso7816", "outcome", "util"},
    "link": {"crypto", "errors", "outcome", "util"},
    "app": {
        "crypto", "dukpt", "emv", "errors", "felica", "iso7811", "iso7813", "iso7816", "iso8583", "iso9564", "link", "mifare", "outcome",
        "storage", "tr31", "util"
    },
}  # fmt: skip
# What a protocol gets handed in, it does not import: clock, entropy, files, lines.
_PROTOCOLS = {r for r in _ROOMS if r.startswith("iso")} | {
    "mifare",
    "felica",
    "emv",
    "dukpt",
    "crypto",
    "util",
    "tr31",
    "errors",
    "outcome",
}
_HANDED_IN = {"machine", "bluetooth", "aioble", "os", "time", "select", "socket", "network", "esp32", "vfs"}
_RADIO = {"bluetooth", "aioble"}
_UTIL_MAY = {"gc", "micropython", "struct", "binascii", "sys"}
# MicroPython answers to the old names as well.
_OLD_NAMES = {"u" + name: name for name in ("os", "time", "random", "select", "socket", "struct", "binascii")}


def firmware_imports(file: File) -> Iterator[str]:
    """Rooms, and the modules that only some of them may touch."""
    if file.path == "firmware/reader/ports.py":
        return  # contracts for type checkers; nothing imports it at run time
    parts = file.path.removeprefix("firmware/").removesuffix(".py").split("/")
    room = parts[1] if parts[0] == "reader" else "main"
    if room != "main" and room not in _ROOMS:
        yield file.says(1, f"the room {room!r} is unknown; say in tests/lint/test_layering.py what it may import")
        return
    for entry in imports(file):
        first, *rest = entry.module.split(".")
        first = _OLD_NAMES.get(first, first)
        if first == "reader":
            target = rest[0] if rest else "__init__"
            if room != "main" and target != room and target not in _ROOMS[room]:
                yield file.says(entry.line, f"{room} imports {target}; let the caller (app, a board) hand it in")
            if target == "ports":
                yield file.says(entry.line, "ports is for type checkers; import it under `if _TYPE_CHECKING:`")
            if room == "main" and target != "app":
                yield file.says(entry.line, f"main imports {target}; it knows only the board and reader.app")
        elif first == "machine" and room != "drivers":
            yield file.says(entry.line, "only drivers and boards import machine; hand the part in")
        elif first == "random":
            yield file.says(entry.line, "random is no source of entropy; take the board's")
        elif room in _PROTOCOLS and first in _HANDED_IN:
            yield file.says(entry.line, f"{room} is a protocol and imports no {first}; it is handed in")
        elif first in _RADIO and room != "link":
            yield file.says(entry.line, f"only link imports {first}")
        elif room == "util" and first not in _UTIL_MAY:
            yield file.says(
                entry.line, f"util imports {first}; it stands alone (errors, {', '.join(sorted(_UTIL_MAY))})"
            )


def board_imports(file: File) -> Iterator[str]:
    """A board supplies real parts: its entropy is no pseudo-random generator."""
    for entry in imports(file):
        if _OLD_NAMES.get(entry.module, entry.module) == "random":
            yield file.says(entry.line, "random is no source of entropy; take the hardware's or the system's")


def far_end_imports(file: File) -> Iterator[str]:
    """The far end checks the firmware because it is other code: it imports none of it."""
    for entry in imports(file):
        if entry.module.split(".")[0] in ("reader", "firmware"):
            yield file.says(entry.line, f"host tools import {entry.module}; the far end is written independently")


def describe_imports(file: File) -> Iterator[str]:
    """Decoders name what they are given. They share the acquirer's field table, and know nothing that runs."""
    for entry in imports(file):
        room = (entry.module + ".").split(".")[1]
        if entry.module.startswith("mpos.") and room != "describe":
            yield file.says(entry.line, f"describe imports {entry.module}; a decoder knows nothing that runs")


def test_firmware_rooms() -> None:
    assert_kept(firmware_imports, python_files("firmware/"))


def test_boards() -> None:
    assert_kept(board_imports, python_files("boards/"))


def test_host_tools_import_no_firmware() -> None:
    assert_kept(far_end_imports, python_files("host_tools/"))


def test_describe_knows_nothing_that_runs() -> None:
    assert_kept(describe_imports, python_files("host_tools/mpos/describe/"))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("firmware/reader/emv/x.py", "import time"),
        ("firmware/reader/emv/x.py", "import utime"),
        ("firmware/reader/emv/x.py", "from os import urandom"),
        ("firmware/reader/emv/x.py", "def f():\n    from ..storage.parameters import Parameters"),
        ("firmware/reader/emv/contactless/x.py", "from ...drivers import pn532"),
        ("firmware/reader/iso8583/x.py", "from reader.dukpt import tdes"),
        ("firmware/reader/util/x.py", "from ..crypto import des"),
        ("firmware/reader/util/x.py", "import hashlib"),
        ("firmware/reader/app/x.py", "from machine import UART"),
        ("firmware/reader/app/x.py", "from ..drivers.contactless import ContactlessReader"),
        ("firmware/reader/app/x.py", "from .. import drivers"),
        ("firmware/reader/app/x.py", "import aioble"),
        ("firmware/reader/app/x.py", "from ..ports import Clock"),
        ("firmware/reader/crypto/x.py", "import random"),
        ("firmware/reader/drivers/x.py", "import urandom"),
        ("firmware/reader/nonsense/x.py", "import struct"),
        ("firmware/main.py", "from reader.emv import data"),
    ],
)
def test_firmware_law_finds(path: str, line: str) -> None:
    assert findings(firmware_imports, [File(path, line)])


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("firmware/reader/emv/x.py", "if _TYPE_CHECKING:\n    from ..storage.parameters import Parameters"),
        ("firmware/reader/emv/contactless/x.py", "from ...util import ber_tlv\nfrom . import y\nfrom ..data import Z"),
        ("firmware/reader/drivers/x.py", "from time import ticks_ms\nimport machine"),
        ("firmware/reader/link/x.py", "import aioble"),
        ("firmware/main.py", "import board\nfrom reader.app.reader import Reader"),
    ],
)
def test_firmware_law_lets_pass(path: str, line: str) -> None:
    assert findings(firmware_imports, [File(path, line)]) == []


def test_other_laws_find() -> None:
    assert findings(board_imports, [File("boards/unix/board.py", "import random")])
    assert findings(far_end_imports, [File("host_tools/mpos/bench/x.py", "from reader.emv import dol")])
    assert findings(describe_imports, [File("host_tools/mpos/describe/x.py", "from mpos.bench import field")])
    assert findings(describe_imports, [File("host_tools/mpos/describe/x.py", "from ..bench import field")])
