"""Runs on MicroPython: packs and checks messages for the tests beside it, one JSON object per line and answer.

{"op": "sale", ...} -> {"frame": hex}; {"op": "answer", "frame": hex, ...} -> the answer's attributes;
{"op": "pack", "mti", "fields"} -> {"message": hex}; {"op": "unpack", "message": hex} -> {"mti", "fields"}.
A ReaderError comes back as {"error": [code, detail]}; any other exception ends the process. Bytes are {"hex": ...}.
"""

import json
import sys
from binascii import hexlify, unhexlify

from reader.dukpt.tdes import Keys
from reader.errors import ReaderError
from reader.iso8583 import codec, messages
from reader.iso8583.dialects import unionpay_pos


class _Attributes:
    def __init__(self, values):
        for name, value in values.items():
            setattr(self, name, unhexlify(value["hex"]) if isinstance(value, dict) else value)


def _hex(data):
    return hexlify(data).decode()


def _answer(request):
    op = request["op"]
    if op == "unpack":
        mti, fields = codec.unpack(unionpay_pos, unhexlify(request["message"]))
        return {"mti": mti, "fields": {n: v if isinstance(v, str) else {"hex": _hex(v)} for n, v in fields.items()}}
    out = bytearray(1024)
    if op == "pack":
        fields = {int(n): unhexlify(v["hex"]) if isinstance(v, dict) else v for n, v in request["fields"].items()}
        return {"message": _hex(out[: codec.pack(unionpay_pos, request["mti"], fields, out)])}
    host = _Attributes(request["host"])
    sale = _Attributes(request["sale"])
    keys = Keys(unhexlify(request["ksn"]), unhexlify(request["key"]))
    if op == "sale":
        return {"frame": _hex(out[: messages.pack_sale(host, sale, keys, out)])}
    answer = messages.check_answer(host, sale, keys, unhexlify(request["frame"]))
    return {
        "response_code": answer.response_code,
        "auth_code": answer.auth_code,
        "rrn": answer.rrn,
        "icc_data": _hex(answer.icc_data),
    }


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
