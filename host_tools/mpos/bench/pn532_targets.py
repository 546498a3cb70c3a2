"""Targets that the PN532 has activated: what it says of each, and how it talks to it (UM0701-02, 7.3.5 and 7.3.8).

IsoDep     type A or B with ISO/IEC 14443-4: blocks (mpos.bench.isodep)
Plain      type B without it: raw frames
Felica     raw frames with their length byte
Mifare     type A without it (mpos.bench.pn532_mifare)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mpos.bench import pn532_status as st
from mpos.bench.field import GARBLED, FelicaTarget, Field, Nak, Target, TypeBTarget
from mpos.bench.isodep import Failed, Limits, Pcd, Picc, rates_of_ats

# RATS of the chip is E0 50, its ATTRIB says the same: frames of 64 bytes, as its CIU's buffer has them
FSD = 64
_POLLING = 0x00
_FAILED = {"silent": st.TIMEOUT, "garbled": st.CRC, "protocol": st.RF_PROTOCOL}


@dataclass
class Air:
    """How long the chip listens, and what has passed. The values are those after power-up (7.3.1)."""

    atr_res_timeout: int = 0x0B
    retry_timeout: int = 0x0A
    max_retries_com: int = 0
    max_retries_activation: int = 0xFF
    spent_ms: float = 0.0
    delay_ms: float = 0.0  # of cards, since somebody asked last

    def spend(self, ms: float) -> None:
        self.spent_ms += ms

    def take_delay(self) -> float:
        delay, self.delay_ms = self.delay_ms, 0.0
        return delay


class Activated:
    """A target from its activation until it starts afresh. `said`: what the answer to InListPassiveTarget has of it."""

    has_chaining = False
    can_halt = True

    def __init__(self, field: Field, air: Air, target: Target, said: bytes):
        self.field = field
        self.air = air
        self.target = target
        self.said = said
        self.is_selected = True
        self._power_ups = field.power_ups(target)

    def exchange(self, data: bytes, more: bool) -> bytes:
        """InDataExchange: status and data."""
        return self.thru(data)

    def thru(self, data: bytes) -> bytes:
        """InCommunicateThru: status and data."""
        try:
            answer = self.raw(data)
        except Nak:
            return bytes([st.CRC])  # four bits without CRC (nfcpy, pn53x.py: type 2 tags)
        if answer is None:
            return bytes([self.no_answer()])
        return bytes([st.CRC]) if answer == GARBLED else bytes([st.OK]) + answer[: st.MAX_DATA]

    def select_again(self) -> bool:
        """InSelect after InDeselect. False: the target does not answer."""
        if not self.field.reaches(self.target):
            return False
        self.field.power_up(self.target)
        self._power_ups = self.field.power_ups(self.target)
        return True

    def deselect(self) -> None: ...

    def presence(self) -> int:
        """Diagnose, test 6."""
        return st.CONTEXT

    def psl(self, to_target: int, from_target: int) -> int:
        """InPSL: the status."""
        return st.CONTEXT

    def raw(self, frame: bytes) -> bytes | None:
        """A frame of the card's own."""

        def heard(data: bytes) -> bytes | None:
            return self.field.exchange(self.target, data) if self._delay() <= self._patience_ms() else None

        return self.send(frame, heard)

    def send(self, frame: bytes, receive: Callable[[bytes], bytes | None]) -> bytes | None:
        """A frame through the air, to a target that is still what was activated."""
        return self.field.block(self.target, frame, lambda data: receive(data) if self._is_same() else None)

    def no_answer(self) -> int:
        """The target was waited for in vain."""
        self.air.spend(self._patience_ms() * (self.air.max_retries_com + 1))
        return st.TIMEOUT

    def _is_same(self) -> bool:
        return self.field.power_ups(self.target) == self._power_ups

    def _patience_ms(self) -> float:
        return st.timeout_ms(self.air.retry_timeout)

    def _delay(self) -> float:
        delay = getattr(self.target, "delay_ms", 0.0)
        self.air.delay_ms += delay
        return delay


class Plain(Activated):
    """A type B card without ISO/IEC 14443-4."""


