"""AES with keys of all three lengths (FIPS 197): MicroPython's own takes 16 and 32 bytes, the one for 24 is aes192.py."""

from cryptolib import aes
from micropython import const

ECB = const(1)
CBC = const(2)
_OWN = const(24)


def cipher(key, mode: int, iv=None):
    """Has encrypt(src, dst) and decrypt(src, dst) as cryptolib's: whole blocks of 16 bytes, the same buffer for both if
    need be; in CBC each call goes on where the last one ended. One object goes one way only. Raises ValueError for a key
    of another length.
    """
    if len(key) == _OWN:
        from reader.crypto.aes192 import Aes192

        return Aes192(key, mode, iv)
    return aes(key, mode) if iv is None else aes(key, mode, iv)
