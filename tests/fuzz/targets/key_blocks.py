"""Key blocks: as text, and with whatever is in them under a right MAC; and what becomes of them in the key store."""

from __future__ import annotations

from tests.fuzz import device
from tests.fuzz.feed import Feed
from tests.fuzz.key_blocks import Des3, block
from tests.fuzz.targets import target

device.install()
from reader import tr31
from reader.app import key_load
from reader.link import protocol
from reader.storage import sections
from reader.util import ber_tlv

tr31.Des3 = Des3

_PROTECTION = bytes(range(32))
_PROTECTION_TDES = bytes(range(0x40, 0x50))
_MOST = 512
# The rows of app/key_load.py, as it documents them: what a block may be, and where its key goes
_FIELDS = (
    (b"B1TX00N", (16,), sections.TDES),
    (b"B1AX00N", (16, 24, 32), sections.AES),
    (b"K0TD00N", (16,), sections.MASTER_KEY),
    (b"K1AD00N", (16, 24, 32), sections.BLOCK_KEY),
    (b"K1TD00N", (16,), sections.BLOCK_KEY_TDES),
    (b"10AX00N", (16,), sections.SESSION_ROOT),
    (b"110N00N", (6,), sections.CARD_KEYS),
)
_OPTIONAL = (
    b"2008%08d",
    b"200C%08d",
    b"KS18FFFF9876543210E00000",
    b"IK14FFFF9876543210E0",
    b"10080102",
    b"LB08text",
    b"PB080000",
    b"KS0002001AFFFF9876543210E0",
    b"KS00020022FFFF9876543210E00000",
)


@target("key-block", runs=600)
def key_block(data: bytes) -> None:
    for protection in (_PROTECTION, _PROTECTION[:16]):
        found = device.attempt(tr31.unwrap, protection, data)
        assert found is None, "nobody made its MAC"
    device.attempt(lambda: list(tr31.optional_blocks(data)))


class _Ring:
    """What the reader has before: another session root, and serial numbers up to 5."""

    def __init__(self) -> None:
        self.kept: dict[int, bytes] = {
            sections.BLOCK_KEY: _PROTECTION,
            sections.BLOCK_KEY_TDES: _PROTECTION_TDES,
            sections.SESSION_ROOT: bytes(16),
            sections.SERIALS: (5).to_bytes(4, "big") + bytes(8),
        }
        self.writes: list[dict[int, bytes]] = []

    def size(self, section: int) -> int:
        return len(self.kept.get(section, b""))

    def load(self, section: int) -> bytearray:
        return bytearray(self.kept.get(section, b""))

    def read_into(self, section: int, out: bytearray) -> int:
        found = self.kept.get(section, b"")
        out[: len(found)] = found
        return len(found)

    def write(self, changes) -> None:
        self.writes.append({section: bytes(value) for section, value in changes})


class _Machine:
    def __init__(self, ring: _Ring, number: int):
        self._ring = ring
        self._section = number  # the schemes have the numbers of their sections

    def load_initial_key(self, key: bytes, serial: bytes, also) -> None:
        assert len(serial) == (10 if self._section == sections.TDES else 12)
        self._ring.write([(self._section, key), *also])


class _Reader:
    def __init__(self) -> None:
        self.ring = _Ring()
        self.logged = 0

    def log(self, event: int, detail: int = 0) -> None:
        assert 0 <= detail < 1 << 32
        self.logged += 1


key_load.scheme.machine = _Machine


def _made(feed: Feed) -> tuple[bytes, bytes, int]:
    """A block under a right MAC, mostly one that could be taken; its key and where that goes."""
    row, lengths, section = _FIELDS[feed.below(len(_FIELDS))]
    version = b"BD"[feed.below(2) :][:1]
    key = feed.long_block() if feed.below(8) == 7 else bytes(lengths[feed.below(len(lengths))])
    bits = feed.byte() << 8 | feed.byte() if feed.below(8) == 7 else 8 * len(key)
    count = feed.below(5)
    optional = b""
    for _ in range(count):
        if feed.below(4) == 3:
            optional += feed.take(2) + b"%02X" % feed.byte() + feed.block()
        else:
            choice = _OPTIONAL[feed.below(len(_OPTIONAL))]
            optional += choice % feed.byte() if b"%" in choice else choice
    unit = 16 if version == b"D" else 8
    if len(optional) % unit and feed.below(8) != 7:
        room = (-len(optional) - 4) % unit
        optional += b"PB%02X" % (4 + room) + b"0" * room
        count += 1
    fields = bytearray(version + row)
    while feed.below(8) == 7:
        fields[feed.below(len(fields))] = feed.byte()
    tail = feed.take(2).ljust(2, b"0") if feed.below(16) == 15 else b"00"
    protection = _PROTECTION if fields[:1] == b"D" else _PROTECTION_TDES
    clear = bits.to_bytes(2, "big") + key + feed.take(feed.below(32))
    return block(protection, bytes(fields), optional, count, clear, tail), key, section


def key_load_of(text: bytes) -> dict[int, bytes] | None:
    """What a reader with a _Ring writes into it when it is given the block; None: it refuses."""
    reader = _Reader()
    body = bytearray(len(text) + 8)
    writer = ber_tlv.Writer(body)
    device.attempt(writer.put, protocol.KEY_BLOCK, text)
    write = device.attempt(key_load.handle, reader, protocol.KEY_LOAD, 1, memoryview(body)[: writer.length])
    assert reader.logged == 1
    if write is None:
        assert not reader.ring.writes, "refused, and something changed"
        return None
    device.attempt(write, protocol.Writer().begin(protocol.RESPONSE, protocol.KEY_LOAD, 1))
    (written,) = reader.ring.writes
    return written


@target("key-load", runs=600)
def load(data: bytes) -> None:
    text, key, section = _made(Feed(data))
    written = key_load_of(text)
    if written is None:
        return
    assert len(text) <= _MOST
    assert len(written) == 2 and int.from_bytes(written[sections.SERIALS][:4], "big") > 5
    if section in written:
        # Card keys lie among the others
        assert bytes(key) in written[section] if section == sections.CARD_KEYS else written[section] == key
