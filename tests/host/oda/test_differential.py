"""Certificates and signatures for keys of every length, made on CPython, verified by the firmware on MicroPython.

The makers (issuing.py) are written from the tables of EMV 4.4 Book 2 and share nothing with the firmware.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from mpos.provision.compile import firmware_path
from mpos.provision.toolchain import micropython
from tests.harness.requirements import requirement
from tests.host.oda import issuing
from tests.host.oda.issuing import PrivateKey

_PROGRAM = Path(__file__).with_name("device_recovery.py")
_LIMIT_S = 120
_PAN = "6212340000000018"
_NUMBER = bytes.fromhex("01020304")
_RECORDS = bytes.fromhex("5A08" + _PAN + "5F24034912319F4A0182")

# Bits of authority, issuer, card and their exponents
_CHAINS = [
    (1024, 1024, 1024, 3, 3, 3),
    (1024, 1024, 1024, 65537, 65537, 65537),
    (1152, 1024, 1024, 3, 3, 3),
    (1408, 1152, 1024, 3, 65537, 3),
    (1408, 1408, 1152, 65537, 3, 65537),
    (1408, 1120, 1048, 3, 3, 3),  # the issuer's key fills the certificate to the last byte
    (1408, 1128, 1056, 3, 3, 3),  # one byte of remainder
    (1984, 1408, 1024, 3, 3, 3),
    (1984, 1696, 1360, 3, 3, 3),  # both fill theirs
    (1984, 1704, 1376, 65537, 65537, 65537),
    (1984, 1984, 1024, 3, 3, 65537),
    (1984, 1984, 1984, 3, 3, 3),
    (1984, 1984, 1984, 65537, 65537, 65537),
]


def _case(authority: PrivateKey, objects: dict[int, bytes], static: bytes, **more: bytes) -> str:
    words = {f"t{tag:02X}": value for tag, value in objects.items()}
    words |= {"authority": authority.modulus_bytes, "exponent": authority.exponent_bytes, "static": static}
    words |= {"number": _NUMBER} | more
    return " ".join(f"{name}={value.hex()}" for name, value in words.items())


def _ask(bits: int, cases: Iterable[str]) -> list[list[bytes]]:
    """The firmware's answers, a list of byte strings for each case."""
    done = subprocess.run(
        [str(micropython(bits)), "-X", f"heapsize={4 * bits}K", str(_PROGRAM)],
        env={"MICROPYPATH": firmware_path(bits)},
        input="".join(case + "\n" for case in cases),
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return [[bytes.fromhex(part.strip("-")) for part in line.split(" ")] for line in done.stdout.splitlines()]


class _Card:
    """A card of one chain, with all that it needs for each method."""

    def __init__(self, chain: tuple[int, ...], number: int):
        sizes, exponents = chain[:3], chain[3:]
        self.authority, self.issuer, self.card = (
            issuing.key(bits, exponent, place)
            for place, (bits, exponent) in enumerate(zip(sizes, exponents, strict=True))
        )
        self.chooser = random.Random(number)

    def objects(self, profile: str) -> dict[int, bytes]:
        static = _RECORDS + bytes.fromhex(profile)
        certificate, remainder = issuing.issuer_certificate(self.authority, self.issuer, "621234FF")
        own, own_remainder = issuing.icc_certificate(self.issuer, self.card, _PAN, static)
        found = {
            0x82: bytes.fromhex(profile),
            0x5A: bytes.fromhex(_PAN),
            0x8F: b"\x01",
            0x90: certificate,
            0x93: issuing.static_signature(self.issuer, static),
            0x9F32: self.issuer.exponent_bytes,
            0x9F46: own,
            0x9F47: self.card.exponent_bytes,
            0x9F4A: b"\x82",
        }
        if remainder:
            found[0x92] = remainder
        if own_remainder:
            found[0x9F48] = own_remainder
        return found

    def bytes(self, size: int) -> bytes:
        return self.chooser.randbytes(size)


@pytest.mark.parametrize("bits", [32, 64])
@requirement("Book 2", "D1", "Keys of 1,024 to 1,984 bits, with remainders of every kind, authenticate a card.")
def test_every_length_of_keys(bits: int) -> None:
    cases, expected = [], []
    for place, chain in enumerate(_CHAINS):
        card = _Card(chain, place)
        issuer, own = card.issuer.modulus_bytes, card.card.modulus_bytes
        cases.append(_case(card.authority, card.objects("4000"), _RECORDS))
        expected.append([b"\x02" + bytes(4), b"\x80\x00", issuer, b"", bytes.fromhex("DAC1"), b"", b""])
        number = card.bytes(card.chooser.randint(2, 8))
        signed = issuing.dynamic_signature(card.card, bytes((len(number),)) + number, _NUMBER)
        cases.append(_case(card.authority, card.objects("2000"), _RECORDS, signed=signed))
        expected.append([bytes(5), b"\x80\x00", issuer, own, b"", number, b""])
        cryptogram, cdol1 = card.bytes(8), card.bytes(33)
        head, tail = bytes.fromhex("9F2701809F36020001"), bytes.fromhex("9F100701020304050607")
        dynamic = issuing.cda_dynamic_data(number, 0x80, cryptogram, cdol1 + head + tail)
        signed = issuing.dynamic_signature(card.card, dynamic, _NUMBER)
        length = bytes((len(signed),)) if len(signed) < 128 else bytes((0x81, len(signed)))
        response = head + b"\x9f\x4b" + length + signed + tail
        cases.append(_case(card.authority, card.objects("0100"), _RECORDS, response=response, cdol1=cdol1, cid=b"\x80"))
        expected.append([bytes(5), b"\x80\x00", issuer, own, b"", number, cryptogram])
    answers = _ask(bits, cases)
    assert [answer[:7] for answer in answers] == expected


@pytest.mark.parametrize("bits", [32, 64])
@requirement("Book 2", "7.2", "An enciphered PIN is what the card's private key deciphers.")
def test_enciphered_pin(bits: int) -> None:
    block = bytes.fromhex("241234FFFFFFFFFF")
    cards = [_Card(chain, 0) for chain in _CHAINS]
    answers = _ask(bits, [_case(c.authority, c.objects("4000"), _RECORDS, pin=block) for c in cards])
    for card, answer in zip(cards, answers, strict=True):
        clear = card.card.sign(answer[7])
        assert clear == b"\x7f" + block + bytes(8) + bytes(i & 0xFF for i in range(card.card.size - 17))


@pytest.mark.parametrize("bits", [32, 64])
def test_one_bit_wrong_anywhere(bits: int) -> None:
    """Whatever bit of whatever the card sends is wrong: there is a failure, and never a code that was not signed."""
    card = _Card(_CHAINS[6], 0)  # with both remainders
    objects = card.objects("2000")
    number = bytes.fromhex("021122")
    signed = issuing.dynamic_signature(card.card, number, _NUMBER)
    chooser = random.Random(20260101)
    cases = []
    for tag in (0x90, 0x92, 0x9F32, 0x9F46, 0x9F47, 0x9F48, 0x5A, 0x82):
        for _ in range(12):
            spoiled = bytearray(objects[tag])
            spoiled[chooser.randrange(len(spoiled))] ^= 1 << chooser.randrange(8)
            if tag == 0x82 and not spoiled[0] & 0x20:
                continue
            if tag == 0x5A and any(byte & 15 > 9 or byte >> 4 > 9 for byte in spoiled):
                continue  # the store keeps no such number
            cases.append(_case(card.authority, objects | {tag: bytes(spoiled)}, _RECORDS, signed=signed))
    for _ in range(24):
        spoiled = bytearray(signed)
        spoiled[chooser.randrange(len(spoiled))] ^= 1 << chooser.randrange(8)
        cases.append(_case(card.authority, objects, _RECORDS, signed=bytes(spoiled)))
    for at in range(len(_RECORDS)):
        records = bytearray(_RECORDS)
        records[at] ^= 1 << chooser.randrange(8)
        cases.append(_case(card.authority, objects, bytes(records), signed=signed))
    cases.append(_case(card.authority, objects, _RECORDS, signed=signed))
    *spoilt, good = _ask(bits, cases)
    assert len(spoilt) > 100
    for answer in spoilt:
        assert answer[0] in (b"\x08" + bytes(4), b"\x04" + bytes(4)) and answer[1] == b"\x80\x00"
        assert not answer[5]
    assert good[0] == bytes(5) and good[5] == number[1:]
