"""An encoder of its own for the tests: characters to bits, bits to times (ISO/IEC 7811-2, clauses 8 and 9)."""

from array import array

START = {5: ";", 7: "%"}
BASE = {5: 0x30, 7: 0x20}


def character(value: int, width: int) -> str:
    """Lowest bit first, then odd parity, as '0' and '1'."""
    bits = "".join(["1" if value >> i & 1 else "0" for i in range(width - 1)])
    return bits + ("0" if bits.count("1") & 1 else "1")


def framed(text: str, width: int) -> str:
    """Start sentinel, `text`, end sentinel, LRC."""
    check = 0
    bits = ""
    for letter in START[width] + text + "?":
        value = ord(letter) - BASE[width]
        check ^= value
        bits += character(value, width)
    return bits + character(check, width)


def packed(bits: str) -> bytearray:
    """The first one in the MSB of byte 0."""
    out = bytearray((len(bits) + 7) // 8)
    for i in range(len(bits)):
        if bits[i] == "1":
            out[i >> 3] |= 0x80 >> (i & 7)
    return out


def times(bits: str, cell: int = 1000) -> array:
    """Times between the reversals of these bits, each cell `cell` long."""
    out = array("H")
    for bit in bits:
        if bit == "1":
            out.append(cell // 2)
            out.append(cell - cell // 2)
        else:
            out.append(cell)
    return out
