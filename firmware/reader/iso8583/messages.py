"""The sale's request (0200) and the check of its answer (0210) in the UnionPay dialect, under a packet's keys.

`host` has .tpdu (5 bytes), .header (6 bytes), .terminal_id (8 characters), .merchant_id (15), .batch (up to
6 digits). `sale` has .amount (minor units), .currency (numeric code), .stan, .time (year, month, day, hour,
minute, second), .entry_mode (3 digits), .card_sequence (number or None), .track2 (ciphertext, whole blocks),
.track3 (the same, or b""), .pin_block (a block of ciphertext, or b""), .icc_data (field 55, or b""), .is_fallback (the
chip failed and the reader took the stripe). `keys`: ports.PacketKeys of this one packet. No card number comes here in clear.
"""

from micropython import const

from reader.errors import E_ISO_FIELD, E_ISO_FORMAT, E_ISO_LENGTH, E_ISO_MAC, E_ISO_MISMATCH, ReaderError
from reader.iso8583 import codec
from reader.iso8583.dialects import unionpay_pos as dialect

_MAC = const(8)
_HEAD = const(10)  # message type and bitmap

# Field 53: PIN block (0 none, 2 with the account number), cipher (6 two-key triple DES, 7 AES), track encrypted
_WITH_PIN = "2"
_WITHOUT_PIN = "0"
_TDES = "6"
_AES = "7"
_TRACK_ENCRYPTED = "10000000000000"
_PIN_MOST = "12"
# Field 60 after type and batch: network code 000, terminal takes contactless cards (6), chip condition code: 0, or
# 2 when the chip has failed
_TERMINAL = "0006"
_NO_FALLBACK = "0"
_FALLBACK = "2"
# Field 57: DF01 key serial number, where the scheme has one; DF02 key scheme (dukpt/scheme.py); DF03 PIN block, where it
# is too long for field 52
_KEY_SERIAL = b"\xdf\x01"
_KEY_SCHEME = b"\xdf\x02\x01"
_PIN_BLOCK = b"\xdf\x03\x10"
_DES_BLOCK = const(8)

_APPROVED = "00"


class Answer:
    """What the host said: response_code (2 characters), auth_code (6, or ""), rrn (12, or ""), icc_data (or b"")."""

    def __init__(self, fields):
        self.response_code = fields[39]
        self.auth_code = fields.get(38, "")
        self.rrn = fields.get(37, "")
        self.icc_data = bytes(fields.get(55, b""))


def pack_sale(host, sale, keys, out) -> int:
    """The whole frame of the request into the bytearray `out` (1,024 bytes are enough); returns its length.

    Raises E_ISO_FORMAT or E_ISO_LENGTH, detail: the field whose value does not fit.
    """
    if len(out) < dialect.FRAME_HEAD:
        raise ReaderError(E_ISO_LENGTH)
    for number, track in ((35, sale.track2), (36, sale.track3)):
        if len(track) % keys.block:
            raise ReaderError(E_ISO_FORMAT, number)
    mti, processing, condition, _ = dialect.SALE
    _, month, day, hour, minute, second = sale.time
    is_des = keys.block == _DES_BLOCK
    fields = {
        3: processing,
        4: f"{sale.amount:012d}",
        11: f"{sale.stan:06d}",
        12: f"{hour:02d}{minute:02d}{second:02d}",
        13: f"{month:02d}{day:02d}",
        22: sale.entry_mode,
        25: condition,
        35: sale.track2,
        41: host.terminal_id,
        42: host.merchant_id,
        49: f"{sale.currency:03d}",
        53: (_WITH_PIN if sale.pin_block else _WITHOUT_PIN) + (_TDES if is_des else _AES) + _TRACK_ENCRYPTED,
        57: _key_information(keys),
        60: _kind_and_batch(host) + (_FALLBACK if sale.is_fallback else _NO_FALLBACK),
        64: bytes(_MAC),
    }
    for number, data in ((36, sale.track3), (55, sale.icc_data)):
        if len(data):
            fields[number] = data
    if sale.pin_block:
        fields[26] = _PIN_MOST
        if is_des:
            fields[52] = sale.pin_block
        else:
            fields[57] += _PIN_BLOCK + sale.pin_block
    if sale.card_sequence is not None:
        fields[23] = f"{sale.card_sequence:03d}"
    message = memoryview(out)[dialect.FRAME_HEAD :]
    length = codec.pack(dialect, mti, fields, message)
    total = dialect.frame_into(host, out, length)
    # The MAC covers everything from the message type to the last byte before it
    keys.mac_into(message[: length - _MAC], message[length - _MAC : length])
    return total


def check_answer(host, sale, keys, frame) -> Answer:
    """The host's answer to `sale`, which was sent under `keys`; believed only when everything fits.

    In this order: E_ISO_FRAME; E_ISO_MISMATCH 0 when it is not a 0210; E_ISO_MAC, before a byte of the rest is
    looked at; E_ISO_FORMAT, _LENGTH or _FIELD for what the codec refuses; E_ISO_FIELD for a field that is missing;
    E_ISO_MISMATCH with the field that differs from the request's.
    """
    message = dialect.unframe(host, frame)
    if len(message) < 2 or bytes(message[:2]) != b"\x02\x10":
        raise ReaderError(E_ISO_MISMATCH)
    covered = len(message) - _MAC
    # Field 64 must be announced, and is the last: so its bytes are the last eight
    if covered < _HEAD or not message[_HEAD - 1] & 1:
        raise ReaderError(E_ISO_MAC)
    if not keys.mac_matches(message[:covered], message[covered:]):
        raise ReaderError(E_ISO_MAC)
    _, fields = codec.unpack(dialect, message)
    for number, expected in (
        (3, dialect.SALE[1]),
        (4, f"{sale.amount:012d}"),
        (11, f"{sale.stan:06d}"),
        (41, host.terminal_id),
        (42, host.merchant_id),
        (49, f"{sale.currency:03d}"),
        (57, _key_information(keys)),
    ):
        if _needed(fields, number) != expected:
            raise ReaderError(E_ISO_MISMATCH, number)
    if _needed(fields, 39) == _APPROVED:
        _needed(fields, 37)
        _needed(fields, 38)
    return Answer(fields)


def _needed(fields, number: int):
    if number not in fields:
        raise ReaderError(E_ISO_FIELD, number)
    return fields[number]


def _key_information(keys) -> bytes:
    serial = keys.ksn
    scheme = _KEY_SCHEME + bytes((keys.scheme,))
    return _KEY_SERIAL + bytes((len(serial),)) + serial + scheme if serial else scheme


def _kind_and_batch(host) -> str:
    return f"{dialect.SALE[3]}{host.batch:06d}{_TERMINAL}"
