"""Thousands of the firmware's DUKPT keys against an implementation of the receiving side written here.

The receiving side starts from the initial key for every counter and knows no registers, so the two have nothing in
common but ANSI X9.24-1:2009, Annex A, and its DES is OpenSSL's.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from mpos.provision.compile import firmware_path
from mpos.provision.toolchain import micropython

_PROGRAM = Path(__file__).with_name("device_keys.py")
_BDK = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")  # X9.24-1:2009, A.4
_SERIAL = bytes.fromhex("FFFF9876543210E00000")
_LAST = 0x1FF800
_LIMIT_S = 60


def _ecb(key: bytes, data: bytes) -> bytes:
    encryptor = Cipher(TripleDES(key + key[:8]), modes.ECB()).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def _initial_key(bdk: bytes, serial: bytes) -> bytes:
    base = (int.from_bytes(serial) & ~0x1FFFFF).to_bytes(10)[:8]
    mask = bytes.fromhex("C0C0C0C000000000") * 2
    return _ecb(bdk, base) + _ecb(_xor(bdk, mask), base)


def _non_reversible(key: bytes, block: bytes) -> bytes:
    halves = b""
    for mask in ("C0C0C0C000000000", "0000000000000000"):
        left, right = (_xor(half, bytes.fromhex(mask)) for half in (key[:8], key[8:]))
        halves += _xor(_ecb(left * 2, _xor(block, right)), right)  # one key twice: single DES
    return halves


def _expected(initial_key: bytes, serial: bytes) -> list[bytes]:
    """The line of `device_keys.py` for this serial number, as bytes."""
    counter = int.from_bytes(serial) & 0x1FFFFF
    register = (int.from_bytes(serial) & ~0x1FFFFF) & (2**64 - 1)
    key = initial_key
    for bit in reversed(range(21)):
        if counter & 1 << bit:
            register |= 1 << bit
            key = _non_reversible(key, register.to_bytes(8))

    def variant(byte: int) -> bytes:
        mask = bytearray(16)
        mask[byte] = mask[byte + 8] = 0xFF
        return _xor(key, bytes(mask))

    data = variant(5)
    return [serial, variant(7), variant(6), variant(4), _ecb(data, data)]


def _successor(counter: int) -> int:
    counter += 1
    while counter.bit_count() > 10:
        counter += 1
    return counter


def _runs(chooser: random.Random) -> list[tuple[int, int]]:
    runs = [(1, 1500), (0x7FE, 4), (0xFF800, 14), (0xFFC00, 3), (0x1FF000, 13), (_LAST, 1)]
    for _ in range(60):
        bits = chooser.sample(range(21), chooser.randint(1, 10))
        start = sum(1 << bit for bit in bits)
        if start < 0x1FF000:
            runs.append((start, 12))
    return runs


@pytest.mark.parametrize("bits", [32, 64])
def test_same_keys(bits: int) -> None:
    runs = _runs(random.Random(20090101))
    initial_key = _initial_key(_BDK, _SERIAL)
    assert initial_key.hex() == "6ac292faa1315b4d858ab3a3d7d5933a"  # as A.4 prints it
    command = [str(micropython(bits)), "-X", f"heapsize={4 * bits}K", str(_PROGRAM), initial_key.hex(), _SERIAL.hex()]
    done = subprocess.run(
        [*command, *(f"{start:x}:{count}" for start, count in runs)],
        env={"MICROPYPATH": firmware_path(bits)},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = iter(done.stdout.splitlines())
    for start, count in runs:
        counter = start
        for _ in range(count):
            serial = (int.from_bytes(_SERIAL) | counter).to_bytes(10)
            assert [bytes.fromhex(part) for part in next(lines).split()] == _expected(initial_key, serial)
            counter = _successor(counter)
    assert next(lines, None) is None
    assert sum(count for _, count in runs) > 2000
