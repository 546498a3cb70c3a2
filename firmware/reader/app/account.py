"""The one module that sees the PAN: it encrypts track and PIN, makes the masked form, and wipes the rest.

Everything downstream has ciphertext and `621234******1234`.
"""

from micropython import const

from ..errors import E_TAG_FORMAT, E_TAG_MISSING, ReaderError
from ..iso9564 import account_into
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
_CLEAR = const(32)  # the longest track of a chip and its padding, in blocks of 16
_CLEAR_STRIPE = const(64)  # the same of a stripe, whose track 3 has 104 characters


class Account:
    """`masked`: text; `track2`, `track3`: ciphertext (whole blocks of the cipher) or b""; `pin_block`: ciphertext (one
    block) or b""; `card_sequence`: int or None; `number`: the account number field of a PIN block, in clear, until `wipe`.

    `block`: bytes of a cipher's block (ports.PacketKeys), which says what a PIN block is like."""

    def __init__(self, block: int):
        self.masked = ""
        self.track2 = self.track3 = self.pin_block = b""
        self.card_sequence: int | None = None
        self.number = bytearray(block)

    def wipe(self) -> None:
        wipe(self.number)


def take(data, keys, pin=None) -> Account:
    """The account out of the card's data objects: the track, and `pin` (the digits of an online PIN, one a byte), under
    the packet's `keys` (ports.PacketKeys).

    The track is the value of tag 57; a chip without it (EMV 4.4 Book 3, 7.2 asks for 5A only) gives PAN, expiry and
    service code in its form. Raises E_TAG_MISSING, E_TAG_FORMAT.
    """
    clear = bytearray(_CLEAR)
    taken = Account(keys.block)
    try:
        n = _track_into(data, clear)
        _number(taken, clear, _digits(clear, n))
        taken.track2 = keys.encrypt_data(clear, n)
        if pin is not None:
            add_pin(taken, keys, pin)
    finally:
        wipe(clear)
        taken.wipe()
        if pin is not None:
            wipe(pin)
    sequence = data.get(_TAG_5F34_PAN_SEQUENCE_NUMBER)
    if sequence is not None:
        taken.card_sequence = (sequence[0] >> 4) * 10 + (sequence[0] & 15)
    return taken


def take_stripe(stripe, keys) -> Account:
    """The account out of a swipe (iso7813.stripe.Stripe): tracks 2 and 3 in packed digits, under the packet's `keys`.

    A PIN may come later (add_pin): for that `number` stays, until it is wiped.
    """
    clear = bytearray(_CLEAR_STRIPE)
    taken = Account(keys.block)
    try:
        n = (stripe.pack_into(2, clear) + 1) // 2
        _number(taken, clear, _digits(clear, n))
        taken.track2 = keys.encrypt_data(clear, n)
        wipe(clear)
        n = (stripe.pack_into(3, clear) + 1) // 2
        if n:
            taken.track3 = keys.encrypt_data(clear, n)
    finally:
        wipe(clear)
    return taken


def add_pin(taken: Account, keys, pin) -> None:
    """`pin` (one digit a byte; wiped here) as a PIN block under the packet's `keys`. Raises E_TAG_FORMAT."""
    try:
        taken.pin_block = keys.pin_block(pin, taken.number)
    finally:
        wipe(pin)


def _number(taken: Account, track, digits: int) -> None:
    """The account number at the beginning of `track` (packed), masked and as a PIN block wants it."""
    taken.masked = _masked(track, digits)
    account_into(track, digits, taken.number)


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
