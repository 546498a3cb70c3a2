"""Fragments between the phone's side and the reader's: a message comes out whole, or not at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mpos.link.framing import fragments
from mpos.link.serial_pipe import frame
from tests.fuzz import device
from tests.fuzz.properties import EVERY

device.install()
from reader.errors import E_LINK_FRAGMENT, E_LINK_LENGTH, ReaderError
from reader.link.framing import Assembler
from reader.link.serial_link import Decoder

_BODIES = st.one_of(st.binary(max_size=60), st.binary(min_size=900, max_size=1018))
_CODES = (E_LINK_FRAGMENT, E_LINK_LENGTH)


def _message(body: bytes) -> bytes:
    return b"\x01\x10\x00\x09" + len(body).to_bytes(2, "big") + body


@EVERY
@given(_BODIES, st.integers(23, 247))
def test_cut_by_the_phone_and_put_together(body: bytes, mtu: int) -> None:
    assembler = Assembler()
    out = [bytes(whole) for piece in fragments(_message(body), mtu) if (whole := assembler.feed(piece)) is not None]
    assert out == [_message(body)]


@EVERY
@given(_BODIES, st.integers(23, 247), st.lists(st.integers(0, 63), max_size=8), st.randoms(use_true_random=False))
def test_lost_twice_or_out_of_order(body: bytes, mtu: int, touched: list[int], chance) -> None:
    """Whatever comes out is the message."""
    pieces = list(fragments(_message(body), mtu))
    for at in touched:
        at %= len(pieces)
        chance.choice((pieces.append, lambda piece: None))(pieces[at])
        if chance.random() < 0.5 and len(pieces) > 1:
            del pieces[at]
    assembler = Assembler()
    for piece in pieces:
        try:
            whole = assembler.feed(piece)
        except ReaderError as error:
            assert error.code in _CODES
            continue
        assert whole is None or bytes(whole) == _message(body)


@EVERY
@given(_BODIES, st.binary(max_size=40))
def test_on_a_serial_line_after_anything(body: bytes, before: bytes) -> None:
    decoder = Decoder()
    out = []
    for byte in before + b"\xc0" + frame(_message(body)):
        try:
            whole = decoder.feed(byte)
        except ReaderError as error:
            assert error.code in _CODES
            continue
        if whole is not None:
            out.append(bytes(whole))
    assert out[-1:] == [_message(body)]
