"""DES and two-key triple DES (FIPS 46-3; ISO/IEC 18033-3 for the triple), blocks of 8 bytes.

The block loop and the key schedule are viper. Their one table (476 bytes of RAM, aligned for ptr32 wherever the
firmware is stored) holds the standard's S, P and PC-2. It is that small because the eight S-boxes write disjoint bits
of P's output, and so do the seven nibbles of C and of D through PC-2: one shared row holds all of them together, a
mask per box picks its own.

Words: 0..63 S-boxes through P, 64..71 their masks, 72 a mask of the initial permutation, 73..88 PC-2 of C,
89..104 PC-2 of D, 105..111 and 112..118 their masks. On a 32-bit build a literal of 2**30 or more would be a
heap object, so such constants are in the table and no sum is done on them outside viper.

Instructions of the viper parts on RV32IMC: DES schedule 7,997, DES block 4,239, triple DES block 11,155; plain
Python needs 6.6 million for the last. viper checks no lengths: every public method here does.
"""

import micropython
from micropython import const

from reader.errors import E_INTERNAL, ReaderError

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    ptr8 = bytearray
    ptr32 = bytearray

BLOCK = 8

# How the block loop runs
_DECRYPT = const(1)
_TRIPLE = const(2)
_CHAIN = const(4)

# Words of a key schedule: 16 rounds of two
_SCHEDULE = const(32)

# Computed by tests/unit/crypto/test_des_table.py, which compares; computing it here had taken 7 million instructions
_table = bytearray(
    b"\x79\xb7\xb1\xb1\x83\xb3\x6a\xae\x83\xe8\x0d\x06\xfc\xd5\x57\x7b"
    b"\x84\x2a\xd9\x39\xf7\x1d\x81\x14\x7f\x4a\xf2\xe0\x21\xaa\x69\x9e"
    b"\x6a\x4d\x2e\xe4\x38\xe4\xfd\x99\x4c\xb5\xd5\x9b\x93\x35\x8e\xe4"
    b"\x9f\x97\x46\xdb\x4c\x50\x1f\x67\xa2\x11\xaa\x2d\x7f\x4a\x90\xc0"
    b"\x05\x8c\x14\x1e\x7a\x2c\x78\x51\x32\xd6\xaa\xf9\x41\x7e\x81\x04"
    b"\x82\x57\x47\xc4\x50\xc1\xaf\x6f\x79\xa9\x3f\x5f\x9e\x37\x76\xb3"
    b"\xfd\x12\xf9\x6e\x25\x0b\x02\xc1\x96\x68\x42\x01\xce\xca\xf5\x7e"
    b"\x78\xe9\x28\x12\x8e\xf6\xd2\x9a\xc5\x76\xd5\xe6\xa1\x89\x2c\x29"
    b"\xc0\x52\x8f\x2c\x35\x8d\xb5\x4b\x3c\x31\xf6\xb0\x8b\x7a\xd1\x07"
    b"\xf3\xcc\x43\xe5\x42\x02\x7e\x9f\x12\xd3\x30\xcf\x52\xb5\x8c\x60"
    b"\x86\x33\x71\x93\xc8\xc0\x83\xe4\xe9\x0e\x8b\x7e\x35\xc3\x3c\x9b"
    b"\x79\xad\xbc\x7c\xb7\x6b\x40\x30\x87\xec\x64\x03\xcc\x1c\x6b\xfe"
    b"\xbf\xef\xc9\x4b\xc7\xd1\x5f\xb4\x43\x08\x35\x4f\x7c\x27\x6a\xff"
    b"\x3d\x08\xbc\x13\x2d\xf6\x02\x90\xe6\x36\xcb\xf0\xbb\x4c\xf1\x4f"
    b"\x45\xf5\x1e\x18\x9a\x3f\x64\x0b\x18\xd7\xa4\xe5\x61\xb8\x8a\x08"
    b"\xce\x52\x43\xa4\x68\x0c\x9d\xe4\x38\xa9\x5a\x9a\x96\xf3\xb7\x71"
    b"\x02\x08\x20\x04\x00\x01\x08\x42\x08\x02\x02\x08\x04\x04\x01\x01"
    b"\x40\x10\x04\x10\x10\x40\x40\x20\x81\x20\x80\x00\x20\x80\x10\x80"
    b"\x55\x55\x55\x55\x00\x00\x00\x00\x24\x10\x0d\x04\x18\x28\x30\x08"
    b"\x3c\x38\x3d\x0c\x01\x05\x02\x20\x25\x15\x0f\x24\x19\x2d\x32\x28"
    b"\x3d\x3d\x3f\x2c\x02\x02\x00\x13\x26\x12\x0d\x17\x1a\x2a\x30\x1b"
    b"\x3e\x3a\x3d\x1f\x03\x07\x02\x33\x27\x17\x0f\x37\x1b\x2f\x32\x3b"
    b"\x3f\x3f\x3f\x3f\x00\x00\x00\x00\x05\x11\x24\x10\x00\x08\x08\x0b"
    b"\x05\x19\x2c\x1b\x38\x20\x02\x00\x3d\x31\x26\x10\x38\x28\x0a\x0b"
    b"\x3d\x39\x2e\x1b\x02\x06\x11\x24\x07\x17\x35\x34\x02\x0e\x19\x2f"
    b"\x07\x1f\x3d\x3f\x3a\x26\x13\x24\x3f\x37\x37\x34\x3a\x2e\x1b\x2f"
    b"\x3f\x3f\x3f\x3f\x08\x10\x02\x00\x00\x02\x20\x04\x04\x00\x10\x10"
    b"\x22\x08\x00\x20\x00\x01\x08\x08\x10\x04\x01\x01\x01\x20\x04\x02"
    b"\x00\x00\x05\x01\x08\x08\x10\x10\x20\x05\x00\x02\x10\x00\x20\x20"
    b"\x00\x10\x08\x04\x04\x02\x02\x00\x03\x20\x00\x08"
)


