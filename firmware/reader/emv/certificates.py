"""Public keys out of certificates: EMV 4.4 Book 2, 5.2, 5.3, 6.2 to 6.4 (issuer, ICC), 6.5 and 6.6 (what the
card signed); 7.1, 7.2 (PIN encipherment).

The checks are done in the standard's order. Whichever fails, there is no key: that ends no transaction, it is what the
terminal verification results are for. A data object that is missing is told there at once (byte 1, bit 6), as Book 3,
7.5, wants it.
"""

from hashlib import sha1

from micropython import const

from ..crypto import rsa
from ..util import bcd

_TAG_5A_PAN = const(0x5A)
_TAG_82_APPLICATION_INTERCHANGE_PROFILE = const(0x82)
_TAG_8F_CA_PUBLIC_KEY_INDEX_ICC = const(0x8F)
_TAG_90_ISSUER_PUBLIC_KEY_CERTIFICATE = const(0x90)
_TAG_92_ISSUER_PUBLIC_KEY_REMAINDER = const(0x92)
_TAG_9F2D_ICC_PIN_ENCIPHERMENT_PUBLIC_KEY_CERTIFICATE = const(0x9F2D)
_TAG_9F2E_ICC_PIN_ENCIPHERMENT_PUBLIC_KEY_EXPONENT = const(0x9F2E)
_TAG_9F2F_ICC_PIN_ENCIPHERMENT_PUBLIC_KEY_REMAINDER = const(0x9F2F)
_TAG_9F32_ISSUER_PUBLIC_KEY_EXPONENT = const(0x9F32)
_TAG_9F46_ICC_PUBLIC_KEY_CERTIFICATE = const(0x9F46)
_TAG_9F47_ICC_PUBLIC_KEY_EXPONENT = const(0x9F47)
_TAG_9F48_ICC_PUBLIC_KEY_REMAINDER = const(0x9F48)
_TAG_9F4A_STATIC_DATA_AUTHENTICATION_TAG_LIST = const(0x9F4A)

_AIP1_SDA = const(0x40)
_AIP1_DDA = const(0x20)
_AIP1_CDA = const(0x01)
_TVR1_ICC_DATA_MISSING = const(0x20)

_HEADER = const(0x6A)
_TRAILER = const(0xBC)
_FORMAT_ISSUER = const(0x02)
_FORMAT_ICC = const(0x04)
_FORMAT_DYNAMIC = const(0x05)  # Book 2, table 17
_DYNAMIC_FIXED = const(25)  # bytes of that one besides the ICC dynamic data and the padding
DYNAMIC_AT = const(4)
_NUMBER_LEAST = const(2)
_NUMBER_MOST = const(8)
_SHA_1 = const(0x01)  # Book 2, B3.1
_RSA = const(0x01)  # Book 2, B2.4

# Bytes before and after the part of the key: Book 2, tables 6 and 14
_HASH_AND_TRAILER = const(21)
_ISSUER_KEY_AT = const(15)
_ICC_KEY_AT = const(21)

# Fields, counted back from the key in both of them
_EXPIRY = const(9)
_SERIAL = const(7)
_HASH_ALGORITHM = const(4)
_KEY_ALGORITHM = const(3)
_KEY_LENGTH = const(2)
_EXPONENT_LENGTH = const(1)

_RID = const(5)
_CENTURY = const(50)  # Book 4, 6.7.3: years from 50 on are of the 20th century
_ISSUER_DIGITS_LEAST = const(3)

# Book 2, 7.2, table 25: header, PIN block, the card's number, then random bytes
_PIN_HEADER = const(0x7F)
_PIN_BLOCK = const(8)
_PIN_RANDOM_AT = const(17)


class Key:
    """A public key: `modulus` (bytes), `exponent`."""

    def __init__(self, modulus: bytes, exponent: int):
        self.modulus = modulus
        self.exponent = exponent


def recover(signature, key, form: int):
    """What is inside `signature`: header, format `form`, ..., hash, trailer; or None.

    Book 2, 5.3, 5.4, 6.4, 6.5.2 and 6.6.2, steps 1 to 4 of each: the length is the key's, the trailer is BC, the header
    6A, the format `form`. `key` has modulus and exponent.
    """
    data = rsa.public(signature, key.modulus, key.exponent)
    if not data or data[-1] != _TRAILER or data[0] != _HEADER or data[1] != form:
        return None
    return memoryview(data)


def holds(recovered, *parts) -> bool:
    """Whether the hash of `recovered` is that of itself, from the format to where the hash begins, and of `parts`.

    Book 2, 5.3 and so on, steps 5 to 7. The hash algorithm is for the caller to look at.
    """
    end = len(recovered) - _HASH_AND_TRAILER
    digest = sha1(recovered[1:end])
    for part in parts:
        digest.update(part)
    return digest.digest() == recovered[end : end + 20]


