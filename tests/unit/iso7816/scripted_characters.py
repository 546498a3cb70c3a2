"""A card's character line with one conversation (ports.Characters), for T=0, T=1, PPS and ATR.

    line = ScriptedCharacters([("00A40400 0E", "A4"), ...])

A step is (what the reader sends, what the card then sends), hex or bytes. The reader may send it in any pieces; a step
that expects nothing lets its answer come unasked. `None` as the answer: the card leaves (E_CARD_REMOVED from then on);
a number: that error. What the card does not send, it stays silent about: `receive_into` then returns less than asked
for. Nothing takes time. The waiting times that were allowed are kept in `waits` as (first_etu, next_etu).
"""

from reader.errors import E_CARD_REMOVED, ReaderError
from testing import h, hexed


class ScriptedCharacters:
    def __init__(self, script, clock_khz: int = 3580):
        self._script = [(h(sent), r if r is None or isinstance(r, int) else h(r)) for sent, r in script]
        self._arrived = b""
        self._matched = 0
        self._error = 0
        self._broken = None
        self.clock_khz = clock_khz
        self.position = 0
        self.waits = []
        self.discarded = 0  # characters that came unasked and were dropped
        self._advance()

    async def send(self, data) -> None:
        """AssertionError when the characters are not the next of the script."""
        if self._broken:
            raise AssertionError(self._broken)
        if self._error:
            raise ReaderError(self._error)
        data = bytes(data)
        while data:
            if self.position >= len(self._script):
                self._fail(f"{hexed(data)} sent after the end of the script")
            expected = self._script[self.position][0]
            part = data[: len(expected) - self._matched]
            if part != expected[self._matched : self._matched + len(part)]:
                self._fail(
                    f"step {self.position} from character {self._matched}: "
                    f"expected {hexed(expected[self._matched :])}, got {hexed(data)}"
                )
            self._matched += len(part)
            data = data[len(part) :]
            if self._matched == len(expected):
                self._finish_step()
                self._advance()

    async def receive_into(self, out, first_etu: int, next_etu: int) -> int:
        if self._broken:
            raise AssertionError(self._broken)
        if not first_etu > 0 or not next_etu > 0:
            self._fail("a receiver that does not wait")
        self.waits.append((first_etu, next_etu))
        if not self._arrived and self._error:
            raise ReaderError(self._error)
        n = min(len(out), len(self._arrived))
        out[:n] = self._arrived[:n]
        self._arrived = self._arrived[n:]
        return n

    def break_off(self, code: int) -> None:
        """From now on the line has this error."""
        self._error = code

    def discard(self) -> None:
        self.discarded += len(self._arrived)
        self._arrived = b""

    def set_etu(self, f: int, d: int) -> None:
        raise AssertionError("the protocols do not change the rate")

    def set_guard(self, etu: int) -> None:
        raise AssertionError("the protocols do not change the guard time")

    def done(self) -> None:
        """Asserts that the whole script was played, and every character received or dropped."""
        if self._broken:
            raise AssertionError(self._broken)
        if self.position != len(self._script) or self._matched:
            raise AssertionError(f"the script ended at step {self.position} of {len(self._script)}")
        if self._arrived:
            raise AssertionError(f"{hexed(self._arrived)} was never received")

    def _advance(self):
        while self.position < len(self._script) and not self._script[self.position][0]:
            self._finish_step()

    def _finish_step(self):
        reply = self._script[self.position][1]
        self.position += 1
        self._matched = 0
        if reply is None:
            self._error = E_CARD_REMOVED
        elif isinstance(reply, int):
            self._error = reply
        else:
            self._arrived += reply

    def _fail(self, message):
        self._broken = message
        raise AssertionError(message)
