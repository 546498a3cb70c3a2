"""AES-CMAC by the examples of SP 800-38B (AES-128's are RFC 4493's), and the derivation of keys with it."""

from reader.crypto.cmac import Cmac, cmac, derive_into, matches
from testing import cases, h

_KEY = h("2B7E1516 28AED2A6 ABF71588 09CF4F3C")
_KEY_192 = h("8E73B0F7 DA0E6452 C810F32B 809079E5 62F8EAD2 522C6B7B")
_KEY_256 = h("603DEB10 15CA71BE 2B73AEF0 857D7781 1F352C07 3B6108D7 2D9810A3 0914DFF4")
_MESSAGE = h(
    "6BC1BEE2 2E409F96 E93D7E11 7393172A AE2D8A57 1E03AC9C 9EB76FAC 45AF8E51"
    "30C81C46 A35CE411 E5FBC119 1A0A52EF F69F2445 DF4F9B17 AD2B417B E66C3710"
)


# RFC 4493, 4; SP 800-38B, appendix D
@cases(
    (_KEY, 0, "BB1D6929 E9593728 7FA37D12 9B756746"),
    (_KEY, 16, "070A16B4 6B4D4144 F79BDD9D D04A287C"),
    (_KEY, 40, "DFA66747 DE9AE630 30CA3261 1497C827"),
    (_KEY, 64, "51F0BEBF 7E3B9D92 FC497417 79363CFE"),
    (_KEY_192, 0, "D17DDF46 ADAACDE5 31CAC483 DE7A9367"),
    (_KEY_192, 16, "9E99A7BF 31E71090 0662F65E 617C5184"),
    (_KEY_192, 40, "8A1DE5BE 2EB31AAD 089A82E6 EE908B0E"),
    (_KEY_192, 64, "A1D5DF0E ED790F79 4D775896 59F39A11"),
    (_KEY_256, 0, "028962F6 1B7BF89E FC6B551F 4667D983"),
    (_KEY_256, 16, "28A7023F 452E8F82 BD4BF28D 8C37C35C"),
    (_KEY_256, 40, "AAF3D8F1 DE5640C2 32F5B169 B9C911E6"),
    (_KEY_256, 64, "E1992190 549F6ED5 696A2C05 6C315410"),
)
def test_examples_of_the_standard(key, n, mac):
    assert cmac(key, _MESSAGE[:n]) == h(mac)


def test_in_pieces_of_any_length():
    whole = bytes(range(200))
    for n in (1, 15, 16, 17, 31, 32, 64, 65, 199):
        state = Cmac(_KEY)
        for at in range(0, 200, n):
            state.update(whole[at : at + n])
        assert state.digest() == cmac(_KEY, whole)
    assert cmac(_KEY, whole[:3], b"", whole[3:]) == cmac(_KEY, whole)


def test_what_matches():
    mac = cmac(_KEY, _MESSAGE)
    assert matches(mac, mac) and matches(mac[:8], mac)
    for i in range(8):
        near = bytearray(mac[:8])
        near[i] ^= 0x10
        assert not matches(near, mac)


def test_derived_keys_are_the_cmacs_of_their_blocks():
    # SP 800-108, 5.1, written out
    out = bytearray(40)
    derive_into(_KEY, b"label", b"context", out)
    bits = b"\x01\x40"
    expected = b"".join([bytes(cmac(_KEY, bytes((i,)) + b"label\x00context" + bits)) for i in (1, 2, 3)])
    assert out == expected[:40]
    other = bytearray(40)
    derive_into(_KEY, b"label", b"contexu", other)
    assert other != out


def test_derivation_by_published_answers():
    # NIST CAVP, SP 800-108 counter mode, CMAC-AES128, counter of 8 bits before the fixed data: the first of the file
    fixed = h(
        "C16E6E02C5A3DCC8D78B9AC1306877761310455B4E41469951D9E6C2245A064B"
        "33FD8C3B01203A7824485BF0A64060C4648B707D2607935699316EA5"
    )
    key = h("DFF1E50AC0B69DC40F1051D46C2B069C")
    assert cmac(key, b"\x01", fixed) == h("8BE8F0869B3C0BA97B71863D1B9F7813")
    # With label, context and length as they are here: OpenSSL (cryptography, KBKDFCMAC)
    out = bytearray(40)
    derive_into(_KEY, b"mPOS session", b"context", out)
    assert out == h("80D16B883B56CAA176F4191D7D9ECDCE7091E81063DA543F5F13CACA21B3B9E3AA52F883EF3113EF")
