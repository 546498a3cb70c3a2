"""MIFARE Classic: sectors with two keys each, access conditions for every block, value blocks.

NXP MF1S50yyX/V1 (1K) and MF1S70yyX/V1 (4K, whose sectors above block 127 have 16 blocks); sections are the first one's. The cipher
is the coupler's affair: a key is right when it is the same.
"""

from __future__ import annotations

from mpos.bench.field import ACK, Nak

BLOCK = 16
SMALL_SECTORS = 32  # of four blocks; the further ones have sixteen
DELIVERED = bytes.fromhex("FFFFFFFFFFFF" + "FF078069" + "FFFFFFFFFFFF")  # 8.6.3: a trailer at chip delivery

KEY_A, KEY_B = 0x60, 0x61
_READ, _WRITE, _TRANSFER, _DECREMENT, _INCREMENT, _RESTORE, _HALT = 0x30, 0xA0, 0xB0, 0xC0, 0xC1, 0xC2, 0x50

# Table 10: NAK codes; whether the transfer buffer holds a value
_INVALID_WITH_VALUE, _INVALID = 0x0, 0x4

# Table 8, by C1 C2 C3: which keys may read, write, increment, and decrement, transfer or restore a data block
_DATA = {
    0b000: ("AB", "AB", "AB", "AB"),
    0b010: ("AB", "", "", ""),
    0b100: ("AB", "B", "", ""),
    0b110: ("AB", "B", "B", "AB"),
    0b001: ("AB", "", "", "AB"),
    0b011: ("B", "B", "", ""),
    0b101: ("B", "", "", ""),
    0b111: ("", "", "", ""),
}
_READS, _WRITES, _INCREMENTS, _DECREMENTS = range(4)
# Table 7: which keys may write key A, read and write the access bits, read and write key B
_TRAILER = {
    0b000: ("A", "A", "", "A", "A"),
    0b010: ("", "A", "", "A", ""),
    0b100: ("B", "AB", "", "", "B"),
    0b110: ("", "AB", "", "", ""),
    0b001: ("A", "A", "A", "A", "A"),
    0b011: ("B", "AB", "B", "", "B"),
    0b101: ("", "AB", "B", "", ""),
    0b111: ("", "AB", "", "", ""),
}
_WRITES_A, _READS_ACCESS, _WRITES_ACCESS, _READS_B, _WRITES_B = range(5)

_SIZES = {"mini": (5, 0x09, b"\x00\x04"), "1k": (16, 0x08, b"\x00\x04"), "4k": (40, 0x18, b"\x00\x02")}


def sector_of(block: int) -> int:
    return block // 4 if block < 4 * SMALL_SECTORS else SMALL_SECTORS + (block - 4 * SMALL_SECTORS) // 16


def trailer_of(sector: int) -> int:
    """The number of the sector's last block."""
    return 4 * sector + 3 if sector < SMALL_SECTORS else 4 * SMALL_SECTORS + 16 * (sector - SMALL_SECTORS) + 15


def access_bits(*conditions: int) -> bytes:
    """Bytes 6 to 8 of a trailer for C1 C2 C3 of its four groups of blocks (8.7.1, figure 10)."""
    c1, c2, c3 = (sum((condition >> (2 - n) & 1) << i for i, condition in enumerate(conditions)) for n in range(3))
    return bytes([(c2 << 4 | c1) ^ 0xFF, c1 << 4 | (c3 ^ 0xF), c3 << 4 | c2])


def condition(trailer: bytes, group: int) -> int | None:
    """C1 C2 C3 of one group of a sector; None: the bits contradict their complements."""
    c1, c2, c3 = trailer[7] >> 4, trailer[8] & 0xF, trailer[8] >> 4
    if trailer[6] != (c2 << 4 | c1) ^ 0xFF or trailer[7] & 0xF != c3 ^ 0xF:
        return None
    return (c1 >> group & 1) << 2 | (c2 >> group & 1) << 1 | c3 >> group & 1


