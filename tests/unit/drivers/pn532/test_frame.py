"""Frames of the PN532.

Vectors: NXP UM0701-02, 6.2.1.1 and 6.2.1.3 to 6.2.1.5 (printed frames); nfcpy, tests/base_clf_pn53x.py (frames with
command 00 and extended frames); AN10609_3, table 2.
"""

from reader.drivers.pn532 import frame
from testing import cases, h


def sealed(code, data):
    buf = bytearray(frame.SIZE)
    data = h(data)
    buf[frame.DATA : frame.DATA + len(data)] = data
    start, end = frame.seal(buf, code, len(data))
    return bytes(buf[start:end])


def parsed(text, have=None):
    data = h(text)
    data = data[data.find(b"\x00\xff") :]
    return frame.parse(memoryview(data), len(data) if have is None else have), data


@cases(
    # UM0701-02, 6.2.1.1: GetFirmwareVersion
    (0x02, "", "0000FF 02FE D402 2A00"),
    # nfcpy, test_command_with_standard_frame
    (0x00, "313233", "0000FF 05FB D400 313233 96 00"),
    # nfcpy, test_command_with_extended_frame
    (0x00, "313233" + 256 * "00", "0000FFFFFF 0105FA D400 313233" + 256 * "00" + "9600"),
)
def test_seal(code, data, expected):
    assert sealed(code, data) == h(expected)


def test_seal_changes_to_extended_frames_at_256_bytes():
    # 6.2.1.2: LEN counts TFI and code, so 253 bytes of data are the most of a normal frame
    assert sealed(0x40, 253 * "00")[3:5] == h("FF01")
    assert sealed(0x40, 254 * "00")[3:8] == h("FFFF0100FF")


def test_the_largest_frame_fits():
    made = sealed(0x40, frame.MAX_DATA * "5A")
    assert made[3:8] == h("FFFF0109F6")  # 265 bytes with TFI
    assert len(made) == frame.SIZE - 1


@cases(
    ("0000FF00FF00", frame.ACK),  # 6.2.1.3
    ("0000FFFF0000", frame.NACK),  # 6.2.1.4
    ("0000FF01FF7F8100", frame.ERROR),  # 6.2.1.5
    ("00FF00FF", frame.ACK),  # 6.2.1.6: a preamble of one byte less, no postamble
)
def test_parse_short_frames(text, kind):
    (found, _, end), data = parsed(text)
    assert found == kind
    assert end <= len(data)


@cases(
    ("0000FF 05FB D501 343536 8B00", "01343536"),  # nfcpy
    ("0000FF 06FA D5033201 0607 E8 00", "0332010607"),  # GetFirmwareVersion of V1.6, 7.2.2
    ("0000FFFFFF 0105FA D501 343536" + 256 * "00" + "8B00", "01343536" + 256 * "00"),  # nfcpy
    ("0000FFFFFF 0005FB D501 343536 8B00", "01343536"),  # 6.2.1.2: extended, though it need not be
)
def test_parse_answers(text, code_and_data):
    (kind, first, end), data = parsed(text)
    assert kind == frame.ANSWER
    assert data[first:end] == h(code_and_data)


def test_parse_asks_for_what_is_missing():
    for text in ("00FF05FBD5013435368B", "00FFFFFF0005FBD5013435368B"):
        data = h(text)
        have = 0
        while True:
            kind, _, needed = frame.parse(memoryview(data), have)
            if kind != frame.MORE:
                break
            assert have < needed <= len(data)
            have = needed
        assert kind == frame.ANSWER
        assert have == len(data)


@cases(
    "0000FF 04FB D501 343536 8B00",  # nfcpy: wrong LCS
    "0000FF 05FB D501 343536 8A00",  # nfcpy: wrong DCS
    "0000FF 05FB D601 343536 8A00",  # nfcpy: wrong TFI
    "0000FF 05FB D401 343536 8C00",  # a host's TFI
    "0000FFFFFF 0104FA D501",  # nfcpy: wrong LCS of an extended frame
    "0000FFFFFF 010AF5 D501",  # 266 bytes: more than any frame has
    "0000FFFFFF 000000 D501",  # none
    "0000FF 0000 D501",  # none, and no ACK
    "0000FF 01FF D5 2B00",  # no code
    "0000FF 02FE 7F01 8000",  # an error frame has one byte
)
def test_parse_refuses(text):
    (kind, _, end), _ = parsed(text)
    assert kind == frame.BROKEN
    assert end == 2


def test_parse_reads_no_further_than_what_is_there():
    # What lies in the buffer behind `have` is old
    (kind, _, needed), _ = parsed("00FF05FBD5013435368B", have=9)
    assert (kind, needed) == (frame.MORE, 10)
