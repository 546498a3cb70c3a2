"""Runs on MicroPython: unwraps key blocks for the tests beside it, one JSON object per line and answer.

{"protection": hex, "block": text} -> {"header": text, "blocks": {name: value}, "key": hex}; a ReaderError comes back as
{"error": [code, detail]}. {"protection": hex, "block": text, "flips": [[byte, bit], ...]} -> {"taken": those flips with
which the block was unwrapped}. Any other exception ends the process.
"""

import json
import sys
from binascii import hexlify, unhexlify

from reader import tr31
from reader.errors import ReaderError


def _answer(request):
    protection = unhexlify(request["protection"])
    block = bytearray(request["block"].encode())
    if "flips" in request:
        taken = []
        for flip in request["flips"]:
            byte, bit = flip
            block[byte] ^= 1 << bit
            try:
                tr31.unwrap(protection, block)
                taken.append(flip)
            except ReaderError:
                pass
            block[byte] ^= 1 << bit
        return {"taken": taken}
    header, key = tr31.unwrap(protection, block)
    blocks = {name.decode(): header[at:end].decode() for name, at, end in tr31.optional_blocks(header)}
    return {"header": header[:16].decode(), "blocks": blocks, "key": hexlify(key).decode()}


def main():
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        try:
            result = _answer(json.loads(line))
        except ReaderError as error:
            result = {"error": [error.code, error.detail]}
        print(json.dumps(result))


main()
