"""From the bytes of a data object to text for a person: a short value, and lines that explain it."""

import re
from collections.abc import Callable

from mpos.describe import bits
from mpos.describe.masking import mask, scrub, scrub_hex
from mpos.describe.tags import name_of

_Described = tuple[str, list[str]]

# ISO 4217 and ISO 3166-1, as far as a reader in this market meets them
CURRENCIES = {"0156": "CNY", "0344": "HKD", "0446": "MOP", "0901": "TWD", "0840": "USD", "0978": "EUR"}
COUNTRIES = {"0156": "China", "0344": "Hong Kong", "0446": "Macao", "0158": "Taiwan", "0840": "United States"}

_AIDS = {
    "A0000000031010": "Visa credit or debit",
    "A0000000032010": "Visa Electron",
    "A0000000041010": "Mastercard credit or debit",
    "A0000000043060": "Maestro",
    "A0000000651010": "JCB",
    "A00000002501": "American Express",
    "A0000001523010": "Discover",
    "A000000333010101": "UnionPay debit",
    "A000000333010102": "UnionPay credit",
    "A000000333010103": "UnionPay quasi-credit",
    "A000000333010106": "UnionPay electronic cash",
    "325041592E5359532E4444463031": "PPSE, the contactless directory",
    "315041592E5359532E4444463031": "PSE, the contact directory",
}
_CRYPTOGRAMS = {0x00: "AAC, declined", 0x40: "TC, approved offline", 0x80: "ARQC, goes online"}
# Of the CVR, byte 2, bits 6 and 5 (PBOC 3.0 part 5; Visa's 9F10 has them in the same place)
_KINDS = ("AAC", "TC", "ARQC", "reserved")
_FORM_FACTORS = {
    0: "standard card",
    1: "mini card",
    2: "no card: a fob, a sticker",
    3: "mobile phone",
    4: "worn on the wrist",
}
# EMV 4.4 Book 3, table 15
_REASONS = {0x01: "service not allowed", 0x02: "PIN tries used up", 0x03: "issuer authentication failed"}
_TRANSACTIONS = {
    0x00: "sale",
    0x01: "cash",
    0x09: "sale with cashback",
    0x20: "refund",
    0x30: "balance inquiry",
    0x31: "balance inquiry",
}
# EMV 4.4 Book 3, annex C3
_METHODS = {
    0x00: "fail",
    0x01: "plain-text PIN by the chip",
    0x02: "encrypted PIN online",
    0x03: "plain-text PIN by the chip, and signature",
    0x04: "encrypted PIN by the chip",
    0x05: "encrypted PIN by the chip, and signature",
    0x1E: "signature",
    0x1F: "no verification",
}
_RESULTS = {0: "result unknown", 1: "failed", 2: "successful"}
_SCRIPT_RESULTS = {0: "not performed", 1: "failed", 2: "successful"}
_CONDITIONS = {
    0x00: "always",
    0x01: "cash machine",
    0x02: "neither cash nor cashback",
    0x03: "terminal supports it",
    0x04: "manual cash",
    0x05: "cashback",
    0x06: "in the card's currency, under X",
    0x07: "in the card's currency, over X",
    0x08: "in the card's currency, under Y",
    0x09: "in the card's currency, over Y",
}


def describe(kind: str, value: bytes) -> _Described:
    """Value and explanations of one primitive object. A value that does not fit its kind is shown as hex."""
    if kind in bits.TABLES:
        return scrub_hex(value), bits.meanings(kind, value)
    text, lines = _DECODERS.get(kind, _hex)(value)
    return scrub(text), [scrub(line) for line in lines]


def _hex(value: bytes) -> _Described:
    return scrub_hex(value), []


def _hidden(value: bytes) -> _Described:
    return f"({len(value)} bytes, not shown)", []


def _pan(value: bytes) -> _Described:
    digits = value.hex().upper().rstrip("F")
    return (mask(digits) if digits.isdecimal() else _hidden(value)[0]), []


def _track2(value: bytes) -> _Described:
    pan, separator, _ = value.hex().upper().partition("D")
    if not separator or not pan.isdecimal():
        return _hidden(value)
    return f"{mask(pan)} D (the rest is not shown)", []


def _digits(value: bytes) -> str | None:
    text = value.hex()
    return text if text.isdecimal() else None


def _numeric(value: bytes) -> _Described:
    return (_digits(value) or scrub_hex(value)), []


def _amount(value: bytes) -> _Described:
    digits = _digits(value)
    if digits is None or len(value) > 6:
        return _hex(value)
    return f"{int(digits[:-2] or 0)}.{digits[-2:]}", []


