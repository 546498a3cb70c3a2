"""MIFARE Ultralight, Ultralight EV1 and NTAG: pages of four bytes, some of them behind a password.

NXP MF0ICU1 (Ultralight), MF0ULx1 (EV1), NTAG213_215_216; the section numbers are the last one's. A card that refuses says NAK or
nothing, and is not selected any more: the driver's error comes through, and the caller activates it anew.
"""

from micropython import const

from ..errors import E_CARD_ACCESS, E_CARD_PROTOCOL, ReaderError
from ..util.wipe import wipe

PAGE = const(4)
PASSWORD = const(4)
VERSION = const(8)
FIRST = const(4)  # page of the user's memory; before it serial number, lock bytes, OTP or capability container (8.5)

_GET_VERSION = const(0x60)  # table 22: commands
_READ = const(0x30)
_WRITE = const(0xA2)
_PWD_AUTH = const(0x1B)

_PAGES_OF_READ = const(4)
_LAST = const(15)  # page of the user's memory of a plain Ultralight, which has no GET_VERSION
_STORAGE = const(6)  # byte of the version (table 28)
# Storage size, last page of the user's memory: EV1 MF0UL11 and NTAG210, MF0UL21 and NTAG212, NTAG213, 215, 216 (8.5)
_LAST_PAGES = b"\x0b\x0f\x0e\x23\x0f\x27\x11\x81\x13\xe1"


async def version(card) -> bytes:
    """What GET_VERSION says (10.1). A plain Ultralight refuses it."""
    found = bytes(await card.raw(bytes((_GET_VERSION,))))
    if len(found) != VERSION:
        raise ReaderError(E_CARD_PROTOCOL)
    return found


def last_page(found: bytes) -> int:
    """The last page that is the user's, by what GET_VERSION said (empty: nothing)."""
    for at in range(0, len(_LAST_PAGES) if found else 0, 2):
        if found[_STORAGE] == _LAST_PAGES[at]:
            return _LAST_PAGES[at + 1]
    return _LAST


async def read_into(card, page: int, out) -> None:
    """READ (10.2) as many pages as `out` has room for."""
    end = page + len(out) // PAGE
    at = 0
    while page < end:
        count = min(_PAGES_OF_READ, end - page)
        await _read(card, page, out, at, count)
        at += count * PAGE
        page += count
        if page == end and count > 1:
            # 10.2: a READ that comes to the end, or to what the password protects, goes on at page 0; one that begins
            # there is refused
            await _read(card, end - 1, out, at - PAGE, 1)


async def _read(card, page: int, out, at: int, count: int) -> None:
    data = await card.transmit(bytes((_READ, page)))
    if len(data) != _PAGES_OF_READ * PAGE:
        raise ReaderError(E_CARD_PROTOCOL)
    out[at : at + count * PAGE] = data[: count * PAGE]


async def write(card, page: int, data) -> None:
    """WRITE one page (10.4)."""
    command = bytearray(2 + PAGE)
    command[0] = _WRITE
    command[1] = page
    command[2:] = data
    await card.transmit(command)


async def authenticate(card, secret) -> None:
    """PWD_AUTH (10.7). `secret`: the password, 4 bytes, and the PACK that proves that the card knows it too, 2 bytes.
    Raises E_CARD_ACCESS when the card answers another one."""
    command = bytearray(1 + PASSWORD)
    command[0] = _PWD_AUTH
    command[1:] = secret[:PASSWORD]
    try:
        pack = await card.raw(command)
    finally:
        wipe(command)
    differs = len(pack) ^ 2
    for i in range(min(len(pack), 2)):
        differs |= pack[i] ^ secret[PASSWORD + i]
    if differs:
        raise ReaderError(E_CARD_ACCESS)
