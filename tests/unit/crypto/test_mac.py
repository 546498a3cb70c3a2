"""X9.19 against ISO/IEC 9797-1 and X9.24-1's examples."""

from reader.crypto.mac import x919_into, x919_matches
from reader.errors import E_INTERNAL
from testing import cases, h, raises

_KEY = h("0123456789ABCDEF FEDCBA9876543210")


# ISO/IEC 9797-1:2011, annex B: MAC algorithm 3 with padding method 1, data strings 1 and 2
@cases(
    (b"Now is the time for all ", "A1C72E74EA3FA9B6"),
    (b"Now is the time for it", "2E2B1428CC78254F"),
)
def test_iso_9797_1(data, mac):
    out = bytearray(8)
    x919_into(_KEY, data, out)
    assert out == h(mac)
    assert x919_matches(_KEY, data, h(mac))


# ANSI X9.24-1:2009, A.4.2: key E00001 and E00002 of the example, variant of the request; four bytes are printed
@cases(
    ("042666B49184CFA3 68DE9628D0397BC9", "9CCC7817"),
    ("C46551CEF9FD24B0 AA9AD834130D3BC7", "F608A9BC"),
)
def test_x9_24_request(key, mac):
    key = bytearray(h(key))
    key[6] ^= 0xFF
    key[14] ^= 0xFF
    out = bytearray(8)
    x919_into(key, b"4012345678909D987", out)
    assert out[:4] == h(mac)


def test_zeros_fill_the_last_block():
    short, full = bytearray(8), bytearray(8)
    x919_into(_KEY, b"", short)
    x919_into(_KEY, bytes(8), full)
    assert short == full
    x919_into(_KEY, b"123456789", short)
    x919_into(_KEY, b"123456789" + bytes(7), full)
    assert short == full
    x919_into(_KEY, b"123456789" + bytes(8), full)
    assert short != full


def test_every_byte_counts():
    data = bytearray(range(41))
    mac = bytearray(8)
    x919_into(_KEY, data, mac)
    for i in range(len(data)):
        data[i] ^= 0x01
        assert not x919_matches(_KEY, data, mac)
        data[i] ^= 0x01
    for i in range(64):
        mac[i >> 3] ^= 1 << (i & 7)
        assert not x919_matches(_KEY, data, mac)
        mac[i >> 3] ^= 1 << (i & 7)
    assert x919_matches(_KEY, data, mac)


def test_lengths():
    for n in (0, 4, 7, 9):
        with raises(E_INTERNAL):
            x919_into(_KEY, b"data", bytearray(n))
        assert not x919_matches(_KEY, b"data", bytes(n))
    for n in (0, 8, 15, 24):
        with raises(E_INTERNAL):
            x919_into(bytes(n), b"data", bytearray(8))
