"""PIN blocks: ISO 9564-1. Format 0 goes to the host, under a key; format 2 to the card.

`digits`: the PIN, one digit a byte, values 0 to 9, 4 to 12 of them. `out`: 8 bytes of the caller's, who wipes both.
"""

from micropython import const

from .errors import E_TAG_FORMAT, ReaderError
from .util.bcd import nibble

_SIZE = const(8)
_FILL = const(0xFF)
_FORMAT_2 = const(0x20)
_PIN_LEAST = const(4)
_PIN_MOST = const(12)
_PAN_LEAST = const(8)  # ISO/IEC 7812-1
_PAN_MOST = const(19)


def format2_into(digits, out) -> None:
    """ISO 9564-1, 9.3.3: control 2, length, digits, filled up with F. Raises E_TAG_FORMAT for no PIN."""
    _plain_into(digits, out, _FORMAT_2)


def account_into(pan, pan_digits: int, out) -> None:
    """ISO 9564-1, 9.3.1: the account number field of format 0, which is the rightmost 12 digits of the PAN without its
    check digit, with zeros before a shorter one. `pan`: packed digits that begin with the PAN's `pan_digits` digits.
    Raises E_TAG_FORMAT for no PAN.
    """
    if not _PAN_LEAST <= pan_digits <= _PAN_MOST or len(pan) * 2 < pan_digits:
        raise ReaderError(E_TAG_FORMAT)
    at = pan_digits - 1
    for i in range(_SIZE - 1, -1, -1):
        out[i] = 0
        for shift in (0, 4):
            at -= 1
            if i >= 2 and at >= 0:
                out[i] |= nibble(pan, at) << shift


def format0_into(digits, account, out) -> None:
    """ISO 9564-1, 9.3.1: control 0, length, digits, F, exclusive-or `account` (account_into). Raises E_TAG_FORMAT for
    no PIN."""
    _plain_into(digits, out, 0)
    for i in range(_SIZE):
        out[i] ^= account[i]


def _plain_into(digits, out, control: int) -> None:
    n = len(digits)
    good = _PIN_LEAST <= n <= _PIN_MOST and len(out) == _SIZE
    for digit in digits:
        good = good and digit <= 9
    if not good:
        raise ReaderError(E_TAG_FORMAT)
    out[0] = control | n
    for i in range(1, _SIZE):
        out[i] = _FILL
    for i in range(n):
        at = 1 + i // 2
        out[at] = out[at] & 0xF0 | digits[i] if i & 1 else digits[i] << 4 | 0x0F
