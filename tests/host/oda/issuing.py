"""Certification authority, issuer and card: certificates and signatures of EMV 4.4 Book 2, written from its tables.

RSA keys are made by `cryptography`. Nothing here is shared with the bench's cards or with the firmware.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True)
class PrivateKey:
    modulus: int
    exponent: int
    private: int

    @property
    def size(self) -> int:
        return (self.modulus.bit_length() + 7) // 8

    @property
    def modulus_bytes(self) -> bytes:
        return self.modulus.to_bytes(self.size, "big")

    @property
    def exponent_bytes(self) -> bytes:
        return self.exponent.to_bytes((self.exponent.bit_length() + 7) // 8, "big")

    def sign(self, block: bytes) -> bytes:
        assert len(block) == self.size
        return pow(int.from_bytes(block, "big"), self.private, self.modulus).to_bytes(self.size, "big")


@cache
def key(bits: int, exponent: int, number: int = 0) -> PrivateKey:
    """One of several keys of a kind; `number` tells them apart. The length must be one of whole bytes."""
    numbers = rsa.generate_private_key(exponent, bits).private_numbers()
    assert numbers.public_numbers.n.bit_length() == bits
    return PrivateKey(numbers.public_numbers.n, exponent, numbers.d)


def _sealed(signer: PrivateKey, content: bytes, *more: bytes) -> bytes:
    """Header, content, hash over content and what is not inside, trailer; signed. Annex A2.1."""
    digest = hashlib.sha1(content + b"".join(more)).digest()
    return signer.sign(b"\x6a" + content + digest + b"\xbc")


def _certified(signer: PrivateKey, head: bytes, subject: PrivateKey, *static: bytes) -> tuple[bytes, bytes]:
    """(certificate, remainder): the subject's modulus filled up with BB or cut to the room there is."""
    head += bytes((1, 1, subject.size, len(subject.exponent_bytes)))
    room = signer.size - len(head) - 22
    modulus = subject.modulus_bytes
    inside, remainder = modulus[:room].ljust(room, b"\xbb"), modulus[room:]
    return _sealed(signer, head + inside, remainder, subject.exponent_bytes, *static), remainder


def issuer_certificate(
    authority: PrivateKey, issuer: PrivateKey, identifier: str, expiry: str = "1249", serial: str = "000001"
) -> tuple[bytes, bytes]:
    """Tables 1 and 6. `identifier`: eight hex digits, `expiry`: MMYY."""
    return _certified(authority, bytes.fromhex("02" + identifier + expiry + serial), issuer)


def icc_certificate(
    issuer: PrivateKey, card: PrivateKey, pan: str, static: bytes, expiry: str = "1249", serial: str = "000002"
) -> tuple[bytes, bytes]:
    """Tables 13 and 14; for the PIN encipherment key (7.1) `static` is empty."""
    return _certified(issuer, bytes.fromhex("04" + pan.ljust(20, "F") + expiry + serial), card, static)


def static_signature(issuer: PrivateKey, static: bytes, code: str = "DAC1") -> bytes:
    """Signed static application data: tables 2 and 7."""
    content = bytes.fromhex("0301" + code)
    return _sealed(issuer, content.ljust(issuer.size - 22, b"\xbb"), static)


def dynamic_signature(card: PrivateKey, dynamic: bytes, terminal: bytes) -> bytes:
    """Signed dynamic application data: tables 15 and 17."""
    content = bytes((5, 1, len(dynamic))) + dynamic
    return _sealed(card, content.ljust(card.size - 22, b"\xbb"), terminal)


def cda_dynamic_data(number: bytes, cid: int, cryptogram: bytes, transaction: bytes) -> bytes:
    """ICC dynamic data of table 19; `transaction` is hashed."""
    return bytes((len(number),)) + number + bytes((cid,)) + cryptogram + hashlib.sha1(transaction).digest()
