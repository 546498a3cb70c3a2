"""The receiving side of TDES DUKPT: from the base derivation key and a KSN to the keys of one transaction.

X9.24-1:2009, annex A. Host only: the base derivation key never goes near a reader.
"""

from dataclasses import dataclass

from psec import des, tools

KSN_BYTES = 10
_COUNTER_BITS = 21
_COUNTER_MASK = (1 << _COUNTER_BITS) - 1
# A.1: only counters with at most ten one-bits are ever used
_MOST_ONES = 10
_HALF_MASK = bytes.fromhex("C0C0C0C000000000")

# A.4.1, table A-1: where the variant's FF goes, in each half of the key
_PIN = bytes.fromhex("00000000000000FF")
_MAC_REQUEST = bytes.fromhex("000000000000FF00")
_MAC_RESPONSE = bytes.fromhex("00000000FF000000")
_DATA_REQUEST = bytes.fromhex("0000000000FF0000")


@dataclass(frozen=True)
class TransactionKeys:
    """The 16-byte keys of one transaction."""

    pin: bytes
    mac_request: bytes
    mac_response: bytes
    data: bytes


def key_set(ksn: bytes) -> bytes:
    """The first five bytes: which base derivation key."""
    return ksn[:5]


def device(ksn: bytes) -> bytes:
    """The KSN without its counter: which reader."""
    return (int.from_bytes(ksn, "big") & ~_COUNTER_MASK).to_bytes(KSN_BYTES, "big")


def counter(ksn: bytes) -> int:
    """The transaction counter, 21 bits."""
    return int.from_bytes(ksn, "big") & _COUNTER_MASK


def is_possible(ksn: bytes) -> bool:
    """Whether a reader can ever use this KSN."""
    return len(ksn) == KSN_BYTES and 0 < counter(ksn).bit_count() <= _MOST_ONES


def initial_key(bdk: bytes, ksn: bytes) -> bytes:
    """A.6: the key the reader was given at the start."""
    register = device(ksn)[:8]
    right = tools.xor(bdk, _HALF_MASK * 2)
    return des.encrypt_tdes_ecb(bdk, register) + des.encrypt_tdes_ecb(right, register)


def transaction_key(bdk: bytes, ksn: bytes) -> bytes:
    """A.3: walk from the initial key along the one-bits of the counter, from the left."""
    key = initial_key(bdk, ksn)
    register = int.from_bytes(device(ksn)[2:], "big")
    for bit in range(_COUNTER_BITS - 1, -1, -1):
        if counter(ksn) >> bit & 1:
            register |= 1 << bit
            key = _step(key, register.to_bytes(8, "big"))
    return key


def derive(bdk: bytes, ksn: bytes) -> TransactionKeys:
    """All working keys of `ksn`. Raises ValueError for a KSN that no reader can use."""
    if not is_possible(ksn):
        raise ValueError("a KSN has 10 bytes and a counter of one to ten one-bits")
    key = transaction_key(bdk, ksn)
    data = tools.xor(key, _DATA_REQUEST * 2)
    return TransactionKeys(
        pin=tools.xor(key, _PIN * 2),
        mac_request=tools.xor(key, _MAC_REQUEST * 2),
        mac_response=tools.xor(key, _MAC_RESPONSE * 2),
        # A.4.1, figure A-2: the data variant also passes through a one-way step, each half under the whole variant
        data=des.encrypt_tdes_ecb(data, data[:8]) + des.encrypt_tdes_ecb(data, data[8:]),
    )


def _step(key: bytes, register: bytes) -> bytes:
    """A.2, non-reversible key generation: the right half from the key, the left half from its variant."""
    return _half(tools.xor(key, _HALF_MASK * 2), register) + _half(key, register)


def _half(key: bytes, register: bytes) -> bytes:
    left, right = key[:8], key[8:]
    # A key of two equal halves makes triple DES single DES
    return tools.xor(des.encrypt_tdes_ecb(left * 2, tools.xor(register, right)), right)