def _binary(value: bytes) -> _Described:
    if not value or len(value) > 4:
        return _hex(value)
    return f"{int.from_bytes(value, 'big')} ({scrub_hex(value)})", []


def _date(value: bytes) -> _Described:
    digits = _digits(value)
    if digits is None or len(value) != 3:
        return _hex(value)
    return f"20{digits[:2]}-{digits[2:4]}-{digits[4:]}", []


def _time(value: bytes) -> _Described:
    digits = _digits(value)
    if digits is None or len(value) != 3:
        return _hex(value)
    return f"{digits[:2]}:{digits[2:4]}:{digits[4:]}", []


def _text(value: bytes) -> _Described:
    characters = value.decode("latin-1")
    if not re.fullmatch(r"[\x20-\x7e]*", characters):
        return _hex(value)
    return f'"{scrub(characters)}"', []


def _looked_up(table: dict[str, str]) -> Callable[[bytes], _Described]:
    def decode(value: bytes) -> _Described:
        key = value.hex().upper()
        name = table.get(key)
        return (f"{key} {name}" if name else scrub_hex(value)), []

    return decode


def _aid(value: bytes) -> _Described:
    return _looked_up(_AIDS)(value)


def _dol(value: bytes) -> _Described:
    entries = list_entries(value)
    if entries is None:
        return f"{scrub_hex(value)} (no well-formed list)", []
    return f"{len(entries)} objects", [f"{tag:02X} {name_of(tag)}, {n} bytes" for tag, n in entries]


def list_entries(value: bytes) -> list[tuple[int, int]] | None:
    """(tag, length) of a data object list; None when it is malformed. EMV 4.4 Book 3, 5.4."""
    entries, at = [], 0
    while at < len(value):
        start = at
        at += 1
        if value[start] & 0x1F == 0x1F:
            while at < len(value) and value[at] & 0x80:
                at += 1
            at += 1
        if at >= len(value) or at - start > 4:
            return None
        entries.append((int.from_bytes(value[start:at], "big"), value[at]))
        at += 1
    return entries


def _taglist(value: bytes) -> _Described:
    entries = list_entries(b"".join(bytes([byte]) + b"\x00" for byte in value)) if value else []
    if entries is None or any(byte & 0x1F == 0x1F for byte in value):
        return _hex(value)
    return scrub_hex(value), [f"{tag:02X} {name_of(tag)}" for tag, _ in entries]


def _afl(value: bytes) -> _Described:
    if not value or len(value) % 4:
        return _hex(value)
    lines = []
    for at in range(0, len(value), 4):
        sfi, first, last, offline = value[at : at + 4]
        lines.append(f"file {sfi >> 3}, records {first} to {last}, {offline} under offline authentication")
    return scrub_hex(value), lines


def _cid(value: bytes) -> _Described:
    if len(value) != 1:
        return _hex(value)
    kind = _CRYPTOGRAMS.get(value[0] & 0xC0, "reserved kind of cryptogram")
    lines = ["the issuer wants an advice"] if value[0] & 0x08 else []
    reason = _REASONS.get(value[0] & 0x07)
    return f"{value.hex().upper()} {kind}", lines + ([reason] if reason else [])


def _iad(value: bytes) -> _Described:
    # The issuer's own data may stand behind it, with a length of their own
    is_whole = len(value) >= 7 and value[0] in (6, len(value) - 1)
    if not is_whole:
        return _hex(value)
    lines = [f"key index {value[1]:02X}, cryptogram version {value[2]:02X}"]
    if value[3] == 3:
        lines.append(f"card verification results {value[4:7].hex().upper()}")
        lines.append(f"first cryptogram: {_KINDS[value[4] >> 4 & 3]}")
    return scrub_hex(value), lines


def _authentication_related(value: bytes) -> _Described:
    """EMV Contactless Book C-3, annex A, tag 9F69: version, the card's number, the qualifiers once more."""
    if len(value) < 5:
        return _hex(value)
    lines = [f"fDDA version {value[0]:02X}", f"the card's unpredictable number {value[1:5].hex().upper()}"]
    if len(value) >= 7:
        lines.append(f"card transaction qualifiers {value[5:7].hex().upper()}")
        lines += bits.meanings("ctq", value[5:7])
    return scrub_hex(value), lines


def _form_factor(value: bytes) -> _Described:
    """EMV Contactless Book C-3, annex A, tag 9F6E. Other kernels have other data under this tag."""
    if len(value) != 4 or value[0] >> 5 != 1:
        return _hex(value)
    lines = [_FORM_FACTORS.get(value[0] & 0x1F, f"form factor {value[0] & 0x1F}")]
    lines += bits.meanings("form_factor_features", value)
    return scrub_hex(value), lines


