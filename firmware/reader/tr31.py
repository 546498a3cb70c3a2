"""Key blocks of ANSI X9.143 (TR-31): the receiving side, versions B (derivation binding under TDES) and D (under AES).

A block is text: a header of 16 characters, optional blocks, then in hexadecimal digits the encrypted key and a MAC.

    version(1) length(4) usage(2) algorithm(1) mode of use(1) key version(2) exportability(1) optional blocks(2) reserved(2)

Nothing of it is believed before the MAC, which covers all of it and the clear key: until then only lengths are looked at.
What may be taken is the caller's table (app/key_load.py). One that cannot be unwrapped is E_KEY_BLOCK; its detail:

    1 its length: not what it says, more than 512 characters, or no whole cipher blocks
    2 its version, or one for another kind of protection key     3 a character that is no digit, or no upper-case one
    4 optional blocks that do not fit, or one twice              5 its MAC
    6 the length of the key in it
"""

from binascii import unhexlify

from micropython import const

from reader.crypto.aes import CBC, cipher
from reader.crypto.cmac import cmac, matches
from reader.crypto.des import Des3
from reader.errors import E_KEY_BLOCK, ReaderError
from reader.util.wipe import wipe

_LENGTH = const(1)
_VERSION = const(2)
_CHARACTER = const(3)
_OPTIONAL = const(4)
_MAC = const(5)
_KEY = const(6)

_MOST = const(512)
_HEADER = const(16)
_B = const(0x42)
_D = const(0x44)
_TDES_BLOCK = const(8)
_AES_BLOCK = const(16)
_T = const(0x54)
_A = const(0x41)
_TDES_CHECK = const(3)
_AES_CHECK = const(5)
# X9.143, 7.3, table of the derivation data: what a derived key is for
_ENCRYPTION = const(0)
_AUTHENTICATION = const(1)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Iterator


