"""The viper DES against a plain twin: FIPS 46-3 written down bit by bit, with the tables as the standard prints them.

The twin shares nothing with the firmware's but the standard. Slow: some hundred blocks are enough for the S-boxes,
and the published answers of test_des.py do the rest.
"""

from hashlib import sha256

from reader.crypto import des
from testing import h

_IP = h(
    "3A322A221A120A02 3C342C241C140C04 3E362E261E160E06 40383028201810 08"
    "3931292119110901 3B332B231B130B03 3D352D251D150D05 3F372F271F170F07"
)
_E = h("200102030405 040506070809 08090A0B0C0D 0C0D0E0F1011101112131415 141516171819 18191A1B1C1D 1C1D1E1F2001")
_P = h("10071415 1D0C1C11 010F171A 05121F0A 0208180E 201B0309 130D1E06 160B0419")
_PC1 = h(
    "39312921191109 013A322A221A12 0A023B332B231B 13 0B033C342C24"
    "3F372F271F170F 073E362E261E16 0E063D352D251D 15 0D051C140C04"
)
_PC2 = h("0E110B180105 031C0F06150A 1713 0C041A08 10071B140D0229341F252F37 1E2833 2D2130 2C3127382235 2E2A32241D20")
_SHIFTS = h("01010202020202020102020202020201")
# Rows 0 to 3 of S1, then of S2, ...
_S = [
    "E4D12FB83A6C5907",
    "0F74E2D1A6CB9538",
    "41E8D62BFC973A50",
    "FC8249175B3EA06D",
    "F18E6B34972DC05A",
    "3D47F28EC01A69B5",
    "0E7BA4D158C6932F",
    "D8A13F42B67C05E9",
    "A09E63F51DC7B428",
    "D709346A285ECBF1",
    "D6498F30B12C5AE7",
    "1AD069874FE3B52C",
    "7DE3069A1285BC4F",
    "D8B56F03472C1AE9",
    "A690CB7DF13E5284",
    "3F06A1D8945BC72E",
    "2C417AB6853FD0E9",
    "EB2C47D150FA3986",
    "421BAD78F9C5630E",
    "B8C71E2D6F09A453",
    "C1AF92680D34E75B",
    "AF427C9561DE0B38",
    "9EF528C3704A1DB6",
    "432C95FABE17608D",
    "4B2EF08D3C975A61",
    "D0B7491AE35C2F86",
    "14BDC37EAF680592",
    "6BD814A7950FE23C",
    "D2846FB1A93E50C7",
    "1FD8A374C56B0E92",
    "7B419CE206ADF358",
    "21E74A8DFC90356B",
]


def _bits(data) -> list:
    return [byte >> (7 - i) & 1 for byte in data for i in range(8)]


def _pick(bits, table) -> list:
    return [bits[i - 1] for i in table]


def _round_keys(key) -> list:
    cd = _pick(_bits(key), _PC1)
    c, d = cd[:28], cd[28:]
    keys = []
    for n in _SHIFTS:
        c = c[n:] + c[:n]
        d = d[n:] + d[:n]
        keys.append(_pick(c + d, _PC2))
    return keys


def _f(r, key) -> list:
    x = [a ^ b for a, b in zip(_pick(r, _E), key)]
    out = []
    for box in range(8):
        b = x[6 * box : 6 * box + 6]
        row = 2 * b[0] + b[5]
        column = 8 * b[1] + 4 * b[2] + 2 * b[3] + b[4]
        out += _bits(bytes([int(_S[4 * box + row][column], 16)]))[4:]
    return _pick(out, _P)


def plain(key, block, decrypt=False) -> bytes:
    """One block of single DES."""
    keys = _round_keys(key)
    if decrypt:
        keys.reverse()
    lr = _pick(_bits(block), _IP)
    l, r = lr[:32], lr[32:]
    for k in keys:
        l, r = r, [a ^ b for a, b in zip(l, _f(r, k))]
    out = [0] * 64
    for i, bit in enumerate(r + l):
        out[_IP[i] - 1] = bit
    return bytes([sum([out[8 * n + i] << (7 - i) for i in range(8)]) for n in range(8)])


def _samples(n):
    """Blocks and keys that look random and are the same in every run."""
    for i in range(n):
        digest = sha256(bytes([i >> 8, i & 0xFF])).digest()
        yield digest[:8], digest[8:16], digest[16:]


def test_twin_is_des():
    # FIPS 81, table B1
    assert plain(h("0123456789ABCDEF"), b"Now is t") == h("3FA40E8A984D4815")


def test_single():
    out = bytearray(8)
    for block, key, _ in _samples(60):
        cipher = des.Des(key)
        cipher.encrypt_into(block, out)
        assert out == plain(key, block), block
        cipher.decrypt_into(block, out)
        assert out == plain(key, block, True), block


def test_triple():
    out = bytearray(8)
    for block, _, key in _samples(12):
        a, b = key[:8], key[8:]
        cipher = des.Des3(key)
        cipher.encrypt_into(block, out)
        assert out == plain(a, plain(b, plain(a, block), True)), block
        cipher.decrypt_into(block, out)
        assert out == plain(a, plain(b, plain(a, block, True)), True), block


def test_chaining_of_the_mac():
    key = h("0123456789ABCDEF FEDCBA9876543210")
    data = sha256(b"data").digest()
    state = bytearray(h("0011223344556677"))
    expected = bytes(state)
    for i in range(0, len(data), 8):
        expected = plain(key[:8], bytes([a ^ b for a, b in zip(expected, data[i : i + 8])]))
    des.Des3(key).mac_chain_into(state, data)
    assert state == expected


def test_schedule():
    # The words hold the standard's 48 bits in groups of six: boxes 1, 3, 5, 7 and 2, 4, 6, 8
    for _, key, _ in _samples(20):
        schedule = des.Des(key)._k
        for n, bits in enumerate(_round_keys(key)):
            for box in range(8):
                six = schedule[8 * n + 4 * (box & 1) + 3 - (box >> 1)]
                assert six == int("".join([str(b) for b in bits[6 * box : 6 * box + 6]]), 2)
