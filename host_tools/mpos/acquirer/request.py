"""A request as a message: decoded, its keys named, and every field where it belongs, whatever the card was read with."""

import iso8583

from mpos.acquirer import chip, framing, pin, stripe
from mpos.acquirer.entry import Entry
from mpos.acquirer.key_schemes import AES_DUKPT, MASTER_SESSION, KeyInformation
from mpos.acquirer.packet_keys import PacketKeys
from mpos.acquirer.refusals import RefusedError
from mpos.describe.iso8583_spec import SPEC

REQUEST = "0200"

# DE22 without its last digit: how the card was read
_ENTRIES = {"02": stripe.ENTRY, "05": chip.ENTRY, "07": chip.ENTRY}
_SALE_KIND = "22"
_CURRENCY = "156"
_TERMINAL_DIGITS = 13  # of DE60

_NEEDED = ("3", "4", "11", "12", "13", "22", "25", "41", "42", "49", "53", "57", "60", "64")
_NUMERIC = ("3", "4", "11", "12", "13", "22", "23", "25", "26", "53", "60")
_ALLOWED = {*_NEEDED, "t", "p", "h", "26", "52"}


def decode(message: bytes) -> dict[str, str]:
    """Field number -> digits, text or hex. Refuses what pyiso8583 cannot read to the last byte."""
    # A first bit in the bitmap announces a second bitmap: this dialect has none
    if len(message) < framing.LEAST - framing.TPDU_BYTES - framing.HEADER_BYTES or message[2] & 0x80:
        raise RefusedError("format")
    try:
        decoded, _ = iso8583.decode(message, SPEC)
    except iso8583.DecodeError:
        # Not its text: it may quote the field
        raise RefusedError("format") from None
    if not decoded["t"].isdecimal():
        raise RefusedError("format")
    return decoded


def key_information(fields: dict[str, str]) -> KeyInformation:
    """DE57: without it, or without DE64, no key can be chosen or used. A PIN block that is in it is moved to DE52."""
    information = KeyInformation.read(bytes.fromhex(fields.get("57", "")))
    if "64" not in fields or information is None:
        raise RefusedError("format", "DE57 or DE64.")
    if information.scheme == MASTER_SESSION and not ("41" in fields and fields.get("11", "").isdecimal()):
        raise RefusedError("format", "DE11 or DE41: they name the keys.")
    if information.scheme == AES_DUKPT:
        if "52" in fields:
            raise RefusedError("format", "DE52: the PIN block belongs into DE57.")
        if information.pin_block:
            fields["52"] = information.pin_block.hex()
    return information


def entry_of(fields: dict[str, str]) -> Entry:
    """How the card was read, by DE22. Refuses what is no request, before anything else of it."""
    if fields["t"] != REQUEST:
        raise RefusedError("message")
    entry = _ENTRIES.get(fields.get("22", "")[:2])
    if entry is None:
        raise RefusedError("field", "DE22 is missing, or no entry mode that this host knows.")
    return entry


def check(fields: dict[str, str], entry: Entry, keys: PacketKeys) -> None:
    """Refuses what is no sale, or one with fields missing, too many, or against each other."""
    for number in _NEEDED + entry.needed:
        if number not in fields:
            raise RefusedError("field", f"DE{number} is missing.")
    for number in fields:
        if number not in _ALLOWED and number not in entry.needed + entry.optional:
            raise RefusedError("field", f"DE{number} does not belong in such a sale.")
    for number in _NUMERIC:
        if not fields.get(number, "0").isdecimal():
            raise RefusedError("field", f"DE{number} is not numeric.")
    if fields["3"] != "000000" or fields["25"] != "00":
        raise RefusedError("message")
    pin.check_fields(fields, keys)
    if len(fields["60"]) != _TERMINAL_DIGITS:
        raise RefusedError("field", "DE60.")
    entry.check(fields)
    if fields["60"][:2] != _SALE_KIND:
        raise RefusedError("message")
    if fields["49"] != _CURRENCY:
        raise RefusedError("currency")
