"""RSA's public operation: published keys, and what is refused."""

from reader.crypto import rsa
from reader.errors import E_INTERNAL
from testing import cases, h, raises, requirement

# openemv/emv-utils, tests/emv_rsa_cda_test.c: a test card's key and its signature
_MODULUS = h(
    "900000000000000000000000001200000000000000000000000000000000480000000000000000000000000000000010"
    "800000000000000000000000019800000000000000000000000000000006600000000000000000000000000000000055"
)
_SIGNATURE = h(
    "7B9F22B297CCEAD536B87C449EEE744C6971AA0EBDD6B611C88E30FFF0A671CC6D6AC45A5555311E30C466863817EA0A"
    "A3D13B54BEA6849976592DFC73DED0BB958D506DF7180FAA7A1FD0540859C0E539035BAB64CE8891353DDD3008A0B446"
)
_CLEAR = h(
    "6A05012608537EB5E03CC433C80055B6408DBC985131A04620C52455EA8F2370647AF36748A2CA4AA9F6BBBBBBBBBBBB"
    "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB4A0162C20A8E535D79978A54AF529CAAA3590488BC"
)


@requirement("Book 2", "B2.1", "Recovery with the exponent 3 gives what was signed.")
def test_exponent_3():
    assert rsa.public(_SIGNATURE, _MODULUS, 3) == _CLEAR
    assert rsa.public(memoryview(_SIGNATURE), memoryview(_MODULUS), 3) == _CLEAR


@requirement("Book 2", "B2.1", "Recovery with the exponent 65537 gives what was signed.")
def test_exponent_65537():
    # By hand: sixteen squarings and one multiplication
    n = int.from_bytes(_MODULUS, "big")
    x = int.from_bytes(_SIGNATURE, "big")
    y = x
    for _ in range(16):
        y = y * y % n
    assert rsa.public(_SIGNATURE, _MODULUS, 65537) == (y * x % n).to_bytes(96, "big")


@requirement("Book 2", "B2.1", "Keys have at most 1,984 bits.")
@cases(64, 128, 144, 176, 248)
def test_sizes(size):
    modulus = b"\xff" * size
    one = bytes(size - 1) + b"\x01"
    two = bytes(size - 1) + b"\x02"
    assert rsa.public(one, modulus, 3) == one
    assert rsa.public(two, modulus, 3) == bytes(size - 1) + b"\x08"
    # minus one
    most = modulus[:-1] + b"\xfe"
    assert rsa.public(most, modulus, 3) == most
    assert rsa.public(most, modulus, 65537) == most


@cases(63, 249, 256)
def test_no_such_size(size):
    assert not rsa.is_key(b"\xff" * size, 3)
    with raises(E_INTERNAL):
        rsa.public(bytes(size), b"\xff" * size, 3)


@requirement("Book 2", "B2.1", "Exponents other than 3 and 65537 are refused.")
@cases(0, 1, 2, 4, 5, 17, 257, 65535, 65536, 65539, -3)
def test_no_such_exponent(exponent):
    assert not rsa.is_key(_MODULUS, exponent)
    with raises(E_INTERNAL):
        rsa.public(_SIGNATURE, _MODULUS, exponent)


@cases((0, 0x10), (95, 0x54))
def test_no_such_modulus(at, byte):
    modulus = bytearray(_MODULUS)
    modulus[at] = byte
    assert not rsa.is_key(modulus, 3)
    with raises(E_INTERNAL):
        rsa.public(_SIGNATURE, modulus, 3)


def test_other_lengths_give_nothing():
    assert rsa.public(_SIGNATURE[1:], _MODULUS, 3) == b""
    assert rsa.public(_SIGNATURE + b"\x00", _MODULUS, 3) == b""
    assert rsa.public(b"", _MODULUS, 3) == b""


def test_no_number_below_the_modulus_gives_nothing():
    assert rsa.public(_MODULUS, _MODULUS, 3) == b""
    assert rsa.public(b"\xff" * 96, _MODULUS, 3) == b""
