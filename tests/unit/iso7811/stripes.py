"""An encoder of its own for these tests: characters to bits, bits to times, and a hand that is not steady.

ISO/IEC 7811-2, clauses 8 and 9: bits as text, "0" and "1", in the order in which they pass the head.
"""

from array import array

START = {5: ";", 7: "%"}
BASE = {5: 0x30, 7: 0x20}
LEAD = 22  # zeros before the first character: 7.44 mm at 75 bits per inch


def character(value: int, width: int) -> str:
    """Lowest bit first, then odd parity."""
    bits = "".join(["1" if value >> i & 1 else "0" for i in range(width - 1)])
    return bits + ("0" if bits.count("1") & 1 else "1")


def framed(text: str, width: int, check: int = 0) -> str:
    """Start sentinel, `text`, end sentinel, LRC; `check` spoils the LRC, whose parity stays right."""
    bits = ""
    for letter in START[width] + text + "?":
        value = ord(letter) - BASE[width]
        check ^= value
        bits += character(value, width)
    return bits + character(check, width)


def alone(bits: str) -> str:
    """With the zeros that a card has at both ends."""
    return "0" * LEAD + bits + "0" * LEAD


def reverse(bits: str) -> str:
    return "".join(reversed(bits))


def invert(bits: str) -> str:
    return "".join(["1" if bit == "0" else "0" for bit in bits])


def flip(bits: str, *places) -> str:
    out = list(bits)
    for place in places:
        out[place] = "1" if out[place] == "0" else "0"
    return "".join(out)


def packed(bits: str) -> bytearray:
    """The first bit in the MSB of byte 0."""
    out = bytearray((len(bits) + 7) // 8)
    for i in range(len(bits)):
        if bits[i] == "1":
            out[i >> 3] |= 0x80 >> (i & 7)
    return out


def unpacked(data, n: int) -> str:
    return "".join(["1" if data[i >> 3] >> (7 - (i & 7)) & 1 else "0" for i in range(n)])


def reversals(bits: str) -> list:
    """Where they are, in bit cells from the first one."""
    at = [0.0]
    for i in range(len(bits)):
        if bits[i] == "1":
            at.append(i + 0.5)
        at.append(i + 1.0)
    return at


def between(places, cell: float = 1000.0, end: float = 1.0) -> array:
    """Times between reversals at these places; a bit cell takes `cell` at the first one, `end` times that at the last."""
    last = places[-1]
    moments = [round(cell * (p + (end - 1) * p * p / last / 2)) for p in places]
    return array("H", [moments[i + 1] - moments[i] for i in range(len(moments) - 1)])


def times(bits: str, cell: float = 1000.0, end: float = 1.0) -> array:
    return between(reversals(bits), cell, end)


class Chance:
    """Numbers that are the same in each run."""

    def __init__(self, seed: int):
        self._state = seed & 0xFFFFFF | 1

    def below(self, n: int) -> int:
        self._state = (self._state * 1140671 + 12820163) & 0xFFFFFF
        return (self._state >> 4) % n

    def digits(self, n: int) -> str:
        return "".join([chr(0x30 + self.below(10)) for _ in range(n)])

    def shaken(self, places, percent: int) -> list:
        """Each reversal up to half of `percent` of a bit cell beside its place, so that any time between two is off by
        `percent` at most."""
        return sorted([p + (self.below(20001) - 10000) / 10000 * percent / 200 for p in places])
