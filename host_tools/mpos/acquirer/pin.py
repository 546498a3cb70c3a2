"""The PIN of a request: DE52 (request.key_information puts a longer block there) under the PIN key, against what the
card's data say of it.

ISO 9564-1, 9.3.1 and 9.4.2 (formats 0 and 4); EMV 4.4 Book 4, annex A4 (CVM results); Book 3, annex C5.
"""

from mpos.acquirer.packet_keys import PacketKeys, security_control
from mpos.acquirer.refusals import RefusedError

MOST_DIGITS = "12"

_ONLINE = 0x02
_OFFLINE = (0x01, 0x03, 0x04, 0x05)
_UNKNOWN, _FAILED, _SUCCESSFUL = 0, 1, 2
_TVR3_FAILED, _TVR3_ONLINE_PIN = 0x80, 0x04
_CVR1_PIN_DONE, _CVR1_PIN_FAILED = 0x04, 0x02


def check_fields(fields: dict[str, str], keys: PacketKeys) -> None:
    """DE22's last digit, DE26, DE52 and DE53 belong together, and to the cipher."""
    has_pin = "52" in fields
    if fields["22"][2] != ("1" if has_pin else "2") or has_pin != ("26" in fields):
        raise RefusedError("field", "DE22, DE26 and DE52 do not agree.")
    if has_pin and fields["26"] != MOST_DIGITS:
        raise RefusedError("field", "DE26.")
    if fields["53"] != security_control(keys, has_pin=has_pin):
        raise RefusedError("field", "DE53.")


def check_results(chip: dict[int, bytes], fields: dict[str, str]) -> None:
    """A contact card's CVM results (9F34) against TVR, CVR and the message.

    The cryptogram covers TVR and CVR, and 9F34 not at all: whoever sits between card and reader can make the reader
    believe in a PIN, but not the card.
    """
    results, failed = chip.get(0x9F34, b""), bool(chip[0x95][2] & _TVR3_FAILED)
    if len(results) != 3:
        raise RefusedError("chip-data", "Tag 9F34 is missing or of a wrong length.")
    method, result = results[0] & 0x3F, results[2]
    if result > _SUCCESSFUL or (result == _FAILED) != failed:
        raise RefusedError("contradiction", "Tag 9F34: its result is not that of the TVR.")
    if method in _OFFLINE and result == _SUCCESSFUL:
        _check_verified(chip)
    # Electronic cash that goes online brings a PIN on top of what its list asks for (PBOC 3.0 part 13), so not the other
    # way round
    was_entered = bool(chip[0x95][2] & _TVR3_ONLINE_PIN)
    if (was_entered or (method == _ONLINE and result == _UNKNOWN)) and "52" not in fields:
        raise RefusedError("pin-missing")
    if "52" in fields and not was_entered:
        raise RefusedError("contradiction", "Tag 95: no PIN was entered, and one came.")


def _check_verified(chip: dict[int, bytes]) -> None:
    cvr = chip[0x9F10][4]
    if not cvr & _CVR1_PIN_DONE or cvr & _CVR1_PIN_FAILED:
        raise RefusedError("contradiction", "Tag 9F34: the card has verified no PIN, and no device for it.")


def check_tap(chip: dict[int, bytes], fields: dict[str, str]) -> None:
    """A tapped card's CVM results, where the reader gives them: a PIN for the host must have come then. One may come all the
    same: the issuer asked for it."""
    results = chip.get(0x9F34, b"")
    if len(results) not in (0, 3):
        raise RefusedError("chip-data", "Tag 9F34 is of a wrong length.")
    if not results:
        return
    method, result = results[0] & 0x3F, results[2]
    if method == _ONLINE and result == _UNKNOWN and "52" not in fields:
        raise RefusedError("pin-missing")
    # Nothing but the card knows what its holder did on the device
    if method in _OFFLINE and result == _SUCCESSFUL:
        _check_verified(chip)


def digits(block: str, keys: PacketKeys, pan: str) -> str:
    """The PIN in a block (hex). Refuses what does not decrypt to one for this account."""
    try:
        return keys.pin(bytes.fromhex(block), pan)
    except ValueError:
        # Its text may quote what it found
        raise RefusedError("pin-block") from None