def recover_dynamic(signature, key):
    """Signed dynamic application data whose lengths fit, or None. Book 2, 6.5.2 and 6.6.2, steps 1 to 5.

    Byte 5 (DYNAMIC_AT) is the length of the ICC dynamic number, which follows.
    """
    recovered = recover(signature, key, _FORMAT_DYNAMIC)
    if recovered is None or recovered[2] != _SHA_1 or recovered[3] > len(recovered) - _DYNAMIC_FIXED:
        return None
    number = recovered[DYNAMIC_AT]
    if not _NUMBER_LEAST <= number <= _NUMBER_MOST or number >= recovered[3]:
        return None
    return recovered


def issuer_key(s) -> "Key | None":
    """The issuer's public key of the session, certified by the certification authority. Book 2, 5.2, 5.3, 6.2, 6.3."""
    get = s.data.get
    index = get(_TAG_8F_CA_PUBLIC_KEY_INDEX_ICC)
    certificate = get(_TAG_90_ISSUER_PUBLIC_KEY_CERTIFICATE)
    exponent = get(_TAG_9F32_ISSUER_PUBLIC_KEY_EXPONENT)
    if index is None or certificate is None or exponent is None:
        _missing(s, _AIP1_SDA | _AIP1_DDA | _AIP1_CDA)
        return None
    rid = s.application.aid[:_RID]
    authority = s.tables.capk(rid, index[0])
    year, month, day = s.tx.time[:3]
    # Book 2, 11.2: a key past its date is withdrawn, wherever it may still be stored
    if authority is None or 0 < authority.expiry < year * 10000 + month * 100 + day:
        return None
    recovered = recover(certificate, authority, _FORMAT_ISSUER)
    if recovered is None:
        return None
    remainder = get(_TAG_92_ISSUER_PUBLIC_KEY_REMAINDER)
    if remainder is None and _is_cut(recovered, _ISSUER_KEY_AT):
        _missing(s, _AIP1_SDA | _AIP1_DDA | _AIP1_CDA)
        return None
    if recovered[_ISSUER_KEY_AT - _HASH_ALGORITHM] != _SHA_1 or not holds(recovered, remainder or b"", exponent):
        return None
    # 5.3, step 8
    if not _is_issuer_of(recovered[2:6], get(_TAG_5A_PAN)):
        return None
    # 5.3, step 9
    if _is_past(recovered[6:8], year, month):
        return None
    # 5.3, step 10
    if s.tables.is_revoked(rid, index[0], recovered[8:11]):
        return None
    return _key(recovered, _ISSUER_KEY_AT, remainder, exponent)


def icc_key(s, issuer: Key) -> "Key | None":
    """The card's public key, certified by the issuer together with the static data. Book 2, 6.4."""
    get = s.data.get
    return _card_key(
        s,
        issuer,
        get(_TAG_9F46_ICC_PUBLIC_KEY_CERTIFICATE),
        get(_TAG_9F47_ICC_PUBLIC_KEY_EXPONENT),
        get(_TAG_9F48_ICC_PUBLIC_KEY_REMAINDER),
        _AIP1_DDA | _AIP1_CDA,
        s.static_data,
        static_data_tail(s),
    )


def pin_key(s, issuer: Key) -> "Key | None":
    """The card's own key for PINs (9F2D), certified without the static data. Book 2, 7.1."""
    get = s.data.get
    return _card_key(
        s,
        issuer,
        get(_TAG_9F2D_ICC_PIN_ENCIPHERMENT_PUBLIC_KEY_CERTIFICATE),
        get(_TAG_9F2E_ICC_PIN_ENCIPHERMENT_PUBLIC_KEY_EXPONENT),
        get(_TAG_9F2F_ICC_PIN_ENCIPHERMENT_PUBLIC_KEY_REMAINDER),
        0,
    )


def pin_encipherment_key(s) -> "Key | None":
    """The key to encipher a PIN with: the card's own one for PINs, else its general one. Book 2, 7.1.

    Keys that the session recovered before are used again; others are recovered now. None: PIN encipherment has failed.
    """
    if s.issuer_key is None:
        s.issuer_key = issuer_key(s)
    if s.issuer_key is None:
        return None
    get = s.data.get
    if (
        get(_TAG_9F2D_ICC_PIN_ENCIPHERMENT_PUBLIC_KEY_CERTIFICATE) is not None
        and get(_TAG_9F2E_ICC_PIN_ENCIPHERMENT_PUBLIC_KEY_EXPONENT) is not None
    ):
        # 7.1, point 1: with this certificate there is no second choice
        return pin_key(s, s.issuer_key)
    # 7.1, point 2
    if s.icc_key is None and static_data_good(s):
        s.icc_key = icc_key(s, s.issuer_key)
    return s.icc_key


