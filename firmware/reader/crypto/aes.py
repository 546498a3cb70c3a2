"""AES with keys of all three lengths (FIPS 197): MicroPython's own takes 16 and 32 bytes, the one for 24 is aes192.py."""

from cryptolib import aes
from micropython import const

from reader.crypto.selftest import AES_192
from reader.errors import E_SELFTEST, ReaderError

ECB = const(1)
CBC = const(2)
_OWN = const(24)


def cipher(key, mode: int, iv=None):
    """Has encrypt(src, dst) and decrypt(src, dst) as cryptolib's: whole blocks of 16 bytes, the same buffer for both if
    need be; in CBC each call goes on where the last one ended. One object goes one way only. Raises ValueError for a key
    of another length; E_SELFTEST when aes192 does not know its known answer.
    """
    if len(key) == _OWN:
        from reader.crypto import aes192

        # It was not there yet when the self-test ran
        if not aes192.is_tested and not aes192.is_right():
            raise ReaderError(E_SELFTEST, AES_192)
        return aes192.Aes192(key, mode, iv)
    return aes(key, mode) if iv is None else aes(key, mode, iv)
