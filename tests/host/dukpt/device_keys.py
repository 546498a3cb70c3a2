"""Runs on MicroPython: prints the firmware's DUKPT keys, for test_differential.py to compare.

Arguments: initial key, serial number (hex), then START:COUNT (hex, decimal) any number of times. A line per key:
serial number, PIN key, MAC keys of request and answer, data key.
"""

import sys
from binascii import hexlify, unhexlify

from reader.dukpt import ksn, tdes

_CHECK = 368


class _Memory:
    data = None

    def load(self):
        return self.data

    def save(self, data):
        self.data = bytes(data)


def _set_counter(store, counter):
    state = bytearray(store.data)
    ksn.set_counter(memoryview(state)[1:11], counter)
    state[_CHECK:] = tdes._seal(state)
    store.data = bytes(state)


def _device(key, serial, counter):
    """A device whose next key is that of `counter`: its registers need the keys of the leading bits only."""
    store = _Memory()
    tdes.TdesDukpt(store).load_initial_key(key, serial)
    prefix = 0
    bit = 0x100000
    while bit:
        if counter & bit:
            if prefix:
                _set_counter(store, prefix)
                tdes.TdesDukpt(store).next()
            prefix |= bit
        bit >>= 1
    _set_counter(store, counter)
    return tdes.TdesDukpt(store)


def main(key, serial, *runs):
    key = unhexlify(key)
    serial = unhexlify(serial)
    for run in runs:
        start, count = run.split(":")
        device = _device(key, serial, int(start, 16))
        for _ in range(int(count)):
            keys = device.next()
            line = (keys.ksn, keys.pin, keys.mac_request, keys.mac_response, keys.data)
            print(" ".join([hexlify(part).decode() for part in line]))


main(*sys.argv[1:])
