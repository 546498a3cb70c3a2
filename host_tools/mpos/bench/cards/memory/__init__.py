"""Cards that are not for payment: MIFARE Classic, Ultralight and NTAG, FeliCa, and cards with other applications."""

from collections.abc import Callable
from typing import Any

from mpos.bench import test_keys
from mpos.bench.cards.entry import Entry
from mpos.bench.cards.memory.applications import DesfireCard, LoyaltyCard, TypeBCard
from mpos.bench.cards.memory.classic import MifareClassic, access_bits, value_block
from mpos.bench.cards.memory.felica import FelicaCard, purse
from mpos.bench.cards.memory.ultralight import Ultralight

MEMORY = "memory"  # Entry.kind
_NOT_PAYMENT, _NO_CARD = 105, 106  # how a sale with such a card ends: a FeliCa is not even looked for

# Of sectors with values key A reads and takes away, and key B adds (MF1S50yyX/V1, table 8, 110; table 7, 011)
_VALUES = access_bits(0b110, 0b110, 0b110, 0b011) + b"\x00"
_CLASSIC = {
    4: b"POINTS OF A SHOP",
    5: b"CUSTOMER 0000042",
    8: value_block(100, 8),
    9: value_block(0, 9),
    11: test_keys.CARD_KEY_DELIVERED + _VALUES + test_keys.CARD_KEY_DELIVERED,
    12: value_block(7, 12),
    13: value_block(0, 13),
    15: test_keys.CARD_KEY_A + _VALUES + test_keys.CARD_KEY_B,
}
# An NDEF message, record "https://mpos.example": NFC Forum NDEF 1.0, 2; URI RTD 1.0, 3.2.2 (04: https://)
_NDEF = bytes.fromhex("D1010D5504") + b"mpos.example"
_TAG = b"\x03" + bytes([len(_NDEF)]) + _NDEF + b"\xfe"

_POINTS, _HISTORY, _CASH = 0x1009, 0x108F, 0x10D0  # numbers 40, 42 and 43 of services


def _felica() -> FelicaCard:
    points = [b"POINTS 000000120", bytes(16), bytes(16)]
    history = [f"VISIT {number}".encode().ljust(16) for number in range(3, 0, -1)]
    money = [purse(2500, cashback=0)]
    services = {
        _POINTS: points,  # random, read and write without a key
        0x100B: points,  # the same blocks, read only
        0x1008: points,  # ... and with a key
        0x108D: history,  # cyclic, read and write
        _HISTORY: history,  # read only
    }
    purses = {
        _CASH: money,  # anything, with a key
        0x10D5: money,  # take away, without a key
        0x10D7: money,  # read only
    }
    return FelicaCard(services, (b"\x12\xfc", b"\xfe\x00"), (purses,))


def _entry(name: str, story: str, build: Callable[[], Any], error: int = _NOT_PAYMENT) -> Entry:
    return Entry(name, story, "error", "", error, MEMORY, lambda _: [build()])


ENTRIES = (
    _entry(
        "mifare-1k",
        "MIFARE Classic 1K: text in block 4, a value in block 8 (slots 1 a, 2 b), one in block 12 (slots 3 a, 4 b).",
        lambda: MifareClassic("1k", blocks=_CLASSIC),
    ),
    _entry(
        "mifare-4k",
        "MIFARE Classic 4K with a serial number of seven bytes, otherwise the same.",
        lambda: MifareClassic("4k", uid=bytes.fromhex("04C1D2E3F4A5B6"), blocks=_CLASSIC),
    ),
    _entry(
        "mifare-mini",
        "MIFARE Classic Mini: five sectors, as delivered (slot 1 a).",
        lambda: MifareClassic("mini", uid=bytes.fromhex("7A6B5C4D")),
    ),
    _entry("ultralight", "MIFARE Ultralight: 12 free pages from 4 on.", Ultralight),
    _entry("ultralight-ev1", "MIFARE Ultralight EV1: 12 pages, three counters.", lambda: Ultralight("ultralight-ev1")),
    _entry(
        "ultralight-ev1-128",
        "MIFARE Ultralight EV1 with 32 pages, written to under a password only (slot 6).",
        lambda: Ultralight("ultralight-ev1-128").protect(
            test_keys.CARD_PASSWORD[:4], test_keys.CARD_PASSWORD[4:], 16, reads_too=False
        ),
    ),
    _entry("ntag213", "NTAG213 with an NDEF message: 36 pages from 4 on.", lambda: Ultralight("ntag213", data=_TAG)),
    _entry(
        "ntag215",
        "NTAG215: 126 pages, empty NDEF message, password as delivered (slot 5).",
        lambda: Ultralight("ntag215"),
    ),
    _entry(
        "ntag216-password",
        "NTAG216 that neither reads nor writes pages from 16 on without its password (slot 6).",
        lambda: Ultralight("ntag216", data=_TAG).protect(
            test_keys.CARD_PASSWORD[:4], test_keys.CARD_PASSWORD[4:], 16, reads_too=True, limit=5
        ),
    ),
    _entry(
        "felica",
        "FeliCa: services 1009, 100B (points), 108D, 108F (visits) in system 12FC; 10D5, 10D7 (purse) in system FE00.",
        _felica,
        _NO_CARD,
    ),
    _entry("loyalty", "A card with 120 points under AID F06D504F530001, and an NDEF message.", LoyaltyCard),
    _entry("loyalty-b", "The same of type B, with 35 points.", TypeBCard),
    _entry("desfire", "A card that speaks DESFire's commands: application 4D504F, file 1, value 2.", DesfireCard),
)
