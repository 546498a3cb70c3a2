"""What comes from a PN532 on each of its buses: frames, statuses, and what cards of every kind have said to it."""

from __future__ import annotations

from typing import Any

from tests.fuzz import device, pn532
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target

device.install()
from reader.drivers.pn532 import frame

_CALLS_MOST = 8
_CALL_MS = 60_000  # simulated: more than any time-out of the driver's, and its repetitions, take
_RESPONSE_MOST = 258
_COMMANDS = (
    bytes.fromhex("00A404000E325041592E5359532E444446303100"),
    bytes.fromhex("00B2010C00"),
    bytes.fromhex("3004"),
    bytes.fromhex("0600FFFF0100"),
    bytes(600),
)


def _parsed(data: bytes) -> None:
    """A piece of a line, by itself."""
    view = memoryview(b"\x00\xff" + data)
    kind, first, end = frame.parse(view, len(view))
    assert frame.MORE <= kind <= frame.ANSWER
    if kind == frame.ANSWER:
        assert 4 < first < end < len(view) and sum(view[first - 1 : end + 1]) & 0xFF == 0
    elif kind == frame.MORE:
        assert end > len(view)


def _check(found: Any) -> None:
    assert found.technology in (1, 2, 4) and len(found.uid) in (4, 7, 8, 10)
    assert len(found.says) in {1: range(3, 258), 2: (11,), 4: (8, 10)}[found.technology]


@target("pn532", longest=2048)
def conversation(data: bytes) -> None:
    """Looks, exchanges and all else a reader asks of the chip, while it says what the feed says."""
    feed = Feed(data)
    bus = feed.below(4)
    if bus == 3:
        return _parsed(feed.rest())
    reader, driver = pn532.reader(feed, pn532.BUSES[bus])
    device.attempt(reader.start)
    card = None
    for _ in range(_CALLS_MOST):
        if not feed.left:
            break
        began = pn532.clock.now
        what = feed.byte()
        if what & 7 == 0 or card is None:
            card = device.attempt(reader.look, what >> 4 & 7)
            if card is not None:
                _check(card)
        elif what & 7 == 1:
            answer = device.attempt(card.raw, _COMMANDS[feed.below(4)])
            assert answer is None or len(answer) <= _RESPONSE_MOST
        elif what & 7 == 2:
            assert device.attempt(card.is_present) in (None, True, False)
        elif what & 7 == 3:
            assert device.attempt(card.wait_for_removal, 100) in (None, True, False)
        elif what & 7 == 4:
            assert device.attempt(card.speed_up) in (None, 0, 1, 2)
        elif what & 7 == 5:
            device.attempt(card.release)
            card = None
        else:
            answer = device.attempt(card.transmit, _COMMANDS[feed.below(len(_COMMANDS))])
            assert answer is None or len(answer) <= _RESPONSE_MOST
        assert pn532.clock.now - began <= _CALL_MS, (what, pn532.clock.now - began)
    device.attempt(reader.stop)
    assert not any(reader._response)
    assert len(driver.answer) <= frame.MAX_DATA + 2
