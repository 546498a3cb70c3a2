"""TR-31 key blocks with whatever in them, under a right MAC: what is behind it is then read too.

Made with OpenSSL; X9.143, 7.3 and 7.4.
"""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC


def _algorithm(key: bytes, is_aes: bool) -> AES | TripleDES:
    return AES(key) if is_aes else TripleDES(key + key[:8])


def _cmac(key: bytes, is_aes: bool, data: bytes) -> bytes:
    state = CMAC(_algorithm(key, is_aes))
    state.update(data)
    return state.finalize()


def _derived(protection: bytes, is_aes: bool, purpose: int) -> bytes:
    size = len(protection)
    kind = {16: 2, 24: 3, 32: 4}[size] if is_aes else 0
    unit = 16 if is_aes else 8
    parts = [
        _cmac(protection, is_aes, bytes((number, 0, purpose, 0, 0, kind)) + (8 * size).to_bytes(2, "big"))
        for number in range(1, size // unit + 1)
    ]
    return b"".join(parts)


def block(protection: bytes, fields: bytes, optional: bytes, count: int, clear: bytes, tail: bytes = b"00") -> bytes:
    """`fields`: version, usage, algorithm, mode, key version, exportability (8). `optional`: the optional blocks as they
    are, said to be `count`. `clear`: the key with its length and padding, filled up to whole cipher blocks."""
    is_aes = fields[:1] == b"D"
    unit = 16 if is_aes else 8
    clear += bytes(-len(clear) % unit)
    size = 16 + len(optional) + 2 * (len(clear) + unit)
    header = fields[:1] + b"%04d" % (size % 10000) + fields[1:] + b"%02d" % (count % 100) + tail + optional
    mac = _cmac(_derived(protection, is_aes, 1), is_aes, header + clear)
    cipher: CipherContext = Cipher(_algorithm(_derived(protection, is_aes, 0), is_aes), modes.CBC(mac)).encryptor()
    secret = cipher.update(clear) + cipher.finalize()
    return header + (secret + mac).hex().upper().encode()


class Des3:
    """Stands in for the device's, whose words need 32 bits: reader.crypto.des.Des3 on OpenSSL."""

    def __init__(self, key: bytes):
        self._algorithm = TripleDES(bytes(key) + bytes(key[:8]))

    def wipe(self) -> None:
        pass

    def encrypt_into(self, src: bytes, dst: bytearray) -> None:
        self._into(Cipher(self._algorithm, modes.ECB()).encryptor(), src, dst)

    def cbc_encrypt_into(self, iv: bytes, src: bytes, dst: bytearray) -> None:
        self._into(Cipher(self._algorithm, modes.CBC(bytes(iv))).encryptor(), src, dst)

    def cbc_decrypt_into(self, iv: bytes, src: bytes, dst: bytearray) -> None:
        self._into(Cipher(self._algorithm, modes.CBC(bytes(iv))).decryptor(), src, dst)

    def _into(self, cipher: CipherContext, src: bytes, dst: bytearray) -> None:
        assert len(src) == len(dst) and len(src) % 8 == 0
        dst[:] = cipher.update(bytes(src)) + cipher.finalize()
