"""What cards that are not for payment say, in words."""

TYPES = {
    0: "a card of no kind known here",
    1: "a card with applications (ISO/IEC 14443-4)",
    2: "MIFARE Classic 1K",
    3: "MIFARE Classic 4K",
    4: "MIFARE Classic Mini",
    5: "MIFARE Ultralight or NTAG",
    6: "FeliCa",
}
TECHNOLOGIES = {1: "type A", 2: "type B", 4: "type F"}

# Byte 2 and 6 of GET_VERSION: NXP MF0ULx1, table 16; NTAG213_215_216, table 28
_VERSIONS = {
    (3, 0x0B): "MIFARE Ultralight EV1, 48 bytes",
    (3, 0x0E): "MIFARE Ultralight EV1, 128 bytes",
    (4, 0x0B): "NTAG210",
    (4, 0x0E): "NTAG212",
    (4, 0x0F): "NTAG213",
    (4, 0x11): "NTAG215",
    (4, 0x13): "NTAG216",
}

# FeliCa Card User's Manual, Excerpted Edition, 4.5: status flag 2
_FELICA_FLAGS = {
    0x01: "the purse has not as much, or would hold too much",
    0x02: "more is given back than was taken",
    0x70: "the card's memory failed",
    0x71: "the card's memory was written more often than it is made for",
    0xA1: "that is not a number of services it takes",
    0xA2: "that is not a number of blocks it takes",
    0xA3: "the block list names a service that is not in the list",
    0xA4: "the service is of another type",
    0xA5: "the service does not allow this, or wants a key",
    0xA6: "there is no such service",
    0xA7: "the service knows no such access mode",
    0xA8: "the service has no such block",
    0xA9: "what was written did not last",
    0xFF: "it gives no reason",
}


def what(kind: int, version: bytes) -> str:
    """Kind of card (link tag CARD_TYPE), as exact as its version is."""
    if len(version) == 8 and (version[2], version[6]) in _VERSIONS:
        return _VERSIONS[version[2], version[6]]
    return TYPES.get(kind, TYPES[0])


def felica_refusal(flags: int) -> str:
    """Status flags 1 and 2 of a FeliCa card."""
    first, second = flags >> 8, flags & 0xFF
    place = ""
    if first != 0xFF and first and not first & (first - 1):
        place = f" (block {first.bit_length()} of the list)"
    return f"status flags {first:02X} {second:02X}: {_FELICA_FLAGS.get(second, 'it has no name for this')}{place}"
