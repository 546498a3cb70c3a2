"""Command and response APDUs: what is asked, what is answered. ISO/IEC 7816-4; EMV 4.4 Book 3, 6.5."""

from __future__ import annotations

from dataclasses import dataclass, field

from mpos.describe import tlv
from mpos.describe.hexinput import parse_hex
from mpos.describe.masking import scrub, scrub_hex
from mpos.describe.status_words import meaning
from mpos.describe.tags import KINDS, name_of
from mpos.describe.values import describe, list_entries

_NAMES = {
    0x20: "VERIFY",
    0x82: "EXTERNAL AUTHENTICATE",
    0x84: "GET CHALLENGE",
    0x88: "INTERNAL AUTHENTICATE",
    0xA4: "SELECT",
    0xA8: "GET PROCESSING OPTIONS",
    0xAE: "GENERATE APPLICATION CRYPTOGRAM",
    0xB2: "READ RECORD",
    0xB0: "READ BINARY",
    0xC0: "GET RESPONSE",
    0xCA: "GET DATA",
    # what an issuer's script is made of: Book 3, 6.5 and 10.10; ISO/IEC 7816-4 for the last three
    0x16: "CARD BLOCK",
    0x18: "APPLICATION UNBLOCK",
    0x1E: "APPLICATION BLOCK",
    0x24: "PIN CHANGE / UNBLOCK",
    0xD6: "UPDATE BINARY",
    0xDA: "PUT DATA",
    0xDC: "UPDATE RECORD",
}
_CLASSES = {0x00, 0x04, 0x0C, 0x80, 0x84, 0x8C}
_CRYPTOGRAMS = {0x00: "AAC", 0x40: "TC", 0x80: "ARQC"}
_DIRECTORIES = {b"2PAY.SYS.DDF01": "PPSE", b"1PAY.SYS.DDF01": "PSE"}
# Book 3, tables 23 and 25
_PINS = {0x00: "format of the card's own", 0x80: "plain-text PIN", 0x88: "enciphered PIN"}
_PIN_CHANGES = {0x00: "PIN unblocked", 0x01: "PIN changed, enciphered with the old one", 0x02: "PIN changed"}
_SECRET = {0x20, 0x24}


@dataclass
class Apdu:
    """headline: one line for a trace; details: lines under it; nodes: the objects of a response."""

    headline: str
    details: list[str] = field(default_factory=list)
    nodes: list[tlv.Node] = field(default_factory=list)


def decode(data: bytes, *, command: bool | None = None, pdol: bytes | None = None) -> Apdu:
    """command: True, False, or None to find out. pdol: names the data of GET PROCESSING OPTIONS.

    Raises ValueError when it can be neither.
    """
    if command is None:
        command = _looks_like_command(data)
    return _command(data, pdol) if command else _response(data)


def headline(data: bytes, command: bool) -> str:
    """One masked line for a trace. Never raises: what is no APDU is shown by its length."""
    try:
        return decode(data, command=command).headline
    except ValueError:
        return f"{len(data)} bytes that are no {'command' if command else 'response'} APDU"


def lines(text: str, pdol: str | None = None) -> list[str]:
    """Hex to lines for a person; `pdol` in hex too. Raises ValueError with a sentence."""
    apdu = decode(parse_hex(text), pdol=None if pdol is None else parse_hex(pdol))
    return [apdu.headline, *(f"  {line}" for line in apdu.details), *tlv.render(apdu.nodes, 1)]


def _looks_like_command(data: bytes) -> bool:
    if len(data) < 4 or data[0] not in _CLASSES or data[1] not in _NAMES:
        return False
    return len(data) in (4, 5) or len(data) in (5 + data[4], 6 + data[4])


