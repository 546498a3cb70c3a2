"""AES-192 by the standards' answers, and the viper code against FIPS 197 written down plainly."""

from hashlib import sha256

import cryptolib

from reader.crypto import aes192
from reader.crypto.aes import CBC, ECB, cipher
from reader.errors import E_INTERNAL
from testing import cases, h, raises


def _times(a, b):
    """FIPS 197, 4.2: multiplication in GF(2**8)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11B
        b >>= 1
    return product


def _sbox():
    """FIPS 197, 5.1.1: the inverse (by a generator of the field), and the affine transformation."""
    powers = [1]
    for _ in range(254):
        powers.append(_times(powers[-1], 3))
    table = []
    for value in range(256):
        inverse = powers[(255 - powers.index(value)) % 255] if value else 0
        turned = inverse
        for n in (1, 2, 3, 4):
            turned ^= (inverse << n | inverse >> (8 - n)) & 0xFF
        table.append(turned ^ 0x63)
    return table


_SBOX = _sbox()


def _twin(key, block) -> bytes:
    """FIPS 197, 5.1 and 5.2, with words as lists of four bytes."""
    words = [list(key[i : i + 4]) for i in range(0, 24, 4)]
    constant = 1
    for i in range(6, 52):
        word = list(words[i - 1])
        if i % 6 == 0:
            word = [_SBOX[byte] for byte in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _times(constant, 2)
        words.append([a ^ b for a, b in zip(words[i - 6], word)])
    state = [list(block[i : i + 4]) for i in range(0, 16, 4)]
    for n in range(13):
        if n:
            state = [[_SBOX[state[(column + row) % 4][row]] for row in range(4)] for column in range(4)]
        if 0 < n < 12:
            state = [
                [_times(c[r], 2) ^ _times(c[(r + 1) % 4], 3) ^ c[(r + 2) % 4] ^ c[(r + 3) % 4] for r in range(4)]
                for c in state
            ]
        state = [[a ^ b for a, b in zip(state[column], words[4 * n + column])] for column in range(4)]
    return bytes([byte for column in state for byte in column])


def test_table():
    assert list(aes192._SBOX) == _SBOX


def test_fips_197():
    # FIPS 197, C.2
    key = bytes(range(24))
    clear = h("00112233445566778899AABBCCDDEEFF")
    secret = h("DDA97CA4864CDFE06EAF70A0EC0D7191")
    assert cipher(key, ECB).encrypt(clear) == secret
    assert cipher(key, ECB).decrypt(secret) == clear
    assert _twin(key, clear) == secret


# SP 800-38A, F.1.3 and F.2.3
_KEY = h("8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B")
_CLEAR = h(
    "6BC1BEE22E409F96E93D7E117393172A AE2D8A571E03AC9C9EB76FAC45AF8E51"
    "30C81C46A35CE411E5FBC1191A0A52EF F69F2445DF4F9B17AD2B417BE66C3710"
)
_IV = bytes(range(16))


@cases(
    (
        ECB,
        None,
        "BD334F1D6E45F25FF712A214571FA5CC 974104846D0AD3AD7734ECB3ECEE4EEF"
        "EF7AFD2270E2E60ADCE0BA2FACE6444E 9A4B41BA738D6C72FB16691603C18E0E",
    ),
    (
        CBC,
        _IV,
        "4F021DB243BC633D7178183A9FA071E8 B4D9ADA9AD7DEDF4E5E738763F69145A"
        "571B242012FB7AE07FA9BAAC3DF102E0 08B0E27988598881D920A9E64F5615CD",
    ),
)
def test_modes(mode, iv, secret):
    assert cipher(_KEY, mode, iv).encrypt(_CLEAR) == h(secret)
    assert cipher(_KEY, mode, iv).decrypt(h(secret)) == _CLEAR
    # In pieces, each going on where the last one ended, in place
    coming = cipher(_KEY, mode, iv)
    going = cipher(_KEY, mode, iv)
    there = bytearray(h(secret))
    back = bytearray(_CLEAR)
    for start, end in ((0, 16), (16, 48), (48, 64)):
        coming.encrypt(memoryview(back)[start:end], memoryview(back)[start:end])
        going.decrypt(memoryview(there)[start:end], memoryview(there)[start:end])
    assert back == h(secret) and there == _CLEAR


def test_like_the_twin():
    for n in range(24):
        noise = sha256(bytes((n,))).digest()
        key, block = noise[8:], sha256(noise).digest()[:16]
        secret = cipher(key, ECB).encrypt(block)
        assert secret == _twin(key, block)
        assert cipher(key, ECB).decrypt(secret) == block


def test_other_lengths_are_cryptolibs():
    for n in (16, 32):
        key = bytes(range(n))
        assert cipher(key, ECB).encrypt(_CLEAR) == cryptolib.aes(key, 1).encrypt(_CLEAR)
        assert cipher(key, CBC, _IV).encrypt(_CLEAR) == cryptolib.aes(key, 2, _IV).encrypt(_CLEAR)
    for n in (0, 15, 20, 33):
        try:
            cipher(bytes(n), ECB)
        except ValueError:
            continue
        raise AssertionError(n)


def test_lengths():
    for n in (1, 15, 17):
        with raises(E_INTERNAL):
            cipher(_KEY, ECB).encrypt(bytes(n))
        with raises(E_INTERNAL):
            cipher(_KEY, ECB).decrypt(bytes(32), bytearray(n))
    with raises(E_INTERNAL):
        cipher(_KEY, CBC, bytes(15))
    with raises(E_INTERNAL):
        aes192.Aes192(bytes(16), ECB)


def test_wipe():
    state = cipher(_KEY, CBC, _IV)
    state.encrypt(bytearray(_CLEAR))
    assert any(state._schedule) and any(state._chain)
    state.wipe()
    assert not any(state._schedule) and not any(state._chain) and not any(state._room)
