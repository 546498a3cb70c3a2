"""The PN532's frames on any bus (UM0701-02, 6.2.1), built and taken apart in the caller's buffers.

    normal    00 00 FF  LEN LCS              TFI PD0..PDn DCS 00     LEN = TFI and PD, up to 255
    extended  00 00 FF  FF FF LENM LENL LCS  TFI PD0..PDn DCS 00     up to 265
    ACK       00 00 FF  00 FF  00
    NACK      00 00 FF  FF 00  00
    error     00 00 FF  01 FF  7F 81  00

PD0 is the command's code, the answer's is one higher. Preamble and postamble may have any length (6.2.1.6).
"""

from micropython import const

# What `parse` may find
MORE = const(0)  # not all of it is there yet
BROKEN = const(1)  # no frame: a wrong length, checksum or identifier
ACK = const(2)
NACK = const(3)
ERROR = const(4)  # the chip did not understand the command
ANSWER = const(5)

ACK_FRAME = b"\x00\x00\xff\x00\xff\x00"
NACK_FRAME = b"\x00\x00\xff\xff\x00\x00"
START = b"\x00\xff"

# 6.2.1.2: at most 264 bytes of packet data, of which the first is the code
MAX_DATA = const(263)
# Where the data after the code lie in a buffer that `seal` makes a frame of: before them fit a byte that the bus may need in
# front (SPI), an extended header, TFI and code
DATA = const(11)
# A buffer for any frame: that byte, header, TFI, code, data, DCS, postamble
SIZE = const(276)

_MAX_LENGTH = const(265)
_TFI_HOST = const(0xD4)
_TFI_CHIP = const(0xD5)
_TFI_ERROR = const(0x7F)


def seal(buf: bytearray, code: int, length: int) -> tuple[int, int]:
    """Make a command frame around the data in buf[DATA:DATA + length]. Returns where the frame starts and ends.

    buf: at least DATA + length + 2 bytes; code: the command's; length: 0 to MAX_DATA, the caller's to keep.
    """
    count = length + 2  # TFI and code
    start = DATA - 7
    if count > 255:
        start -= 3
        buf[start + 3] = buf[start + 4] = 0xFF
        buf[start + 5] = count >> 8
        buf[start + 6] = count & 0xFF
        buf[start + 7] = -(buf[start + 5] + buf[start + 6]) & 0xFF
    else:
        buf[start + 3] = count
        buf[start + 4] = -count & 0xFF
    buf[start] = buf[start + 1] = 0
    buf[start + 2] = 0xFF
    buf[DATA - 2] = _TFI_HOST
    buf[DATA - 1] = code
    end = DATA + length
    buf[end] = -sum(memoryview(buf)[DATA - 2 : end]) & 0xFF
    buf[end + 1] = 0
    return start, end + 2


def parse(view: memoryview, have: int) -> tuple[int, int, int]:
    """Look at the frame whose start code 00 FF lies at view[0:2], of which `have` bytes are there.

    Returns (kind, first, end). ANSWER: view[first] is the answer's code and view[end] the DCS. MORE: `end` bytes are
    needed to go on. Otherwise `end` is where the frame's checked bytes end (a postamble is left to the hunt for the
    next start code), 2 for BROKEN: what follows a false start code may hold a true one.
    """
    if have < 4:
        return MORE, 0, 4
    first, length = 4, view[2]
    if length == 0 and view[3] == 0xFF:
        return ACK, 0, 4
    if length == 0xFF and view[3] == 0:
        return NACK, 0, 4
    if length == 0xFF and view[3] == 0xFF:
        if have < 7:
            return MORE, 0, 7
        first, length = 7, view[4] << 8 | view[5]
        if (view[4] + view[5] + view[6]) & 0xFF or length > _MAX_LENGTH:
            return BROKEN, 0, 2
    elif (length + view[3]) & 0xFF:
        return BROKEN, 0, 2
    if not length:
        return BROKEN, 0, 2
    end = first + length
    if have <= end:
        return MORE, 0, end + 1
    if sum(view[first : end + 1]) & 0xFF:
        return BROKEN, 0, 2
    # 6.2.1.5: the error frame holds its identifier and nothing else
    if length == 1 and view[first] == _TFI_ERROR:
        return ERROR, 0, end + 1
    if length == 1 or view[first] != _TFI_CHIP:
        return BROKEN, 0, 2
    return ANSWER, first + 1, end
