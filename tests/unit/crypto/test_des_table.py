"""The table of the firmware's DES, computed once more from the standard's S, P and PC-2 (FIPS 46-3, appendix 1)."""

from reader.crypto import des

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


def _computed() -> bytearray:
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


def test_the_table_is_what_the_standard_makes_of_it():
    assert des._table == _computed()