@micropython.viper
def _schedule_into(t: ptr32, k: ptr32, at: int, key: ptr8, offset: int):
    """Key schedule of the 8 bytes key[offset:] into the 32 words k[at:]. FIPS 46-3, appendix 1 (PC-1, PC-2)."""
    c = 0
    d = 0
    i = 1
    while i <= 8:
        # PC-1 lays the bits of byte i (1..8) into the columns of C and D; the lowest is parity and left out
        x = key[offset + i - 1]
        c |= ((x >> 7) << 19 | ((x >> 6) & 1) << 11 | ((x >> 5) & 1) << 3) << i
        d |= (((x >> 1) & 1) << 19 | ((x >> 2) & 1) << 11 | ((x >> 3) & 1) << 3) << i
        x = (x >> 4) & 1
        if i > 4:
            c |= x << (i - 5)
        else:
            d |= x << (i - 1)
        i += 1
    i = 0
    while i < 16:
        # One position in rounds 1, 2, 9 and 16, else two
        x = 2
        if i < 2:
            x = 1
        if i == 8:
            x = 1
        if i == 15:
            x = 1
        c = ((c << x) | (c >> (28 - x))) & 0x0FFFFFFF
        d = ((d << x) | (d >> (28 - x))) & 0x0FFFFFFF
        x = (
            (t[73 + (c & 15)] & t[105])
            | (t[73 + ((c >> 4) & 15)] & t[106])
            | (t[73 + ((c >> 8) & 15)] & t[107])
            | (t[73 + ((c >> 12) & 15)] & t[108])
            | (t[73 + ((c >> 16) & 15)] & t[109])
            | (t[73 + ((c >> 20) & 15)] & t[110])
            | (t[73 + (c >> 24)] & t[111])
        )
        y = (
            (t[89 + (d & 15)] & t[112])
            | (t[89 + ((d >> 4) & 15)] & t[113])
            | (t[89 + ((d >> 8) & 15)] & t[114])
            | (t[89 + ((d >> 12) & 15)] & t[115])
            | (t[89 + ((d >> 16) & 15)] & t[116])
            | (t[89 + ((d >> 20) & 15)] & t[117])
            | (t[89 + (d >> 24)] & t[118])
        )
        k[at] = ((x >> 16) << 16) | (y >> 16)
        k[at + 1] = (x << 16) | (y & 0xFFFF)
        at += 2
        i += 1


