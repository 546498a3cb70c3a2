"""What a PN532 and its host say to each other, for scripted lines; written without the driver's frame module."""

from testing import h

ACK = h("0000FF00FF00")
NACK = h("0000FFFF0000")
ERROR = h("0000FF01FF7F8100")
WAKE = h("5555") + bytes(14)


def _frame(tfi, data):
    body = bytes((tfi,)) + data
    tail = bytes((-sum(body) & 0xFF, 0))
    if len(body) < 256:
        return h("0000FF") + bytes((len(body), -len(body) & 0xFF)) + body + tail
    size = len(body).to_bytes(2, "big")
    return h("0000FFFFFF") + size + bytes((-sum(size) & 0xFF,)) + body + tail


def cmd(data):
    """A command frame from the code on."""
    return _frame(0xD4, h(data))


def rsp(data):
    """An answer frame from the code on."""
    return _frame(0xD5, h(data))


def said(command, answer):
    """A step of a script: a command, its ACK and answer."""
    return cmd(command), ACK + rsp(answer)


def sync(nonce=1):
    """Steps that abort what runs and test the line."""
    return [(ACK, b""), said(f"0000{nonce:02X}", f"0100{nonce:02X}")]


def start(nonce=1):
    """Steps of ContactlessReader.start."""
    return (
        [(WAKE, b""), (ACK, b""), said("14010000", "15")]
        + sync(nonce)
        + [
            said("02", "0332010607"),
            said("1214", "13"),
            said("320100", "33"),
            said("3202000B0D", "33"),
            said("320402", "33"),
            said("3205000102", "33"),
        ]
    )


FIELD_OFF = said("320100", "33")
FIELD_ON = said("320101", "33")
RESET = [FIELD_OFF, FIELD_ON]
NOBODY_B = said("4A020300", "4B00")
SLEEP = said("1610", "1700")  # PowerDown, woken by HSU
