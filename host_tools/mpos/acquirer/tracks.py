"""Tracks out of their ciphertext. CBC, ISO 9797-1 padding method 2, four bits a character.

The characters of a stripe, `0` to `?`, are its 4-bit values, so `=` is D; F fills up to a whole byte.
"""

import re
from dataclasses import dataclass

from mpos.acquirer.packet_keys import PacketKeys
from mpos.acquirer.refusals import RefusedError

# ISO/IEC 7813, 8.2, in the characters of EMV tag 57: PAN, D, expiry YYMM, service code, discretionary data
_CHIP = re.compile(r"(\d{12,19})D(\d{4})(\d{3})(\d{0,13})F?")
# A stripe may have separators in place of expiry and service code, and more than digits behind them
_STRIPE = re.compile(r"(\d{12,19})D(\d{4}|D)(\d{3}|D)([0-9A-E]*)F?")
_LONGEST_2 = 37
# ISO/IEC 4909, up to its expiry; D stands where there is none of something: format code, PAN, D; country or D, currency,
# exponent, amounts (two of four digits), beginning and length of the cycle, tries, PIN parameters or D, interchange,
# three kinds of account, expiry or D. The PAN may be left to track 2
_TRACK_3 = re.compile(r"\d\d(\d{12,19})?D([0-9A-E]*)F?")
_TO_EXPIRY = re.compile(r"(?:\d{3}|D)\d{3}\d\d{8}\d{4}\d\d\d(?:\d{6}|D)\d\d{6}(\d{4})")
_LONGEST_3 = 104


@dataclass(frozen=True)
class Track2:
    """pan: digits; expiry: YYMM; service_code: three digits; both "" where the track has none. discretionary: the
    issuer's own characters."""

    pan: str
    expiry: str
    service_code: str = ""
    discretionary: str = ""


@dataclass(frozen=True)
class Track3:
    """pan: digits; expiry: YYMM; "" where it is not found."""

    pan: str
    expiry: str


def chip_track2(ciphertext: bytes, keys: PacketKeys) -> Track2:
    """Tag 57 of a chip, sent as DE35. Refuses anything else."""
    return _track2(decrypt(ciphertext, keys, "track"), _CHIP)


def stripe_track2(ciphertext: bytes, keys: PacketKeys) -> Track2:
    """Track 2 of a stripe, or what a reader made of its track 1. Refuses anything else."""
    return _track2(decrypt(ciphertext, keys, "track"), _STRIPE)


def stripe_track3(ciphertext: bytes, keys: PacketKeys) -> Track3:
    """Track 3 of a stripe, sent as DE36. Refuses anything else."""
    characters = decrypt(ciphertext, keys, "track-3")
    match = _TRACK_3.fullmatch(characters)
    if match is None or len(characters.rstrip("F")) > _LONGEST_3:
        raise RefusedError("track-3")
    expiry = _TO_EXPIRY.match(match[2])
    return Track3(match[1] or "", expiry[1] if expiry else "")


def decrypt(ciphertext: bytes, keys: PacketKeys, why: str) -> str:
    """The characters, with the F that may fill up the last byte. Refuses with `why` what has not this padding."""
    if not ciphertext or len(ciphertext) % keys.block:
        raise RefusedError(why)
    clear = keys.decrypt(ciphertext)
    track, marker, zeros = clear.rpartition(b"\x80")
    if not marker or len(zeros) >= keys.block or any(zeros):
        raise RefusedError(why)
    return track.hex().upper()


def mask(pan: str) -> str:
    return f"{pan[:6]}{'*' * (len(pan) - 10)}{pan[-4:]}"


def check_digit_ok(pan: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = {digit: sum(divmod(2 * digit, 10)) for digit in range(10)}
    digits = [int(character) for character in reversed(pan)]
    return (sum(digits[::2]) + sum(doubled[digit] for digit in digits[1::2])) % 10 == 0


def _track2(characters: str, pattern: re.Pattern[str]) -> Track2:
    match = pattern.fullmatch(characters)
    if match is None or len(characters.rstrip("F")) > _LONGEST_2:
        raise RefusedError("track")
    return Track2(match[1], match[2].strip("D"), match[3].strip("D"), match[4])