@micropython.viper
def _blocks_into(t: ptr32, k: ptr32, iv: ptr8, src: ptr8, dst: ptr8, blocks: int, dst_step: int, mode: int):
    """Run `blocks` blocks of src into dst, which moves on by dst_step (8, or 0 to keep the last block only)."""
    iv_l = 0
    iv_r = 0
    if mode & _CHAIN:
        iv_l = iv[0] << 24 | iv[1] << 16 | iv[2] << 8 | iv[3]
        iv_r = iv[4] << 24 | iv[5] << 16 | iv[6] << 8 | iv[7]
    decrypt = mode & _DECRYPT
    s = 0
    o = 0
    while True:  # with a test at the end its jump would be too far for the conditional branches of Xtensa
        if blocks == 0:
            break
        blocks -= 1
        l = src[s] << 24 | src[s + 1] << 16 | src[s + 2] << 8 | src[s + 3]
        r = src[s + 4] << 24 | src[s + 5] << 16 | src[s + 6] << 8 | src[s + 7]
        s += 8
        next_l = l
        next_r = r
        if not decrypt:
            l ^= iv_l
            r ^= iv_r
        # Initial permutation as five swaps of bit groups between the halves, which then turn left by one
        w = ((l >> 4) ^ r) & 0x0F0F0F0F
        r ^= w
        l ^= w << 4
        w = ((l >> 16) ^ r) & 0xFFFF
        r ^= w
        l ^= w << 16
        w = ((r >> 2) ^ l) & 0x33333333
        l ^= w
        r ^= w << 2
        w = ((r >> 8) ^ l) & 0x00FF00FF
        l ^= w
        r ^= w << 8
        w = ((l >> 1) ^ r) & t[72]
        r ^= w
        l ^= w << 1
        l = (l << 1) | ((l >> 31) & 1)
        r = (r << 1) | ((r >> 31) & 1)
        # Triple: encrypt, decrypt, encrypt under halves 1, 2, 1 (or the inverse of that); FP and IP between cancel
        stage = 0
        stages = 1
        if mode & _TRIPLE:
            stages = 3
        while stage < stages:
            at = (stage & 1) << 5
            step = 2
            if (stage & 1) ^ decrypt:
                at += 30
                step = -2
            i = 16
            while i > 0:
                i -= 1
                w = ((r << 28) | ((r >> 4) & 0x0FFFFFFF)) ^ k[at]
                y = (
                    l
                    ^ (t[w & 63] & t[64])
                    ^ (t[(w >> 8) & 63] & t[65])
                    ^ (t[(w >> 16) & 63] & t[66])
                    ^ (t[(w >> 24) & 63] & t[67])
                )
                w = r ^ k[at + 1]
                l = r
                r = (
                    y
                    ^ (t[w & 63] & t[68])
                    ^ (t[(w >> 8) & 63] & t[69])
                    ^ (t[(w >> 16) & 63] & t[70])
                    ^ (t[(w >> 24) & 63] & t[71])
                )
                at += step
            # The halves of the last round are not exchanged
            w = l
            l = r
            r = w
            stage += 1
        l = (l << 31) | (((l >> 31) & 1) << 30) | ((l >> 1) & 0x3FFFFFFF)
        r = (r << 31) | (((r >> 31) & 1) << 30) | ((r >> 1) & 0x3FFFFFFF)
        w = ((l >> 1) ^ r) & t[72]
        r ^= w
        l ^= w << 1
        w = ((r >> 8) ^ l) & 0x00FF00FF
        l ^= w
        r ^= w << 8
        w = ((r >> 2) ^ l) & 0x33333333
        l ^= w
        r ^= w << 2
        w = ((l >> 16) ^ r) & 0xFFFF
        r ^= w
        l ^= w << 16
        w = ((l >> 4) ^ r) & 0x0F0F0F0F
        r ^= w
        l ^= w << 4
        if mode & _CHAIN:
            if decrypt:
                l ^= iv_l
                r ^= iv_r
                iv_l = next_l
                iv_r = next_r
            else:
                iv_l = l
                iv_r = r
        dst[o] = l >> 24
        dst[o + 1] = l >> 16
        dst[o + 2] = l >> 8
        dst[o + 3] = l
        dst[o + 4] = r >> 24
        dst[o + 5] = r >> 16
        dst[o + 6] = r >> 8
        dst[o + 7] = r
        o += dst_step


