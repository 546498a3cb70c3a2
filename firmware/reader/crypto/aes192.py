"""AES with a key of 192 bits (FIPS 197), which MicroPython's cryptolib does not take. Loaded when such a key is used, and
never unloaded after that (util/modules.py).

viper checks no lengths: the methods do. Round keys are wiped by `wipe`; whoever does not call it leaves them to the heap,
as cryptolib does.
"""

import micropython
from micropython import const

from reader.errors import E_INTERNAL, ReaderError
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    ptr8 = Any

_BLOCK = const(16)
_KEY = const(24)
_CBC = const(2)
_SCHEDULE = const(208)  # thirteen round keys

# FIPS 197, figure 7: computed anew and compared by tests/unit/crypto/test_aes192.py
_SBOX = (
    b"\x63\x7c\x77\x7b\xf2\x6b\x6f\xc5\x30\x01\x67\x2b\xfe\xd7\xab\x76"
    b"\xca\x82\xc9\x7d\xfa\x59\x47\xf0\xad\xd4\xa2\xaf\x9c\xa4\x72\xc0"
    b"\xb7\xfd\x93\x26\x36\x3f\xf7\xcc\x34\xa5\xe5\xf1\x71\xd8\x31\x15"
    b"\x04\xc7\x23\xc3\x18\x96\x05\x9a\x07\x12\x80\xe2\xeb\x27\xb2\x75"
    b"\x09\x83\x2c\x1a\x1b\x6e\x5a\xa0\x52\x3b\xd6\xb3\x29\xe3\x2f\x84"
    b"\x53\xd1\x00\xed\x20\xfc\xb1\x5b\x6a\xcb\xbe\x39\x4a\x4c\x58\xcf"
    b"\xd0\xef\xaa\xfb\x43\x4d\x33\x85\x45\xf9\x02\x7f\x50\x3c\x9f\xa8"
    b"\x51\xa3\x40\x8f\x92\x9d\x38\xf5\xbc\xb6\xda\x21\x10\xff\xf3\xd2"
    b"\xcd\x0c\x13\xec\x5f\x97\x44\x17\xc4\xa7\x7e\x3d\x64\x5d\x19\x73"
    b"\x60\x81\x4f\xdc\x22\x2a\x90\x88\x46\xee\xb8\x14\xde\x5e\x0b\xdb"
    b"\xe0\x32\x3a\x0a\x49\x06\x24\x5c\xc2\xd3\xac\x62\x91\x95\xe4\x79"
    b"\xe7\xc8\x37\x6d\x8d\xd5\x4e\xa9\x6c\x56\xf4\xea\x65\x7a\xae\x08"
    b"\xba\x78\x25\x2e\x1c\xa6\xb4\xc6\xe8\xdd\x74\x1f\x4b\xbd\x8b\x8a"
    b"\x70\x3e\xb5\x66\x48\x03\xf6\x0e\x61\x35\x57\xb9\x86\xc1\x1d\x9e"
    b"\xe1\xf8\x98\x11\x69\xd9\x8e\x94\x9b\x1e\x87\xe9\xce\x55\x28\xdf"
    b"\x8c\xa1\x89\x0d\xbf\xe6\x42\x68\x41\x99\x2d\x0f\xb0\x54\xbb\x16"
)

is_tested = False


def is_right() -> bool:
    """Whether the known answer of FIPS 197, C.2, comes out, in both directions; `is_tested` says so from then on."""
    global is_tested
    clear = b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
    cryptogram = b"\xdd\xa9\x7c\xa4\x86\x4c\xdf\xe0\x6e\xaf\x70\xa0\xec\x0d\x71\x91"
    cipher = Aes192(bytes(range(_KEY)), 1)
    is_tested = cipher.encrypt(clear) == cryptogram and cipher.decrypt(cryptogram) == clear
    return is_tested


class Aes192:
    """As cryptolib.aes, for 24 bytes of key. `mode`: 1 ECB, 2 CBC from `iv`."""

    def __init__(self, key, mode: int, iv=None):
        if len(key) != _KEY or (mode == _CBC and len(iv) != _BLOCK):
            raise ReaderError(E_INTERNAL)
        self._is_cbc = mode == _CBC
        self._chain = bytearray(iv or _BLOCK)
        self._schedule = bytearray(_SCHEDULE)
        self._schedule[:_KEY] = key
        _expand(self._schedule, _SBOX)
        self._inverse: bytearray | None = None
        self._room = bytearray(_BLOCK)

    def encrypt(self, src, dst=None) -> bytearray:
        """Whole blocks. Gives `dst`, or a buffer of its own. Raises E_INTERNAL for another length, or a shorter `dst`."""
        dst = self._into(src, dst)
        chain = self._chain
        for at in range(0, len(src), _BLOCK):
            block = memoryview(dst)[at : at + _BLOCK]
            block[:] = memoryview(src)[at : at + _BLOCK]
            if self._is_cbc:
                _xor(block, chain)
            _encrypt(self._schedule, _SBOX, block, self._room)
            if self._is_cbc:
                chain[:] = block
        return dst

    def decrypt(self, src, dst=None) -> bytearray:
        """The inverse of `encrypt`."""
        dst = self._into(src, dst)
        if self._inverse is None:
            self._inverse = bytearray(len(_SBOX))
            for i in range(len(_SBOX)):
                self._inverse[_SBOX[i]] = i
        before = self._chain
        for at in range(0, len(src), _BLOCK):
            block = memoryview(dst)[at : at + _BLOCK]
            coming = bytes(memoryview(src)[at : at + _BLOCK])
            block[:] = coming
            _decrypt(self._schedule, self._inverse, block, self._room)
            if self._is_cbc:
                _xor(block, before)
                before[:] = coming
        return dst

    def wipe(self) -> None:
        """Overwrite what comes from the key with zeros."""
        for buf in (self._schedule, self._room, self._chain):
            wipe(buf)

    def _into(self, src, dst):
        n = len(src)
        if n % _BLOCK or (dst is not None and len(dst) < n):
            raise ReaderError(E_INTERNAL)
        return bytearray(n) if dst is None else dst


