"""What a swipe gave: tracks, reasons, direction, and that nothing stays."""

from reader.drivers.swipe import Swipe
from reader.iso7811 import reasons
from reader.iso7811.characters import BACKWARD
from reader.iso7811.track import LENGTH
from testing import cases


def put(swipe, number, text, way=0):
    swipe.room(number)[: len(text)] = text
    swipe.put(number, len(text) + way if text else -reasons.NO_END)


def tracks(swipe):
    return [bytes(swipe.track(number)) for number in (1, 2, 3)]


def why(swipe):
    return [swipe.reason(number) for number in (1, 2, 3)]


def test_before_the_first_one():
    swipe = Swipe()
    assert tracks(swipe) == [b"", b"", b""] and why(swipe) == [reasons.EMPTY] * 3


@cases(0, BACKWARD)
def test_tracks(way):
    swipe = Swipe()
    longest = b"1" * 107
    put(swipe, 1, b"B1", way)
    put(swipe, 2, b"")
    put(swipe, 3, longest, way)
    assert tracks(swipe) == [b"B1", b"", longest] and why(swipe) == [reasons.OK, reasons.NO_END, reasons.OK]
    assert swipe.is_backward == bool(way)
    swipe.wipe()
    assert tracks(swipe) == [b"", b"", b""] and not swipe.is_backward and not sum(swipe._characters)


@cases((0, BACKWARD, 0), (BACKWARD, 0, 0), (0, 0, BACKWARD))
def test_tracks_of_two_directions_are_refused(first, second, third):
    swipe = Swipe()
    for number, way in ((1, first), (2, second), (3, third)):
        put(swipe, number, b"12", way)
    assert tracks(swipe) == [b"", b"", b""] and why(swipe) == [reasons.AMBIGUOUS] * 3


def test_numbers_that_it_takes_from_the_decoder():
    assert (LENGTH, BACKWARD) == (127, 128)
