"""Runs on MicroPython: recovers keys and verifies signatures, for test_differential.py to compare.

A line on standard input is a case: words NAME=HEX, the data objects by tag (t90=...), and `rid`, `static`, `authority`
(modulus), `exponent`, `date` (YYYYMMDD), `signed` (what INTERNAL AUTHENTICATE answers), `pin` (a block to encipher),
and for CDA `response`, `cdol1`, `cid`. A line of output answers it: TVR and TSI, modulus of issuer and card, the codes
that were kept, the enciphered PIN.
"""

import sys
from binascii import hexlify, unhexlify

from reader.emv import certificates
from reader.emv.commands import Commands
from reader.emv.contact import offline_data_authentication
from reader.emv.contact.session import Session
from reader.emv.data import DataStore


class _Part:
    """Anything with attributes."""


def _entropy(buffer):
    for i in range(len(buffer)):
        buffer[i] = i & 0xFF


def _finish(coroutine):
    """Nothing in it waits."""
    try:
        coroutine.send(None)
    except StopIteration:
        pass


def _session(case):
    data = DataStore(2560)
    data.put(0x95, bytes(5))
    data.put(0x9B, bytes(2))
    data.put(0x9F33, b"\xe0\xf8\xc8")
    data.put(0x9F37, case["number"])
    for name, value in case.items():
        if name[0] == "t" and len(name) in (3, 5):
            data.put_card(int(name[1:], 16), value)
    authority = _Part()
    authority.modulus = case["authority"]
    authority.exponent = int.from_bytes(case["exponent"], "big")
    authority.expiry = 0
    tables = _Part()
    tables.capk = lambda rid, index: authority
    tables.is_revoked = lambda rid, index, serial: False
    tx = _Part()
    tx.time = (2026, 11, 23, 12, 0, 0)
    signed = case.get("signed", b"")
    inside = b"\x9f\x4b" + _length(len(signed)) + signed
    answer = memoryview(b"\x77" + _length(len(inside)) + inside + b"\x90\x00")

    async def transmit(command):
        return answer

    s = Session(Commands(transmit), data, None, tables, None, None, tx)
    application = _Part()
    application.aid = b"\xa0\x00\x00\x03\x33\x01\x01\x01"
    application.default_ddol = b"\x9f\x37\x04"
    s.application = application
    s.static_data = bytearray(case["static"])
    return s


def _length(n):
    return bytes((n,)) if n < 128 else bytes((0x81, n))


def _answer(case):
    s = _session(case)
    _finish(offline_data_authentication.run(s))
    if s.cda:
        offline_data_authentication.verify_cda(s, case["cdol1"], b"", case["response"], case["cid"][0])
    parts = [bytes(s.tvr), bytes(s.tsi)]
    parts += [s.issuer_key.modulus if s.issuer_key else b"", s.icc_key.modulus if s.icc_key else b""]
    parts += [bytes(s.data.get(tag) or b"") for tag in (0x9F45, 0x9F4C, 0x9F26)]
    key = certificates.pin_encipherment_key(s) if "pin" in case else None
    entropy = _Part()
    entropy.fill = _entropy
    parts.append(certificates.encipher_pin(key, case["pin"], bytes(8), entropy) if key else b"")
    return " ".join([hexlify(part).decode() or "-" for part in parts])


def main():
    for line in sys.stdin:
        case = {}
        for word in line.split():
            name, value = word.split("=")
            case[name] = unhexlify(value)
        print(_answer(case))


main()