class IsoDep(Activated):
    """`rates`: dividers of the bit rate that a type A card takes in a PPS; cid: the one that ATTRIB gave."""

    has_chaining = True

    def __init__(
        self,
        field: Field,
        air: Air,
        target: Target,
        said: bytes,
        limits: Limits,
        cid: int | None = None,
        ats: bytes | None = None,
    ):
        super().__init__(field, air, target, said)
        self._limits = limits
        self._cid = cid
        self._ats = ats
        self.rates = (0, 0)  # as InPSL has set them: 0 106 kbps, 1 212, 2 424
        self._activate()

    def _activate(self) -> None:
        picc = Picc(self._limits, FSD, lambda apdu: self.field.exchange(self.target, apdu), self._delay, self._cid)
        self._picc = picc
        self._pcd = Pcd(self._limits, FSD, lambda frame: self.send(frame, picc.receive), self.air.spend, self._cid)

    def exchange(self, data: bytes, more: bool) -> bytes:
        pcd = self._pcd
        pcd.retries = self.air.max_retries_com
        try:
            if data or more or not pcd.has_more:  # 7.4.5; without data the answer goes on
                pcd.transmit(data, more)
                if more:
                    return bytes([st.OK])
            part, has_more = pcd.fetch(st.MAX_DATA)
        except Failed as error:
            return bytes([_FAILED[error.why]])
        return bytes([st.MORE if has_more else st.OK]) + part

    def raw(self, frame: bytes) -> bytes | None:
        # 7.3.9: the caller makes the blocks himself
        return self.send(frame, self._picc.receive)

    def deselect(self) -> None:
        self._pcd.deselect()

    def select_again(self) -> bool:
        if not super().select_again():
            return False
        self._activate()
        return True

    def presence(self) -> int:
        """R(NAK): the block layer answers even if the card is busy (7.2.1, test 6)."""
        return st.OK if self._pcd.is_present() else self.no_answer()

    def psl(self, to_target: int, from_target: int) -> int:
        """ISO/IEC 14443-4, 5.3: PPS right after the ATS, for rates that TA(1) names; else the card does not answer."""
        if self._ats is None:
            return st.CONTEXT
        takes, sends, must_be_same = rates_of_ats(self._ats)
        good = (
            not self._pcd.has_exchanged
            and (not to_target or takes >> to_target - 1 & 1)
            and (not from_target or sends >> from_target - 1 & 1)
            and (to_target == from_target or not must_be_same)
        )
        request = bytes([0xD0, 0x11, from_target << 2 | to_target])
        if (
            not self.field.step(self.target, "PPS")
            or self.send(request, lambda _: b"\xd0" if good else None) != b"\xd0"
        ):
            return self.no_answer()
        self.rates = (to_target, from_target)
        return st.OK

    def _patience_ms(self) -> float:
        return self._limits.fwt_ms


class Felica(Activated):
    """JIS X 6319-4: a frame whose length byte is wrong is nobody's."""

    target: FelicaTarget
    can_halt = False  # it knows no selection

    def raw(self, frame: bytes) -> bytes | None:
        if not frame or frame[0] != len(frame):
            return self.send(frame, lambda _: None)
        if len(frame) == 6 and frame[1] == _POLLING:
            found = polling(self.target, frame[2:])
            return self.send(frame, lambda _: None if found is None else bytes([len(found) + 1]) + found)
        return super().raw(frame)

    def select_again(self) -> bool:
        return self.field.reaches(self.target)


def polling(target: FelicaTarget, request: bytes) -> bytes | None:
    """JIS X 6319-4: the answer of a FeliCa card to Polling (system code, request code, time slots), from its response code
    on. None: it has no such system. The upper half of the IDm's first byte is the system's number."""
    for number, system in enumerate(target.systems):
        if all(asked in (0xFF, has) for asked, has in zip(request[:2], system, strict=True)):
            idm = bytes([target.uid[0] & 0x0F | number << 4]) + target.uid[1:]
            extra = {0x01: system, 0x02: b"\x00\x03"}.get(request[2], b"")  # system code; 212 and 424 kbps
            return b"\x01" + idm + target.pmm + extra
    return None


def answers_afi(target: TypeBTarget, afi: int) -> bool:
    """ISO/IEC 14443-3, 7.7.3: 00 everybody, X0 the family, 0Y and XY these only."""
    has = target.application_data[0]
    if afi & 0x0F:
        return has == afi
    return not afi or has & 0xF0 == afi
