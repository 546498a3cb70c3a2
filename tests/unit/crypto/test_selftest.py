"""The self-test passes, and each primitive made wrong is found and named."""

import hashlib
import sys

import cryptolib

from reader.crypto import cmac, des, mac, rsa, selftest
from reader.crypto.aes import ECB, cipher
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


def _one_byte_wrong(key, *parts):
    mac = cmac.Cmac(key)
    for part in parts:
        mac.update(part)
    wrong = mac.digest()
    wrong[15] ^= 0x80
    return wrong


def test_cmac():
    # The derivation is made of it, and CMAC is the first of the two
    _run_with(cmac, "cmac", _one_byte_wrong, selftest.CMAC)


def _derive_nothing(key, label, context, out):
    pass


def test_derivation():
    _run_with(cmac, "derive_into", _derive_nothing, selftest.DERIVATION)


def test_aes_256():
    class _Aes:
        """Right for 16 bytes of key, and for no others."""

        def __init__(self, key, *rest):
            self._is_wrong = len(key) == 32
            self._cipher = cryptolib.aes(key, *rest)

        def encrypt(self, *buffers):
            out = self._cipher.encrypt(*buffers)
            return bytes(16) if self._is_wrong else out

        def decrypt(self, *buffers):
            return self._cipher.decrypt(*buffers)

    sys.modules["cryptolib"] = _Module(cryptolib, "aes", _Aes)
    try:
        with raises(E_SELFTEST, selftest.AES_256):
            selftest.run()
    finally:
        del sys.modules["cryptolib"]
    selftest.run()


def test_aes_192_where_it_is_loaded():
    from reader.crypto import aes192

    table = bytearray(aes192._SBOX)
    genuine = aes192._SBOX
    selftest.run()
    table[0x63] ^= 1
    aes192._SBOX = table
    try:
        with raises(E_SELFTEST, selftest.AES_192):
            selftest.run()
        # And nobody gets it: it is tested by its first user too
        with raises(E_SELFTEST, selftest.AES_192):
            cipher(bytes(24), ECB)
    finally:
        aes192._SBOX = genuine
    assert not aes192.is_tested
    cipher(bytes(24), ECB)
    assert aes192.is_tested
    selftest.run()


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
    for substitute in (_Wrong, None):
        sys.modules[module] = _Module(genuine, name, substitute)
        try:
            with raises(E_SELFTEST, number):
                selftest.run()
        finally:
            del sys.modules[module]
    selftest.run()
