"""The certification authority of the bench's contact cards. Public test keys: see `emv_ca_keys.json`.

Index E3 has expired. The lists are what the terminal of the bench must be given beside its own tables.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from mpos.bench.rsa import RsaKey

RID_UNIONPAY = bytes.fromhex("A000000333")
RID_VISA = bytes.fromhex("A000000003")

# An issuer certificate of this serial number under E1 was taken back
REVOKED_SERIAL = bytes.fromhex("00BAD1")
# On the terminal's exception file
EXCEPTION_PAN, EXCEPTION_SEQUENCE = "6212340000002007", 1

_KEYS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("emv_ca_keys.json").read_text())["keys"]

# rid, index, modulus: bytes; exponent: int; expiry: YYYYMMDD
BENCH_CAPKS: list[dict[str, Any]] = [
    {
        "rid": bytes.fromhex(row["rid"]),
        "index": int(row["index"], 16),
        "modulus": bytes.fromhex(row["modulus"]),
        "exponent": row["exponent"],
        "expiry": int(row["expiry"]),
    }
    for row in _KEYS
]
# (RID, index, serial number of the certificate)
BENCH_REVOKED: list[tuple[bytes, int, bytes]] = [(RID_UNIONPAY, 0xE1, REVOKED_SERIAL)]
# (account number as digits, its sequence number)
BENCH_EXCEPTIONS: list[tuple[str, int]] = [(EXCEPTION_PAN, EXCEPTION_SEQUENCE)]


@cache
def ca_key(rid: bytes, index: int) -> RsaKey:
    """The authority's key. Raises KeyError for one that is none of the bench's."""
    for row in _KEYS:
        if bytes.fromhex(row["rid"]) == rid and int(row["index"], 16) == index:
            return RsaKey(int(row["modulus"], 16), row["exponent"], int(row["private"], 16))
    raise KeyError("the bench has no such key")