class Des:
    """Single DES under 8 key bytes (parity is not looked at). The schedule stays in RAM until `wipe`.

    Every method raises E_INTERNAL when a length is wrong. `src` and `dst` may be the same buffer.
    """

    _KEY = 8
    _MODE = 0

    def __init__(self, key):
        self._k = bytearray(self._KEY // 8 * _SCHEDULE * 4)
        self.rekey(key)

    def rekey(self, key) -> None:
        """Use another key of the same length; the old schedule is overwritten."""
        if len(key) != self._KEY:
            raise ReaderError(E_INTERNAL)
        for half in range(self._KEY // 8):
            _schedule_into(_table, self._k, half * _SCHEDULE, key, half * 8)

    def wipe(self) -> None:
        """Overwrite the schedule with zeros. Afterwards the object computes nothing of use until `rekey`."""
        self._k[:] = bytes(len(self._k))  # as long as before, so in place

    def encrypt_into(self, src, dst) -> None:
        """Each block of src by itself (ECB) into dst, of the same length."""
        _blocks_into(_table, self._k, src, src, dst, _count(src, dst), BLOCK, self._MODE)

    def decrypt_into(self, src, dst) -> None:
        """The inverse of `encrypt_into`."""
        _blocks_into(_table, self._k, src, src, dst, _count(src, dst), BLOCK, self._MODE | _DECRYPT)


class Des3(Des):
    """Triple DES in EDE form under 16 key bytes: K1, K2, K1 (ISO/IEC 18033-3, keying option 2)."""

    _KEY = 16
    _MODE = _TRIPLE

    def cbc_encrypt_into(self, iv, src, dst) -> None:
        """Cipher block chaining (ISO/IEC 10116) from the 8 bytes iv, which stay as they are."""
        if len(iv) != BLOCK:
            raise ReaderError(E_INTERNAL)
        _blocks_into(_table, self._k, iv, src, dst, _count(src, dst), BLOCK, _CHAIN | _TRIPLE)

    def cbc_decrypt_into(self, iv, src, dst) -> None:
        """The inverse of `cbc_encrypt_into`."""
        if len(iv) != BLOCK:
            raise ReaderError(E_INTERNAL)
        _blocks_into(_table, self._k, iv, src, dst, _count(src, dst), BLOCK, _CHAIN | _TRIPLE | _DECRYPT)

    def mac_chain_into(self, state, src) -> None:
        """CBC under K1 alone over the blocks of src from the 8 bytes state; only the last block stays, in state.

        Half of ISO/IEC 9797-1's algorithm 3, for crypto/mac.py.
        """
        if len(state) != BLOCK:
            raise ReaderError(E_INTERNAL)
        _blocks_into(_table, self._k, state, src, state, _count(src, src), 0, _CHAIN)


def _count(src, dst) -> int:
    """Whole blocks of both buffers, or E_INTERNAL."""
    n = len(src)
    if n != len(dst) or n & 7:
        raise ReaderError(E_INTERNAL)
    return n >> 3