@micropython.viper
def _xor(dst: ptr8, src: ptr8):
    i = 0
    while i < 16:
        dst[i] ^= src[i]
        i += 1


@micropython.viper
def _expand(k: ptr8, sbox: ptr8):
    """FIPS 197, 5.2: 52 words from the six of the key, which are there already."""
    i = 24
    round_constant = 1
    while i < 208:
        a = k[i - 4]
        b = k[i - 3]
        c = k[i - 2]
        d = k[i - 1]
        if i % 24 == 0:
            x = a
            a = sbox[b] ^ round_constant
            b = sbox[c]
            c = sbox[d]
            d = sbox[x]
            round_constant <<= 1  # eight of them: the last is 80h
        k[i] = k[i - 24] ^ a
        k[i + 1] = k[i - 23] ^ b
        k[i + 2] = k[i - 22] ^ c
        k[i + 3] = k[i - 21] ^ d
        i += 4


@micropython.viper
def _encrypt(k: ptr8, sbox: ptr8, s: ptr8, t: ptr8):
    """FIPS 197, 5.1: one block in place; `t` has room for another."""
    i = 0
    while i < 16:
        s[i] ^= k[i]
        i += 1
    r = 16
    while True:
        if r > 192:
            break
        # SubBytes and ShiftRows: row i & 3 comes from as many columns further on
        i = 0
        while i < 16:
            t[i] = sbox[s[(i + ((i & 3) << 2)) & 15]]
            i += 1
        # MixColumns but in the last round, and the round key
        i = 0
        while i < 16:
            a = t[i]
            b = t[i + 1]
            c = t[i + 2]
            d = t[i + 3]
            if r < 192:
                x = a ^ b ^ c ^ d
                y = a
                w = a ^ b
                a ^= x ^ (w << 1) ^ ((w >> 7) * 0x11B)
                w = b ^ c
                b ^= x ^ (w << 1) ^ ((w >> 7) * 0x11B)
                w = c ^ d
                c ^= x ^ (w << 1) ^ ((w >> 7) * 0x11B)
                w = d ^ y
                d ^= x ^ (w << 1) ^ ((w >> 7) * 0x11B)
            s[i] = a ^ k[r + i]
            s[i + 1] = b ^ k[r + i + 1]
            s[i + 2] = c ^ k[r + i + 2]
            s[i + 3] = d ^ k[r + i + 3]
            i += 4
        r += 16


@micropython.viper
def _decrypt(k: ptr8, inverse: ptr8, s: ptr8, t: ptr8):
    """FIPS 197, 5.3: one block in place."""
    i = 0
    while i < 16:
        s[i] ^= k[192 + i]
        i += 1
    r = 176
    while True:
        if r < 0:
            break
        # InvShiftRows, InvSubBytes, the round key
        i = 0
        while i < 16:
            t[i] = inverse[s[(i - ((i & 3) << 2)) & 15]] ^ k[r + i]
            i += 1
        # InvMixColumns but in the last round: what MixColumns makes of bytes that these two sums prepare
        i = 0
        while i < 16:
            a = t[i]
            b = t[i + 1]
            c = t[i + 2]
            d = t[i + 3]
            if r > 0:
                w = a ^ c
                w = (w << 1) ^ ((w >> 7) * 0x11B)
                w = (w << 1) ^ ((w >> 7) * 0x11B)
                a ^= w
                c ^= w
                w = b ^ d
                w = (w << 1) ^ ((w >> 7) * 0x11B)
                w = (w << 1) ^ ((w >> 7) * 0x11B)
                b ^= w
                d ^= w
                x = a ^ b ^ c ^ d
                y = a
                w = a ^ b
                a ^= x ^ (w << 1) ^ ((w >> 7) * 0x11B)
                w = b ^ c
                b ^= x ^ (w << 1) ^ ((w >> 7) * 0x11B)
                w = c ^ d
                c ^= x ^ (w << 1) ^ ((w >> 7) * 0x11B)
                w = d ^ y
                d ^= x ^ (w << 1) ^ ((w >> 7) * 0x11B)
            s[i] = a
            s[i + 1] = b
            s[i + 2] = c
            s[i + 3] = d
            i += 4
        r -= 16