def value_block(value: int, address: int) -> bytes:
    """8.6.2.1."""
    plain = value.to_bytes(4, "little", signed=True)
    inverted = bytes(byte ^ 0xFF for byte in plain)
    return plain + inverted + plain + bytes([address, address ^ 0xFF] * 2)


def value_of(block: bytes) -> int | None:
    value = int.from_bytes(block[:4], "little", signed=True)
    return value if block == value_block(value, block[12]) else None


class MifareClassic:
    """size: "mini", "1k" or "4k". uid: 4 or 7 bytes. blocks: contents by number, over those at delivery."""

    ats: bytes | None = None

    def __init__(
        self, size: str = "1k", uid: bytes = bytes.fromhex("3C5D7E9F"), blocks: dict[int, bytes] | None = None
    ):
        sectors, self.sak, self.atqa = _SIZES[size]
        self.uid = uid
        if len(uid) == 7:
            self.atqa = bytes([self.atqa[0], self.atqa[1] | 0x40])
        count = trailer_of(sectors - 1) + 1
        self.blocks = [bytes(BLOCK)] * count
        for sector in range(sectors):
            self.blocks[trailer_of(sector)] = DELIVERED
        self.blocks[0] = self._manufacturer()
        for number, data in (blocks or {}).items():
            self.blocks[number] = data
        self.power_on()

    def _manufacturer(self) -> bytes:
        """8.6.1: serial number, check byte of a short one, SAK and ATQA, manufacturer's data."""
        check = bytes([self.uid[0] ^ self.uid[1] ^ self.uid[2] ^ self.uid[3]]) if len(self.uid) == 4 else b""
        return (self.uid + check + bytes([self.sak]) + self.atqa[::-1]).ljust(BLOCK, b"\x00")

    def contents(self) -> dict[str, str]:
        """What it keeps without power."""
        return {str(number): block.hex().upper() for number, block in enumerate(self.blocks)}

    def restore(self, kept: dict[str, str]) -> None:
        self.blocks = [bytes.fromhex(kept[str(number)]) for number in range(len(self.blocks))]
        self.power_on()

    def power_on(self) -> None:
        self._selected = True
        self._sector: int | None = None  # that is authenticated, with key:
        self._key = ""
        self._value: int | None = None  # in the transfer buffer
        self._pending: tuple[int, int] | None = None  # command and block of a first part

    def authenticate(self, kind: int, block: int, key: bytes, uid: bytes) -> bool:
        """Three pass authentication (8.2.4), whose result is all that is simulated of it."""
        self._sector, self._pending = None, None
        if not self._selected or block >= len(self.blocks) or uid != self.uid[-4:] or kind not in (KEY_A, KEY_B):
            self._selected = False
            return False
        sector = sector_of(block)
        trailer = self.blocks[trailer_of(sector)]
        if key != (trailer[:6] if kind == KEY_A else trailer[10:]):
            self._selected = False
            return False
        self._sector, self._key = sector, "A" if kind == KEY_A else "B"
        return True

    def exchange(self, command: bytes) -> bytes | None:
        if not self._selected:
            return None
        try:
            return self._second(command) if self._pending else self._first(command)
        except Nak:
            self._selected = False  # 9.1: back to idle
            raise

    def _first(self, command: bytes) -> bytes | None:
        if command[:1] == bytes([_HALT]):
            self._selected = False
            return None
        if len(command) != 2:
            raise Nak(self._invalid())
        code, block = command
        if code == _READ:
            return self._read(block)
        if code == _TRANSFER:
            return self._transfer(block)
        if code not in (_WRITE, _DECREMENT, _INCREMENT, _RESTORE):
            raise Nak(self._invalid())
        if code == _WRITE:
            self._check_write(block)
        else:
            self._need(block, _INCREMENTS if code == _INCREMENT else _DECREMENTS)
            if value_of(self.blocks[block]) is None:
                raise Nak(self._invalid())
        self._pending = code, block
        return ACK

    def _second(self, data: bytes) -> bytes | None:
        assert self._pending is not None
        (code, block), self._pending = self._pending, None
        if len(data) != (BLOCK if code == _WRITE else 4):
            raise Nak(self._invalid())
        if code == _WRITE:
            self._write(block, data)
            return ACK
        value = value_of(self.blocks[block])
        assert value is not None
        operand = int.from_bytes(data, "little", signed=True)
        if code == _INCREMENT:
            value += operand
        elif code == _DECREMENT:
            value -= operand
        if not -(1 << 31) <= value < 1 << 31 or (operand < 0 and code != _RESTORE):
            raise Nak(self._invalid())
        self._value = value
        return None  # 12.4: the second part has no ACK

    def _read(self, block: int) -> bytes:
        if self._is_trailer(block):
            rights = self._trailer_rights(block)
            data = self.blocks[block]
            access = data[6:10] if self._key in rights[_READS_ACCESS] else bytes(4)
            # 8.7.2: key A is never read; key B where it may be
            return bytes(6) + access + (data[10:] if self._key in rights[_READS_B] else bytes(6))
        self._need(block, _READS)
        return self.blocks[block]

    def _check_write(self, block: int) -> None:
        if block == 0:
            raise Nak(self._invalid())  # 8.6.1: never
        if self._is_trailer(block):
            rights = self._trailer_rights(block)
            if not any(self._key in rights[right] for right in (_WRITES_A, _WRITES_ACCESS, _WRITES_B)):
                raise Nak(self._invalid())
            return
        self._need(block, _WRITES)

    def _write(self, block: int, data: bytes) -> None:
        if self._is_trailer(block):
            rights, old = self._trailer_rights(block), self.blocks[block]
            data = (
                (data[:6] if self._key in rights[_WRITES_A] else old[:6])
                + (data[6:10] if self._key in rights[_WRITES_ACCESS] else old[6:10])
                + (data[10:] if self._key in rights[_WRITES_B] else old[10:])
            )
        self.blocks[block] = data

    def _transfer(self, block: int) -> bytes:
        self._need(block, _DECREMENTS)
        if self._value is None or block == 0:
            raise Nak(self._invalid())
        # 8.6.2.1: the address stays what it was
        self.blocks[block] = value_block(self._value, self.blocks[block][12])
        self._value = None
        return ACK

    def _need(self, block: int, right: int) -> None:
        if self._is_trailer(block) or self._key not in self._data_rights(block)[right]:
            raise Nak(self._invalid())

    def _is_trailer(self, block: int) -> bool:
        return block == trailer_of(sector_of(block))

    def _data_rights(self, block: int) -> tuple[str, ...]:
        first = 4 * sector_of(block) if block < 4 * SMALL_SECTORS else block - block % 16
        return _DATA[self._condition(block, (block - first) // (1 if block < 4 * SMALL_SECTORS else 5))]

    def _trailer_rights(self, block: int) -> tuple[str, ...]:
        return _TRAILER[self._condition(block, 3)]

    def _condition(self, block: int, group: int) -> int:
        """Of a block of the sector that is authenticated, or a NAK."""
        if block >= len(self.blocks) or self._sector is None or sector_of(block) != self._sector:
            raise Nak(self._invalid())
        trailer = self.blocks[trailer_of(self._sector)]
        of_trailer, found = condition(trailer, 3), condition(trailer, group)
        # 8.7.1: bits that contradict themselves block the sector for ever. 8.7.2, note 1: a key B that may be read is none
        if of_trailer is None or found is None or (self._key == "B" and _TRAILER[of_trailer][_READS_B]):
            raise Nak(self._invalid())
        return found

    def _invalid(self) -> int:
        return _INVALID if self._value is None else _INVALID_WITH_VALUE
