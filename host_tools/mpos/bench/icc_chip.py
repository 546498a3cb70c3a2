"""A contact chip card as its contacts see it: supply, RST and characters, around an application that speaks in APDUs.

ISO/IEC 7816-3 and EMV 4.4 Book 1; sections are cited where the card behaves as they say. It knows no clock: what a card
would take time for is done at once, or at `tick`, which the slot calls when a while has passed.

    chip = IccChip(card)                              a card of mpos.bench.cards.contact, with its own ATR and protocol
    IccSlot(chip)                                     the slot that powers it (mpos.bench.icc_slot)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mpos.bench.icc import atr as atrs
from mpos.bench.icc.t0 import T0, T0Options
from mpos.bench.icc.t1 import T1, T1Options
from mpos.bench.icc_faults import Faults, damage_atr

QUIET_TICKS = 8  # more than any reader is silent within a block, on a busy host

PPS_KINDS = (
    "agree",
    "defaults",  # 9.3: PPS1 is left out of the answer, so Fd and Dd hold
    "silent",
    "garbage",  # an answer whose PCK is wrong
    "other-protocol",  # an answer with another T
)


class ContactTarget(Protocol):
    """What is on a contact card, in APDUs. It must not care which protocol carries them.

    atr: the whole ATR in logical values; protocol: 0 or 1, one that the ATR offers.
    """

    atr: bytes
    protocol: int

    def power_on(self) -> None:
        """A reset: nothing stays selected."""
        ...

    def exchange(self, command: bytes) -> bytes | None:
        """A whole command of case 1 to 4, short, in; data and SW out. None: the card is mute.

        Raises field.TargetRemoved to leave the slot."""
        ...


class IccChip:
    """warm_atr: the ATR of every reset but the first after power-up; None: the card's own `warm_atr` if it has one,
    else its ATR.

    pps: one of PPS_KINDS. t0, t1: how the card uses what the protocol leaves to it. A mute card: `atr=b""`.
    clock_khz: the clock that the slot gives it.
    output(character): where the card's characters go, as a UART of the direct convention reads them.
    """

    def __init__(
        self,
        card: ContactTarget,
        *,
        atr: bytes | None = None,
        warm_atr: bytes | None = None,
        pps: str = "agree",
        t0: T0Options | None = None,
        t1: T1Options | None = None,
        clock_khz: float = 3580.0,
    ):
        if pps not in PPS_KINDS:
            raise ValueError(f"no {pps!r}; there are: {', '.join(PPS_KINDS)}")
        self.card = card
        self.atr = card.atr if atr is None else atr
        own = getattr(card, "warm_atr", None) if atr is None else None
        self.warm_atr = warm_atr if warm_atr is not None else own if own is not None else self.atr
        self.pps = pps
        self.t0, self.t1 = t0 or T0Options(), t1 or T1Options()
        self.clock_khz = clock_khz
        self.faults = Faults()
        self.output: Callable[[int], None] = lambda character: None
        self.exchange: Callable[[bytes], bytes | None] = card.exchange
        self.resets = self.blocks = self.heard = 0  # over the life of the card
        self.power(False)

    # The contacts

    def power(self, on: bool) -> None:
        """The supply comes or goes. RST is low when it comes (6.2.1)."""
        self.powered = on
        self._cold = True
        self._stop()

    def reset(self, high: bool) -> None:
        """RST. The ATR follows its rise."""
        if not self.powered:
            return
        if not high:
            self._stop()
        elif not self._running:
            self._start()

    def receive(self, character: int, parity_ok: bool = True) -> None:
        """A character as a UART of the direct convention sends it; parity_ok: its parity is the card's."""
        if not self._running:
            return
        self._silent_ticks = 0
        value = atrs.to_line(character) if self._facts.inverse else character
        if self._engine is None:
            self._first(value, parity_ok)
        else:
            self._engine.receive(value, parity_ok)

    def tick(self) -> None:
        """A while has passed: time for a NULL. After some of these in a row a T=1 block has come as far as it will."""
        self._silent_ticks += 1
        if isinstance(self._engine, T0):
            self._engine.tick()
        elif isinstance(self._engine, T1) and self._silent_ticks == QUIET_TICKS:
            self._engine.quiet()

    @property
    def baud(self) -> float:
        """7.1: 1 etu is F/D clocks."""
        return self.clock_khz * 1000 * self._d / self._f

    @property
    def parity(self) -> int:
        """0 even, 1 odd, for a UART of the direct convention: nine inverted bits change the parity (7.3)."""
        return 1 if self._facts.inverse else 0

    @property
    def protocol(self) -> int | None:
        """The protocol in use; None before the first character after the ATR."""
        return None if self._engine is None else 0 if isinstance(self._engine, T0) else 1

    # Reset

    def _stop(self) -> None:
        self._running = False
        self._facts = atrs.facts(self.atr)
        self._engine: T0 | T1 | None = None
        self._request = b""  # PPS, as far as it has come
        self._f, self._d = 372, 1
        self._silent_ticks = 0

    def _start(self) -> None:
        atr = self.atr if self._cold else self.warm_atr
        self._cold = False
        fault = self.faults.meet("reset", self.resets)
        self.resets += 1
        self.card.power_on()
        self._facts = atrs.facts(atr)
        self._running = True
        self._say(atr if fault is None else damage_atr(fault.kind, atr))
        if self._facts.specific is not None:  # 8.3: specific mode, right after the ATR
            if not self._facts.implicit:
                self._set_etu(self._facts.ta1)
            self._use(self._facts.specific)

    # PPS: 9

    def _first(self, value: int, parity_ok: bool) -> None:
        """Until a protocol is in use: a PPS request begins with FF, everything else is the first offered protocol."""
        if not self._request and value != 0xFF:
            self._use(self._facts.protocols[0])
            if self._engine is not None:
                self._engine.receive(value, parity_ok)
            return
        if not parity_ok:
            return
        self._request += bytes([value])
        if len(self._request) >= 2 and len(self._request) == 3 + (self._request[1] >> 4 & 0x07).bit_count():
            request, self._request = self._request, b""
            if atrs.xor(request) == 0 and request[1] & 0x0F in self._facts.protocols:
                self._agree(request)  # 9.2: anything else is not answered

    def _agree(self, request: bytes) -> None:
        protocol = request[1] & 0x0F
        pps1 = request[2] if request[1] & 0x10 else 0x11
        has_pps1 = self.pps not in ("defaults",) and self._allows(pps1)
        answer = bytearray([0xFF, protocol | (0x10 if has_pps1 and request[1] & 0x10 else 0)])
        if answer[1] & 0x10:
            answer.append(pps1)
        match self.pps:
            case "silent":
                return
            case "other-protocol":
                answer[1] ^= 0x01
        answer.append(atrs.xor(answer) ^ (0x01 if self.pps == "garbage" else 0))
        self._say(bytes(answer))
        if self.pps in ("agree", "defaults"):
            if answer[1] & 0x10:
                self._set_etu(pps1)
            self._use(protocol)

    def _allows(self, pps1: int) -> bool:
        """9.3: F and D from the defaults to those of TA1."""
        d = atrs.D.get(pps1 & 0x0F)
        return pps1 >> 4 in atrs.F and d is not None and d <= atrs.D.get(self._facts.ta1 & 0x0F, 1)

    def _set_etu(self, ta1: int) -> None:
        self._f, self._d = atrs.F.get(ta1 >> 4, 372), atrs.D.get(ta1 & 0x0F, 1)

    def _use(self, protocol: int) -> None:
        if protocol == 0:
            self._engine = T0(self._ask, self._say, self.t0, sent_fault=self._sent_fault)
        elif protocol == 1:
            self._engine = T1(
                self._ask,
                self._say,
                self.t1,
                ifsc=self._facts.ifsc,
                crc=self._facts.crc,
                sent_fault=self._sent_fault,
                heard_fault=self._heard_fault,
            )

    # What the protocols need

    def _ask(self, command: bytes) -> bytes | None:
        return self.exchange(command)

    def misbehave(self, kind: str) -> None:
        """ "null" or "wtx" of mpos.bench.icc_faults, in place of the answer to the command that came."""
        if kind == "null" and isinstance(self._engine, T0):
            self._engine.endless_null = True
        elif kind == "wtx" and isinstance(self._engine, T1):
            self._engine.endless_wtx = True

    def _sent_fault(self) -> str | None:
        fault = self.faults.meet("block", self.blocks)
        self.blocks += 1
        return None if fault is None else fault.kind

    def _heard_fault(self) -> str | None:
        fault = self.faults.meet("heard", self.heard)
        self.heard += 1
        return None if fault is None else fault.kind

    def _say(self, data: bytes) -> None:
        for value in data:
            if self._running:
                self.output(atrs.to_line(value) if self._facts.inverse else value)
