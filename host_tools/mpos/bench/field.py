"""The radio field in front of the antenna: which targets lie in it, and what passes between them and a coupler.

The coupler (`mpos.bench.pn532_chip`) switches the carrier and exchanges; the world (a test, `mpos run`) lays targets into
the field and takes them away, at once or from a script hook. There is no radio here and no waiting: a target that does not
answer says so with None.

What goes wrong on the air, block by block of ISO/IEC 14443-4 (frame by frame for other cards):
    field.on_air[3] = LOST          block 3 does not reach the card (with a wrong CRC a card does not hear it either)
    field.on_air[3] = ANSWER_LOST   the card acts on block 3, its answer does not reach the coupler; or ANSWER_GARBLED
    field.on_air[3] = PULLED        the card leaves before it has heard block 3; or ANSWER_PULLED: after it has acted on it
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

LOST, PULLED = "lost", "pulled"
ANSWER_LOST, ANSWER_GARBLED, ANSWER_PULLED = "answer lost", "answer garbled", "answer pulled"
GARBLED = b""  # what a coupler receives with a wrong CRC


class TargetRemoved(Exception):
    """A target raises this from `exchange` when it leaves the field in the middle of the exchange."""


class Nak(Exception):
    """A card without ISO/IEC 14443-4 raises this from `exchange`: a NAK of four bits (MIFARE Classic: 0 and 1, invalid
    operation or parity; 4 and 5; NTAG21x data sheet, table 10)."""

    def __init__(self, code: int = 0):
        super().__init__(code)
        self.code = code


ACK = b"\x0a"  # the ACK of four bits, as `exchange` of such a card returns it


class Target(Protocol):
    """Any card. `modulation` says which of the three below it is; a card without this attribute is "A".

    Of several cards that lie in the field each answers in its own technology only.
    """

    uid: bytes

    def power_on(self) -> None:
        """The card starts afresh: the carrier reached it, or it was activated again. Nothing stays selected."""
        ...

    def exchange(self, command: bytes) -> bytes | None:
        """Answer one command: a whole APDU for ISO 14443-4, a FeliCa frame from its length byte on, otherwise the raw
        bytes without CRC: what the card itself gets. A write of MIFARE Classic, and its value operations, come in
        two parts (A0 block, then 16 bytes; C0, C1 or C2 block, then 4 bytes, which a good card leaves unanswered).

        None: the card stays silent. Raises TargetRemoved to vanish, Nak.

        An attribute `delay_ms` says how long the answer to the next command takes the card: it asks for time by S(WTX)
        if that is longer than its waiting time, `math.inf`: for ever. How much of it really passes says `Field.real_ms`.
        """
        ...


class TypeATarget(Target, Protocol):
    """One ISO/IEC 14443-3 type A card.

    uid: 4, 7 or 10 bytes, first byte first, without cascade tags.
    atqa: 2 bytes, most significant first (MIFARE Classic 1K is 00 04), as the PN532 reports SENS_RES.
    sak: the SAK of the last cascade level; bit 0x20 says ISO 14443-4 (14443-3, table 9).
    ats: the whole ATS, TL first, without CRC; None for a card without ISO 14443-4.

    A MIFARE Classic card has another method: authenticate(kind, block, key, uid) -> bool. kind: 60h key A, 61h key B;
    key: 6 bytes; uid: 4 bytes. Crypto-1 is not simulated: True grants by the key's equality. After False the card is
    silent until it is activated again (`power_on`).
    """

    atqa: bytes
    sak: int
    ats: bytes | None


class TypeBTarget(Target, Protocol):
    """One ISO/IEC 14443-3 type B card; modulation "B". uid: the PUPI, 4 bytes.

    application_data: 4 bytes of the ATQB: AFI, CRC_B(AID) 2 bytes, number of applications.
    protocol_info: 3 bytes of the ATQB: bit rates; frame size and protocol type; FWI and options. Bit 0 of the second byte
    says ISO/IEC 14443-4: `exchange` gets APDUs then, raw bytes otherwise.
    attrib_response: what the card answers to ATTRIB: MBLI and CID, then the higher layer's response if any.
    """

    modulation: str
    application_data: bytes
    protocol_info: bytes
    attrib_response: bytes


class FelicaTarget(Target, Protocol):
    """One FeliCa card (JIS X 6319-4); modulation "F". uid: the IDm, 8 bytes. It speaks 212 and 424 kbps.

    pmm: 8 bytes. systems: the system codes, 2 bytes each, first the one that a Polling for FFFF is answered with. Polling
    itself is answered by the field's coupler from these; `exchange` gets the other commands, with their length byte.
    """

    modulation: str
    pmm: bytes
    systems: tuple[bytes, ...]


def modulation(target: Target) -> str:
    """ "A", "B" or "F"."""
    return getattr(target, "modulation", "A")


class Field:
    """The targets within reach, the carrier, and a record of every exchange.

    trace: (direction, bytes, t) per message, direction ">" to the target and "<" from it, t in seconds of `clock`.
    before_exchange(target, command, n): called before exchange number n (an APDU; from 0, counted over the field's life)
    is given to the target; after_exchange(target, answer, n): when it has acted and nobody has its answer yet.
    before_block(target, block, n), after_block(target, answer, n): the same for blocks; see `on_air` above.
    on_poll(n): called before poll number n (from 0) for targets.
    on_step(target, step): called before each step of a target's activation, named as in the standards: "SELECT 1",
    "RATS", "PPS", "ATTRIB", "POLLING".
    All hooks may present and remove targets.
    real_ms: how much of a target's `delay_ms` passes in reality, for each exchange.
    """

    def __init__(self, *targets: Target, clock: Callable[[], float] = time.monotonic):
        self.targets: list[Target] = []
        self.carrier = False
        self.trace: list[tuple[str, bytes, float]] = []
        self.before_exchange: Callable[[Target, bytes, int], None] | None = None
        self.after_exchange: Callable[[Target, bytes | None, int], None] | None = None
        self.before_block: Callable[[Target, bytes, int], None] | None = None
        self.after_block: Callable[[Target, bytes | None, int], None] | None = None
        self.on_air: dict[int, str] = {}
        self.on_poll: Callable[[int], None] | None = None
        self.on_step: Callable[[Target, str], None] | None = None
        self.real_ms = 0.0
        self.exchanges = 0
        self.blocks = 0
        self.polls = 0
        self.clock = clock
        self._listeners: list[Callable[[], None]] = []
        self._power_ups: dict[int, int] = {}
        for target in targets:
            self.present(target)

    def present(self, target: Target) -> None:
        """Lay a target into the field. Laying it there twice is an error of the script."""
        if self.holds(target):
            raise ValueError("this target is in the field already")
        self.targets.append(target)
        if self.carrier:
            self.power_up(target)
        self._changed()

    def remove(self, target: Target) -> None:
        """Take a target away; taking it away twice changes nothing, as it may have vanished by itself."""
        self.targets = [other for other in self.targets if other is not target]
        self._changed()

    def clear(self) -> None:
        """Take everything away."""
        self.targets = []
        self._changed()

    def holds(self, target: Target) -> bool:
        return any(other is target for other in self.targets)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener()` whenever a target comes or goes."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[], None]) -> None:
        self._listeners.remove(listener)

    # The coupler's side

    def set_carrier(self, on: bool) -> None:
        """Switch the carrier. Targets start afresh when it comes on; one already on changes nothing."""
        if on and not self.carrier:
            for target in self.targets:
                self.power_up(target)
        self.carrier = on

    def power_up(self, target: Target) -> None:
        """A target starts afresh: the carrier has come, or it is activated again."""
        self._power_ups[id(target)] = self.power_ups(target) + 1
        target.power_on()

    def power_ups(self, target: Target) -> int:
        """How often a target has started: what was activated before the last time is so no more."""
        return self._power_ups.get(id(target), 0)

    def reaches(self, target: Target) -> bool:
        """The target lies in the field and has power."""
        return self.carrier and self.holds(target)

    def step(self, target: Target, name: str) -> bool:
        """A step of a target's activation begins. False: the target is not there for it."""
        if self.on_step is not None:
            self.on_step(target, name)
        return self.reaches(target)

    def poll(self) -> list[Target]:
        """The targets that answer a request now; none without carrier."""
        number = self.polls
        self.polls += 1
        if self.on_poll is not None:
            self.on_poll(number)
        return list(self.targets) if self.carrier else []

    def exchange(self, target: Target, command: bytes) -> bytes | None:
        """Pass one command to a target. None: no answer, because it is mute, gone, or without carrier. Raises Nak."""
        return self.act(target, command, lambda: target.exchange(bytes(command)))

    def act(self, target: Target, command: bytes, answer: Callable[[], bytes | None]) -> bytes | None:
        """An exchange whose answer comes from `answer()`; `command` is what hooks and trace are told."""
        number = self.exchanges
        self.exchanges += 1
        if self.before_exchange is not None:
            self.before_exchange(target, command, number)
        if not self.reaches(target):
            return None
        self.trace.append((">", bytes(command), self.clock()))
        try:
            given = answer()
        except TargetRemoved:
            self.remove(target)
            return None
        if self.after_exchange is not None:
            self.after_exchange(target, given, number)
        if given is None or not self.reaches(target):
            return None
        self.trace.append(("<", bytes(given), self.clock()))
        return given

    def block(self, target: Target, frame: bytes, receive: Callable[[bytes], bytes | None]) -> bytes | None:
        """Pass one block through the air to the side of the target that `receive`s it. None: no answer; GARBLED: one with
        a wrong CRC. Raises Nak."""
        number = self.blocks
        self.blocks += 1
        if self.before_block is not None:
            self.before_block(target, frame, number)
        fate = self.on_air.get(number)
        if fate == PULLED:
            self.remove(target)
        if fate == LOST or not self.reaches(target):
            return None
        nak, answer = None, None
        try:
            answer = receive(frame)
        except Nak as error:
            nak = error
        if self.after_block is not None:
            self.after_block(target, answer, number)
        if fate == ANSWER_PULLED:
            self.remove(target)
        if fate == ANSWER_LOST or not self.reaches(target):
            return None
        if fate == ANSWER_GARBLED and (nak or answer is not None):
            return GARBLED
        if nak:
            raise nak
        return answer

    def _changed(self) -> None:
        for listener in list(self._listeners):
            listener()