def _issuer_authentication(value: bytes) -> _Described:
    """EMV 4.4 Book 2, 8.2: method 1 has a response code behind the cryptogram, method 2 a card status update."""
    if len(value) == 10:
        return scrub_hex(value), [
            f"response cryptogram {value[:8].hex().upper()}",
            f"for the answer {value[8:].hex().upper()}",
        ]
    if len(value) == 8:
        return scrub_hex(value), [
            f"response cryptogram {value[:4].hex().upper()}",
            f"card status update {value[4:].hex().upper()}",
        ]
    return _hex(value)


def _method(byte: int) -> str:
    return _METHODS.get(byte & 0x3F, f"method {byte & 0x3F:02X}")


def _cvm_results(value: bytes) -> _Described:
    if len(value) != 3:
        return _hex(value)
    # EMV 4.4 Book 4, annex A4: 3F is no method at all
    method = "no method performed" if value[0] == 0x3F else _method(value[0])
    result = _RESULTS.get(value[2], f"result {value[2]:02X}")
    condition = _CONDITIONS.get(value[1], f"condition {value[1]:02X}")
    return f"{value.hex().upper()} {method}, {result}", [f"condition: {condition}"]


def _cvm_list(value: bytes) -> _Described:
    if len(value) < 8 or len(value) % 2:
        return _hex(value)
    amounts = f"X {int.from_bytes(value[:4], 'big')}, Y {int.from_bytes(value[4:8], 'big')}"
    lines = []
    for at in range(8, len(value), 2):
        then = "then the next one" if value[at] & 0x40 else "then fail"
        condition = _CONDITIONS.get(value[at + 1], f"condition {value[at + 1]:02X}")
        lines.append(f"{_method(value[at])} ({condition}), {then}")
    return amounts, lines


def _priority(value: bytes) -> _Described:
    if len(value) != 1:
        return _hex(value)
    # EMV 4.4 Book 1, table 13
    order = value[0] & 0x0F
    lines = [f"priority {order}" if order else "no priority"]
    if value[0] & 0x80:
        lines.append("not without the cardholder's confirmation")
    return scrub_hex(value), lines


def _script_results(value: bytes) -> _Described:
    """EMV 4.4 Book 4, annex A5: five bytes for each script."""
    if not value or len(value) % 5:
        return _hex(value)
    lines = []
    for at in range(0, len(value), 5):
        result = _SCRIPT_RESULTS.get(value[at] >> 4, f"result {value[at] >> 4:X}")
        place = value[at] & 0x0F
        at_command = "" if not place else f" at command {place}" if place < 15 else " at command 15 or later"
        lines.append(f"script {value[at + 1 : at + 5].hex().upper()}: {result}{at_command}")
    return scrub_hex(value), lines


def _transaction_type(value: bytes) -> _Described:
    if len(value) != 1:
        return _hex(value)
    return f"{value.hex().upper()} {_TRANSACTIONS.get(value[0], 'another type')}", []


def _terminal_type(value: bytes) -> _Described:
    if len(value) != 1:
        return _hex(value)
    # EMV 4.4 Book 4, annex A1
    owner = {1: "financial institution", 2: "merchant", 3: "cardholder"}.get(value[0] >> 4, "unknown owner")
    place = value[0] & 0x0F
    if not 1 <= place <= 6:
        return _hex(value)
    ability = ("online only", "offline with online", "offline only")[(place - 1) % 3]
    return f"{value.hex()} {owner}, {'attended' if place <= 3 else 'unattended'}, {ability}", []


def _kernel(value: bytes) -> _Described:
    if not value:
        return _hex(value)
    return f"{scrub_hex(value)} kernel {value[0] & 0x3F}", []


_DECODERS: dict[str, Callable[[bytes], _Described]] = {
    "hex": _hex,
    "hidden": _hidden,
    "pan": _pan,
    "track2": _track2,
    "n": _numeric,
    "amount": _amount,
    "binary": _binary,
    "date": _date,
    "time": _time,
    "text": _text,
    "currency": _looked_up(CURRENCIES),
    "country": _looked_up(COUNTRIES),
    "aid": _aid,
    "dol": _dol,
    "taglist": _taglist,
    "afl": _afl,
    "cid": _cid,
    "iad": _iad,
    "authentication_related": _authentication_related,
    "form_factor": _form_factor,
    "issuer_authentication": _issuer_authentication,
    "cvm_results": _cvm_results,
    "cvm_list": _cvm_list,
    "priority": _priority,
    "script_results": _script_results,
    "transaction_type": _transaction_type,
    "terminal_type": _terminal_type,
    "kernel": _kernel,
}
