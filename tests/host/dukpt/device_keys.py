"""Runs on MicroPython: prints the keys that the firmware's DUKPT gives, for the tests beside it to compare.

Arguments: "tdes" or "aes", initial key, serial number (hex), then START:COUNT (hex, decimal) any number of times. A
line per key: serial number, PIN key, MAC keys of request and answer, data key; when there is none left, "exhausted".
"""

import sys
from binascii import hexlify, unhexlify

from reader.dukpt.aes import AesDukpt
from reader.dukpt.tdes import TdesDukpt
from reader.errors import E_KEY_EXHAUSTED, ReaderError


class _Ring:
    state = b""

    def size(self, section):
        return len(self.state)

    def load(self, section):
        return bytearray(self.state)

    def write(self, changes):
        self.state = bytes(changes[0][1])


def _set_counter(ring, end, mask, counter):
    state = bytearray(ring.state)
    other = int.from_bytes(state[end - 4 : end], "big") & ~mask
    state[end - 4 : end] = (other | counter).to_bytes(4, "big")
    ring.state = bytes(state)


def _device(kind, bits, key, serial, counter):
    """A device whose next key is that of `counter`: its registers need the keys of the leading bits only."""
    ring = _Ring()
    kind(ring).load_initial_key(key, serial)
    mask = (1 << bits) - 1
    prefix = 0
    bit = 1 << bits - 1
    while bit:
        if counter & bit:
            if prefix:
                _set_counter(ring, len(serial), mask, prefix)
                kind(ring).next()
            prefix |= bit
        bit >>= 1
    _set_counter(ring, len(serial), mask, counter)
    return kind(ring)


def main(name, key, serial, *runs):
    kind, bits = (TdesDukpt, 21) if name == "tdes" else (AesDukpt, 32)
    key = unhexlify(key)
    serial = unhexlify(serial)
    for run in runs:
        start, count = run.split(":")
        device = _device(kind, bits, key, serial, int(start, 16))
        for _ in range(int(count)):
            try:
                keys = device.next()
            except ReaderError as error:
                if error.code != E_KEY_EXHAUSTED:
                    raise
                print("exhausted")
                break
            line = (keys.ksn, keys.pin, keys.mac_request, keys.mac_response, keys.data)
            print(" ".join([hexlify(part).decode() for part in line]))


main(*sys.argv[1:])