def encipher_pin(key: Key, pin_block, challenge, entropy) -> bytes:
    """The data of VERIFY: the 8-byte PIN block and the card's 8-byte challenge under `key`. Book 2, 7.2.

    The clear form is overwritten before this returns, but for the number that was made of it, which no code can reach
    any more. Raises what `entropy` raises.
    """
    clear = bytearray(len(key.modulus))
    view = memoryview(clear)
    entropy.fill(view[_PIN_RANDOM_AT:])
    clear[0] = _PIN_HEADER  # less than any modulus begins with
    view[1 : 1 + _PIN_BLOCK] = pin_block
    view[1 + _PIN_BLOCK : _PIN_RANDOM_AT] = challenge
    enciphered = rsa.public(clear, key.modulus, key.exponent)
    for i in range(len(clear)):
        clear[i] = 0
    return enciphered


def static_data_good(s) -> bool:
    """Whether the static data can be authenticated: every record was a template 70, and the list 9F4A names nothing
    but the application interchange profile. Book 3, 10.3.
    """
    tags = s.data.get(_TAG_9F4A_STATIC_DATA_AUTHENTICATION_TAG_LIST)
    return not s.static_data_bad and (tags is None or bytes(tags) == b"\x82")


def static_data_tail(s):
    """What follows the records in the static data: the value of 82 when the list 9F4A names it. Book 3, 10.3."""
    if s.data.get(_TAG_9F4A_STATIC_DATA_AUTHENTICATION_TAG_LIST) is None:
        return b""
    return s.data.get(_TAG_82_APPLICATION_INTERCHANGE_PROFILE) or b""


def _card_key(s, issuer, certificate, exponent, remainder, needed_for: int, *static_data) -> "Key | None":
    """`needed_for`: bits of the AIP that make the key one that the card must have."""
    if certificate is None or exponent is None:
        _missing(s, needed_for)
        return None
    recovered = recover(certificate, issuer, _FORMAT_ICC)
    if recovered is None:
        return None
    if remainder is None and _is_cut(recovered, _ICC_KEY_AT):
        _missing(s, needed_for)
        return None
    # 6.4, step 5: the static data belong to the ICC key only (7.1: not to the one for PINs)
    if recovered[_ICC_KEY_AT - _HASH_ALGORITHM] != _SHA_1 or not holds(
        recovered, remainder or b"", exponent, *static_data
    ):
        return None
    # 6.4, step 8: the PAN, padded with F to ten bytes
    pan = s.data.get(_TAG_5A_PAN)
    if pan is None or bytes(pan) + b"\xff" * (10 - len(pan)) != recovered[2:12]:
        return None
    # 6.4, step 9
    year, month = s.tx.time[:2]
    if _is_past(recovered[12:14], year, month):
        return None
    return _key(recovered, _ICC_KEY_AT, remainder, exponent)


def _missing(s, methods: int) -> None:
    # Book 3, 7.5: what is missing is needed if the card says that it does one of these methods
    profile = s.data.get(_TAG_82_APPLICATION_INTERCHANGE_PROFILE)
    if profile is not None and profile[0] & methods:
        s.set_tvr(1, _TVR1_ICC_DATA_MISSING)


def _room(recovered, at: int) -> int:
    """Bytes of the certificate for the key, which begins at `at`."""
    return len(recovered) - at - _HASH_AND_TRAILER


def _is_cut(recovered, at: int) -> bool:
    """Whether the key is longer than the certificate has room for, so that there is a remainder."""
    return recovered[at - _KEY_LENGTH] > _room(recovered, at)


def _is_issuer_of(identifier, pan) -> bool:
    """Whether 3 to 8 digits, padded with F, are the first ones of the PAN."""
    digits = bcd.digit_count(identifier)
    if digits < _ISSUER_DIGITS_LEAST or pan is None or 2 * len(pan) < digits:
        return False
    same = True
    for i in range(digits):
        same = same and bcd.nibble(identifier, i) == bcd.nibble(pan, i)
    return same


def _is_past(expiry, year: int, month: int) -> bool:
    """Whether MMYY (n 4) ended before the given month; also when it is no month."""
    if not bcd.is_numeric(expiry):
        return True
    expiry_month = bcd.to_int(expiry[:1])
    expiry_year = bcd.to_int(expiry[1:])
    expiry_year += 1900 if expiry_year >= _CENTURY else 2000
    return not 1 <= expiry_month <= 12 or expiry_year * 12 + expiry_month < year * 12 + month


def _key(recovered, at: int, remainder, exponent) -> "Key | None":
    """The key at `at`, completed by the remainder: the last steps of 5.3 and 6.4 (algorithm, lengths, key)."""
    if recovered[at - _KEY_ALGORITHM] != _RSA:
        return None
    size = recovered[at - _KEY_LENGTH]
    room = _room(recovered, at)
    rest = len(remainder) if remainder else 0
    if rest != max(size - room, 0):
        return None
    if len(exponent) != recovered[at - _EXPONENT_LENGTH]:
        return None
    # Joined in the heap once: the certificate's part, then the card's
    modulus = bytes(recovered[at : at + min(size, room)])
    if rest:
        modulus += remainder
    value = int.from_bytes(exponent, "big")
    if not rsa.is_key(modulus, value):
        return None
    return Key(modulus, value)
