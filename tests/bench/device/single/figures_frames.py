"""PN532 frames with 255 bytes of data: an extended frame each way."""

from measure import figure

from reader.drivers.pn532 import frame

_BYTES = 255


def run() -> None:
    buf = bytearray(frame.SIZE)
    for i in range(_BYTES):
        buf[frame.DATA + i] = i
    figure("pn532.build_255", lambda: frame.seal(buf, 0x40, _BYTES))
    start, end = frame.seal(buf, 0x40, _BYTES)
    answer = bytearray(buf[start + 1 : end])  # from the start code on
    answer[7] += 1  # the chip's identifier and the next code are each one higher
    answer[8] += 1
    answer[len(answer) - 2] = answer[len(answer) - 2] - 2 & 0xFF
    view = memoryview(answer)
    if frame.parse(view, len(answer))[0] != frame.ANSWER:
        raise ValueError("no answer")
    figure("pn532.parse_255", lambda: frame.parse(view, len(answer)))
