"""ISO 8583 messages of the unionpay_pos dialect by field, masked; with or without length, TPDU and header."""

from __future__ import annotations

from dataclasses import dataclass, field

import iso8583 as pyiso8583

from mpos.describe import pos_fields, tlv
from mpos.describe.hexinput import parse_hex
from mpos.describe.iso8583_spec import SPEC
from mpos.describe.masking import mask, scrub, scrub_hex
from mpos.describe.response_codes import RESPONSE_CODES

_LENGTH, _TPDU, _HEADER = 2, 5, 6
_TYPE_AND_BITMAP = 10

# Never shown, whatever they hold: tracks, extended account number, PIN block
_HIDDEN = {34, 35, 36, 45, 52}
_CODED = {2, 32, 33, 48, 61}
_KEY_SCHEMES = {b"\x01": "TDES DUKPT", b"\x02": "AES DUKPT", b"\x03": "master/session"}
_SENT_KEY = 20  # bytes of a working key and its check value
_TYPES = {
    "0100": "authorisation request",
    "0110": "authorisation answer",
    "0200": "financial request",
    "0210": "financial answer",
    "0220": "financial advice",
    "0230": "financial advice answer",
    "0400": "reversal",
    "0410": "reversal answer",
    "0800": "network management request",
    "0810": "network management answer",
}


@dataclass
class Field:
    """label: "DE4"; name: what it is; value: masked text; details: lines under it."""

    label: str
    name: str
    value: str
    details: list[str] = field(default_factory=list)


def decode(data: bytes) -> list[Field]:
    """The frame's parts and the fields, in order; a message that stops making sense ends with a field "!".

    Raises ValueError when not even message type and bitmap can be found.
    """
    head, message = _split(data)
    try:
        decoded, encoded = pyiso8583.decode(message, SPEC)
        trouble = ""
    except pyiso8583.DecodeError as error:
        # Its own text may quote the field
        decoded, encoded = error.doc_dec, error.doc_enc
        decoded.pop(error.field, None)
        where = f"DE{error.field}" if error.field.isdecimal() else "the message"
        trouble = f"{where} cannot be read at byte {error.pos}: cut off, too long, or of another dialect"
    fields = list(head)
    kind = decoded.get("t", "")
    fields.append(Field("MTI", "message type", f"{kind} {_TYPES.get(kind, '')}".strip()))
    for number in sorted(int(key) for key in decoded if key.isdecimal()):
        if number > 1:
            raw = encoded[str(number)]["data"]
            value, details = _describe(number, decoded[str(number)], raw)
            fields.append(Field(f"DE{number}", SPEC[str(number)]["desc"], scrub(value), [scrub(d) for d in details]))
    if trouble:
        fields.append(Field("!", "trouble", trouble))
    return fields


def rows(data: bytes) -> list[tuple[str, str, str]]:
    """(label, name, value) per line, details as lines with an empty label. Raises ValueError."""
    out = []
    for entry in decode(data):
        out.append((entry.label, entry.name, entry.value))
        out += [("", "", detail) for detail in entry.details]
    return out


def lines(text: str) -> list[str]:
    """Hex to lines for a person. Raises ValueError with a sentence."""
    out = []
    for entry in decode(parse_hex(text)):
        out.append(f"{entry.label:<6} {entry.name}: {entry.value}")
        out += [f"         {detail}" for detail in entry.details]
    return out


