"""The receiving side of AES DUKPT: from the base derivation key and a KSN to the keys of one transaction.

X9.24-3:2017, 6. Host only: the base derivation key never goes near a reader.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mpos.provision.keys import aes_initial_key

KSN_BYTES = 12
_ID_BYTES = 8
_COUNTER_BITS = 32
# 6.1: only counters with at most sixteen one-bits are ever used
_MOST_ONES = 16

# 6.3.2, tables 2 and 3: usage of the derived key, and its algorithm by its length
_DERIVATION, _PIN, _MAC_GENERATION, _MAC_VERIFICATION, _DATA_ENCRYPT = 0x8000, 0x1000, 0x2000, 0x2001, 0x3000
_AES_NUMBERS = {16: 2, 24: 3, 32: 4}


@dataclass(frozen=True)
class TransactionKeys:
    """The keys of one transaction, as long as the base derivation key."""

    pin: bytes
    mac_request: bytes
    mac_response: bytes
    data: bytes


def key_set(ksn: bytes) -> bytes:
    """The first four bytes: which base derivation key."""
    return ksn[:4]


def device(ksn: bytes) -> bytes:
    """The KSN without its counter, which is the initial key ID: which reader."""
    return ksn[:_ID_BYTES]


def counter(ksn: bytes) -> int:
    """The transaction counter, 32 bits."""
    return int.from_bytes(ksn[_ID_BYTES:], "big")


def is_possible(ksn: bytes) -> bool:
    """Whether a reader can ever use this KSN."""
    return len(ksn) == KSN_BYTES and 0 < counter(ksn).bit_count() <= _MOST_ONES


def derive(bdk: bytes, ksn: bytes) -> TransactionKeys:
    """All working keys of `ksn`. Raises ValueError for a KSN that no reader can use."""
    if not is_possible(ksn):
        raise ValueError("a KSN has 12 bytes and a counter of one to sixteen one-bits")
    # 6.6.2: from the initial key along the one-bits of the counter, from the left
    key, path = aes_initial_key(bdk, device(ksn)), 0
    for bit in range(_COUNTER_BITS - 1, -1, -1):
        if counter(ksn) >> bit & 1:
            path |= 1 << bit
            key = _derived(key, _DERIVATION, ksn, path)
    return TransactionKeys(
        *(_derived(key, usage, ksn, path) for usage in (_PIN, _MAC_GENERATION, _MAC_VERIFICATION, _DATA_ENCRYPT))
    )


def _derived(key: bytes, usage: int, ksn: bytes, path: int) -> bytes:
    """A key as long as `key`: 6.3.3, derivation data; 6.5.1, blocks of it encrypted."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    kind = usage.to_bytes(2, "big") + _AES_NUMBERS[len(key)].to_bytes(2, "big") + (8 * len(key)).to_bytes(2, "big")
    end = ksn[4:_ID_BYTES] + path.to_bytes(4, "big")
    blocks = -(-len(key) // 16)
    return b"".join(encryptor.update(bytes([1, n + 1]) + kind + end) for n in range(blocks))[: len(key)]
