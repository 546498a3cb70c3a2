"""Fragments by radio and bytes by a serial line, whatever they are: whole messages come out, or a numbered error."""

from __future__ import annotations

from tests.fuzz import device
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target

device.install()
from mpos.link.framing import fragments
from mpos.link.serial_pipe import frame
from reader.errors import E_LINK_FRAGMENT, E_LINK_LENGTH, ReaderError
from reader.link.framing import HEADER, MAX_MESSAGE, Assembler
from reader.link.serial_link import Decoder

_GOOD = bytes((1, 1, 0, 7, 0, 4)) + b"good"
_LEAST_MTU = 23


def _check(message) -> None:
    assert HEADER <= len(message) <= MAX_MESSAGE
    assert len(message) == HEADER + int.from_bytes(message[4:6], "big")


def _fed(feed, data) -> list[bytes]:
    """The messages that come out of `data`, each as it should be; errors are the link's own."""
    out = []
    for piece in data:
        try:
            message = feed(piece)
        except ReaderError as error:
            assert error.code in (E_LINK_FRAGMENT, E_LINK_LENGTH)
            continue
        if message is not None:
            _check(message)
            out.append(bytes(message))
    return out


@target("link-fragments", longest=600)
def assembled(data: bytes) -> None:
    """Any fragments, then those of a good message: that one comes out."""
    feed = Feed(data)
    assembler = Assembler()
    pieces = []
    while feed.left:
        pieces.append(feed.block())
    _fed(assembler.feed, pieces)
    assert _fed(assembler.feed, fragments(_GOOD, _LEAST_MTU)) == [_GOOD]


@target("link-serial", longest=600)
def deframed(data: bytes) -> None:
    """Any bytes, then a good frame: that one comes out."""
    decoder = Decoder()
    _fed(decoder.feed, data)
    assert _fed(decoder.feed, b"\xc0" + frame(_GOOD))[-1:] == [_GOOD]
