"""DES and two-key triple DES (FIPS 46-3; ISO/IEC 18033-3 for the triple), blocks of 8 bytes.

The block loop and the key schedule are viper. Their one table (476 bytes of RAM, aligned for ptr32 wherever the
firmware is stored) is built at import from the standard's own S, P and PC-2. It is that small because the
eight S-boxes write disjoint bits of P's output, and so do the seven nibbles of C and of D through PC-2: one
shared row holds all of them together, a mask per box picks its own.

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

# Rows of the S-boxes, four of 16 nibbles each. FIPS 46-3, appendix 1
_S = (
    b"\xe4\xd1\x2f\xb8\x3a\x6c\x59\x07\x0f\x74\xe2\xd1\xa6\xcb\x95\x38"
    b"\x41\xe8\xd6\x2b\xfc\x97\x3a\x50\xfc\x82\x49\x17\x5b\x3e\xa0\x6d"
    b"\xf1\x8e\x6b\x34\x97\x2d\xc0\x5a\x3d\x47\xf2\x8e\xc0\x1a\x69\xb5"
    b"\x0e\x7b\xa4\xd1\x58\xc6\x93\x2f\xd8\xa1\x3f\x42\xb6\x7c\x05\xe9"
    b"\xa0\x9e\x63\xf5\x1d\xc7\xb4\x28\xd7\x09\x34\x6a\x28\x5e\xcb\xf1"
    b"\xd6\x49\x8f\x30\xb1\x2c\x5a\xe7\x1a\xd0\x69\x87\x4f\xe3\xb5\x2c"
    b"\x7d\xe3\x06\x9a\x12\x85\xbc\x4f\xd8\xb5\x6f\x03\x47\x2c\x1a\xe9"
    b"\xa6\x90\xcb\x7d\xf1\x3e\x52\x84\x3f\x06\xa1\xd8\x94\x5b\xc7\x2e"
    b"\x2c\x41\x7a\xb6\x85\x3f\xd0\xe9\xeb\x2c\x47\xd1\x50\xfa\x39\x86"
    b"\x42\x1b\xad\x78\xf9\xc5\x63\x0e\xb8\xc7\x1e\x2d\x6f\x09\xa4\x53"
    b"\xc1\xaf\x92\x68\x0d\x34\xe7\x5b\xaf\x42\x7c\x95\x61\xde\x0b\x38"
    b"\x9e\xf5\x28\xc3\x70\x4a\x1d\xb6\x43\x2c\x95\xfa\xbe\x17\x60\x8d"
    b"\x4b\x2e\xf0\x8d\x3c\x97\x5a\x61\xd0\xb7\x49\x1a\xe3\x5c\x2f\x86"
    b"\x14\xbd\xc3\x7e\xaf\x68\x05\x92\x6b\xd8\x14\xa7\x95\x0f\xe2\x3c"
    b"\xd2\x84\x6f\xb1\xa9\x3e\x50\xc7\x1f\xd8\xa3\x74\xc5\x6b\x0e\x92"
    b"\x7b\x41\x9c\xe2\x06\xad\xf3\x58\x21\xe7\x4a\x8d\xfc\x90\x35\x6b"
)
_P = (
    b"\x10\x07\x14\x15\x1d\x0c\x1c\x11\x01\x0f\x17\x1a\x05\x12\x1f\x0a"
    b"\x02\x08\x18\x0e\x20\x1b\x03\x09\x13\x0d\x1e\x06\x16\x0b\x04\x19"
)
_PC2 = (
    b"\x0e\x11\x0b\x18\x01\x05\x03\x1c\x0f\x06\x15\x0a\x17\x13\x0c\x04\x1a\x08\x10\x07\x1b\x14\x0d\x02"
    b"\x29\x34\x1f\x25\x2f\x37\x1e\x28\x33\x2d\x21\x30\x2c\x31\x27\x38\x22\x35\x2e\x2a\x32\x24\x1d\x20"
)
# The box whose mask is word 64 + index: the four that look at R rotated right by 4 and then the four that look at R
_BOXES = b"\x07\x05\x03\x01\x08\x06\x04\x02"


def _set_bit(table: bytearray, word: int, bit: int) -> None:
    table[4 * word + (bit >> 3)] |= 1 << (bit & 7)


def _build() -> bytearray:
    table = bytearray(4 * 119)
    for i in range(32):
        # Output bit i of P (from the left, at 0) is bit _P[i] of the boxes' output. Both halves are kept rotated
        # left by one, so that every box looks at six bits in a row: bit i is bit 32 - i of the word
        bit = (32 - i) & 31
        box, nibble_bit = divmod(_P[i] - 1, 4)
        _set_bit(table, 64 + _BOXES.index(bytes((box + 1,))), bit)
        for x in range(64):
            row_column = (x & 0x20) | (x & 1) << 4 | (x >> 1) & 0x0F
            nibbles = _S[32 * box + (row_column >> 1)]
            nibble = nibbles & 0x0F if x & 2 else nibbles >> 4
            if nibble & (8 >> nibble_bit):
                _set_bit(table, x, bit)
    for i in range(16):
        _set_bit(table, 72, 2 * i)
    for i in range(48):
        # The six key bits of box 1 + i // 6 go to a byte of their own. Of C: boxes 1, 3, 2, 4 from the left;
        # of D: 5, 7, 6, 8. Nibbles of C and D are counted from the right
        d, box = divmod(i // 6, 4)
        bit = (24, 8, 16, 0)[box] + 5 - i % 6
        nibble, nibble_bit = divmod(28 * (d + 1) - _PC2[i], 4)
        _set_bit(table, 105 + 7 * d + nibble, bit)
        for x in range(16):
            if x & (1 << nibble_bit):
                _set_bit(table, 73 + 16 * d + x, bit)
    return table


_table = _build()


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
