"""The PIN in the card: reference value, try counter, the block the terminal presents. EMV 4.4 Book 3, 6.5.12."""

from __future__ import annotations

from mpos.bench.cards import status
from mpos.bench.cards.status import StatusError
from mpos.bench.rsa import RsaKey

MOST_TRIES = 3
_BLOCK = 8
_LEAST_DIGITS, _MOST_DIGITS = 4, 12


class ReferencePin:
    """`tries` left; 0: blocked."""

    def __init__(self, digits: str, tries: int):
        self.digits = digits
        self.tries = tries

    def verify(self, block: bytes) -> None:
        """Raises StatusError: 63Cx wrong, 6983 blocked, 6A80 no PIN block."""
        if not self.tries:
            raise StatusError(status.METHOD_BLOCKED)
        if self._digits_of(block) != self.digits:
            self.tries -= 1
            raise StatusError(status.TRIES_LEFT | self.tries)
        self.tries = MOST_TRIES

    def unblock(self) -> None:
        self.tries = MOST_TRIES

    def change(self, digits: str) -> None:
        if not _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS or not digits.isdecimal():
            raise StatusError(status.WRONG_DATA)
        self.digits = digits
        self.tries = MOST_TRIES

    # Table 24: control 2, length, digits, F to eight bytes
    @staticmethod
    def _digits_of(block: bytes) -> str:
        text = block.hex().upper()
        if len(block) != _BLOCK:
            raise StatusError(status.WRONG_LENGTH)
        n = int(text[1], 16)
        digits = text[2 : 2 + n]
        if text[0] != "2" or not _LEAST_DIGITS <= n <= _MOST_DIGITS or text[2 + n :].strip("F"):
            raise StatusError(status.WRONG_DATA)
        return digits


# EMV 4.4 Book 2, 7.2
def deciphered(data: bytes, key: RsaKey | None, challenge: bytes) -> bytes:
    """The PIN block in an enciphered one: header 7F, block, the card's last challenge, random padding."""
    if key is None or not challenge:
        raise StatusError(status.CONDITIONS)
    if len(data) != key.size:
        raise StatusError(status.WRONG_LENGTH)
    try:
        clear = key.decipher(data)
    except ValueError:
        raise StatusError(status.WRONG_DATA) from None
    if clear[0] != 0x7F or clear[1 + _BLOCK : 1 + 2 * _BLOCK] != challenge:
        raise StatusError(status.WRONG_DATA)
    return clear[1 : 1 + _BLOCK]
