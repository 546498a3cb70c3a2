"""Runs on MicroPython: changes of the firmware's key ring with the power cut at each operation, for test_raw_image.py.

Argument: a file of one case a line, "SECTION=HEX,... SECTION=HEX,..." (before, changes; "-" for a section that goes). A line
of output for each cut, "case operation shape secret newest", then "sector:hex" for all that is not blank of the ring and
"jSECTOR:hex" of the journal. Operation 0: no cut, before the change; the last of a case: no cut, after it.
"""

import sys
from binascii import hexlify, unhexlify

from flash_memory import SHAPES, Counting, Power, PowerCut, ring_parts

from reader.storage.key_ring import KeyRing


def _sections(text):
    pairs = [pair.split("=") for pair in text.split(",")]
    return [(int(section), None if value == "-" else unhexlify(value)) for section, value in pairs]


def _hex(data):
    return hexlify(data).decode()


def _dump(case, at, shape, keys, journal, secret):
    parts = [str(case), str(at), str(shape), _hex(secret.data)]
    for prefix, flash in (("", keys), ("j", journal)):
        for sector, kept in flash.copy().items():
            if kept:
                parts.append(f"{prefix}{sector}:{_hex(kept)}")
    print(" ".join(parts))


def main(path):
    with open(path) as file:
        lines = file.read().splitlines()
    for case, line in enumerate(lines):
        before, changes = [_sections(text) for text in line.split(" ")]
        power = Power()
        keys, journal, secret = parts = ring_parts(power)
        ring = KeyRing(*parts)
        ring.create(Counting(case))
        for section, value in before:  # in a step each: many old generations
            ring.write([(section, value)])
        _dump(case, 0, 0, keys, journal, secret)
        images = keys.copy(), journal.copy()
        for shape in range(SHAPES):
            at = 0
            was_cut = True
            while was_cut:
                at += 1
                keys.put_back(images[0])
                journal.put_back(images[1])
                power.cut(at, shape)
                try:
                    KeyRing(*parts).write(changes)
                except PowerCut:
                    pass
                was_cut = power.restore()
                KeyRing(*parts).check()
                _dump(case, at, shape, keys, journal, secret)


main(sys.argv[1])
