"""The host's side of the serial link."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mpos.link.messages import LinkError
from mpos.link.serial_pipe import Deframer, crc16, frame


def test_crc_known_answer():
    # The check value that catalogues of CRCs give for it (CRC-16/X-25)
    assert crc16(b"123456789") == 0x906E


def test_rfc_1055_escapes():
    assert frame(b"\xc0\xdb").startswith(b"\xc0\xdb\xdc\xdb\xdd")


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=4), st.integers(1, 50))
def test_whatever_is_framed_comes_out(messages, size):
    data = b"".join(map(frame, messages))
    deframer = Deframer()
    found = [item for at in range(0, len(data), size) for item in deframer.feed(data[at : at + size])]
    assert found == messages


@given(st.binary(max_size=400))
def test_noise_gives_nothing_but_errors(noise):
    assert all(isinstance(item, LinkError) for item in Deframer().feed(b"\xc0" + noise + b"\xc0"))


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_damaged_frame_is_an_error(message, data):
    damaged = bytearray(frame(message))
    at = data.draw(st.integers(1, len(damaged) - 2))
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    assert message not in list(Deframer().feed(bytes(damaged)))
