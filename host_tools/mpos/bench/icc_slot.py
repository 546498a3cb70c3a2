"""A chip card slot with a front end of the TDA8035 class, as the reader's processor sees it through a socket.

NXP AN10997, TDA8035HN: CMDVCC_N low starts the activation (VCC, I/O, CLK), RSTIN is passed on to RST, and a card that
leaves or a fault of the supply deactivates by itself and pulls OFF_N low until CMDVCC_N is high again. The reader's UART is
tied to the card's one I/O line, so that it hears every character that it sends.

    slot = IccSlot()
    async with serve_slot(slot) as address: ...        "127.0.0.1:PORT", one reader at a time
    slot.insert(card); slot.remove()

On the socket, both ways: type, length, payload.
    00  characters: of the reader's TX, and to its RX              03  baud rate (4), parity (0 even, 1 odd), stop bits
    01  level of CMDVCC_N      02  level of RSTIN                  10  level of OFF_N, at the start and when it changes
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from mpos.bench.field import TargetRemoved
from mpos.bench.icc_chip import ContactTarget, IccChip
from mpos.bench.icc_faults import Faults
from mpos.bench.serving import serve

DATA, CMDVCC_N, RSTIN, SETTINGS, OFF_N = 0x00, 0x01, 0x02, 0x03, 0x10

TICK_S = 0.05
_TOLERANCE = 0.03  # of the baud rate: half a bit in ten, and some of it is the other side's
_GARBLE = 0xA5


class IccSlot:
    """trace: (direction, APDU, t), ">" to the card, "<" from it, t in seconds of `clock`.

    characters: how many have passed between card and reader, in both directions, echoes not counted.
    apdus: how many commands the card's application has got.
    violations: what the reader did against the order of activation and deactivation (ISO/IEC 7816-3, 6.2 and 6.4);
        times are not looked at, a socket does not keep them.
    before_exchange(command, n), before_character(direction, n): hooks that may insert and remove cards.
    output(type, payload): where the slot's messages go; `serve_slot` connects it to a socket.
    """

    def __init__(
        self,
        chip: IccChip | ContactTarget | None = None,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.faults = faults or Faults()
        self.clock = clock
        self.chip: IccChip | None = None
        self.trace: list[tuple[str, bytes, float]] = []
        self.violations: list[str] = []
        self.characters = self.apdus = self.insertions = 0
        self.before_exchange: Callable[[bytes, int], None] | None = None
        self.before_character: Callable[[str, int], None] | None = None
        self.output: Callable[[int, bytes], None] = lambda kind, payload: None
        self.powered = False
        self._command = self._reset = False  # CMDVCC_N is low; RSTIN is high
        self._fault = False  # the front end has deactivated by itself
        self._baud, self._parity = 0, 0
        self._off_n = False
        self._pending = bytearray()
        self._listeners: list[Callable[[], None]] = []
        if chip is not None:
            self.insert(chip)

    # The world's side

    def insert(self, card: IccChip | ContactTarget) -> None:
        """Put a card in. Two at once is an error of the script."""
        if self.chip is not None:
            raise ValueError("there is a card in the slot already")
        self.chip = card if isinstance(card, IccChip) else IccChip(card)
        self.chip.faults = self.faults
        self.chip.output = self._from_card
        self.chip.exchange = self.exchange
        self.chip.power(False)
        self.insertions += 1
        self._changed()

    def remove(self) -> None:
        """Take the card out; with none in the slot nothing changes, as it may have gone by itself."""
        if self.chip is None:
            return
        self._deactivate()
        self.chip.output = lambda character: None
        self.chip = None
        self._changed()

    def cut_power(self) -> None:
        """A fault of the supply: a short-circuit or heat."""
        self._deactivate()
        self._changed()

    @property
    def off_n(self) -> bool:
        return self.chip is not None and not self._fault

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener()` whenever a card comes or goes, or the power is cut."""
        self._listeners.append(listener)

    # The reader's side

    def connected(self) -> None:
        """A reader has switched on: its lines have their levels at rest."""
        self._power(False)
        self._reset, self._fault = False, False
        self._baud, self._parity = 0, 0
        self._off_n = self.off_n
        self.output(OFF_N, bytes([self._off_n]))

    def receive(self, kind: int, payload: bytes) -> None:
        """A message of the reader's."""
        if kind == DATA:
            for character in payload:
                self._from_reader(character)
        elif kind == CMDVCC_N and len(payload) == 1:
            self._power(not payload[0])
        elif kind == RSTIN and len(payload) == 1:
            self._set_reset(bool(payload[0]))
        elif kind == SETTINGS and len(payload) == 6:
            self._baud, self._parity = int.from_bytes(payload[:4], "big"), payload[4]
        else:
            self.violations.append(f"message {kind:02X} of {len(payload)} bytes")
        self._flush()

    def tick(self) -> None:
        """A while has passed."""
        if self.chip is not None and self.powered:
            self.chip.tick()
            self._flush()

    def _power(self, on: bool) -> None:
        if on == self._command:
            return
        self._command = on
        if on:
            if self._reset:
                self.violations.append("RST was high when the supply came on (6.2.1)")
            if self.chip is not None and not self._fault:
                self.powered = True
                self.chip.power(True)
        else:
            if self.powered and self._reset:
                self.violations.append("the supply went off before RST was low (6.4)")
            if self.powered and self.chip is not None:
                self.chip.power(False)
            self.powered = self._fault = False
        self._changed()

    def _set_reset(self, high: bool) -> None:
        if high == self._reset:
            return
        self._reset = high
        if high and not self._command:
            self.violations.append("RST rose without a supply (6.2.1)")
        if self.chip is not None and self.powered:
            self.chip.reset(high)

    def _deactivate(self) -> None:
        """By the front end itself: its own sequence keeps the order."""
        if self.powered:
            self.powered = False
            self._fault = True
            if self.chip is not None:
                self.chip.power(False)

    # The I/O line

    def _from_reader(self, character: int) -> None:
        self._pending.append(character)  # what one says one hears
        if not self._command:
            self.violations.append("a character without a supply (6.2.1)")
        elif self.powered and not self._reset:
            self.violations.append("a character while RST was low (6.2.2)")
        passed = self._pass(">", character)
        if passed is None or self.chip is None or not self.powered:
            return
        value, parity_ok = passed
        if not self._same_baud():
            value, parity_ok = value ^ _GARBLE, False
        self.chip.receive(value, parity_ok and self._parity == self.chip.parity)

    def _from_card(self, character: int) -> None:
        passed = self._pass("<", character)
        if passed is not None:
            value = passed[0]
            self._pending.append(value if self._same_baud() else value ^ _GARBLE)

    def _pass(self, direction: str, character: int) -> tuple[int, bool] | None:
        """One character passes: its value and whether its parity fits, None when it does not get through."""
        if not self._is_live():
            return None
        number = self.characters
        if self.before_character is not None:
            self.before_character(direction, number)
        fault = self.faults.meet("character", number)
        kind = "" if fault is None else fault.kind
        if kind == "removal":
            self.remove()
        elif kind == "power":
            self.cut_power()
        if not self._is_live():
            return None
        self.characters += 1
        if kind == "lost":
            return None
        if fault is not None and kind == "change":
            return character ^ fault.value, True
        if kind == "parity":
            return character ^ 0x10, False
        return character, True

    def _is_live(self) -> bool:
        return self.chip is not None and self.powered

    def _same_baud(self) -> bool:
        return self.chip is not None and abs(self._baud / self.chip.baud - 1) <= _TOLERANCE

    # APDUs

    def exchange(self, command: bytes) -> bytes | None:
        number = self.apdus
        self.apdus += 1
        chip = self.chip
        if self.before_exchange is not None:
            self.before_exchange(command, number)
        fault = self.faults.meet("apdu", number)
        kind = "" if fault is None else fault.kind
        if kind == "removal":
            self.remove()
        elif kind == "power":
            self.cut_power()
        if chip is None or self.chip is not chip or not self.powered:
            return None
        self.trace.append((">", bytes(command), self.clock()))
        if kind in ("null", "wtx"):
            chip.misbehave(kind)
        if kind:
            return None
        try:
            answer = chip.card.exchange(bytes(command))
        except TargetRemoved:
            self.remove()
            return None
        if answer is not None:
            self.trace.append(("<", bytes(answer), self.clock()))
        return answer

    # Messages

    def _changed(self) -> None:
        if self.off_n != self._off_n:
            self._flush()
            self._off_n = self.off_n
            self.output(OFF_N, bytes([self._off_n]))
        for listener in list(self._listeners):
            listener()

    def _flush(self) -> None:
        while self._pending:
            part, self._pending = self._pending[:255], self._pending[255:]
            self.output(DATA, bytes(part))


@asynccontextmanager
async def serve_slot(slot: IccSlot, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Let one reader after the other talk to the slot over TCP. A reader that hangs up leaves its lines at rest."""

    async def passing() -> None:
        while True:
            await asyncio.sleep(TICK_S)
            slot.tick()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(kind: int, payload: bytes) -> None:
            if not writer.is_closing():
                writer.write(bytes([kind, len(payload)]) + payload)

        slot.output = send
        slot.connected()
        while True:
            kind, length = await reader.readexactly(2)
            payload = await reader.readexactly(length)
            if slot.output is send:
                slot.receive(kind, payload)

    async with serve(talk, host, port) as address:
        clock = asyncio.create_task(passing(), name="slot clock")
        try:
            yield address
        finally:
            clock.cancel()
