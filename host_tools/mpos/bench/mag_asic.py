"""MagTek's triple-track Delta ASIC at its two pins: STROBE, which the reader drives, and DATA, which it reads.

From MagTek's specifications 99875336 (21006536/37, 21006529/39 and the old mode of 21006540/41) and 99875337 (the new mode
of 21006540/41, 3 V). Old mode, the one in which every part starts:
- DATA rests high and falls with the ZEROES FLAG, when each track that is awake has had 13 zeros in a row, counted from 32
  bits after its first one; or with the AUXILIARY FLAG, when the card has gone, the buffers are full, or too long has passed.
- The first strobe (CLEAR) takes the ZEROES FLAG back, the second (STOP) ends the recording; DATA is low: buffer ready.
- Each falling edge then shifts one bit out, low for a one, valid while STROBE is low: 16 bits of preamble, then tracks A,
  B, C (608 bits each, from the first one on, zeros after the last) and C, B, A backwards, eight times a track in all.
- The rising edge of strobe 2 + 16 + 8 * 3 * 608 = 14,610 clears the memory, and so does the watchdog 262 to 630 ms after
  the last falling edge. DATA is low meanwhile (25 ms at most, and as long as a card is passing), then high: armed.

New mode (704 bits): the reader pulls DATA low itself while STROBE is high, then STROBE low, high, low; lets go of DATA;
STROBE high, low: reset; high, low: armed. DATA low: a card; a pulse of STROBE takes that back. DATA low: buffer ready. STROBE
rests low; a pulse (high, low) shifts one bit out, and DATA is high while STROBE is. Only a reset clears the memory.

Times are those of `clock` in seconds. Minimum widths of strobes are not looked at: a socket does not keep them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from mpos.bench import f2f

# Preamble key: by part, and by mode for the 3 V one. The bit that is shifted out last is the highest
PREAMBLES = {"21006536": 0x0000, "21006529": 0x8000, "21006540": 0x4000}
NEW_MODE = 0xC000
BITS, BITS_NEW = 608, 704
STROBES = 2 + 16 + 8 * 3 * BITS  # that clear the memory

_PREAMBLE = 16
_ZEROS, _ZEROS_FROM = 13, 32
_RESET_S = 0.025  # Tsc
_CARD_TIMEOUT_S = 2.0  # from wake-up, 1.35 to 3.1 s
_GONE_S = 0.005  # after the last reversal, the signal is below its threshold
_NEVER = float("inf")

Signals = Mapping[int, f2f.Times]
_Track = tuple[list[int], list[float]]  # bits, and when each was complete


class DeltaAsic:
    """revision: a part of PREAMBLES. watchdog_s: 0.262 to 0.630.

    strobe, data: levels of the pins. strobes: how many there were since the memory was cleared. violations: what the reader did against the specification. watchdogs: how often it
    was too late. clears: how often the memory was cleared, by whatever. is_new: in the new mode.
    """

    def __init__(
        self,
        revision: str = "21006536",
        watchdog_s: float = 0.630,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.revision = revision
        self.watchdog_s = watchdog_s
        self.clock = clock
        self.violations: list[str] = []
        self.watchdogs = self.clears = 0
        self.preamble: int | None = None
        self._gone_at = 0.0  # when the last card has passed
        self._noise = 1
        self.power_on()

    def power_on(self) -> None:
        """Power comes, with the pins at rest: nothing is stored, and the mode is the old one."""
        self.is_new = False
        self.strobe = True
        self.is_held = False  # the reader pulls DATA low
        self._held_falls = 0
        self._reset_until = self._watchdog_at = _NEVER
        self._forget()

    # The card's side

    def card(self, signals: Signals, paced: bool = False) -> bool:
        """A card passes: by track the times (us) of its reversals. False: it left no trace here.

        paced: it takes its time; otherwise it has passed at once.
        """
        now = self.clock()
        self.advance()
        scale = 1e-6 if paced else 0.0
        passed = max((when[-1] for when in signals.values() if len(when)), default=0.0)
        self._gone_at = now + passed * scale
        if not self._is_armed():
            return False
        tracks = {number: f2f.cells(when) for number, when in signals.items()}
        awake = {number: (bits, [now + end * scale for end in ends]) for number, (bits, ends) in tracks.items() if bits}
        if not awake:
            return False
        self._awake.update(awake)
        self._woken_at = min(ends[0] for _, ends in awake.values())
        self._zeros_at = max(_thirteen(bits, ends) for bits, ends in awake.values())
        full = max(_full(bits, ends, self.size) for bits, ends in awake.values())
        last = max(ends[-1] for _, ends in awake.values())
        self._gone_at = max(self._gone_at, last)
        self._aux_at = min(full, last + (_GONE_S if paced else 0.0), self._woken_at + _CARD_TIMEOUT_S)
        return True

    # The reader's side

    @property
    def size(self) -> int:
        """Bits of a track."""
        return BITS_NEW if self.is_new else BITS

    @property
    def data(self) -> bool:
        """The level of DATA."""
        self.advance()
        now = self.clock()
        if self.is_held:
            return False
        if self.is_new:
            return self._data_new(now)
        if self._reset_until != _NEVER:
            return False
        if self.strobes < 2:
            return not (self._aux_at <= now or (self._zeros_at <= now and not self.strobes))
        if self.strobes == 2:
            return False
        if not self.is_settled:
            self._noise = self._noise * 1103515245 + 12345 & 0x7FFFFFFF
            return bool(self._noise & 0x10000)
        return not self._bit(self.strobes - 3)

    @property
    def memory(self) -> dict[int, list[int]]:
        """What is stored, by track; nothing when it is clear."""
        return {number: bits for number, (bits, _) in self._awake.items()}

    @property
    def is_settled(self) -> bool:
        """DATA says something. Tdh, Tsd: in the old mode a bit does so from a falling edge to the rising one."""
        return self.is_new or self.strobes <= 2 or not self.strobe or self._reset_until != _NEVER

    @property
    def before_tracks(self) -> int:
        """Strobes before the first bit of the first track: handshake and preamble."""
        return _PREAMBLE if self.is_new else 2 + _PREAMBLE

    def read(self) -> bool:
        """The level of DATA as the reader looks at it; a look at a moment at which it says nothing is a violation."""
        level = self.data
        if not self.is_settled:
            self.violations.append("DATA was read while STROBE was high: it says nothing then")
        return level

    def set_strobe(self, high: bool) -> None:
        """Drive STROBE."""
        self.advance()
        if high == self.strobe:
            return
        self.strobe = high
        if self._is_reset_sequence(high):
            return
        if self.is_new:
            self._rise_new() if high else self._fall_new()
        elif high:
            if self.strobes == STROBES:
                self._clear()
        else:
            self._fall()

    def hold(self, low: bool) -> None:
        """The reader pulls DATA low, or lets go of it."""
        self.advance()
        if low and self.revision != "21006540":
            self.violations.append("DATA was pulled low: it is an output")
            return
        if low and not self.is_held:
            self._held_falls = 0
        self.is_held = low

    # Time

    def advance(self) -> None:
        """Let what time has brought happen."""
        now = self.clock()
        if self._watchdog_at <= now:
            self.watchdogs += 1
            self._clear(self._watchdog_at)
        if self._reset_until != _NEVER and max(self._reset_until, self._gone_at) <= now:
            self._reset_until = _NEVER
            self._forget()

    def due(self) -> float:
        """When DATA may change next by itself; infinite: never."""
        now = self.clock()
        times = [self._zeros_at, self._aux_at, self._woken_at, self._watchdog_at]
        if self._reset_until != _NEVER:
            times.append(max(self._reset_until, self._gone_at))
        return min((when for when in times if when > now), default=_NEVER)

    # Inside

    def _forget(self) -> None:
        self._awake: dict[int, _Track] = {}
        self._memory: dict[int, list[int]] = {}
        self._woken_at = self._zeros_at = self._aux_at = _NEVER
        self.strobes = 0  # falling edges since the memory was cleared
        self._armed = not self.is_new
        self._falls = 0  # new mode: since the reset
        self._is_seen = self._is_answer = False  # the reader has answered the card's presence; this pulse does so

    def _is_armed(self) -> bool:
        return self._armed and self._reset_until == _NEVER and not self.strobes and not self._awake

    def _clear(self, at: float | None = None) -> None:
        self.clears += 1
        self._watchdog_at = _NEVER
        self._forget()
        self._reset_until = (self.clock() if at is None else at) + _RESET_S

    def _fall(self) -> None:
        now = self.clock()
        if self._reset_until != _NEVER:
            self.violations.append("a strobe while the memory was being cleared")
            return
        if not self.strobes and min(self._zeros_at, self._aux_at) > now:
            self.violations.append("a strobe before there was a flag")
        self.strobes += 1
        self._watchdog_at = now + self.watchdog_s
        if self.strobes == 2:
            self._stop(now)

    def _stop(self, now: float) -> None:
        """Recording ends: what has passed until now is in the memory."""
        for number, (bits, ends) in self._awake.items():
            heard = [bit for bit, end in zip(bits, ends, strict=True) if end <= now]
            first = heard.index(1) if 1 in heard else len(heard)
            self._memory[number] = heard[first : first + self.size]

    def _bit(self, at: int) -> int:
        """Bit `at` of what is shifted out."""
        if at < _PREAMBLE:
            own = NEW_MODE if self.is_new else PREAMBLES[self.revision]
            return (own if self.preamble is None else self.preamble) >> at & 1
        passage, place = divmod(at - _PREAMBLE, self.size)
        turn, track = divmod(passage, 3)
        if turn & 1:
            track, place = 2 - track, self.size - 1 - place
        memory = self._memory.get(track + 1, ())
        return memory[place] if place < len(memory) else 0

    # The new mode

    def _is_reset_sequence(self, high: bool) -> bool:
        """Two falling edges while the reader holds DATA low; the rising edge after them takes the mode from DATA."""
        if self.revision != "21006540":
            return False
        if self._held_falls >= 2:
            if high:
                self._held_falls = 0
                self.is_new = not self.is_held
                self.clears += 1
                self._watchdog_at = self._reset_until = _NEVER
                self._forget()
                return True
        elif self.is_held:
            self._held_falls += not high
            return True
        return False

    def _data_new(self, now: float) -> bool:
        if not self._armed or self.strobe:
            return True
        if self.strobes:
            return not self._bit(self.strobes - 1)
        return (self._aux_at if self._is_seen else self._woken_at) > now

    def _rise_new(self) -> None:
        now = self.clock()
        self._is_answer = False
        if not self._armed:
            return
        if not self._is_seen:
            if self._woken_at > now:
                self.violations.append("a strobe before there was a card")
            self._is_seen = self._is_answer = True
        elif self._aux_at > now:
            self.violations.append("a strobe before the buffer was ready")
        elif not self.strobes:
            self._stop(now)

    def _fall_new(self) -> None:
        if not self._armed:
            self._falls += 1
            self._armed = self._falls == 2  # one ends the reset, one arms
        elif self._is_seen and not self._is_answer and self._aux_at <= self.clock():
            self.strobes += 1


def _thirteen(bits: Sequence[int], ends: Sequence[float]) -> float:
    """When a track has had 13 zeros in a row, counted from 32 bits after its first one."""
    if 1 not in bits:
        return _NEVER
    zeros = 0
    for at in range(bits.index(1) + _ZEROS_FROM, len(bits)):
        zeros = 0 if bits[at] else zeros + 1
        if zeros == _ZEROS:
            return ends[at]
    return _NEVER


def _full(bits: Sequence[int], ends: Sequence[float], size: int) -> float:
    """When its part of the memory is full."""
    if 1 not in bits:
        return _NEVER
    at = bits.index(1) + size - 1
    return ends[at] if at < len(ends) else _NEVER
