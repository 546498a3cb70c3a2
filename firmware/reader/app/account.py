"""The one module that sees the PAN: it encrypts track and PIN, makes the masked form, and wipes the rest.

Everything downstream has ciphertext and `621234******1234`.
"""

from micropython import const

from ..crypto.des import Des3
from ..errors import E_TAG_FORMAT, E_TAG_MISSING, ReaderError
from ..util.bcd import digit_count, nibble
from ..util.wipe import wipe

_TAG_57_TRACK2_EQUIVALENT_DATA = const(0x57)
_TAG_5A_PAN = const(0x5A)
_TAG_5F24_APPLICATION_EXPIRATION_DATE = const(0x5F24)
_TAG_5F30_SERVICE_CODE = const(0x5F30)
_TAG_5F34_PAN_SEQUENCE_NUMBER = const(0x5F34)
_SEPARATOR = const(0xD)
_TRACK2_MOST = const(19)  # bytes of tag 57
_PAN_LEAST = const(12)  # digits: less would leave nothing to mask
_PAN_MOST = const(19)
_SHOWN_FIRST = const(6)
_SHOWN_LAST = const(4)
_YYMM = const(4)  # digits
_SERVICE_CODE = const(3)
_ZERO_IV = bytes(8)
_BLOCK = const(8)
_CLEAR = const(24)  # the longest track and its padding


class Account:
    """`masked`: text; `track2`: ciphertext (16 or 24 bytes); `pin_block`: ciphertext (8 bytes) or b"";
    `card_sequence`: int or None."""

    def __init__(self, masked: str, track2: bytes, pin_block: bytes, card_sequence: "int | None"):
        self.masked = masked
        self.track2 = track2
        self.pin_block = pin_block
        self.card_sequence = card_sequence


def take(data, keys, pin=None) -> Account:
    """The account out of the card's data objects: the track encrypted under `keys.data`, and `pin` (the digits of an
    online PIN, one a byte) as a block of ISO 9564-1 format 0 under `keys.pin`.

    The track is the value of tag 57; a chip without it (EMV 4.4 Book 3, 7.2 asks for 5A only) gives PAN, expiry and
    service code in its form. Padding method 2 of ISO 9797-1, TDES-CBC with a zero IV: the key is used once. Raises
    E_TAG_MISSING, E_TAG_FORMAT.
    """
    clear = bytearray(_CLEAR)
    block = bytearray(_BLOCK)
    cipher = None
    try:
        n = _track_into(data, clear)
        digits = _digits(clear, n)
        clear[n] = 0x80
        padded = memoryview(clear)[: (n // _BLOCK + 1) * _BLOCK]
        masked = _masked(clear, digits)
        if pin is not None:
            from ..iso9564 import format0_into

            format0_into(pin, memoryview(clear)[:n], digits, block)
            cipher = Des3(keys.pin)
            cipher.encrypt_into(block, block)
            cipher.wipe()
        pin_block = b"" if pin is None else bytes(block)
        cipher = Des3(keys.data)
        out = bytearray(len(padded))
        cipher.cbc_encrypt_into(_ZERO_IV, padded, out)
    finally:
        if cipher is not None:
            cipher.wipe()
        wipe(clear)
        wipe(block)
        if pin is not None:
            wipe(pin)
    sequence = data.get(_TAG_5F34_PAN_SEQUENCE_NUMBER)
    card_sequence = None if sequence is None else (sequence[0] >> 4) * 10 + (sequence[0] & 15)
    return Account(masked, bytes(out), pin_block, card_sequence)


def _track_into(data, out) -> int:
    """Track 2 in the form of tag 57; its length in bytes."""
    track = data.get(_TAG_57_TRACK2_EQUIVALENT_DATA)
    if track is not None:
        if len(track) > _TRACK2_MOST:
            raise ReaderError(E_TAG_FORMAT, _TAG_57_TRACK2_EQUIVALENT_DATA)
        out[: len(track)] = track
        return len(track)
    pan = data.get(_TAG_5A_PAN)
    expiry = data.get(_TAG_5F24_APPLICATION_EXPIRATION_DATE)
    if pan is None or expiry is None:
        raise ReaderError(E_TAG_MISSING, _TAG_57_TRACK2_EQUIVALENT_DATA)
    service = data.get(_TAG_5F30_SERVICE_CODE)
    at = _copy_nibbles(out, 0, pan, 0, digit_count(pan))
    _put_nibble(out, at, _SEPARATOR)
    at = _copy_nibbles(out, at + 1, expiry, 0, _YYMM)
    # Of the service code three digits, behind a zero; `out` has zeros where there is none
    if service is not None:
        _copy_nibbles(out, at, service, 1, _SERVICE_CODE)
    at += _SERVICE_CODE
    if at & 1:  # F to a whole byte
        _put_nibble(out, at, 0xF)
        at += 1
    return at // 2


def _copy_nibbles(out, at: int, source, first: int, count: int) -> int:
    """`count` digits of `source` from its digit `first` on; where the next one goes."""
    for i in range(count):
        _put_nibble(out, at + i, nibble(source, first + i))
    return at + max(count, 0)


def _put_nibble(out, at: int, value: int) -> None:
    out[at >> 1] |= value if at & 1 else value << 4


def _digits(track, n: int) -> int:
    """How many digits the PAN at the beginning of `track` (`n` bytes) has."""
    digits = 0
    while digits < 2 * n and nibble(track, digits) != _SEPARATOR:
        if nibble(track, digits) > 9:
            raise ReaderError(E_TAG_FORMAT, _TAG_57_TRACK2_EQUIVALENT_DATA)
        digits += 1
    if not _PAN_LEAST <= digits <= _PAN_MOST or digits == 2 * n:
        raise ReaderError(E_TAG_FORMAT, _TAG_57_TRACK2_EQUIVALENT_DATA)
    return digits


def _masked(track, digits: int) -> str:
    text = bytearray(b"*" * digits)
    for i in range(_SHOWN_FIRST):
        text[i] = 0x30 + nibble(track, i)
    for i in range(digits - _SHOWN_LAST, digits):
        text[i] = 0x30 + nibble(track, i)
    return text.decode()
