"""MicroPython's `cryptolib`, as far as the firmware uses it, on OpenSSL."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_ECB = 1
_CBC = 2
_CTR = 6


class aes:
    """`key` of 16 or 32 bytes: the device's has no others."""

    def __init__(self, key, mode, iv=None):
        if len(key) not in (16, 32):
            raise ValueError("key")
        made = {_ECB: modes.ECB, _CBC: modes.CBC, _CTR: modes.CTR}[mode]
        self._cipher = Cipher(algorithms.AES(bytes(key)), made() if mode == _ECB else made(bytes(iv)))
        self._whole = mode != _CTR
        self._state = None

    def encrypt(self, data, out=None):
        return self._run(data, out, self._cipher.encryptor)

    def decrypt(self, data, out=None):
        return self._run(data, out, self._cipher.decryptor)

    def _run(self, data, out, begin):
        if self._whole and len(data) % 16:
            raise ValueError("blksize")
        self._state = self._state or begin()
        done = self._state.update(bytes(data))
        if out is None:
            return done
        if len(out) < len(done):
            raise ValueError("output too small")
        out[: len(done)] = done
        return None
