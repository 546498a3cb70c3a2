"""ISO/IEC 7811-2, clauses 8 and 9; ISO/IEC 7813, clause 7: whole tracks from bits and from times."""

from stripes import framed, packed, times

from reader.iso7811.characters import BACKWARD
from reader.iso7811.track import LENGTH, SCRATCH, read_bits_into, read_times_into
from testing import cases

T1 = "B6212340000000018^TEST/CARD^29122010000000000000"
T2 = "6212340000000018=29122010000000000"
T3 = "996212340000000018=1561560500050000000014000000=0000="


@cases((1, 7, T1), (2, 5, T2), (3, 5, T3))
def test_reads(number, width, text):
    bits = "0" * 20 + framed(text, width) + "0" * 20
    backward = "".join(reversed(bits))
    for head in (bits, bits.strip("0"), backward, backward.strip("0")):
        out = bytearray(107)
        n = read_bits_into(packed(head), len(head), number, out)
        assert (n & LENGTH, n & BACKWARD) == (len(text), 0 if head in bits else BACKWARD)
        assert out[: n & LENGTH] == text.encode()
    for recorded in (bits, backward):
        out = bytearray(107)
        scratch = bytearray(SCRATCH)
        n = read_times_into(times(recorded), len(times(recorded)), number, out, scratch)
        assert (n & LENGTH, n & BACKWARD) == (len(text), 0 if recorded == bits else BACKWARD)
        assert out[: n & LENGTH] == text.encode()
        assert scratch == bytes(SCRATCH)
