"""ISO 8583: a sale's request of 17 fields, and a message with every field of the dialect's table."""

import json

from measure import figure, report

from reader.iso8583 import codec
from reader.iso8583.dialects import unionpay_pos

_REST = {32: "12345678", 37: "123456789012", 38: "A1B2C3", 39: "00"}


def run() -> None:
    with open("/rom/request.json") as file:
        document = json.load(file)
    # A number in the file stands for as many bytes
    fields = {int(n): bytes(value) if isinstance(value, int) else value for n, value in document.items()}
    _both("iso8583.request", fields)
    fields.update(_REST)
    _both("iso8583.all_fields", fields)


def _both(name: str, fields: dict) -> None:
    out = bytearray(1024)
    report(name + ".fields", len(fields))
    figure(name + ".pack", lambda: codec.pack(unionpay_pos, "0200", fields, out))
    message = bytes(out[: codec.pack(unionpay_pos, "0200", fields, out)])
    report(name + ".bytes", len(message))
    figure(name + ".unpack", lambda: codec.unpack(unionpay_pos, message))
