"""A card whose every answer is the fuzzer's."""

from __future__ import annotations

from tests.fuzz.device import Budget
from tests.fuzz.feed import Feed

_RESPONSE_MOST = 258
_COMMANDS_MOST = 400


class FeedCard:
    """`transmit` for a kernel. An answer is a block of the feed, and a status word: 9000 unless the feed says else.

    After the end of the feed every command is answered 6F00. As with a real session, an answer is gone with the next
    command.
    """

    def __init__(self, feed: Feed):
        self._feed = feed
        self._budget = Budget(_COMMANDS_MOST)
        self._buffer = bytearray(_RESPONSE_MOST)

    async def transmit(self, c_apdu) -> memoryview:
        command = bytes(c_apdu)
        self._budget.spend()
        assert 4 <= len(command) <= 261, command.hex()
        for at in range(len(self._buffer)):
            self._buffer[at] = 0xEE
        feed = self._feed
        if not feed.left:
            answer = b"\x6f\x00"
        else:
            kind = feed.byte()
            # A long record costs the feed two bytes
            data = _record(feed.byte()) if kind & 0xF0 == 0xD0 else feed.take(feed.byte())
            # Mostly a good status word, since little happens after another one
            answer = data + (b"\x90\x00" if kind < 0xE0 else b"" if kind == 0xFF else feed.take(2))
        self._buffer[: len(answer)] = answer
        return memoryview(self._buffer)[: len(answer)]


def _record(n: int) -> bytes:
    """A template 70 with `n` bytes that no reader knows the meaning of."""
    inner = b"\xdf\x7f\x81" + bytes((n,)) + bytes(n)
    inner = inner[: _RESPONSE_MOST - 5]
    return b"\x70\x81" + bytes((len(inner) & 0xFF,)) + inner
