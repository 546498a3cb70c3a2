"""FeliCa cards of the bench: services of each attribute, lists, status flags (FeliCa Card User's Manual, Excerpted Edition)."""

from __future__ import annotations

import pytest

from mpos.bench.cards import make_card
from mpos.bench.cards.memory.felica import FelicaCard, purse

IDM = bytes.fromhex("012E3D23BA075C45")
# 3.4: six attribute bits. RW, RO: what may be done; without a key
ATTRIBUTES = {
    0x08: "",
    0x09: "RW",
    0x0A: "",
    0x0B: "R",
    0x0C: "",
    0x0D: "RW",
    0x0E: "",
    0x0F: "R",
    0x10: "",
    0x11: "RW",
    0x12: "",
    0x13: "RW",
    0x14: "",
    0x15: "RW",
    0x16: "",
    0x17: "R",
}


def ask(card: FelicaCard, code: int, body: str | bytes) -> bytes | None:
    """What comes behind the card's IDm."""
    data = bytes([code]) + IDM + (bytes.fromhex(body) if isinstance(body, str) else body)
    answer = card.exchange(bytes([len(data) + 1]) + data)
    if answer is None:
        return None
    assert answer[0] == len(answer) and answer[1] == code + 1 and answer[2:10] == IDM
    return answer[10:]


def read(card: FelicaCard, code: int, *blocks: int) -> bytes | None:
    elements = b"".join(bytes([0x80, block]) for block in blocks)
    return ask(card, 0x06, b"\x01" + code.to_bytes(2, "little") + bytes([len(blocks)]) + elements)


def write(card: FelicaCard, code: int, block: int, data: bytes) -> bytes | None:
    return ask(card, 0x08, b"\x01" + code.to_bytes(2, "little") + b"\x01" + bytes([0x80, block]) + data)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_what_each_attribute_allows(attribute):
    code = 0x1000 | attribute
    card = FelicaCard({code: [purse(100), bytes(16)]})
    allowed = ATTRIBUTES[attribute]
    expected = b"\x00\x00\x01" + purse(100) if "R" in allowed else b"\x01\xa5"
    assert read(card, code, 0) == expected
    written = write(card, code, 0, purse(0, execution=1))
    assert written == (b"\x00\x00" if "W" in allowed else b"\x01\xa5")


def test_reading_and_writing_examples():
    # East Wind EWTJ680H Technical Manual, 3.10.3 and 3.10.4
    card = FelicaCard({0x0009: [bytes(16)]})
    command = bytes.fromhex("1006 012E3D23BA075C45 01 0900 01 8000")
    assert card.exchange(command) == bytes.fromhex("1D07 012E3D23BA075C45 0000 01" + "00" * 16)
    data = "1122334455667788" * 2
    command = bytes.fromhex("2008 012E3D23BA075C45 01 0900 01 8000" + data)
    assert card.exchange(command) == bytes.fromhex("0C09 012E3D23BA075C45 0000")
    assert read(card, 0x0009, 0) == b"\x00\x00\x01" + bytes.fromhex(data)


def test_two_services_and_long_block_numbers():
    card = FelicaCard({0x1009: [bytes([n % 256]) * 16 for n in range(300)], 0x2049: [b"\xee" * 16]})
    answer = ask(card, 0x06, "02 0910 4920 03 8005 002B01 8100")
    assert answer == b"\x00\x00\x03" + b"\x05" * 16 + b"\x2b" * 16 + b"\xee" * 16


@pytest.mark.parametrize(
    "body, flags",
    [
        ("00 01 8000", "FFA1"),
        ("11" + "0910" * 17 + "01 8000", "FFA1"),
        ("01 09", "FFA1"),
        ("01 0A10 01 8000", "FFA6"),
        ("01 0910 00", "FFA2"),
        ("01 0910 10" + "8000" * 16, "FFA2"),
        ("01 0910 02 8000", "FFA2"),
        ("01 0910 01 8000 00", "FFA2"),
        ("01 0910 01 8100", "01A3"),
        ("01 0910 02 8000 8003", "02A8"),
        ("01 0910 03 8000 8000 000001", "04A8"),
        ("01 0910 09" + "8000" * 8 + "8003", "01A8"),  # the ninth: its bit is the first one again
    ],
)
def test_status_flags_of_a_read(body, flags):
    assert ask(FelicaCard({0x1009: [bytes(16)] * 3}), 0x06, body) == bytes.fromhex(flags)


