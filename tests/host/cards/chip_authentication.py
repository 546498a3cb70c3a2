"""Offline data authentication as a terminal does it, plainly. EMV 4.4 Book 2, 5 and 6. Everything in `bytes`.

`known`: the card's data objects, tag in hex -> value. `static`: the signed records (Book 3, 10.3).
"""

from __future__ import annotations

from hashlib import sha1

from mpos.bench.emv_keys import BENCH_CAPKS, BENCH_REVOKED

TODAY = 202611


class AuthenticationError(Exception):
    """`missing`: an object is not there (bit 6 of TVR byte 1)."""

    def __init__(self, why: str, missing: bool = False):
        super().__init__(why)
        self.missing = missing


def need(known: dict[str, bytes], tag: str) -> bytes:
    if tag not in known:
        raise AuthenticationError(tag, missing=True)
    return known[tag]


def power(block: bytes, modulus: bytes, exponent: bytes) -> bytes:
    if len(block) != len(modulus):
        raise AuthenticationError("length")
    n = int.from_bytes(modulus, "big")
    return pow(int.from_bytes(block, "big"), int.from_bytes(exponent, "big"), n).to_bytes(len(modulus), "big")


def recovered(block: bytes, modulus: bytes, exponent: bytes, form: int, tail: bytes) -> bytes:
    """The block between header and hash, once that hash is right."""
    data = power(block, modulus, exponent)
    if data[0] != 0x6A or data[1] != form or data[-1] != 0xBC:
        raise AuthenticationError("format")
    if sha1(data[1:-21] + tail).digest() != data[-21:-1]:
        raise AuthenticationError("hash")
    return data[1:-21]


def certified_key(body: bytes, at: int, remainder: bytes) -> bytes:
    """The modulus out of a certificate: its length stands two bytes before it."""
    n = body[at - 2]
    return (body[at:].rstrip(b"\xbb") if len(body) - at > n else body[at:])[:n] + remainder


def is_past(month_year: bytes) -> bool:
    text = month_year.hex()
    return int("20" + text[2:]) * 100 + int(text[:2]) < TODAY


def issuer_key(known: dict[str, bytes], rid: bytes) -> tuple[bytes, bytes]:
    index, certificate, exponent = need(known, "8F")[0], need(known, "90"), need(known, "9F32")
    authority = next((k for k in BENCH_CAPKS if (k["rid"], k["index"]) == (rid, index)), None)
    if authority is None or authority["expiry"] // 100 < TODAY:
        raise AuthenticationError("authority")
    remainder = known.get("92", b"")
    public = bytes([authority["exponent"]]) if authority["exponent"] < 256 else authority["exponent"].to_bytes(3, "big")
    body = recovered(certificate, authority["modulus"], public, 0x02, remainder + exponent)
    digits = body[1:5].hex().rstrip("f")
    if not known["5A"].hex().startswith(digits):
        raise AuthenticationError("issuer identifier")
    if is_past(body[5:7]):
        raise AuthenticationError("expired")
    if (rid, index, body[7:10]) in BENCH_REVOKED:
        raise AuthenticationError("revoked")
    return certified_key(body, 14, remainder), exponent


def card_key(
    known: dict[str, bytes], issuer: tuple[bytes, bytes], static: bytes, tags: tuple[str, str, str]
) -> tuple[bytes, bytes]:
    certificate, exponent, remainder = need(known, tags[0]), need(known, tags[1]), known.get(tags[2], b"")
    body = recovered(certificate, *issuer, 0x04, remainder + exponent + static)
    if body[1:11].hex().rstrip("f") != known["5A"].hex().rstrip("f"):
        raise AuthenticationError("account")
    if is_past(body[11:13]):
        raise AuthenticationError("expired")
    return certified_key(body, 20, remainder), exponent


def static_data(known: dict[str, bytes], records: bytes) -> bytes:
    """Book 3, 10.3: the tag list names the AIP or nothing."""
    tags = known.get("9F4A")
    if tags is None:
        return records
    if tags != b"\x82":
        raise AuthenticationError("tag list")
    return records + known["82"]


def verify_static(known: dict[str, bytes], rid: bytes, records: bytes) -> None:
    issuer = issuer_key(known, rid)
    recovered(need(known, "93"), *issuer, 0x03, static_data(known, records))


def icc_key(known: dict[str, bytes], rid: bytes, records: bytes) -> tuple[bytes, bytes]:
    need(known, "9F46")
    return card_key(known, issuer_key(known, rid), static_data(known, records), ("9F46", "9F47", "9F48"))


def verify_dynamic(key: tuple[bytes, bytes], signed: bytes, values: bytes) -> None:
    recovered(signed, *key, 0x05, values)


def verify_combined(
    key: tuple[bytes, bytes], objects: dict[str, bytes], template: bytes, sent: bytes, number: bytes
) -> bytes:
    """The cryptogram out of 9F4B. `sent`: values of PDOL and CDOLs; `template`: the answer's objects as they came."""
    body = recovered(objects["9F4B"], *key, 0x05, number)
    dynamic = body[3 : 3 + body[2]]
    n = dynamic[0]
    cid, cryptogram, digest = dynamic[1 + n], dynamic[2 + n : 10 + n], dynamic[10 + n : 30 + n]
    signature = objects["9F4B"]
    size = len(signature)
    header = bytes.fromhex("9F4B") + (bytes([0x81, size]) if size > 127 else bytes([size]))
    rest = template.replace(header + signature, b"")
    if cid != objects["9F27"][0] or sha1(sent + rest).digest() != digest:
        raise AuthenticationError("transaction data")
    return cryptogram