def _command(data: bytes, pdol: bytes | None) -> Apdu:
    if len(data) < 4:
        raise ValueError(f"a command APDU has at least 4 bytes, not {len(data)}")
    cla, ins, p1, p2 = data[:4]
    body, trouble = b"", []
    if len(data) > 5:
        body = data[5 : 5 + data[4]]
        if len(data) not in (5 + data[4], 6 + data[4]):
            trouble = [f"Lc says {data[4]} bytes, {len(data) - 5} follow"]
    name = _NAMES.get(ins, f"command {ins:02X}")
    apdu = Apdu(name, [f"CLA {cla:02X} INS {ins:02X} P1 {p1:02X} P2 {p2:02X}, {len(body)} bytes of data", *trouble])
    if ins == 0xA4:
        what = _DIRECTORIES.get(body) or describe("aid", body)[0]
        apdu.headline = f"SELECT {what}" + (" (next)" if p2 & 0x03 == 0x02 else "")
    elif ins == 0xB2:
        apdu.headline = f"READ RECORD {p1} of file {p2 >> 3}"
    elif ins == 0xDC:
        apdu.headline = f"UPDATE RECORD {p1} of file {p2 >> 3}"
    elif ins in (0xCA, 0xDA):
        apdu.headline = f"{name} {p1 << 8 | p2:04X} {name_of(p1 << 8 | p2)}"
    elif ins == 0xAE:
        # Book 3, table 12: bit 5 of P1
        signed = ", signed" if p1 & 0x10 else ""
        apdu.headline = f"{name}, {_CRYPTOGRAMS.get(p1 & 0xC0, 'reserved kind')} asked for{signed}"
    elif ins == 0x20:
        apdu.headline = f"VERIFY, {_PINS.get(p2, f'reserved qualifier {p2:02X}')}"
    elif ins == 0x24:
        apdu.headline = f"{name}, {_PIN_CHANGES.get(p2, f'reserved qualifier {p2:02X}')}"
    if ins == 0xA8:
        apdu.details += _options(body, pdol)
    elif ins in _SECRET:
        # whatever the qualifier and however broken: a PIN block may be in it
        apdu.details.append("the data are not shown")
    elif body:
        apdu.details.append(scrub_hex(body))
    return apdu


def _options(body: bytes, pdol: bytes | None) -> list[str]:
    """The terminal's data: by name where the list is known, otherwise as they are."""
    if len(body) < 2 or body[0] != 0x83:
        return ["the data do not begin with 83: " + scrub_hex(body)]
    values = body[2:]
    entries = list_entries(pdol) if pdol is not None else None
    if entries is None or sum(n for _, n in entries) != len(values):
        return [f"{len(values)} bytes for the PDOL: {scrub_hex(values)}"]
    out, at = [], 0
    for tag, n in entries:
        text, meanings = describe(KINDS.get(tag, "hex"), values[at : at + n])
        out.append(f"{tag:02X} {name_of(tag)}: {text}")
        out += [f"    - {line}" for line in meanings]
        at += n
    return [scrub(line) for line in out]


def _response(data: bytes) -> Apdu:
    if len(data) < 2:
        raise ValueError("a response APDU has at least the two bytes of its status word")
    status = int.from_bytes(data[-2:], "big")
    body = data[:-2]
    # ISO/IEC 7816-4, 5.6: a status word begins with 6 (not 60) or 9
    if not (0x6100 <= status <= 0x6FFF or status >> 12 == 9):
        raise ValueError("this is neither a command nor a response: no instruction of a card and no status word")
    apdu = Apdu(f"{status:04X} {meaning(status)}")
    if not body:
        return apdu
    try:
        apdu.nodes = tlv.decode(body)
    except ValueError as error:
        apdu.details.append(f"{len(body)} bytes of data that are not well-formed: {error}")
    apdu.headline += f", {len(body)} bytes"
    if apdu.nodes:
        apdu.headline += f": {apdu.nodes[0].tag:02X} {apdu.nodes[0].name}"
        if apdu.nodes[0].tag == 0x80:
            apdu.details += _format_1(body)
    return apdu


def _format_1(body: bytes) -> list[str]:
    """EMV 4.4 Book 3, 6.5.8.4: AIP and AFL without tags."""
    value = body[2:]
    if len(value) < 6 or (len(value) - 2) % 4:
        return []
    aip, aip_lines = describe("aip", value[:2])
    afl, afl_lines = describe("afl", value[2:])
    return [
        f"AIP {aip}",
        *(f"    - {line}" for line in aip_lines),
        f"AFL {afl}",
        *(f"    - {line}" for line in afl_lines),
    ]