def test_a_write_is_all_or_nothing():
    card = FelicaCard({0x1009: [bytes(16)] * 3})
    assert ask(card, 0x08, "01 0910 02 8000 8003" + "11" * 32) == bytes.fromhex("02A8")
    assert ask(card, 0x08, "01 0910 02 8000 8001" + "11" * 31) == bytes.fromhex("FFA2")
    assert read(card, 0x1009, 0, 1) == b"\x00\x00\x02" + bytes(32)
    assert ask(card, 0x08, "01 0910 02 8000 8001" + "11" * 32) == bytes(2)
    assert read(card, 0x1009, 0, 1, 2) == b"\x00\x00\x03" + b"\x11" * 32 + bytes(16)


def test_a_cyclic_service_keeps_the_newest():
    card = FelicaCard({0x104D: [b"a" * 16, b"b" * 16], 0x104F: []})
    assert write(card, 0x104D, 0, b"c" * 16) == bytes(2)
    assert read(card, 0x104F, 0, 1) == b"\x00\x00\x02" + b"c" * 16 + b"a" * 16
    assert write(card, 0x104F, 0, b"d" * 16) == b"\x01\xa5"


def test_a_purse():
    # 3.4.4: decrement, cash back of what was taken, each once for its execution ID
    card = FelicaCard({0x1095: [purse(1000)], 0x1093: [], 0x1097: []})
    assert write(card, 0x1095, 0, purse(300, execution=1)) == bytes(2)
    assert read(card, 0x1097, 0) == b"\x00\x00\x01" + purse(700, 300, execution=1)
    assert write(card, 0x1095, 0, purse(300, execution=1)) == bytes(2)  # again: done already
    assert read(card, 0x1097, 0) == b"\x00\x00\x01" + purse(700, 300, execution=1)
    assert write(card, 0x1093, 0, purse(200, execution=2)) == bytes(2)
    assert read(card, 0x1097, 0) == b"\x00\x00\x01" + purse(900, 100, execution=2)
    for code, amount in ((0x1093, 101), (0x1095, 901)):
        assert write(card, code, 0, purse(amount, execution=3)) == b"\x01\x01"
    assert read(card, 0x1097, 0) == b"\x00\x00\x01" + purse(900, 100, execution=2)


def test_systems():
    card = FelicaCard({0x1009: [b"0" * 16]}, (b"\x12\xfc", b"\xfe\x00"), ({0x1009: [b"1" * 16]},))
    second = bytes([0x11]) + IDM[1:]
    for system, idm in (
        ("FFFF", IDM),
        ("12FC", IDM),
        ("FE00", second),
        ("FEFF", second),
        ("12FF", IDM),
        ("FE01", None),
    ):
        answer = card.exchange(bytes.fromhex(f"0600{system}0000"))
        assert answer == (None if idm is None else bytes.fromhex("1201") + idm + card.pmm)
    assert card.exchange(bytes.fromhex("0600FFFF0100")) == bytes.fromhex("1401") + IDM + card.pmm + b"\x12\xfc"
    assert card.exchange(bytes.fromhex("0600FE000100")) == bytes.fromhex("1401") + second + card.pmm + b"\xfe\x00"
    assert card.exchange(bytes.fromhex("0500FFFF00")) is None
    # each has services of its own
    command = bytes.fromhex("1006") + second + bytes.fromhex("01 0910 01 8000")
    assert card.exchange(command) == bytes.fromhex("1D07") + second + bytes.fromhex("0000 01") + b"1" * 16
    assert read(card, 0x1009, 0) == b"\x00\x00\x01" + b"0" * 16


def test_what_it_has():
    card = FelicaCard({0x1009: [bytes(16)], 0x100B: []})
    assert ask(card, 0x02, "03 0910 0B10 0A10") == bytes.fromhex("03 0000 0000 FFFF")
    assert ask(card, 0x04, "") == b"\x00"
    assert ask(card, 0x0C, "") == bytes.fromhex("01 12FC")


def test_silence():
    card = FelicaCard({0x1009: [bytes(16)]})
    for command in ("", "10", "0F06 012E3D23BA075C45 01 0910 01 8000", "1006 012E3D23BA075C46 01 0910 01 8000"):
        assert card.exchange(bytes.fromhex(command)) is None
    for code, body in ((0x02, "02 0910"), (0x02, ""), (0x04, "00"), (0x10, "00"), (0xFE, "")):
        assert ask(card, code, body) is None


def test_memory_is_kept():
    (card,) = make_card("felica")
    assert write(card, 0x1009, 1, b"KEPT".ljust(16)) == bytes(2)
    (other,) = make_card("felica")
    other.restore(card.contents())
    assert read(other, 0x100B, 1) == b"\x00\x00\x01" + b"KEPT".ljust(16)
