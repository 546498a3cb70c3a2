"""The receiving side of AES DUKPT: from the base derivation key and a KSN to the keys of one transaction.

X9.24-3:2017, 6. Host only: the base derivation key never goes near a reader.
"""

from dataclasses import dataclass
from enum import IntEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mpos.provision.keys import aes_initial_key

KSN_BYTES = 12
_ID_BYTES = 8
_COUNTER_BITS = 32
# 6.1: only counters with at most sixteen one-bits are ever used
_MOST_ONES = 16

# 6.5.2: the counter of the update key, which no packet has
_UPDATE_COUNTER = bytes.fromhex("FFFFFFFF")


class Usage(IntEnum):
    """What a key is for, as its originator uses it: 6.3.2, table 3."""

    KEY_ENCRYPTION = 0x0002
    PIN_ENCRYPTION = 0x1000
    MAC_GENERATION = 0x2000
    MAC_VERIFICATION = 0x2001
    MAC_BOTH = 0x2002
    DATA_ENCRYPTION = 0x3000
    DATA_DECRYPTION = 0x3001
    DATA_BOTH = 0x3002
    KEY_DERIVATION = 0x8000


class Algorithm(IntEnum):
    """What a key is used with; the same table."""

    TDEA_2 = 0
    TDEA_3 = 1
    AES_128 = 2
    AES_192 = 3
    AES_256 = 4
    HMAC = 5


_AES_OF = {16: Algorithm.AES_128, 24: Algorithm.AES_192, 32: Algorithm.AES_256}


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
    key = current_key(aes_initial_key(bdk, device(ksn)), ksn)
    return TransactionKeys(
        pin=working_key(key, Usage.PIN_ENCRYPTION, ksn),
        mac_request=working_key(key, Usage.MAC_GENERATION, ksn),
        mac_response=working_key(key, Usage.MAC_VERIFICATION, ksn),
        data=working_key(key, Usage.DATA_ENCRYPTION, ksn),
    )


def current_key(initial_key: bytes, ksn: bytes) -> bytes:
    """6.6.2: from the initial key along the one-bits of the counter, from the left."""
    key, path = initial_key, 0
    for bit in range(_COUNTER_BITS - 1, -1, -1):
        if counter(ksn) >> bit & 1:
            path |= 1 << bit
            key = working_key(key, Usage.KEY_DERIVATION, device(ksn) + path.to_bytes(4, "big"))
    return key


def update_key(bdk: bytes, ksn: bytes) -> bytes:
    """6.5.3: what protects a new initial key on its way to the reader that has the one of `ksn`."""
    last = device(ksn) + _UPDATE_COUNTER
    return working_key(current_key(aes_initial_key(bdk, device(ksn)), last), Usage.KEY_ENCRYPTION, last)


def working_key(
    key: bytes, usage: Usage, ksn: bytes, algorithm: Algorithm | None = None, length: int | None = None
) -> bytes:
    """A key derived from `key`, by default AES and as long: 6.3.3, derivation data; 6.3.1, blocks of it encrypted."""
    size = length or len(key)
    kind = b"".join(n.to_bytes(2, "big") for n in (usage, _AES_OF[size] if algorithm is None else algorithm, 8 * size))
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    blocks = -(-size // 16)
    return b"".join(encryptor.update(bytes([1, n + 1]) + kind + ksn[4:]) for n in range(blocks))[:size]
