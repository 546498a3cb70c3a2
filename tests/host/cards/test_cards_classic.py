"""MIFARE Classic cards of the bench against the data sheet's tables, for every condition, key and operation (NXP MF1S50yyX/V1)."""

from __future__ import annotations

import itertools

import pytest

from mpos.bench.cards import make_card
from mpos.bench.cards.memory.classic import (
    KEY_A,
    KEY_B,
    MifareClassic,
    access_bits,
    condition,
    sector_of,
    trailer_of,
    value_block,
    value_of,
)
from mpos.bench.field import ACK, Nak

A, B = bytes.fromhex("A0A1A2A3A4A5"), bytes.fromhex("B0B1B2B3B4B5")
NEW_A, NEW_B = bytes.fromhex("C0C1C2C3C4C5"), bytes.fromhex("D0D1D2D3D4D5")

# Table 8. C1 C2 C3: read, write, increment, decrement/transfer/restore
DATA = """
0 0 0   A|B    A|B    A|B    A|B
0 1 0   A|B    never  never  never
1 0 0   A|B    B      never  never
1 1 0   A|B    B      B      A|B
0 0 1   A|B    never  never  A|B
0 1 1   B      B      never  never
1 0 1   B      never  never  never
1 1 1   never  never  never  never
"""
# Table 7. C1 C2 C3: key A read, write; access bits read, write; key B read, write
TRAILER = """
0 0 0   never A      A    never  A      A
0 1 0   never never  A    never  A      never
1 0 0   never B      A|B  never  never  B
1 1 0   never never  A|B  never  never  never
0 0 1   never A      A    A      A      A
0 1 1   never B      A|B  B      never  B
1 0 1   never never  A|B  B      never  never
1 1 1   never never  A|B  never  never  never
"""


def rows(table: str) -> list[tuple[int, list[str]]]:
    lines = [line.split() for line in table.strip().splitlines()]
    return [(int("".join(cells[:3]), 2), cells[3:]) for cells in lines]


def may(cell: str, key: str) -> bool:
    return key in cell.split("|")


def card(size: str = "1k", block: int = 4, data: int = 0, trailer: int = 0b011) -> MifareClassic:
    """One with this condition for all data blocks of the sector of `block`, and that for its trailer."""
    last = trailer_of(sector_of(block))
    bits = access_bits(data, data, data, trailer) + b"\x69"
    return MifareClassic(size, blocks={block: value_block(100, 4), last: A + bits + B})


def tries(made: MifareClassic, key: str, block: int, *commands: bytes) -> bool:
    """Activate, authenticate, send: whether the card refused nothing."""
    made.power_on()
    assert made.authenticate(KEY_A if key == "A" else KEY_B, block, A if key == "A" else B, made.uid[-4:])
    try:
        for command in commands:
            made.exchange(command)
    except Nak:
        # Back to idle: whatever comes now is not answered
        assert made.exchange(bytes([0x30, block])) is None
        return False
    return True


FIVE = (5).to_bytes(4, "little")


@pytest.mark.parametrize("key", "AB")
@pytest.mark.parametrize("bits, cells", rows(DATA))
@pytest.mark.parametrize("size, block", [("1k", 4), ("1k", 6), ("4k", 128), ("4k", 137), ("4k", 254)])
def test_data_blocks(size, block, bits, cells, key):
    read, write, increment, decrement = (may(cell, key) for cell in cells)
    made = card(size, block, bits)
    number = bytes([block])
    assert tries(made, key, block, b"\x30" + number) == read
    assert tries(made, key, block, b"\xc2" + number, bytes(4)) == decrement
    # What was incremented can only be kept where a transfer is allowed
    assert tries(made, key, block, b"\xc1" + number, FIVE) == increment
    assert tries(made, key, block, b"\xc1" + number, FIVE, b"\xb0" + number) == (increment and decrement)
    assert value_of(made.blocks[block]) == (105 if increment and decrement else 100)
    assert tries(made, key, block, b"\xc0" + number, FIVE, b"\xb0" + number) == decrement
    assert value_of(made.blocks[block]) == 100 + 5 * (increment and decrement) - 5 * decrement
    assert tries(made, key, block, b"\xa0" + number, b"\x11" * 16) == write
    assert (made.blocks[block] == b"\x11" * 16) == write


