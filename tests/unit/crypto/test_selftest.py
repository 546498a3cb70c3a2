"""The self-test passes, and each primitive made wrong is found and named."""

import hashlib

import cryptolib

from reader.crypto import des, mac, rsa, selftest
from reader.errors import E_SELFTEST
from testing import cases, raises


def _run_with(holder, name, substitute, number):
    """The self-test with `name` of `holder` exchanged must fail as `number`."""
    genuine = getattr(holder, name)
    setattr(holder, name, substitute)
    try:
        with raises(E_SELFTEST, number):
            selftest.run()
    finally:
        setattr(holder, name, genuine)
    selftest.run()


def test_all_right():
    selftest.run()


def test_des_table_damaged():
    # Every word of the table is used by the known answer or by the triple one
    with_des = 0
    for word in range(119):
        des._table[4 * word + 1] ^= 0xFF
        try:
            selftest.run()
        except selftest.ReaderError as error:
            assert error.code == E_SELFTEST
            with_des += error.detail == selftest.DES
        des._table[4 * word + 1] ^= 0xFF
    assert with_des > 100
    selftest.run()


class _WrongDirection(des.Des3):
    def decrypt_into(self, src, dst):
        self.encrypt_into(src, dst)


def test_triple():
    _run_with(des, "Des3", _WrongDirection, selftest.TDES)


def _no_mac(key, data, out):
    pass


def test_mac():
    _run_with(mac, "x919_into", _no_mac, selftest.X919)


_genuine = rsa.public


def _one_bit_wrong(data, modulus, exponent):
    clear = bytearray(_genuine(data, modulus, exponent))
    clear[40] ^= 1
    return bytes(clear)


def _nothing(data, modulus, exponent):
    return b""


@cases(_one_bit_wrong, _nothing)
def test_rsa(substitute):
    _run_with(rsa, "public", substitute, selftest.RSA)


class _Wrong:
    def __init__(self, *args):
        pass

    def digest(self):
        return bytes(32)

    def encrypt(self, data):
        return bytes(len(data))


class _Module:
    """A build's module with one name changed, or gone."""

    def __init__(self, genuine, name, substitute):
        for n in dir(genuine):
            if n != name and not n.startswith("__"):
                setattr(self, n, getattr(genuine, n))
        if substitute:
            setattr(self, name, substitute)


@cases(
    ("cryptolib", cryptolib, "aes", selftest.AES),
    ("hashlib", hashlib, "sha1", selftest.SHA1),
    ("hashlib", hashlib, "sha256", selftest.SHA256),
)
def test_built_in(module, genuine, name, number):
    import sys

    for substitute in (_Wrong, None):
        sys.modules[module] = _Module(genuine, name, substitute)
        try:
            with raises(E_SELFTEST, number):
                selftest.run()
        finally:
            del sys.modules[module]
    selftest.run()
