"""The keys of a reader, derived from those that whoever provisions it holds; their check values; blocks that carry them.

A reader has one identity of 8 bytes, whose last five bits are zero: with two zero bytes behind it, it is the initial KSN of
TDES DUKPT (X9.24-1:2009, 5.1: 59 bits of key set and device, 21 of counter); as it is, it is the initial key ID of AES DUKPT
(X9.24-3:2017, 6.1).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.utils import CryptographyDeprecationWarning
from psec import des, tools, tr31

from mpos.link.session_keys import derive

# psec takes triple DES from where `cryptography` used to keep it; every call would print a warning
warnings.filterwarnings("ignore", message=".*TripleDES.*", category=CryptographyDeprecationWarning)

READER_ID = 8
BLOCK_KEY = 32
_COUNTER_BITS = (1 << 21) - 1
_RIGHT_HALF_MASK = bytes.fromhex("C0C0C0C000000000C0C0C0C000000000")
# X9.24-3:2017, 6.3.3: derivation data of initial keys, by their algorithm
_AES_NUMBERS = {16: 2, 24: 3, 32: 4}
_INITIAL_KEY_USAGE = 0x8001

# Optional blocks of a key block that are this project's own (X9.143 leaves the numeric ones to whoever uses them)
SLOT_BLOCK = "10"
SERIAL_BLOCK = "20"
INITIAL_KEY, BLOCK_PROTECTION, MASTER_KEY, SESSION_ROOT, CARD_KEY = "B1", "K1", "K0", "10", "11"
CARD_KINDS = {"a": 1, "b": 2, "password": 3}


def check_reader_id(reader_id: bytes) -> None:
    """Raises ValueError unless it can name a reader in both DUKPT schemes."""
    if len(reader_id) != READER_ID:
        raise ValueError("a reader id has 8 bytes (16 hex digits)")
    if reader_id[-1] & 0x1F:
        raise ValueError("the last five bits of a reader id are zero: the key counter of TDES DUKPT begins there")


def initial_ksn(reader_id: bytes) -> bytes:
    """The 10-byte KSN of TDES DUKPT whose counter is zero."""
    return reader_id + bytes(2)


def session_root(master: bytes, reader_id: bytes) -> bytes:
    """The 16-byte key on which a reader and its server authenticate each other."""
    return derive(master, b"mPOS session root", reader_id, 16)


def block_key(master: bytes, reader_id: bytes) -> bytes:
    """The 32-byte key block protection key that a reader gets in the factory (TR-31 version D)."""
    return derive(master, b"mPOS block key", reader_id, BLOCK_KEY)


def factory_root(protection: bytes, reader_id: bytes) -> bytes:
    """The root of the factory's sessions: of whoever has the reader's first key."""
    return derive(protection, b"mPOS factory", reader_id, 16)


def master_key(master: bytes, reader_id: bytes) -> bytes:
    """The 16-byte TDES master key (TMK) under which the host sends working keys; odd parity (FIPS 46-3)."""
    return des.adjust_key_parity(derive(master, b"mPOS master key", reader_id, 16))


def tdes_initial_key(bdk: bytes, ksn: bytes) -> bytes:
    """The 16-byte initial key that a reader with this 10-byte KSN is given. X9.24-1:2009, A.6.

    The counter in `ksn` does not matter. Raises ValueError on wrong lengths.
    """
    if len(bdk) != 16 or len(ksn) != 10:
        raise ValueError("the BDK has 16 bytes and the KSN 10")
    register = (int.from_bytes(ksn, "big") & ~_COUNTER_BITS).to_bytes(10, "big")[:8]
    left = des.encrypt_tdes_ecb(bdk, register)
    return left + des.encrypt_tdes_ecb(tools.xor(bdk, _RIGHT_HALF_MASK), register)


def aes_initial_key(bdk: bytes, initial_key_id: bytes) -> bytes:
    """The initial key of AES DUKPT, as long as `bdk` (16, 24, 32). X9.24-3:2017, 6.3.3 and 6.5.1.

    Raises ValueError on wrong lengths.
    """
    if len(bdk) not in _AES_NUMBERS or len(initial_key_id) != READER_ID:
        raise ValueError("the BDK has 16, 24 or 32 bytes, the initial key ID 8")
    encryptor = Cipher(algorithms.AES(bdk), modes.ECB()).encryptor()
    bits = (8 * len(bdk)).to_bytes(2, "big")
    kind = _INITIAL_KEY_USAGE.to_bytes(2, "big") + _AES_NUMBERS[len(bdk)].to_bytes(2, "big") + bits
    blocks = -(-len(bdk) // 16)
    return b"".join(encryptor.update(bytes([1, n + 1]) + kind + initial_key_id) for n in range(blocks))[: len(bdk)]


def tdes_check_value(key: bytes) -> bytes:
    """Three bytes: zeros encrypted (X9.24-1, legacy KCV)."""
    return des.encrypt_tdes_ecb(key, bytes(8))[:3]


def aes_check_value(key: bytes) -> bytes:
    """Five bytes: CMAC of 16 zeros (X9.24-1:2017, annex A)."""
    state = CMAC(algorithms.AES(key))
    state.update(bytes(16))
    return state.finalize()[:5]


@dataclass(frozen=True)
class Load:
    """A key on its way to a reader. usage, algorithm, mode: of X9.143; blocks: optional ones, by their ids."""

    name: str
    usage: str
    algorithm: str
    mode: str
    key: bytes = field(repr=False)
    check: bytes
    blocks: tuple[tuple[str, str], ...] = ()

    def block(self, protection: bytes, serial: int) -> str:
        """As a TR-31 key block (version D) with the serial number `serial`, which a reader takes once."""
        header = tr31.Header("D", self.usage, self.algorithm, self.mode, "00", "N")
        for name, value in (*self.blocks, (SERIAL_BLOCK, f"{serial:08X}")):
            header.blocks[name] = value
        return tr31.KeyBlock(protection, header).wrap(self.key)


def tdes_dukpt(bdk: bytes, reader_id: bytes) -> Load:
    ksn = initial_ksn(reader_id)
    key = tdes_initial_key(bdk, ksn)
    return Load("dukpt-tdes", INITIAL_KEY, "T", "X", key, tdes_check_value(key), (("KS", ksn.hex().upper()),))


def aes_dukpt(bdk: bytes, reader_id: bytes) -> Load:
    key = aes_initial_key(bdk, reader_id)
    return Load("dukpt-aes", INITIAL_KEY, "A", "X", key, aes_check_value(key), (("IK", reader_id.hex().upper()),))


def root(master: bytes, reader_id: bytes) -> Load:
    key = session_root(master, reader_id)
    return Load("session-root", SESSION_ROOT, "A", "X", key, aes_check_value(key))


def terminal_master(master: bytes, reader_id: bytes) -> Load:
    key = master_key(master, reader_id)
    return Load("master-session", MASTER_KEY, "T", "D", key, tdes_check_value(key))


def card_key(slot: int, kind: str, key: bytes) -> Load:
    """A key of cards that are not for payment: `kind` a, b or password; it has no check value."""
    if kind not in CARD_KINDS or len(key) != 6 or not 1 <= slot <= 16:
        raise ValueError("a card's key has 6 bytes, a kind (a, b, password) and a slot from 1 to 16")
    return Load(
        f"card-{slot}-{kind}", CARD_KEY, "0", "N", key, b"", ((SLOT_BLOCK, f"{slot:02X}{CARD_KINDS[kind]:02X}"),)
    )
