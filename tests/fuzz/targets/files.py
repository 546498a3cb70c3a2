"""Files over the link: whatever is asked in whatever order, only what the server vouched for takes a file's place."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.fuzz import device
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target

device.install()
from reader.app import file_load
from reader.crypto.cmac import cmac, derive_into
from reader.link import protocol
from reader.storage import sections
from reader.util import ber_tlv

_ROOT = bytes(range(16))
_ID = bytes.fromhex("FFFF9876543210E0")
_COMMANDS = 24  # of one input
_KEY = bytearray(16)
derive_into(_ROOT, b"mPOS files", _ID, _KEY)
# storage/emv_tables.py: good ones, and some that are not
_CONTENTS = (
    bytes.fromhex("E309A000000333FF000001"),
    bytes.fromhex("E410") + bytes(16),
    bytes.fromhex("E308A000000333FF0000"),
    b"{}",
    b"x",
)


class _Ring:
    def __init__(self) -> None:
        self.kept = {sections.SESSION_ROOT: _ROOT, sections.READER_ID: _ID}
        self.writes = 0

    def read_into(self, section: int, out: bytearray) -> int:
        found = self.kept.get(section, b"")
        out[: len(found)] = found
        return len(found)

    def write(self, changes) -> None:
        self.writes += 1
        for section, data in changes:
            self.kept[section] = bytes(data)


class _Reader:
    """The board, too."""

    def __init__(self, folder: Path):
        self.board = self
        self.parameters = str(folder / "parameters.json")
        self.emv_tables = str(folder / "emv.tlv")
        self.ring = _Ring()
        self.upload: tuple[int, int, int, int] | None = None
        self.restarts = 0

    def log(self, event: int, detail: int = 0) -> None:
        assert 0 <= detail < 1 << 32

    def restart(self) -> None:
        self.restarts += 1


def _ask(reader: _Reader, opcode: int, *objects: tuple[int, bytes]) -> bool:
    body = bytearray(1024)
    writer = ber_tlv.Writer(body)
    for tag, value in objects:
        device.attempt(writer.put, tag, value)
    write = device.attempt(file_load.handle, reader, opcode, 1, memoryview(body)[: writer.length])
    return write is not None


def _number(value: int) -> bytes:
    return (value & 0xFFFFFFFF).to_bytes(4, "big")


def _mac(name: int, number: int, content: bytes) -> bytes:
    return bytes(cmac(_KEY, bytes((name,)), _number(number), _number(len(content)), content))


@target("files", longest=256, runs=200)
def files(data: bytes) -> None:
    feed = Feed(data)
    with tempfile.TemporaryDirectory() as folder:
        reader = _Reader(Path(folder))
        paths = {protocol.FILE_PARAMETERS: Path(reader.parameters), protocol.FILE_TABLES: Path(reader.emv_tables)}
        there = dict.fromkeys(paths, b"old")
        for name, path in paths.items():
            path.write_bytes(there[name])
        wanted = 2, 1, b""  # what was begun last
        for _ in range(_COMMANDS):
            if not feed.left:
                break
            choice = feed.byte()
            before = reader.ring.writes
            taken = None
            if choice & 3 == 0:
                content = _CONTENTS[feed.below(len(_CONTENTS))] if choice & 4 else feed.block()
                wanted = 2 if choice & 8 else feed.byte(), feed.byte(), content
                size = len(content) if choice & 16 else feed.byte() << 8 | feed.byte()
                begin = [(protocol.FILE_NAME, bytes(wanted[:1])), (protocol.FILE_NUMBER, _number(wanted[1]))]
                _ask(reader, protocol.FILE_BEGIN, *begin, (protocol.FILE_SIZE, _number(size)))
            elif choice & 3 == 1:
                got = reader.upload[3] if reader.upload else 0
                offset = got if choice & 4 else feed.byte()
                piece = wanted[2][offset:][: feed.byte()] if choice & 8 else feed.block()
                _ask(reader, protocol.FILE_DATA, (protocol.FILE_OFFSET, _number(offset)), (protocol.DATA, piece))
            elif choice & 3 == 2:
                mac = feed.take(16) if choice & 4 else _mac(*wanted)
                if _ask(reader, protocol.FILE_COMMIT, (protocol.FILE_MAC, mac)):
                    assert mac == _mac(*wanted), "nobody vouched for it"
                    taken = wanted
                assert len(mac) < 16 or reader.upload is None, "still open"
            else:
                _ask(reader, protocol.FILE_BEGIN + feed.below(3), (feed.byte() | 0x40, feed.block()))
            if taken is not None:
                there[taken[0]] = taken[2]
            assert reader.ring.writes == before + (taken is not None)
            for name, path in paths.items():
                assert path.read_bytes() == there[name]