def unwrap(protection, block) -> tuple[bytes, bytearray]:
    """The header with its optional blocks, and the key for the caller to wipe.

    `protection`: 16 bytes of a TDES key for version B, 16, 24 or 32 of an AES key for version D. `block`: ASCII.
    Raises E_KEY_BLOCK.
    """
    size = len(block)
    if not _HEADER < size <= _MOST:
        raise ReaderError(E_KEY_BLOCK, _LENGTH)
    text = bytes(block)
    is_aes = text[0] == _D
    unit = _AES_BLOCK if is_aes else _TDES_BLOCK
    if not (is_aes or text[0] == _B) or len(protection) not in ((16, 24, 32) if is_aes else (16,)):
        raise ReaderError(E_KEY_BLOCK, _VERSION)
    if _number(text, 1, 4, 10) != size:
        raise ReaderError(E_KEY_BLOCK, _LENGTH)
    end = _HEADER
    names: list = []
    for name, _, last in optional_blocks(text):
        if name in names:
            raise ReaderError(E_KEY_BLOCK, _OPTIONAL)
        names.append(name)
        end = last
    # X9.143, 6.3.6: what is before the key is whole cipher blocks too; PB fills them up
    if end % unit:
        raise ReaderError(E_KEY_BLOCK, _OPTIONAL)
    if size - end < 4 * unit or (size - end) % (2 * unit):
        raise ReaderError(E_KEY_BLOCK, _LENGTH)
    for c in text[end:]:
        _digit(c, 16)  # a lower-case one would be the same key under another text
    secret = memoryview(unhexlify(text[end:]))
    clear = bytearray(end + len(secret) - unit)
    try:
        _decrypt(protection, is_aes, secret, memoryview(clear)[end:])
        clear[:end] = text[:end]
        if not _is_genuine(protection, is_aes, clear, secret[-unit:]):
            raise ReaderError(E_KEY_BLOCK, _MAC)
        # X9.143, 6.4: its length in bits, the key, random padding
        bits = clear[end] << 8 | clear[end + 1]
        first = end + 2
        if not bits or bits % 8 or first + bits // 8 > len(clear):
            raise ReaderError(E_KEY_BLOCK, _KEY)
        key = bytearray(bits // 8)
        key[:] = memoryview(clear)[first : first + len(key)]
    finally:
        wipe(clear)
    return text[:end], key


def optional_blocks(header: bytes) -> "Iterator[tuple[bytes, int, int]]":
    """Name, begin and end of the value of each optional block; the end is also where the next one begins.

    Raises E_KEY_BLOCK. X9.143, 6.3.6.
    """
    at = _HEADER
    for _ in range(_number(header, 12, 2, 10)):
        start = at + 4
        length = _number(header, at + 2, 2, 16)
        if not length:
            # Longer than 255: the length's own length in bytes, and then it
            digits = 2 * _number(header, start, 2, 16)
            length = _number(header, start + 2, digits, 16)
            start += 2 + digits
        end = at + length
        if not start <= end <= len(header):
            raise ReaderError(E_KEY_BLOCK, _OPTIONAL)
        yield header[at : at + 2], start, end
        at = end


def check_value(algorithm: int, key) -> bytes:
    """X9.143, optional block KC: of a TDES key (T) the first 3 bytes of zeros encrypted, of an AES key (A) the first 5 of the
    CMAC of zeros; of any other none."""
    if algorithm == _T:
        block = bytearray(_TDES_BLOCK)
        des = Des3(key)
        des.encrypt_into(block, block)
        des.wipe()
        return bytes(block[:_TDES_CHECK])
    return bytes(cmac(key, bytes(_AES_BLOCK))[:_AES_CHECK]) if algorithm == _A else b""


def _number(text: bytes, at: int, digits: int, base: int) -> int:
    """`digits` characters, at most 4. Raises E_KEY_BLOCK."""
    if digits > 4 or at + digits > len(text):
        raise ReaderError(E_KEY_BLOCK, _OPTIONAL)
    value = 0
    for c in text[at : at + digits]:
        value = value * base + _digit(c, base)
    return value


def _digit(c: int, base: int) -> int:
    value = c - 48 if c <= 57 else c - 55
    if not 0 <= value < base or 57 < c < 65:
        raise ReaderError(E_KEY_BLOCK, _CHARACTER)
    return value


def _decrypt(protection, is_aes: bool, secret, out) -> None:
    """`secret`: the encrypted key, and the MAC, which is the initial vector."""
    key = _derived(protection, is_aes, _ENCRYPTION)
    n = len(out)
    if is_aes:
        cipher(key, CBC, secret[n:]).decrypt(secret[:n], out)
    else:
        des = Des3(key)
        des.cbc_decrypt_into(secret[n:], secret[:n], out)
        des.wipe()
    wipe(key)


def _is_genuine(protection, is_aes: bool, data, mac) -> bool:
    key = _derived(protection, is_aes, _AUTHENTICATION)
    expected = cmac(key, data) if is_aes else _cmac_tdes(key, data)
    wipe(key)
    return matches(mac, expected)


def _derived(protection, is_aes: bool, purpose: int) -> bytearray:
    """X9.143, 7.3: counter, purpose (2), 00, algorithm (2: two-key TDES 0, AES 2 to 4), length in bits (2), under CMAC."""
    n = len(protection)
    key = bytearray(n)
    unit = _AES_BLOCK if is_aes else _TDES_BLOCK
    for at in range(0, n, unit):
        data = bytes((at // unit + 1, 0, purpose, 0, 0, n // 8 if is_aes else 0, 8 * n >> 8, 8 * n & 0xFF))
        part = cmac(protection, data) if is_aes else _cmac_tdes(protection, data)
        key[at : at + unit] = memoryview(part)[: n - at]
        wipe(part)
    return key


def _cmac_tdes(key, data) -> bytearray:
    """CMAC under TDES (NIST SP 800-38B) of whole blocks, one at least: others do not come here."""
    des = Des3(key)
    mac = bytearray(_TDES_BLOCK)
    subkey = bytearray(_TDES_BLOCK)
    des.encrypt_into(subkey, subkey)
    carry = 0
    for i in range(_TDES_BLOCK - 1, -1, -1):
        carry |= subkey[i] << 1
        subkey[i] = carry & 0xFF
        carry >>= 8
    if carry:
        subkey[_TDES_BLOCK - 1] ^= 0x1B
    view = memoryview(data)
    last = len(view) - _TDES_BLOCK
    for at in range(0, last, _TDES_BLOCK):
        des.cbc_encrypt_into(mac, view[at : at + _TDES_BLOCK], mac)
    for i in range(_TDES_BLOCK):
        subkey[i] ^= view[last + i]
    des.cbc_encrypt_into(mac, subkey, mac)
    des.wipe()
    wipe(subkey)
    return mac
