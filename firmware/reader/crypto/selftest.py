"""Known answers of every primitive, for start-up and once a day (PCI PTS POI, self-test).

One that is missing, fails or answers otherwise puts the reader out of service: there is no second best.
"""

from micropython import const

from reader.errors import E_SELFTEST, ReaderError

# detail of E_SELFTEST
DES = const(1)
TDES = const(2)
X919 = const(3)
AES = const(4)
SHA1 = const(5)
SHA256 = const(6)

_KEY = b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10"


def run() -> None:
    """Returns when all are right. Raises E_SELFTEST, detail: number of the first that is not."""
    for number, test in ((DES, _des), (TDES, _tdes), (X919, _x919), (AES, _aes), (SHA1, _sha1), (SHA256, _sha256)):
        try:
            right = test()
        except (ImportError, AttributeError, ValueError):  # not in this build of MicroPython
            right = False
        if not right:
            raise ReaderError(E_SELFTEST, number)


def _des() -> bool:
    # FIPS 81, table B1: the first block of "Now is the time for all " and back
    from reader.crypto.des import Des

    cipher = Des(_KEY[:8])
    block = bytearray(b"Now is t")
    cipher.encrypt_into(block, block)
    right = block == b"\x3f\xa4\x0e\x8a\x98\x4d\x48\x15"
    cipher.decrypt_into(block, block)
    cipher.wipe()
    return right and block == b"Now is t"


def _tdes() -> bool:
    # ANSI X9.24-1:2009, A.4.1: left half of the example's initial key, which is the key serial number's first
    # eight bytes (counter cleared) under the example's base derivation key
    from reader.crypto.des import Des3

    cipher = Des3(_KEY)
    block = bytearray(b"\xff\xff\x98\x76\x54\x32\x10\xe0")
    cipher.encrypt_into(block, block)
    right = block == b"\x6a\xc2\x92\xfa\xa1\x31\x5b\x4d"
    cipher.decrypt_into(block, block)
    cipher.wipe()
    return right and block == b"\xff\xff\x98\x76\x54\x32\x10\xe0"


def _x919() -> bool:
    # ISO/IEC 9797-1:2011, B.4, MAC algorithm 3 with padding method 1
    from reader.crypto.mac import x919_into

    out = bytearray(8)
    x919_into(_KEY, b"Now is the time for all ", out)
    return out == b"\xa1\xc7\x2e\x74\xea\x3f\xa9\xb6"


def _aes() -> bool:
    # FIPS 197, C.1 (128-bit key) in both directions; 1: ECB
    from cryptolib import aes

    key = bytes(range(16))
    clear = b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
    cryptogram = b"\x69\xc4\xe0\xd8\x6a\x7b\x04\x30\xd8\xcd\xb7\x80\x70\xb4\xc5\x5a"
    return aes(key, 1).encrypt(clear) == cryptogram and aes(key, 1).decrypt(cryptogram) == clear


def _sha1() -> bool:
    # FIPS 180-2, A.1
    from hashlib import sha1

    return sha1(b"abc").digest() == b"\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d"


def _sha256() -> bool:
    # FIPS 180-2, B.1
    from hashlib import sha256

    return sha256(b"abc").digest() == (
        b"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
        b"\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad"
    )
