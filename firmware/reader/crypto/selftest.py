"""Known answers of every primitive, for start-up and once a day (PCI PTS POI, self-test).

One that is missing, fails or answers otherwise puts the reader out of service: there is no second best.
"""

import sys

from micropython import const

from reader.errors import E_SELFTEST, ReaderError

# detail of E_SELFTEST
DES = const(1)
TDES = const(2)
X919 = const(3)
AES = const(4)
SHA1 = const(5)
SHA256 = const(6)
RSA = const(7)
CMAC = const(8)
DERIVATION = const(9)
AES_256 = const(10)
AES_192 = const(11)

_AES_KEY = b"\x2b\x7e\x15\x16\x28\xae\xd2\xa6\xab\xf7\x15\x88\x09\xcf\x4f\x3c"
_KEY = b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10"


def run() -> None:
    """Returns when all are right. Raises E_SELFTEST, detail: number of the first that is not."""
    for number, test in (
        (DES, _des),
        (TDES, _tdes),
        (X919, _x919),
        (AES, _aes),
        (SHA1, _sha1),
        (SHA256, _sha256),
        (RSA, _rsa),
        (CMAC, _cmac),
        (DERIVATION, _derivation),
        (AES_256, _aes_256),
        (AES_192, _aes_192),
    ):
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


def _aes_256() -> bool:
    # FIPS 197, C.3
    from cryptolib import aes

    key = bytes(range(32))
    clear = b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
    cryptogram = b"\x8e\xa2\xb7\xca\x51\x67\x45\xbf\xea\xfc\x49\x90\x4b\x49\x60\x89"
    return aes(key, 1).encrypt(clear) == cryptogram and aes(key, 1).decrypt(cryptogram) == clear


def _aes_192() -> bool:
    # Where it is not loaded its first user tests it (crypto/aes.py)
    module = sys.modules.get("reader.crypto.aes192")
    return module is None or module.is_right()


def _cmac() -> bool:
    # RFC 4493, 4, example 3
    from reader.crypto.cmac import cmac

    message = (
        b"\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73\x93\x17\x2a\xae\x2d\x8a\x57\x1e\x03\xac\x9c"
        b"\x9e\xb7\x6f\xac\x45\xaf\x8e\x51\x30\xc8\x1c\x46\xa3\x5c\xe4\x11"
    )
    return cmac(_AES_KEY, message) == b"\xdf\xa6\x67\x47\xde\x9a\xe6\x30\x30\xca\x32\x61\x14\x97\xc8\x27"


def _derivation() -> bool:
    # No example is published for this form of SP 800-108, 5.1: the answer is OpenSSL's
    from reader.crypto.cmac import derive_into

    out = bytearray(40)
    derive_into(_AES_KEY, b"mPOS session", b"context", out)
    return out == (
        b"\x80\xd1\x6b\x88\x3b\x56\xca\xa1\x76\xf4\x19\x1d\x7d\x9e\xcd\xce\x70\x91\xe8\x10"
        b"\x63\xda\x54\x3f\x5f\x13\xca\xca\x21\xb3\xb9\xe3\xaa\x52\xf8\x83\xef\x31\x13\xef"
    )


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


def _rsa() -> bool:
    # openemv/emv-utils, tests/emv_rsa_cda_test.c: a test card's signature under its 768-bit key, exponent 3. What is
    # recovered ends in the SHA-1 of itself and the reader's number 8B55633B (EMV 4.4 Book 2, table 17).
    from hashlib import sha1

    from reader.crypto.rsa import public

    modulus = (
        b"\x90\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x12\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x48\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10"
        b"\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x98\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x06\x60\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x55"
    )
    signature = (
        b"\x7b\x9f\x22\xb2\x97\xcc\xea\xd5\x36\xb8\x7c\x44\x9e\xee\x74\x4c\x69\x71\xaa\x0e\xbd\xd6\xb6\x11"
        b"\xc8\x8e\x30\xff\xf0\xa6\x71\xcc\x6d\x6a\xc4\x5a\x55\x55\x31\x1e\x30\xc4\x66\x86\x38\x17\xea\x0a"
        b"\xa3\xd1\x3b\x54\xbe\xa6\x84\x99\x76\x59\x2d\xfc\x73\xde\xd0\xbb\x95\x8d\x50\x6d\xf7\x18\x0f\xaa"
        b"\x7a\x1f\xd0\x54\x08\x59\xc0\xe5\x39\x03\x5b\xab\x64\xce\x88\x91\x35\x3d\xdd\x30\x08\xa0\xb4\x46"
    )
    clear = public(signature, modulus, 3)
    return (
        clear[:5] == b"\x6a\x05\x01\x26\x08"
        and clear[75:95] == sha1(clear[1:75] + b"\x8b\x55\x63\x3b").digest()
        and clear[95:] == b"\xbc"
    )
