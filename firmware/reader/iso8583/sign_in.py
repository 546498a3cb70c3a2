"""The sign-in (0800) and its answer (0810) in the UnionPay dialect. `host` is as in messages.py."""

from micropython import const

from reader.errors import E_ISO_FIELD, E_ISO_LENGTH, E_ISO_MISMATCH, ReaderError
from reader.iso8583 import codec
from reader.iso8583.dialects import unionpay_pos as dialect

# Field 60: management, batch, network code 004: keys of double length, with one for the track
_KIND = "00"
_NETWORK = "004"
_OPERATOR = "01 "
_APPROVED = "00"
_KEYS = const(62)


def pack(host, stan: int, out) -> int:
    """The whole frame of the request into the bytearray `out`; returns its length. It has no MAC: there is no key yet.
    Raises E_ISO_FORMAT or E_ISO_LENGTH, detail: the field whose value does not fit."""
    if len(out) < dialect.FRAME_HEAD:
        raise ReaderError(E_ISO_LENGTH)
    fields = {
        11: f"{stan:06d}",
        41: host.terminal_id,
        42: host.merchant_id,
        60: _kind(host),
        63: _OPERATOR,
    }
    length = codec.pack(dialect, dialect.SIGN_IN, fields, memoryview(out)[dialect.FRAME_HEAD :])
    return dialect.frame_into(host, out, length)


def unpack(host, stan: int, frame) -> tuple:
    """(response code, field 62 or b"") of the answer to the request `stan`. Nothing in it is authentic but what the check
    values of the keys prove.

    Raises E_ISO_FRAME; E_ISO_MISMATCH 0 when it is not a 0810; E_ISO_FORMAT, _LENGTH or _FIELD for what the codec
    refuses; E_ISO_FIELD for a field that is missing; E_ISO_MISMATCH with the field that differs from the request's.
    """
    mti, fields = codec.unpack(dialect, dialect.unframe(host, frame))
    if mti != dialect.SIGN_IN_ANSWER:
        raise ReaderError(E_ISO_MISMATCH)
    for number, expected in ((11, f"{stan:06d}"), (41, host.terminal_id), (42, host.merchant_id), (60, _kind(host))):
        if fields.get(number) != expected:
            raise ReaderError(E_ISO_MISMATCH if number in fields else E_ISO_FIELD, number)
    if 39 not in fields:
        raise ReaderError(E_ISO_FIELD, 39)
    if fields[39] == _APPROVED and _KEYS not in fields:
        raise ReaderError(E_ISO_FIELD, _KEYS)
    return fields[39], fields.get(_KEYS, b"")


def _kind(host) -> str:
    return f"{_KIND}{host.batch:06d}{_NETWORK}"