@pytest.mark.parametrize("key", "AB")
@pytest.mark.parametrize("bits, cells", rows(TRAILER))
@pytest.mark.parametrize("size, block", [("1k", 4), ("4k", 128)])
def test_sector_trailers(size, block, bits, cells, key):
    _, write_a, read_access, write_access, read_b, write_b = (may(cell, key) for cell in cells)
    made = card(size, block, 0, bits)
    last = trailer_of(sector_of(block))
    old = made.blocks[last]
    # Note 1 of table 8: a key B that may be read is none, whatever it is asked for
    is_key = key == "A" or cells[4] == "never"
    new_access = access_bits(0b100, 0b100, 0b100, bits) + b"\x77"
    assert tries(made, key, last, bytes([0x30, last])) == is_key
    if is_key:
        made.power_on()
        made.authenticate(KEY_A if key == "A" else KEY_B, last, A if key == "A" else B, made.uid)
        shown = made.exchange(bytes([0x30, last]))
        assert shown == bytes(6) + (old[6:10] if read_access else bytes(4)) + (B if read_b else bytes(6))
    writes = is_key and (write_a or write_access or write_b)
    assert tries(made, key, last, bytes([0xA0, last]), NEW_A + new_access + NEW_B) == writes
    expected = (
        (NEW_A if is_key and write_a else A)
        + (new_access if is_key and write_access else old[6:10])
        + (NEW_B if is_key and write_b else B)
    )
    assert made.blocks[last] == expected


def test_no_value_operation_on_a_trailer():
    made = card(trailer=0b001)
    for command in (0xC0, 0xC1, 0xC2, 0xB0):
        assert not tries(made, "A", 4, bytes([command, 7]))


def test_conditions_of_a_sectors_blocks_are_their_own():
    for group in itertools.product(range(8), repeat=2):
        bits = access_bits(group[0], group[1], 0b010, 0b011)
        trailer = A + bits + b"\x00" + B
        assert [condition(trailer, n) for n in range(4)] == [*group, 0b010, 0b011]
    # 8.6.3 and 8.7.3: the transport configuration; AN1305's trailer of a sector with an application directory
    assert access_bits(0, 0, 0, 0b001) == bytes.fromhex("FF0780")
    assert access_bits(0b100, 0b100, 0b100, 0b011) == bytes.fromhex("787788")


@pytest.mark.parametrize("at", range(24))
def test_bits_that_contradict_themselves_block_the_sector(at):
    made = card()
    access = bytearray(made.blocks[7][6:9])
    access[at // 8] ^= 1 << at % 8
    made.blocks[7] = made.blocks[7][:6] + bytes(access) + made.blocks[7][9:]
    for command in (b"\x30\x04", b"\x30\x07", b"\xa0\x04", b"\xa0\x07", b"\xc0\x04"):
        assert not tries(made, "A", 4, command)
        assert not tries(made, "B", 4, command)


@pytest.mark.parametrize(
    "kind, block, key, uid",
    [
        (KEY_A, 4, B, "3C5D7E9F"),
        (KEY_B, 4, A, "3C5D7E9F"),
        (KEY_A, 8, A, "3C5D7E9F"),  # another sector's key
        (KEY_A, 64, A, "3C5D7E9F"),  # no such block
        (KEY_A, 4, A, "3C5D7E9E"),
        (0x30, 4, A, "3C5D7E9F"),
    ],
)
def test_authentication_refused(kind, block, key, uid):
    made = card()
    assert not made.authenticate(kind, block, key, bytes.fromhex(uid))
    # silent until it is activated again, even for the right key
    assert made.exchange(b"\x30\x04") is None
    assert not made.authenticate(KEY_A, 4, A, made.uid)
    made.power_on()
    assert made.authenticate(KEY_A, 4, A, made.uid)


def test_nothing_without_authentication_or_in_another_sector():
    made = card()
    for command in (b"\x30\x04", b"\xa0\x04", b"\xc0\x04", b"\xb0\x04", b"\x77\x04", b"\x30"):
        made.power_on()
        with pytest.raises(Nak):
            made.exchange(command)
    assert not tries(made, "A", 4, b"\x30\x08")
    # a failed second authentication ends the first one
    made.power_on()
    assert made.authenticate(KEY_A, 4, A, made.uid)
    assert not made.authenticate(KEY_A, 4, B, made.uid)
    assert made.exchange(b"\x30\x04") is None


def test_the_manufacturers_block():
    made = MifareClassic(blocks={3: A + access_bits(0, 0, 0, 0b011) + b"\x00" + B})
    # 8.6.1: serial number, its check byte, SAK, ATQA
    assert made.blocks[0][:8] == bytes.fromhex("3C5D7E9F 80 08 0400")
    assert tries(made, "A", 0, b"\x30\x00")
    assert not tries(made, "B", 0, b"\xa0\x00")
    made.blocks[1] = value_block(5, 1)
    assert not tries(made, "B", 0, b"\xc2\x01", bytes(4), b"\xb0\x00")


def test_values():
    # Table 4
    assert value_block(1234567, 17).hex().upper() == "87D612007829EDFF87D6120011EE11EE"
    for value in (0, -1, 1234567, -(1 << 31), (1 << 31) - 1):
        assert value_of(value_block(value, 9)) == value
    good = value_block(1234567, 17)
    for at in range(16):
        assert value_of(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]) is None


