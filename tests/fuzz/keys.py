"""Three RSA keys, so short that signing costs nothing: the fuzzer signs what it likes, since a card's issuer can.

Made for this by a generator seeded with 7816; they protect nothing.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1

_EXPONENT = 3


class Key:
    def __init__(self, p: int, q: int):
        self.exponent = _EXPONENT
        self._n = p * q
        self._d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
        self.size = (self._n.bit_length() + 7) // 8
        self.modulus = self._n.to_bytes(self.size, "big")

    def sign(self, block: bytes) -> bytes:
        """EMV 4.4 Book 2, B2.1: what the public operation turns into `block`; zeros where it has another length."""
        number = int.from_bytes(block, "big")
        if len(block) != self.size or number >= self._n:
            return bytes(self.size)
        return _power(number, self._d, self._n).to_bytes(self.size, "big")


@lru_cache(4096)
def _power(base: int, exponent: int, modulus: int) -> int:
    return pow(base, exponent, modulus)


AUTHORITY = Key(
    0xD7CA8FDE802548F0543CC7BEDD66CBDFEF450907F936BCAA0D25CACAEC270D6CAE5BE6380229F86AA2867F212658CFE1,
    0xEE957915DB40988508AD9E7E7A6D2BAEA12627E04DDF748DF76FEDD3AB11578B8B2CA6399085032162D31989B25D9421,
)
ISSUER = Key(
    0xE4F5849725C88252FF645EA0BCB674B89257207F9B798E3921F08410A60068C4264FF4C76566C749,
    0xF0D8EEE53081FA1F26A34CDC49482D0E1ACF4FD7A37A843531447FD689E9CEE39192EF233AFB14B7,
)
CARD = Key(
    0xF4E332DF22FE873489C4C51C2E19FCCA4DB06841A73ABE3AD4E029C27148D10F,
    0xD04C9F474D06FF19B23098589CDEB428763298B36A3B748D38E9B0E3D2574941,
)


def filled(head: bytes, key: Key, body: bytes = b"", filler: int = 0xBB) -> bytes:
    """6A, head, body and padding, a hash's place, BC: as long as the key."""
    room = key.size - 22
    return b"\x6a" + (head + body)[:room].ljust(room, bytes((filler,))) + bytes(20) + b"\xbc"


def hashed(block: bytes, *more: bytes) -> bytes:
    """`block` with the right hash over itself and what else belongs to it."""
    return block[:-21] + sha1(block[1:-21] + b"".join(more)).digest() + block[-1:]
