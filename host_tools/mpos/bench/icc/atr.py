"""The answer to reset, from the card's side: built from its parts, and what the card itself has to keep of it.

ISO/IEC 7816-3, 8.2. Values are logical: TS is 3B for the direct convention and 3F for the inverse one, and the bytes after
it read the same in both; `to_line` is what a UART that knows the direct convention only sees of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

DIRECT, INVERSE = 0x3B, 0x3F

# ISO/IEC 7816-3, tables 7 and 8: by the nibbles of TA1
F = {0: 372, 1: 372, 2: 558, 3: 744, 4: 1116, 5: 1488, 6: 1860, 9: 512, 10: 768, 11: 1024, 12: 1536, 13: 2048}
D = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 6: 32, 7: 64, 8: 12, 9: 20}


@dataclass(frozen=True)
class Interface:
    """The interface bytes of one round; t: the protocol in the low half of its TD, None when TD is absent."""

    ta: int | None = None
    tb: int | None = None
    tc: int | None = None
    t: int | None = None


@dataclass(frozen=True)
class Facts:
    """What the card itself has to keep of its ATR."""

    inverse: bool = False
    ta1: int = 0x11
    specific: int | None = None  # the protocol of TA2
    implicit: bool = False  # TA2, b5: F and D are not those of TA1
    protocols: list[int] = field(default_factory=lambda: [0])
    ifsc: int = 32
    crc: bool = False


def assemble(rounds: list[Interface], history: bytes = b"", *, inverse: bool = False, tck: int | None = None) -> bytes:
    """TS, T0, the interface bytes of each round, the historical bytes, and TCK if any protocol but T=0 is named.

    tck: a value in place of the right one.
    """
    if len(history) > 15:
        raise ValueError("an ATR has at most 15 historical bytes")
    rounds = rounds or [Interface()]
    if [each.t for each in rounds].index(None) != len(rounds) - 1:
        raise ValueError("the last round is the one without a TD")
    body = bytearray()
    low = len(history)
    for each in rounds:
        bits = (
            (each.ta is not None) | (each.tb is not None) << 1 | (each.tc is not None) << 2 | (each.t is not None) << 3
        )
        body.append(bits << 4 | low)
        body += bytes(value for value in (each.ta, each.tb, each.tc) if value is not None)
        low = each.t or 0
    body += history
    if any(each.t for each in rounds) or tck is not None:
        body.append(xor(body) if tck is None else tck)  # 8.2.5
    return bytes([INVERSE if inverse else DIRECT]) + bytes(body)


def basic_t0(
    history: bytes = b"",
    *,
    ta1: int | None = None,
    tb1: int | None = 0x00,
    tc1: int | None = 0x00,
    ta2: int | None = None,
    wi: int | None = None,
    inverse: bool = False,
) -> bytes:
    """A T=0 card as EMV 4.4 Book 1, 8.3 wants it: TB1 and TC1 are there. wi: TC2."""
    first = Interface(ta1, tb1, tc1)
    if ta2 is None and wi is None:
        return assemble([first], history, inverse=inverse)
    return assemble([Interface(ta1, tb1, tc1, t=0), Interface(ta=ta2, tc=wi)], history, inverse=inverse)


def basic_t1(
    history: bytes = b"",
    *,
    ta1: int | None = None,
    tb1: int | None = 0x00,
    tc1: int | None = 0xFF,
    ta2: int | None = None,
    ifsc: int | None = 0xFE,
    bwi: int = 4,
    cwi: int = 5,
    tc3: int | None = None,
    inverse: bool = False,
    tck: int | None = None,
) -> bytes:
    """A T=1 card as EMV 4.4 Book 1, 8.3 wants it: TB1, TC1, TD1, TD2, TA3 and TB3 are there. tc3: 0 LRC, 1 CRC."""
    return assemble(
        [Interface(ta1, tb1, tc1, t=1), Interface(ta=ta2, t=1), Interface(ifsc, bwi << 4 | cwi, tc3)],
        history,
        inverse=inverse,
        tck=tck,
    )


def facts(atr: bytes) -> Facts:
    """What the card keeps of its ATR. A bad ATR, as a test may give it one, reads as far as it goes."""
    found, protocols, _ = _walk(atr)
    # 8.2.3: from TD2 on, the interface bytes are those of the protocol that the TD before them names; the first count
    t1 = next((number for number, t in enumerate(protocols, 2) if number > 2 and t == 1), -1)
    ta2 = found.get(("A", 2))
    return Facts(
        inverse=atr[:1] == bytes([INVERSE]),
        ta1=found.get(("A", 1), 0x11),
        specific=None if ta2 is None else ta2 & 0x0F,
        implicit=ta2 is not None and bool(ta2 & 0x10),
        protocols=list(dict.fromkeys(t for t in protocols if t != 15)) or [0],
        ifsc=found.get(("A", t1), 32),
        crc=bool(found.get(("C", t1), 0) & 0x01),
    )


def length(atr: bytes) -> int:
    """How long an ATR that begins so is in all; of one that is cut off, at least."""
    return _walk(atr)[2] + (atr[1] & 0x0F if len(atr) > 1 else 0) + has_tck(atr)


def has_tck(atr: bytes) -> bool:
    """8.2.5: there is a TCK unless T=0 is the only protocol."""
    return any(_walk(atr)[1])


def _walk(atr: bytes) -> tuple[dict[tuple[str, int], int], list[int], int]:
    """The interface bytes by letter and number, the T of each TD, and where the historical bytes begin."""
    found: dict[tuple[str, int], int] = {}
    protocols: list[int] = []
    at, bits, number = 2, (atr[1] if len(atr) > 1 else 0) >> 4, 1
    while bits:
        for letter, bit in (("A", 1), ("B", 2), ("C", 4), ("D", 8)):
            if bits & bit:
                if at < len(atr):
                    found[letter, number] = atr[at]
                at += 1
        td = found.get(("D", number))
        if td is None:
            break
        protocols.append(td & 0x0F)
        bits, number = td >> 4, number + 1
    return found, protocols, at


def to_line(value: int) -> int:
    """Inverse convention: a byte as a UART of the direct convention reads it, and back. 3F is 03."""
    return int(f"{value ^ 0xFF:08b}"[::-1], 2)


def xor(data: bytes | bytearray) -> int:
    result = 0
    for byte in data:
        result ^= byte
    return result
