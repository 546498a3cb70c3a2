"""T=1 blocks: ISO/IEC 7816-3, 11.3. NAD PCB LEN INF EDC, the EDC being one LRC byte or two CRC bytes."""

from __future__ import annotations

from mpos.bench.icc.atr import xor

I_MORE = 0x20
R_BLOCK, S_BLOCK = 0x80, 0xC0
R_EDC, R_OTHER = 0x81, 0x82
RESYNCH, IFS, ABORT, WTX = 0xC0, 0xC1, 0xC2, 0xC3
RESPONSE = 0x20  # to one of these


def edc(data: bytes | bytearray, crc: bool = False) -> bytes:
    """11.4.4: the exclusive-or of all bytes, or the CRC of ISO/IEC 13239, most significant byte first.

    13239's 16-bit frame check: polynomial x16 + x12 + x5 + 1, least significant bit first, preset to ones, inverted.
    """
    if not crc:
        return bytes([xor(data)])
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x8408 if register & 1 else 0)
    return (register ^ 0xFFFF).to_bytes(2, "big")


def build(pcb: int, inf: bytes = b"", *, crc: bool = False, nad: int = 0) -> bytes:
    body = bytes([nad, pcb, len(inf)]) + inf
    return body + edc(body, crc)


def i_block(sequence: int, inf: bytes, *, more: bool = False, crc: bool = False) -> bytes:
    return build(sequence << 6 | (I_MORE if more else 0), inf, crc=crc)


def r_block(sequence: int, error: int = 0, *, crc: bool = False) -> bytes:
    """error: 0 an acknowledgement, 1 a wrong EDC or parity, 2 another error."""
    return build(R_BLOCK | sequence << 4 | error, crc=crc)


def damage(kind: str, block: bytes, crc: bool = False) -> bytes:
    """What is sent in place of `block` (mpos.bench.icc_faults names the kinds). Other EDCs than bad ones are right."""
    nad, pcb, inf = block[0], block[1], block[3 : -2 if crc else -1]
    match kind:
        case "bad-edc":
            return block[:-1] + bytes([block[-1] ^ 0x01])
        case "bad-sequence":
            return build(pcb ^ (0x10 if pcb & R_BLOCK else 0x40), inf, crc=crc)
        case "bad-nad":
            return build(pcb, inf, crc=crc, nad=nad ^ 0x21)
        case "bad-pcb":
            return build(0xFF, inf, crc=crc)
        case "len-255" | "len-more":
            length = 0xFF if kind == "len-255" else len(inf) + 1
            body = bytes([nad, pcb, length]) + inf
            return body + edc(body, crc)
    return damage_any(kind, block)


def damage_any(kind: str, data: bytes) -> bytes:
    """The kinds that do not look inside."""
    match kind:
        case "silence":
            return b""
        case "short":
            return data[: len(data) // 2]
        case "long":
            return data + b"\xa5\x5a"
        case "parity":
            return data[:-1] + bytes([data[-1] ^ 0x10])
    raise ValueError(f"{kind!r} does not fit this protocol")
