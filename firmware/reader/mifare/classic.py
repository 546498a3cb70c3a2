"""MIFARE Classic: what a coupler that does Crypto-1 itself (PN532: UM0701-02, 7.3.8) is asked to do with one sector.

NXP MF1S50yyX/V1 (1K) and MF1S70yyX/V1 (4K); the section numbers are the first one's. A card that refuses says NAK or nothing, and
is not selected any more: the driver's error comes through, and the caller activates it anew.
"""

from micropython import const

from ..errors import E_CARD_KIND, E_CARD_PROTOCOL, ReaderError
from ..util.wipe import wipe

BLOCK = const(16)
KEY = const(6)

_AUTHENTICATE_A = const(0x60)  # table 9: commands
_AUTHENTICATE_B = const(0x61)
_READ = const(0x30)
_WRITE = const(0xA0)
_TRANSFER = const(0xB0)
DECREMENT = const(0xC0)
INCREMENT = const(0xC1)
RESTORE = const(0xC2)

_SMALL_SECTORS = const(128)  # blocks: 32 sectors of 4, then sectors of 16 (MF1S70, 8.6)
_ACCESS = const(6)  # where a trailer's access bits begin (8.6.3)


def is_trailer(block: int) -> bool:
    """The last block of a sector, which has its keys and access bits (8.6.3)."""
    return block & 3 == 3 if block < _SMALL_SECTORS else block & 15 == 15


async def authenticate(card, with_b: bool, block: int, key) -> None:
    """Three pass authentication (8.2.4) for the sector of `block`, until the next one or an error."""
    command = bytearray(2 + KEY + 4)
    command[0] = _AUTHENTICATE_B if with_b else _AUTHENTICATE_A
    command[1] = block
    command[2 : 2 + KEY] = key
    command[2 + KEY :] = card.uid[-4:]  # AN10927: of a UID of seven bytes the last four
    try:
        await card.transmit(command)
    finally:
        wipe(command)


async def read_into(card, block: int, out) -> None:
    """The 16 bytes of a block (12.2). Of a sector trailer only the access bits: key B may be readable (8.7.2)."""
    data = await card.transmit(bytes((_READ, block)))
    if len(data) != BLOCK:
        raise ReaderError(E_CARD_PROTOCOL)
    out[:] = data
    if is_trailer(block):
        for at in range(BLOCK):
            if not _ACCESS <= at < _ACCESS + 4:
                out[at] = 0


async def write(card, block: int, data) -> None:
    """All 16 bytes of a block (12.3)."""
    command = bytearray(2 + BLOCK)
    command[0] = _WRITE
    command[1] = block
    command[2:] = data
    try:
        await card.transmit(command)
    finally:
        wipe(command)  # a trailer's has keys


async def change(card, operation: int, source: int, target: int, operand: int) -> None:
    """INCREMENT, DECREMENT or RESTORE the value of block `source`, and transfer the result to `target` (12.4, 12.5)."""
    await card.transmit(bytes((operation, source)) + operand.to_bytes(4, "little"))
    await card.transmit(bytes((_TRANSFER, target)))


def value_of(block) -> int:
    """The signed value of a value block (8.6.2.1). Raises E_CARD_KIND when the block has not its format: the value three
    times, once inverted, and an address four times, twice inverted."""
    for i in range(4):
        if block[i] != block[8 + i] or block[i] ^ block[4 + i] != 0xFF:
            raise ReaderError(E_CARD_KIND)
    address = block[12]
    if block[14] != address or block[13] ^ address != 0xFF or block[15] ^ address != 0xFF:
        raise ReaderError(E_CARD_KIND)
    value = int.from_bytes(block[:4], "little")
    return value - (1 << 32) if block[3] & 0x80 else value


def trailer_into(out, key_a, access, key_b) -> bool:
    """Put a sector trailer together: key A, `access` (three bytes of access bits, one of the user's), key B. False: the
    access bits do not agree with their complements (8.7.1), which would block the sector for ever."""
    c1, c2, c3 = access[1] >> 4, access[2] & 15, access[2] >> 4
    if access[0] != (c2 << 4 | c1) ^ 0xFF or access[1] & 15 != c3 ^ 15:
        return False
    out[:KEY] = key_a
    out[_ACCESS : _ACCESS + 4] = access
    out[_ACCESS + 4 :] = key_b
    return True
