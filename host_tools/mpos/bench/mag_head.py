"""The magnetic head of a reader and the slot that cards are swiped through, as its processor sees it through a socket.

    head = MagHead()                                          behind a Delta ASIC; MagHead(asic=None): raw edges
    async with serve_head(head) as address: ...               "127.0.0.1:PORT", one reader at a time
    head.swipe(stripe, speed_cm_s=40, direction="back")       options: those of f2f.times, and paced

With an ASIC, one byte each way:
    reader: 00, 01  level of STROBE     02  what is the level of DATA?     03, 04  pull DATA low, let go of it
    head:   10, 11  level of DATA, the answer     20, 21  level of DATA, at the start and when it has changed unasked
Raw edges: reader: 01 armed; head, after a swipe: for each track number (1), count (2, big-endian), so many intervals (2 each,
big-endian, us, FFFF: that or longer); then FF. A swipe that nobody is armed for is lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from mpos.bench import f2f
from mpos.bench.f2f import Stripe
from mpos.bench.mag_asic import DeltaAsic
from mpos.bench.serving import PIECE, serve

STROBE_LOW, STROBE_HIGH, TELL, PULL, LET_GO = range(5)
ANSWER, CHANGE = 0x10, 0x20
ARMED, COMPLETE = 0x01, 0xFF

_LATE_S = 0.001  # so that what is due has come
_PATIENCE_S = 10.0  # of the watchdog: a PC that does other things stalls the reader for longer than a real one has
_WORDS = {"forward": "swiped forward", "back": "swiped backward"}
_TAKEN = "a swipe was read"
_CLEARED = "its memory was cleared"


class MagHead:
    """trace: (direction, what, t), ">" from the card, "<" by the reader, t in seconds of `clock`; no track data.

    asic: a DeltaAsic, its revision (its watchdog is then a patient one), or None: the reader gets the edges themselves.
    swipes: how many cards passed. unseen: how many of them left no trace, as nobody was armed or a swipe was waiting.
    reads: how many swipes a reader took: shifted out to the end of the third track, or sent as edges.
    is_armed: a reader waits for edges. output(data): where the head's bytes go; `serve_head` connects it to a socket.
    """

    def __init__(self, asic: DeltaAsic | str | None = "21006536", clock: Callable[[], float] = time.monotonic):
        self.clock = clock
        self.asic = DeltaAsic(asic, _PATIENCE_S, clock=clock) if isinstance(asic, str) else asic
        self.trace: list[tuple[str, str, float]] = []
        self.swipes = self.unseen = self.reads = 0
        self.is_armed = False
        self.output: Callable[[bytes], None] = lambda data: None
        self._told: bool | None = None
        self._is_taken = False
        self._clears = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def violations(self) -> list[str]:
        """What the reader did against the ASIC's specification."""
        return [] if self.asic is None else self.asic.violations

    # The world's side

    def swipe(self, stripe: Stripe, *, paced: bool = False, **options: Any) -> bool:
        """Draw a card through; True when its stripe was seen. paced: in its own time (with an ASIC), not at once.

        Options: those of `f2f.times`. Raises ValueError on ones that no hand can do.
        """
        signals = f2f.times(stripe, **options)
        self.swipes += 1
        speed = options.get("speed_cm_s", 40)
        self._say(">", f"{_WORDS[options.get('direction', 'forward')]} at {speed:g} cm/s")
        if self.asic is not None:
            seen = self.asic.card(signals, paced)
            self._tell()
        else:
            seen = self.is_armed and self._send_edges(signals)
        self.unseen += not seen
        self._changed()
        return seen

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener()` whenever a card has been swiped, or a reader has armed the head or read or cleared it."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[], None]) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    # The reader's side

    def connected(self) -> None:
        """A reader has switched on, and the ASIC with it."""
        self.is_armed = False
        self._told = None
        if self.asic is not None:
            self.asic.power_on()
            self._tell()

    def receive(self, data: bytes) -> None:
        """Bytes of the reader's."""
        asic = self.asic
        if asic is None:
            for byte in data:
                if byte != ARMED:
                    raise ValueError(f"message {byte:02X}")
                self.is_armed = True
                self._say("<", "armed")
                self._changed()
            return
        for byte in data:
            if byte <= STROBE_HIGH:
                asic.set_strobe(byte == STROBE_HIGH)
            elif byte == TELL:
                self._told = asic.read()
                self.output(bytes((ANSWER | self._told,)))
            elif byte <= LET_GO:
                asic.hold(byte == PULL)
            else:
                raise ValueError(f"message {byte:02X}")
        self._tell()

    def tick(self) -> None:
        """A while has passed."""
        if self.asic is not None:
            self.asic.advance()
            self._tell()

    def due(self) -> float:
        """When, in seconds of `clock`, DATA may change next by itself; infinite: never."""
        return float("inf") if self.asic is None else self.asic.due()

    # Inside

    def _say(self, direction: str, what: str) -> None:
        self.trace.append((direction, what, self.clock()))

    def _changed(self) -> None:
        for listener in list(self._listeners):
            listener()

    def _tell(self) -> None:
        """Tell the reader of DATA, if it is another level than it knows of, and keep the records."""
        asic = self.asic
        assert asic is not None
        level = asic.data
        if asic.is_settled and level != self._told:
            self._told = level
            self.output(bytes((CHANGE | level,)))
        is_taken = asic.strobes >= asic.before_tracks + 3 * asic.size
        if is_taken and not self._is_taken:
            self.reads += 1
            self._say("<", _TAKEN)
        if asic.clears != self._clears:
            self._say("<", _CLEARED)
        if is_taken != self._is_taken or asic.clears != self._clears:
            self._is_taken, self._clears = is_taken, asic.clears
            self._changed()

    def _send_edges(self, signals: dict[int, f2f.Times]) -> bool:
        out = bytearray()
        for number, intervals in f2f.intervals(signals).items():
            out += bytes((number,)) + len(intervals).to_bytes(2, "big") + intervals.astype(">u2").tobytes()
        if not out:
            return False
        self.is_armed = False
        self.reads += 1
        self._say("<", _TAKEN)
        self.output(bytes(out) + bytes((COMPLETE,)))
        return True


@asynccontextmanager
async def serve_head(head: MagHead, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Let one reader after the other talk to the head over TCP. A reader that connects has just switched on."""
    changed = asyncio.Event()
    head.listen(changed.set)

    async def passing() -> None:
        while True:
            changed.clear()
            wait = head.due() - head.clock()
            try:
                async with asyncio.timeout(None if wait == float("inf") else max(wait, 0) + _LATE_S):
                    await changed.wait()
            except TimeoutError:
                pass
            head.tick()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(data: bytes) -> None:
            if not writer.is_closing():
                writer.write(data)

        head.output = send
        head.connected()
        while data := await reader.read(PIECE):
            if head.output is not send:
                return  # another reader has taken its place
            try:
                head.receive(data)
            except ValueError:
                return  # no reader talks like that
            changed.set()

    async with serve(talk, host, port) as address:
        clock = asyncio.create_task(passing(), name="head clock")
        try:
            yield address
        finally:
            clock.cancel()
            head.forget(changed.set)
