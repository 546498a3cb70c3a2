"""The keys of one packet, as the host has them: what they do, whatever scheme they are of.

MACs have 8 bytes: X9.19 (ISO 9797-1 algorithm 3, zeros fill up the last block), UnionPay's "ECB", or the first half of an
AES-CMAC. Tracks are in CBC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from psec import des, mac, pinblock, tools

MAC_BYTES = 8
X919, ECB = "x919", "ecb"

# DE53: format of the PIN block (0 none, 2 with the account number), cipher (6 two-key TDES, 7 AES), track encrypted
_WITHOUT_PIN, _WITH_PIN, _TDES, _AES, _TRACK_ENCRYPTED = "0", "2", "6", "7", "10000000000000"


class PacketKeys(Protocol):
    @property
    def block(self) -> int:
        """Bytes of a cipher's block."""

    def request_mac(self, data: bytes) -> bytes: ...

    def answer_mac(self, data: bytes) -> bytes: ...

    def decrypt(self, ciphertext: bytes) -> bytes:
        """A track with its padding; `ciphertext` is whole blocks."""
        ...

    def pin(self, block: bytes, pan: str) -> str:
        """Digits. Raises ValueError for what is no PIN block of this account."""
        ...


@dataclass(frozen=True)
class TdesKeys:
    """iv: what the track's CBC begins with. mac: X919 or ECB, for which a MAC key may have 8 bytes."""

    pin_key: bytes
    data: bytes
    mac_request: bytes
    mac_response: bytes
    iv: bytes = bytes(8)
    mac: str = X919
    block: int = 8

    def request_mac(self, data: bytes) -> bytes:
        return self._mac(self.mac_request, data)

    def answer_mac(self, data: bytes) -> bytes:
        return self._mac(self.mac_response, data)

    def decrypt(self, ciphertext: bytes) -> bytes:
        return des.decrypt_tdes_cbc(self.data, self.iv, ciphertext)

    def pin(self, block: bytes, pan: str) -> str:
        return pinblock.decode_pinblock_iso_0(des.decrypt_tdes_ecb(self.pin_key, block), pan)

    def _mac(self, key: bytes, data: bytes) -> bytes:
        if self.mac == ECB:
            return ecb_mac(key, data)
        return mac.generate_retail_mac(key[:8], key[8:], data, 1)


@dataclass(frozen=True)
class AesKeys:
    pin_key: bytes
    data: bytes
    mac_request: bytes
    mac_response: bytes
    block: int = 16

    def request_mac(self, data: bytes) -> bytes:
        return _cmac(self.mac_request, data)

    def answer_mac(self, data: bytes) -> bytes:
        return _cmac(self.mac_response, data)

    def decrypt(self, ciphertext: bytes) -> bytes:
        return Cipher(algorithms.AES(self.data), modes.CBC(bytes(16))).decryptor().update(ciphertext)

    def pin(self, block: bytes, pan: str) -> str:
        return pinblock.decipher_pinblock_iso_4(self.pin_key, block, pan)


def security_control(keys: PacketKeys, *, has_pin: bool) -> str:
    """DE53 of a packet under these keys."""
    return (_WITH_PIN if has_pin else _WITHOUT_PIN) + (_TDES if keys.block == 8 else _AES) + _TRACK_ENCRYPTED


def ecb_mac(key: bytes, data: bytes) -> bytes:
    """UnionPay's POS terminal specification: all blocks exclusive-or; of the 16 hexadecimal digits the first 8 encrypted,
    exclusive-or the last 8, encrypted again; of its digits the first 8."""
    total = bytes(8)
    for at in range(0, len(data), 8):
        total = tools.xor(total, data[at : at + 8].ljust(8, b"\0"))
    digits = total.hex().upper().encode()
    first = des.encrypt_tdes_ecb(key, digits[:8])
    return des.encrypt_tdes_ecb(key, tools.xor(first, digits[8:])).hex().upper().encode()[:MAC_BYTES]


def _cmac(key: bytes, data: bytes) -> bytes:
    state = CMAC(algorithms.AES(key))
    state.update(data)
    return state.finalize()[:MAC_BYTES]
