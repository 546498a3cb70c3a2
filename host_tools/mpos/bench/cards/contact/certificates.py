"""What issuer and card sign for offline data authentication. EMV 4.4 Book 2, chapters 5 to 7.

Each function returns what the card stores or answers; keys are `mpos.bench.rsa.RsaKey`.
"""

from __future__ import annotations

from hashlib import sha1

from mpos.bench.rsa import RsaKey

_HEADER, _TRAILER = b"\x6a", b"\xbc"
_SSAD, _ISSUER, _ICC, _SDAD = b"\x03", b"\x02", b"\x04", b"\x05"
_SHA1 = _RSA = b"\x01"
_PADDING = b"\xbb"
# Bytes of a certificate that are not the key: tables 1 and 2 (issuer), 6 and 7 (card)
_ISSUER_OVERHEAD, _ICC_OVERHEAD = 36, 42
_SSAD_OVERHEAD, _SDAD_OVERHEAD = 26, 25


def issuer_certificate(ca: RsaKey, issuer: RsaKey, identifier: str, expiry: str, serial: bytes) -> tuple[bytes, bytes]:
    """Tags 90 and 92. identifier: the first digits of the account numbers, 3 to 8; expiry: MMYY. Table 1."""
    head = _ISSUER + bytes.fromhex(identifier.ljust(8, "F")) + bytes.fromhex(expiry) + serial + _SHA1 + _RSA
    return _certificate(ca, issuer, head, _ISSUER_OVERHEAD, b"")


def icc_certificate(
    issuer: RsaKey, icc: RsaKey, pan: str, expiry: str, serial: bytes, static: bytes
) -> tuple[bytes, bytes]:
    """Tags 9F46 and 9F48, over the static data to be authenticated; for a PIN key 9F2D and 9F2F, over none. Table 6."""
    head = _ICC + bytes.fromhex(pan.ljust(20, "F")) + bytes.fromhex(expiry) + serial + _SHA1 + _RSA
    return _certificate(issuer, icc, head, _ICC_OVERHEAD, static)


def _certificate(signer: RsaKey, key: RsaKey, head: bytes, overhead: int, static: bytes) -> tuple[bytes, bytes]:
    room = signer.size - overhead
    modulus, exponent = key.modulus_bytes(), key.exponent_bytes()
    head += bytes([len(modulus), len(exponent)])
    shown, remainder = modulus[:room].ljust(room, _PADDING), modulus[room:]
    digest = sha1(head + shown + remainder + exponent + static).digest()
    return signer.sign(_HEADER + head + shown + digest + _TRAILER), remainder


def signed_static_data(issuer: RsaKey, code: bytes, static: bytes) -> bytes:
    """Tag 93. code: data authentication code, 2 bytes. Table 3."""
    body = _SSAD + _SHA1 + code + _PADDING * (issuer.size - _SSAD_OVERHEAD)
    return issuer.sign(_HEADER + body + sha1(body + static).digest() + _TRAILER)


def signed_dynamic_data(icc: RsaKey, dynamic: bytes, terminal: bytes) -> bytes:
    """Tag 9F4B. dynamic: ICC dynamic data; terminal: the values of the DDOL, for CDA the unpredictable number.

    Tables 14 and 17.
    """
    body = _SDAD + _SHA1 + bytes([len(dynamic)]) + dynamic
    body += _PADDING * (icc.size - len(dynamic) - _SDAD_OVERHEAD)
    return icc.sign(_HEADER + body + sha1(body + terminal).digest() + _TRAILER)


def combined_dynamic_data(number: bytes, cid: int, cryptogram: bytes, transaction: bytes) -> bytes:
    """ICC dynamic data for CDA. transaction: PDOL values, CDOL values and the answer's other objects. Tables 18, 19."""
    return bytes([len(number)]) + number + bytes([cid]) + cryptogram + sha1(transaction).digest()
