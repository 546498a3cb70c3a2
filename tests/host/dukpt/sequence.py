"""A device's whole sequence of DUKPT keys against the receiving side, written here once more and on OpenSSL.

    .venv/bin/python -m tests.host.dukpt.sequence tdes --count 1048575      all there are, some minutes
    .venv/bin/python -m tests.host.dukpt.sequence aes-192 --count 100000

The receiving side starts from the initial key and knows no registers: the key of a counter comes from that of the counter
without its lowest one-bit. So the two have nothing in common but ANSI X9.24-1:2009, Annex A, and X9.24-3:2017.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from mpos.provision.compile import firmware_path, program
from mpos.provision.toolchain import micropython

_PROGRAM = Path(__file__).with_name("device_keys.py")
_REMEMBERED = 1 << 12
_PROGRESS = 50_000

Line = list[bytes]
Run = tuple[int, int]


class Receiver:
    """What a device with this initial key must say, one line after another: `bits` of counter, `most` of them one."""

    bits = 0
    most = 0
    name = ""

    def __init__(self, initial_key: bytes, serial: bytes):
        self.initial_key = initial_key
        self.serial = serial
        self.current: Callable[[int], bytes] = lru_cache(_REMEMBERED)(self._current)

    def at(self, counter: int) -> bytes:
        """The serial number with this counter."""
        return (int.from_bytes(self.serial) | counter).to_bytes(len(self.serial))

    def line(self, counter: int) -> Line:
        """Serial number, PIN key, MAC keys of request and answer, data key."""
        raise NotImplementedError

    def successor(self, counter: int) -> int:
        """The next counter that a device uses; 0: it was the last."""
        counter += 1
        while counter.bit_count() > self.most:
            counter += counter & -counter
        return 0 if counter >> self.bits else counter

    def _current(self, counter: int) -> bytes:
        if not counter:
            return self.initial_key
        return self._step(self.current(counter & (counter - 1)), counter)

    def _step(self, key: bytes, counter: int) -> bytes:
        raise NotImplementedError


class Tdes(Receiver):
    """X9.24-1:2009, Annex A."""

    bits = 21
    most = 10
    name = "tdes"

    def line(self, counter: int) -> Line:
        key = self.current(counter)
        data = _variant(key, 5)
        return [self.at(counter), _variant(key, 7), _variant(key, 6), _variant(key, 4), _tdes(data, data)]

    def _step(self, key: bytes, counter: int) -> bytes:
        block = self.at(counter)[2:]
        halves = b""
        for mask in ("C0C0C0C000000000", "0000000000000000"):
            left, right = (_xor(half, bytes.fromhex(mask)) for half in (key[:8], key[8:]))
            halves += _xor(_tdes(left * 2, _xor(block, right)), right)  # one key twice: single DES
        return halves


class Aes(Receiver):
    """X9.24-3:2017, 6.3."""

    bits = 32
    most = 16
    name = "aes"

    def line(self, counter: int) -> Line:
        return [self.at(counter)] + [
            self._derived(self.current(counter), usage, counter) for usage in ("1000", "2000", "2001", "3000")
        ]

    def _step(self, key: bytes, counter: int) -> bytes:
        return self._derived(key, "8000", counter)

    def _derived(self, key: bytes, usage: str, counter: int) -> bytes:
        size = len(key)
        middle = f"{usage}{size // 8:04x}{8 * size:04x}"
        data = b"".join(bytes.fromhex(f"01{n:02x}{middle}") + self.at(counter)[4:] for n in (1, 2))
        encryptor = Cipher(AES(key), modes.ECB()).encryptor()
        return encryptor.update(data)[:size]


def _tdes(key: bytes, data: bytes) -> bytes:
    return Cipher(TripleDES(key + key[:8]), modes.ECB()).encryptor().update(data)


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def _variant(key: bytes, byte: int) -> bytes:
    mask = bytearray(16)
    mask[byte] = mask[byte + 8] = 0xFF
    return _xor(key, bytes(mask))


def device_lines(receiver: Receiver, runs: list[Run], bits: int = 64) -> Iterator[str]:
    """What the firmware prints for the same initial key, on the unix port of so many bits. Raises CalledProcessError."""
    command = [str(micropython(bits)), "-X", f"heapsize={4 * bits}K", str(program(_PROGRAM)), receiver.name]
    command += [receiver.initial_key.hex(), receiver.serial.hex(), *(f"{start:x}:{count}" for start, count in runs)]
    environment = {"MICROPYPATH": firmware_path(bits)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                yield line.strip()
        finally:
            process.kill()
    # Killed by this, after its last line, or by itself
    if process.returncode not in (0, -9):
        raise subprocess.CalledProcessError(process.returncode, command)


def compared(receiver: Receiver, runs: list[Run], bits: int = 64, say: Callable[[int], None] = lambda n: None) -> int:
    """How many keys were the same in these runs: (counter, how many from it on). Raises AssertionError at the first that
    is not, or when the device does not stop after its last key."""
    lines = device_lines(receiver, runs, bits)
    seen = 0
    for start, count in runs:
        counter = start
        for _ in range(count):
            line = next(lines, "nothing")
            if not counter:
                assert line == "exhausted", f"after the last key: {line.split()[0]}"
                break
            expected = " ".join(part.hex() for part in receiver.line(counter))
            assert line == expected, f"counter {counter:x}: not the same keys"  # which are never shown
            counter = receiver.successor(counter)
            seen += 1
            if seen % _PROGRESS == 0:
                say(seen)
    assert next(lines, None) is None
    return seen


# X9.24-1:2009, A.4; X9.24-3:2017, test vectors; of AES-192 nothing is published
RECEIVERS = {
    "tdes": Tdes(bytes.fromhex("6AC292FAA1315B4D858AB3A3D7D5933A"), bytes.fromhex("FFFF9876543210E00000")),
    "aes-128": Aes(bytes.fromhex("1273671EA26AC29AFA4D1084127652A1"), bytes.fromhex("123456789012345600000000")),
    "aes-192": Aes(bytes(range(24)), bytes.fromhex("123456789012345600000000")),
    "aes-256": Aes(
        bytes.fromhex("CE9CE0C101D1138F97FB6CAD4DF045A7083D4EAE2D35A31789D01CCF0949550F"),
        bytes.fromhex("123456789012345600000000"),
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.host.dukpt.sequence", description=__doc__)
    parser.add_argument("kind", choices=RECEIVERS)
    parser.add_argument("--first", type=lambda text: int(text, 16), default=1, help="the first counter, hex")
    parser.add_argument("--count", type=int, default=100_000, help="one more than there are: also that it ends there")
    options = parser.parse_args()
    begun = time.monotonic()
    say = lambda n: print(f"{n} the same after {time.monotonic() - begun:.0f} s", flush=True)  # noqa: E731
    try:
        seen = compared(RECEIVERS[options.kind], [(options.first, options.count)], say=say)
    except AssertionError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"{options.kind}: {seen} keys from counter {options.first:x} on are the same ({time.monotonic() - begun:.0f} s)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