def test_a_value_goes_to_another_block_and_keeps_its_address():
    made = card(data=0b110)
    made.blocks[5] = value_block(0, 0x55)
    assert tries(made, "A", 4, b"\xc2\x04", bytes(4), b"\xb0\x05")
    assert made.blocks[5] == value_block(100, 0x55)
    # nothing to transfer: once transferred, or after another activation
    assert not tries(made, "A", 4, b"\xb0\x05")
    assert not tries(made, "A", 4, b"\xc2\x04", bytes(4), b"\xb0\x05", b"\xb0\x05")


@pytest.mark.parametrize(
    "value, command, operand",
    [
        ((1 << 31) - 1, 0xC1, 1),
        (-(1 << 31), 0xC0, 1),
        (0, 0xC0, 0x80000000),
    ],
)
def test_a_value_that_would_not_fit(value, command, operand):
    made = card()
    made.blocks[4] = value_block(value, 4)
    assert not tries(made, "A", 4, bytes([command, 4]), operand.to_bytes(4, "little"))


def test_no_value_block_no_arithmetic():
    made = card()
    made.blocks[5] = bytes(16)
    for command in (0xC0, 0xC1, 0xC2):
        assert not tries(made, "A", 4, bytes([command, 5]))


def test_the_second_part():
    made = card()
    made.power_on()
    made.authenticate(KEY_A, 4, A, made.uid)
    assert made.exchange(b"\xa0\x05") == ACK and made.exchange(bytes(16)) == ACK
    assert made.exchange(b"\xc1\x04") == ACK and made.exchange(FIVE) is None  # 12.4: not answered
    assert made.exchange(b"\xb0\x04") == ACK
    for first, second in ((b"\xa0\x05", bytes(15)), (b"\xc1\x04", bytes(5))):
        assert not tries(made, "A", 4, first, second)
    # torn before the transfer: nothing was done
    assert tries(made, "A", 4, b"\xc0\x04", FIVE)
    made.power_on()
    assert value_of(made.blocks[4]) == 105


@pytest.mark.parametrize(
    "size, sak, atqa, blocks", [("mini", 0x09, "0004", 20), ("1k", 0x08, "0004", 64), ("4k", 0x18, "0002", 256)]
)
def test_sizes(size, sak, atqa, blocks):
    made = MifareClassic(size)
    assert (made.sak, made.atqa.hex(), len(made.blocks)) == (sak, atqa, blocks)
    trailers = [number for number in range(blocks) if trailer_of(sector_of(number)) == number]
    assert len(trailers) == {20: 5, 64: 16, 256: 40}[blocks]
    for number in trailers:
        made.power_on()
        assert made.authenticate(KEY_A, number, b"\xff" * 6, made.uid)


def test_a_long_serial_number():
    made = MifareClassic(uid=bytes.fromhex("04C1D2E3F4A5B6"))
    assert made.atqa == b"\x00\x44" and made.blocks[0][:7] == made.uid
    assert made.authenticate(KEY_A, 4, b"\xff" * 6, bytes.fromhex("E3F4A5B6"))


def test_memory_is_kept():
    (made,) = make_card("mifare-1k")
    made.blocks[4] = b"KEPT".ljust(16)
    (other,) = make_card("mifare-1k")
    other.restore(made.contents())
    assert other.blocks == made.blocks


def test_halt():
    made = card()
    made.authenticate(KEY_A, 4, A, made.uid)
    assert made.exchange(b"\x50\x00") is None and made.exchange(b"\x30\x04") is None
