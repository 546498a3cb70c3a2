"""Track 2 out of its ciphertext."""

import re
from dataclasses import dataclass

from psec import des

from mpos.acquirer.refusals import RefusedError

# ISO/IEC 7813, 8.2, in the characters of EMV tag 57: PAN, D, expiry YYMM, service code, discretionary data
_FORMAT = re.compile(r"(\d{12,19})D(\d{4})\d{3}\d{0,13}F?")
_LONGEST = 38


@dataclass(frozen=True)
class Track2:
    """pan: digits; expiry: YYMM."""

    pan: str
    expiry: str

    @property
    def masked(self) -> str:
        return f"{self.pan[:6]}{'*' * (len(self.pan) - 10)}{self.pan[-4:]}"


def decrypt(ciphertext: bytes, data_key: bytes) -> Track2:
    """TDES-CBC with a zero IV, ISO 9797-1 padding method 2. Refuses anything but a track 2."""
    if not ciphertext or len(ciphertext) % 8:
        raise RefusedError("track")
    clear = des.decrypt_tdes_cbc(data_key, bytes(8), ciphertext)
    track, marker, zeros = clear.rpartition(b"\x80")
    if not marker or len(zeros) > 7 or any(zeros):
        raise RefusedError("track")
    characters = track.hex().upper()
    match = _FORMAT.fullmatch(characters)
    if match is None or len(characters) > _LONGEST:
        raise RefusedError("track")
    return Track2(match[1], match[2])


def check_digit_ok(pan: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = {digit: sum(divmod(2 * digit, 10)) for digit in range(10)}
    digits = [int(character) for character in reversed(pan)]
    return (sum(digits[::2]) + sum(doubled[digit] for digit in digits[1::2])) % 10 == 0