def _split(data: bytes) -> tuple[list[Field], bytes]:
    """The parts of the frame that are there, and the message."""
    head: list[Field] = []
    rest = data
    if len(rest) > _LENGTH and int.from_bytes(rest[:_LENGTH], "big") == len(rest) - _LENGTH:
        head.append(Field("LEN", "length of what follows", str(len(rest) - _LENGTH)))
        rest = rest[_LENGTH:]
    # A TPDU begins with 60, a header too; no message type does
    if len(rest) > _TPDU + _HEADER and rest[0] == 0x60 and rest[_TPDU] == 0x60:
        tpdu, header = rest[:_TPDU].hex().upper(), rest[_TPDU : _TPDU + _HEADER].hex().upper()
        head.append(Field("TPDU", "transport header", f"to {tpdu[2:6]}, from {tpdu[6:]}"))
        head.append(Field("HEAD", "message header", scrub(header)))
        rest = rest[_TPDU + _HEADER :]
    if len(rest) < _TYPE_AND_BITMAP or rest[0] > 0x09 or not rest[:2].hex().isdecimal():
        raise ValueError(
            "this is no ISO 8583 message: it should begin with a message type like 0200 and a bitmap,"
            " with length, TPDU and header before it or without"
        )
    if rest[2] & 0x80:
        raise ValueError("this message announces fields above 64: it is of another dialect")
    return head, rest


def _describe(number: int, value: str, raw: bytes) -> tuple[str, list[str]]:
    if number == 2:
        return (mask(value) if value.isdecimal() else "(not shown)"), []
    if number in _HIDDEN:
        return f"({len(raw)} bytes, not shown)", []
    if number in (4, 5, 6) and value.isdecimal():
        return f"{int(value) // 100}.{int(value) % 100:02d}", []
    if number == 12 and value.isdecimal():
        return f"{value[:2]}:{value[2:4]}:{value[4:]}", []
    if number in (13, 15, 16, 17) and value.isdecimal():
        return f"{value[:2]}-{value[2:]} (month, day)", []
    if number == 22:
        return pos_fields.entry_mode(value), []
    if number == 26:
        return f"{value} (most digits of a PIN)", []
    if number == 39:
        return f"{value} {RESPONSE_CODES.get(value, '')}".strip(), []
    if number == 49:
        return f"{value} CNY" if value == "156" else value, []
    if number == 53:
        return pos_fields.security_control(value), []
    if number == 55:
        return _objects(raw)
    if number == 57:
        return _key_information(raw)
    if number == 62:
        return _working_keys(raw), []
    if number == 60:
        return pos_fields.terminal(value), []
    if SPEC[str(number)]["data_enc"] == "b" and number not in _CODED:
        return (value if len(value) <= 12 and value.isdecimal() else scrub_hex(raw)), []
    return value if value.isprintable() else scrub_hex(raw), []


def _objects(raw: bytes) -> tuple[str, list[str]]:
    try:
        nodes = tlv.decode(raw)
    except ValueError as error:
        return f"{len(raw)} bytes, not well-formed: {error}", []
    return f"{len(raw)} bytes", tlv.render(nodes)


def _key_information(raw: bytes) -> tuple[str, list[str]]:
    """The private objects of this dialect: DF01 the KSN, DF02 the key scheme, DF03 a PIN block, which is never shown."""
    said = []
    rest = raw
    while rest:
        tag, length, value = rest[:2], rest[2:3], rest[3 : 3 + rest[2]] if len(rest) > 2 else b""
        if length != bytes([len(value)]) or not value:
            return f"({len(raw)} bytes, not shown: not well-formed)", []
        if tag == b"\xdf\x01":
            said.append(f"KSN {value.hex().upper()}")
        elif tag == b"\xdf\x02" and len(value) == 1:
            said.append(f"key scheme {value[0]:02X} {_KEY_SCHEMES.get(value, 'unknown')}")
        elif tag == b"\xdf\x03":
            said.append(f"PIN block ({len(value)} bytes, not shown)")
        else:
            said.append(f"{tag.hex().upper()} ({len(value)} bytes)")
        rest = rest[3 + len(value) :]
    return ", ".join(said), []


def _working_keys(raw: bytes) -> str:
    """DE62 of a sign-in's answer: neither the keys nor their check values are shown."""
    names = ("PIN key", "MAC key", "track key")[: len(raw) // _SENT_KEY]
    if not names or len(raw) % _SENT_KEY or len(raw) > 3 * _SENT_KEY:
        return f"({len(raw)} bytes, not shown)"
    return f"({len(raw)} bytes, not shown: {', '.join(names)}, encrypted, with check values)"
