"""What a packet's keys are used for, by the example of ANSI X9.24-1:2009, A.4.2, first row."""

from reader.crypto.des import Des3
from reader.crypto.mac import x919_into
from reader.dukpt.scheme import TDES_DUKPT
from reader.dukpt.tdes import Keys
from reader.errors import E_INTERNAL, E_TAG_FORMAT
from testing import cases, h, raises

_KSN = h("FFFF9876543210E00001")
_DATA = b"4012345678909D987"


def _keys():
    return Keys(_KSN, h("042666B49184CFA368DE9628D0397BC9"))


def test_what_they_say_of_themselves():
    keys = _keys()
    assert (keys.scheme, keys.ksn, keys.pin_format, keys.block) == (TDES_DUKPT, _KSN, 0, 8)


def test_pin_block():
    # A.4.1: PIN 1234 and this account number field give the clear block 041274EDCBA9876F
    account = h("0000401234567890")
    pin = bytearray(b"\x01\x02\x03\x04")
    assert _keys().pin_block(pin, account) == h("1B9C1845EB993A7A")
    assert pin == b"\x01\x02\x03\x04"
    with raises(E_TAG_FORMAT):
        _keys().pin_block(b"\x01\x02\x03", account)


def test_macs():
    # A.4.2 prints their first four bytes
    keys = _keys()
    mac = bytearray(8)
    keys.mac_into(_DATA, mac)
    assert mac[:4] == h("9CCC7817")
    assert not keys.mac_matches(_DATA, mac)
    x919_into(keys.mac_response, _DATA, mac)
    assert mac[:4] == h("20364223")
    assert keys.mac_matches(_DATA, mac)
    mac[7] ^= 1
    assert not keys.mac_matches(_DATA, mac)
    for n in (7, 9):
        with raises(E_INTERNAL):
            keys.mac_into(_DATA, bytearray(n))


# ISO/IEC 9797-1, 6.3.3: one bit 1 and as few zeros as fill the block
@cases((0, 8), (1, 8), (7, 8), (8, 16), (17, 24), (23, 24))
def test_data(n, padded):
    clear = bytearray(b"\xee" * 24)
    clear[:n] = bytes(range(n))
    secret = _keys().encrypt_data(clear, n)
    assert len(secret) == padded
    back = bytearray(padded)
    Des3(_keys().data).cbc_decrypt_into(bytes(8), secret, back)
    assert back == bytes(range(n)) + b"\x80" + bytes(padded - n - 1)
