"""PIN blocks: ISO 9564-1. Format 0 or 4 goes to the host, under a key of triple DES or AES; format 2 to the card.

`digits`: the PIN, one digit a byte, values 0 to 9, 4 to 12 of them. `out`: 8 bytes (format 4: 16) of the caller's, who
wipes both.
"""

from micropython import const

from .errors import E_TAG_FORMAT, ReaderError
from .util.bcd import nibble

_SIZE = const(8)
_SIZE_4 = const(16)
_FILL = const(0xFF)
_FILL_4 = const(0xAA)
_FORMAT_2 = const(0x20)
_FORMAT_4 = const(0x40)
_PIN_LEAST = const(4)
_PIN_MOST = const(12)
_PAN_LEAST = const(8)  # ISO/IEC 7812-1
_PAN_MOST = const(19)
_PAN_SHORT = const(12)  # of fewer digits format 4 makes twelve


def format2_into(digits, out) -> None:
    """ISO 9564-1, 9.3.3: control 2, length, digits, filled up with F. Raises E_TAG_FORMAT for no PIN."""
    _plain_into(digits, out, _FORMAT_2, _FILL)


def account_into(pan, pan_digits: int, out) -> None:
    """The account number field, by the length of `out`. `pan`: packed digits that begin with the PAN's `pan_digits` digits.

    8 bytes, for format 0 (ISO 9564-1, 9.3.1): the rightmost 12 digits of the PAN without its check digit, with zeros
    before a shorter one. 16, for format 4 (ISO 9564-1:2017, 9.4.2): how many digits there are beyond 12, the digits,
    zeros; of a shorter PAN zeros come before it. Raises E_TAG_FORMAT for no PAN.
    """
    if not _PAN_LEAST <= pan_digits <= _PAN_MOST or len(pan) * 2 < pan_digits:
        raise ReaderError(E_TAG_FORMAT)
    if len(out) == _SIZE_4:
        for i in range(_SIZE_4):
            out[i] = 0
        at = max(_PAN_SHORT - pan_digits, 0)
        out[0] = max(pan_digits - _PAN_SHORT, 0) << 4
        for i in range(pan_digits):
            at += 1
            out[at >> 1] |= nibble(pan, i) << (0 if at & 1 else 4)
        return
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
    _plain_into(digits, out, 0, _FILL)
    for i in range(_SIZE):
        out[i] ^= account[i]


def format4_into(digits, entropy, out) -> None:
    """ISO 9564-1:2017, 9.4.2: the PIN field of format 4, which is control 4, length, digits, A, and 8 random bytes. It is
    enciphered before and after the account number's field is added. Raises E_TAG_FORMAT for no PIN, E_ENTROPY."""
    if len(out) != _SIZE_4:
        raise ReaderError(E_TAG_FORMAT)
    _plain_into(digits, memoryview(out)[:_SIZE], _FORMAT_4, _FILL_4)
    entropy.fill(memoryview(out)[_SIZE:])


def _plain_into(digits, out, control: int, fill: int) -> None:
    n = len(digits)
    good = _PIN_LEAST <= n <= _PIN_MOST and len(out) == _SIZE
    for digit in digits:
        good = good and digit <= 9
    if not good:
        raise ReaderError(E_TAG_FORMAT)
    out[0] = control | n
    for i in range(1, _SIZE):
        out[i] = fill
    for i in range(n):
        at = 1 + i // 2
        out[at] = out[at] & 0xF0 | digits[i] if i & 1 else digits[i] << 4 | fill & 0x0F
