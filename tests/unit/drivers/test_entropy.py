"""A generator that fails, repeats itself or stands still is a fault, and never bytes."""

from reader.drivers.entropy import Entropy
from reader.errors import E_ENTROPY
from testing import raises


class Scripted(Entropy):
    def __init__(self, *draws):
        super().__init__()
        self.draws = list(draws)

    def draw(self, n):
        given = self.draws.pop(0)
        if given is None:
            raise OSError(19)
        return given[:n]


def test_the_real_one():
    entropy = Entropy()
    seen = []
    for n in (1, 4, 8, 16, 32):
        buf = bytearray(n)
        entropy.fill(buf)
        seen.append(bytes(buf))
    assert len(set(seen)) == len(seen)


def test_a_short_buffer_gets_the_first_bytes():
    buf = bytearray(4)
    Scripted(b"abcdefgh").fill(buf)
    assert buf == b"abcd"


def test_missing():
    with raises(E_ENTROPY):
        Scripted(None).fill(bytearray(4))


def test_stands_still():
    for byte in (b"\x00", b"\xff", b"\x5a"):
        with raises(E_ENTROPY):
            Scripted(byte * 8).fill(bytearray(4))


def test_repeats_itself():
    entropy = Scripted(b"abcdefgh", b"abcdefgh")
    buf = bytearray(4)
    entropy.fill(buf)
    with raises(E_ENTROPY):
        entropy.fill(bytearray(4))


def test_nothing_of_a_bad_draw_is_handed_out():
    buf = bytearray(b"....")
    with raises(E_ENTROPY):
        Scripted(bytes(8)).fill(buf)
    assert buf == b"...."
