"""UnionPay, point of sale to acquirer: packed digits, BCD lengths, TPDU and header around the message.

Kinds, prefixes and lengths follow the public descriptions of the UnionPay POS terminal specification
(ISO 8583:1987 fields; an odd number of digits stands at the left of its bytes in every field of variable length
and in 22, at the right in 23). Three fields are of this product: 35 and 36 hold ciphertext, so they are bytes;
57 the key serial number as TLV.
"""

from micropython import const

from reader.errors import E_ISO_FRAME, E_ISO_LENGTH, ReaderError
from reader.iso8583.codec import AN, N_LEFT, TEXT, B, N

_FIX = const(0)
_LL = const(1)
_LLL = const(2)

FIELDS = bytes((
    3, N, _FIX, 6,  # processing code
    4, N, _FIX, 12,  # amount
    11, N, _FIX, 6,  # systems trace audit number
    12, N, _FIX, 6,  # local time, hhmmss
    13, N, _FIX, 4,  # local date, MMDD
    22, N_LEFT, _FIX, 3,  # entry mode
    23, N, _FIX, 3,  # card sequence number
    25, N, _FIX, 2,  # condition code
    26, N, _FIX, 2,  # most digits of a PIN
    32, N_LEFT, _LL, 11,  # acquirer
    35, B, _LL, 40,  # track 2, encrypted
    36, B, _LLL, 64,  # track 3, encrypted
    37, AN, _FIX, 12,  # retrieval reference number
    38, AN, _FIX, 6,  # authorisation code
    39, AN, _FIX, 2,  # response code
    41, TEXT, _FIX, 8,  # terminal
    42, TEXT, _FIX, 15,  # merchant
    49, AN, _FIX, 3,  # currency
    52, B, _FIX, 8,  # PIN block, encrypted
    53, N, _FIX, 16,  # security control information
    55, B, _LLL, 255,  # chip data
    57, B, _LLL, 255,  # key serial number and key scheme
    60, N_LEFT, _LLL, 17,  # transaction type, batch, terminal's abilities
    62, B, _LLL, 84,  # working keys, encrypted
    63, TEXT, _LLL, 163,  # operator
    64, B, _FIX, 8,  # message authentication code
))  # fmt: skip

# What makes a transaction type: MTI, field 3, field 25, first part of field 60. And the answer's MTI
SALE = ("0200", "000000", "00", "22")
ANSWER = "0210"
SIGN_IN = "0800"
SIGN_IN_ANSWER = "0810"

# Frame: length of what follows (2 bytes, big-endian), TPDU (5: 60, destination, source), header (6), message
FRAME_HEAD = 13
_LONGEST = const(1024)


def frame_into(host, out, length: int) -> int:
    """Put the frame's head before the message of `length` bytes that stands at out[13:]; the whole length.

    Raises E_ISO_LENGTH past 1,024 bytes.
    """
    end = FRAME_HEAD + length
    if end > _LONGEST:
        raise ReaderError(E_ISO_LENGTH)
    out[0] = (end - 2) >> 8
    out[1] = (end - 2) & 0xFF
    out[2:7] = host.tpdu
    out[7:FRAME_HEAD] = host.header
    return end


def unframe(host, frame) -> memoryview:
    """The message in a frame that came from the host.

    E_ISO_FRAME unless the length is right, source and destination of the TPDU have changed places, and the header
    is ours.
    """
    view = memoryview(frame)
    tpdu = host.tpdu
    if (
        not FRAME_HEAD < len(view) <= _LONGEST
        or (view[0] << 8 | view[1]) != len(view) - 2
        or bytes(view[2:7]) != tpdu[:1] + tpdu[3:5] + tpdu[1:3]
        or bytes(view[7:FRAME_HEAD]) != host.header
    ):
        raise ReaderError(E_ISO_FRAME)
    return view[FRAME_HEAD:]
