"""The one module that sees the PAN: it encrypts the track, makes the masked form, and wipes the rest.

Everything downstream has ciphertext and `621234******1234`.
"""

from micropython import const

from ..crypto.des import Des3
from ..errors import E_TAG_FORMAT, E_TAG_MISSING, ReaderError
from ..util.bcd import nibble
from ..util.wipe import wipe

_TAG_57_TRACK2_EQUIVALENT_DATA = const(0x57)
_TAG_5F34_PAN_SEQUENCE_NUMBER = const(0x5F34)
_SEPARATOR = const(0xD)
_TRACK2_MOST = const(19)  # bytes of tag 57
_PAN_LEAST = const(12)  # digits: less would leave nothing to mask
_PAN_MOST = const(19)
_SHOWN_FIRST = const(6)
_SHOWN_LAST = const(4)
_ZERO_IV = bytes(8)


class Account:
    """`masked`: text; `track2`: ciphertext (16 or 24 bytes); `card_sequence`: int or None."""

    def __init__(self, masked: str, track2: bytes, card_sequence: "int | None"):
        self.masked = masked
        self.track2 = track2
        self.card_sequence = card_sequence


def take(data, data_key) -> Account:
    """The account out of the card's data objects, the track encrypted under `data_key` (16 bytes).

    The plaintext is the value of tag 57, ISO 9797-1 padding method 2, TDES-CBC with a zero IV: the key is used
    once. Raises E_TAG_MISSING, E_TAG_FORMAT.
    """
    track = data.get(_TAG_57_TRACK2_EQUIVALENT_DATA)
    if track is None:
        raise ReaderError(E_TAG_MISSING, _TAG_57_TRACK2_EQUIVALENT_DATA)
    n = len(track)
    if n > _TRACK2_MOST:
        raise ReaderError(E_TAG_FORMAT, _TAG_57_TRACK2_EQUIVALENT_DATA)
    sequence = data.get(_TAG_5F34_PAN_SEQUENCE_NUMBER)
    card_sequence = None if sequence is None else (sequence[0] >> 4) * 10 + (sequence[0] & 15)
    masked = _masked(track)
    clear = bytearray((n // 8 + 1) * 8)
    clear[:n] = track
    clear[n] = 0x80
    out = bytearray(len(clear))
    cipher = Des3(data_key)
    try:
        cipher.cbc_encrypt_into(_ZERO_IV, clear, out)
    finally:
        cipher.wipe()
        wipe(clear)
    return Account(masked, bytes(out), card_sequence)


def _masked(track) -> str:
    digits = 0
    while digits < 2 * len(track) and nibble(track, digits) != _SEPARATOR:
        if nibble(track, digits) > 9:
            raise ReaderError(E_TAG_FORMAT, _TAG_57_TRACK2_EQUIVALENT_DATA)
        digits += 1
    if not _PAN_LEAST <= digits <= _PAN_MOST or digits == 2 * len(track):
        raise ReaderError(E_TAG_FORMAT, _TAG_57_TRACK2_EQUIVALENT_DATA)
    text = bytearray(b"*" * digits)
    for i in range(_SHOWN_FIRST):
        text[i] = 0x30 + nibble(track, i)
    for i in range(digits - _SHOWN_LAST, digits):
        text[i] = 0x30 + nibble(track, i)
    return text.decode()
