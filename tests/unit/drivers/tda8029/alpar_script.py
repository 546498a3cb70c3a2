"""ALPAR frames for scripted conversations (reader/drivers/tda8029/alpar.py), as h() takes them."""

from testing import h


def frame(head, code, data=""):
    data = h(data)
    body = bytes((head, len(data) >> 8, len(data) & 0xFF, code)) + data
    check = 0
    for value in body:
        check ^= value
    return body + bytes((check,))


def cmd(code, data=""):
    """A command, or the answer to one."""
    return frame(0x60, code, data)


def nak(code, status):
    return frame(0xE0, code, bytes((status,)))


def said(code, data="", answer=""):
    """A step: the command and its answer."""
    return cmd(code, data), cmd(code, answer)


MASK = said(0x0A, "", "3037")
SYNC = MASK  # what the transport begins with
OFF = said(0x4D)
INSERTED = cmd(0xA0, "01")
REMOVED = cmd(0xA0, "00")
