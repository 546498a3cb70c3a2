"""T=1 blocks written as ISO/IEC 7816-3 writes them (11.6.2.2), and conversations of them.

    frame("I(0,0) 00A40400")     I-block, N(S) 0, no more to come, INF in hex
    frame("R(1)") frame("R(1)/2")           R-block, N(R) 1; with the error bits 2
    frame("S(IFS-request) FE") frame("S(ABORT-response)")
    frame("!R(1)")                          the same with a wrong EDC

The EDC is worked out here again, not by the module under test.
"""

from atrs import with_check
from scripted_characters import ScriptedCharacters

from reader.iso7816.atr import parse
from reader.iso7816.t1 import T1
from testing import h

_S = ("RESYNCH", "IFS", "ABORT", "WTX")


def sealed(block, crc: bool = False) -> bytes:
    """NAD, PCB, LEN and INF with their EDC."""
    if not crc:
        check = 0
        for byte in block:
            check ^= byte
        return bytes(block) + bytes((check,))
    check = 0xFFFF
    for byte in block:
        for _ in range(8):
            check = check >> 1 ^ 0x8408 if (check ^ byte) & 1 else check >> 1
            byte >>= 1
    check ^= 0xFFFF
    return bytes(block) + bytes((check >> 8, check & 0xFF))


def frame(text: str, crc: bool = False) -> bytes:
    """Empty for an empty text: silence."""
    if not text:
        return b""
    name, _, inf = text.lstrip("!").partition(" ")
    data = h(inf)
    block = bytearray(sealed(bytes((0, pcb_of(name), len(data))) + data, crc))
    if text[0] == "!":
        block[-1] ^= 0x01
    return bytes(block)


def pcb_of(name: str) -> int:
    if name[0] == "I":
        return int(name[2]) << 6 | int(name[4]) << 5
    if name[0] == "R":
        return 0x80 | int(name[2]) << 4 | (int(name[5]) if len(name) > 4 else 0)
    what, _, way = name[2:-1].partition("-")
    return 0xC0 | (0x20 if way == "response" else 0) | _S.index(what)


def card(script, ifsc: int = 32, tb3: int = 0x45, emv: bool = True, crc: bool = False, start: bool = False):
    """A line with these blocks, (sent, answered) each, and the T1 on it. Bytes in place of a text go as they are.

    Without `start` the card has been told of IFSD 254 already.
    """
    frames = []
    if not start:
        frames.append((frame("S(IFS-request) FE", crc), frame("S(IFS-response) FE", crc)))
    for sent, answer in script:
        frames.append((_bytes(sent, crc), answer if answer is None else _bytes(answer, crc)))
    line = ScriptedCharacters(frames)
    text = f"3B E0 00 FF 81 71 {ifsc:02X} {tb3:02X} 01" if crc else f"3B E0 00 FF 81 31 {ifsc:02X} {tb3:02X}"
    return line, T1(line, parse(with_check(text)), emv)


async def converse(script, *commands, ifsc: int = 32, emv: bool = True, crc: bool = False) -> list:
    """The responses to the commands; the script must have been played to its end."""
    line, t1 = card(script, ifsc, emv=emv, crc=crc)
    await t1.start()
    responses = []
    for command in commands:
        responses.append(bytes(await t1.transmit(h(command))))
    line.done()
    return responses


def _bytes(block, crc):
    return block if isinstance(block, bytes) else frame(block, crc)
