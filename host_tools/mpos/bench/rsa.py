"""RSA as EMV cards and their certification authority use it: raw, so that a signature gives its data back.

Keys are made by `cryptography`; its own signature schemes are others than EMV's, so the private numbers are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True)
class RsaKey:
    """modulus and private exponent as numbers; exponent: the public one, 3 or 65537."""

    modulus: int
    exponent: int
    private: int

    @property
    def size(self) -> int:
        """Bytes of the modulus."""
        return (self.modulus.bit_length() + 7) // 8

    def modulus_bytes(self) -> bytes:
        return self.modulus.to_bytes(self.size, "big")

    def exponent_bytes(self) -> bytes:
        return self.exponent.to_bytes(1 if self.exponent < 256 else 3, "big")

    def sign(self, block: bytes) -> bytes:
        """EMV 4.4 Book 2, B2.1: the block, as long as the modulus, to the power of the private exponent."""
        return self._power(block, self.private)

    def decipher(self, block: bytes) -> bytes:
        """What was enciphered with the public key; the same operation."""
        return self._power(block, self.private)

    def recover(self, block: bytes) -> bytes:
        """The public operation: what `sign` was given."""
        return self._power(block, self.exponent)

    def _power(self, block: bytes, exponent: int) -> bytes:
        number = int.from_bytes(block, "big")
        if len(block) != self.size or number >= self.modulus:
            raise ValueError("a block has the length of the modulus and is smaller than it")
        return pow(number, exponent, self.modulus).to_bytes(self.size, "big")


def generate(bits: int, exponent: int) -> RsaKey:
    """A new key. `exponent` is 3 or 65537."""
    numbers = rsa.generate_private_key(exponent, bits).private_numbers()
    return RsaKey(numbers.public_numbers.n, exponent, numbers.d)


@cache
def key_of(owner: str, bits: int, exponent: int) -> RsaKey:
    """The key of one owner, made when it is first asked for and kept for the life of the process."""
    return generate(bits, exponent)
