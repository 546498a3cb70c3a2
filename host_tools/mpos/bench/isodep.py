"""ISO/IEC 14443-4 between a coupler and a card: blocks, their chaining, their repetition, waiting time extension.

    Pcd   the coupler's side: APDUs in, blocks out; repeats what was lost as often as it is told to
    Picc  the card's side: blocks in, APDUs out

Clauses are those of ISO/IEC 14443-4:2008; "rule n" is one of 7.5.3 (block numbering: A to E) and 7.5.4 (handling: 1 to 13).
A block here is prologue and information field, without its CRC: what arrived with a wrong CRC is field.GARBLED, empty.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

FRAME_SIZES = (16, 24, 32, 40, 48, 64, 96, 128, 256)  # 5.2.3, table 1: FSCI and FSDI
MOST_WTXM = 59  # 7.3
MOST_FWT_MS = 4949.0  # 7.2: FWI 14
FWT_UNIT_MS = 0.302  # 256 * 16 / fc
DEFAULT_FWI = 4  # 5.2.5
_ENDLESS = 500  # requests for more time in a row, after which a card is taken to ask for ever

# 7.1.1: prologue
_I, _R, _S = 0x02, 0xA2, 0xC2
_CHAINING = 0x10
_NAK = 0x10
_CID = 0x08
_NAD = 0x04
DESELECT = 0xC2
WTX = 0xF2


class Failed(Exception):
    """The exchange could not be brought to an end: `silent`, `garbled` or `protocol`."""

    def __init__(self, why: str):
        super().__init__(why)
        self.why = why


class Hung(Exception):
    """The card asks for more time without end."""


@dataclass(frozen=True)
class Limits:
    """What a card says of its blocks: bytes of a frame (FSC), frame waiting time, whether it takes a CID."""

    fsc: int
    fwt_ms: float
    cid: bool = False

    @classmethod
    def of_ats(cls, ats: bytes) -> Limits:
        """5.2: TL, T0, then TA(1), TB(1), TC(1) as T0 says; what is missing has its default."""
        t0 = ats[1] if len(ats) > 1 else 0x02
        at = 2 + bool(t0 & 0x10)
        fwi = ats[at] >> 4 if t0 & 0x20 and len(ats) > at else DEFAULT_FWI
        return cls(_size(t0 & 0x0F), frame_waiting_ms(fwi))

    @classmethod
    def of_protocol_info(cls, info: bytes) -> Limits:
        """ISO/IEC 14443-3, 7.9.4: frame size and protocol; FWI and options, of which bit 0 says that it takes a CID."""
        return cls(_size(info[1] >> 4), frame_waiting_ms(info[2] >> 4), bool(info[2] & 0x01))


def frame_waiting_ms(fwi: int) -> float:
    """7.2. FWI 15 is for future use, which 5.2.5 has taken as 4."""
    return FWT_UNIT_MS * 2 ** (DEFAULT_FWI if fwi == 15 else fwi)


def _size(index: int) -> int:
    return FRAME_SIZES[min(index, len(FRAME_SIZES) - 1)]


def rates_of_ats(ats: bytes) -> tuple[int, int, bool]:
    """5.2.4, TA(1): dividers that the card takes from the coupler (DR) and sends with (DS), bit n: 2**(n + 1) times
    106 kbps; and whether both must be the same."""
    ta = ats[2] if len(ats) > 2 and ats[1] & 0x10 else 0
    return ta & 0x07, ta >> 4 & 0x07, bool(ta & 0x80)


@dataclass(frozen=True)
class Block:
    """A block taken apart; `kind`: "I", "R" or "S"."""

    kind: str
    pcb: int
    inf: bytes

    @property
    def number(self) -> int:
        return self.pcb & 0x01

    @property
    def chaining(self) -> bool:
        return self.kind == "I" and bool(self.pcb & _CHAINING)

    @property
    def nak(self) -> bool:
        return self.kind == "R" and bool(self.pcb & _NAK)


def read(frame: bytes, cid: int | None, size: int) -> Block | None:
    """A block for the one who has this CID (None: none was agreed) and frames of `size`. None: it is invalid (7.5.2)."""
    if not frame or len(frame) + 2 > size:
        return None
    pcb, at = frame[0], 1
    if bool(pcb & _CID) != (cid is not None):
        return None
    if cid is not None:
        if len(frame) < 2 or frame[1] & 0x0F != cid:
            return None
        at = 2
    bare, inf = pcb & ~_CID, frame[at:]
    if bare & 0xE2 == _I and not bare & _NAD:
        return Block("I", bare, inf)
    if bare & 0xE6 == _R and not inf:
        return Block("R", bare, inf)
    if bare == DESELECT and not inf:
        return Block("S", bare, inf)
    if bare == WTX and len(inf) == 1 and 1 <= inf[0] & 0x3F <= MOST_WTXM:
        return Block("S", bare, inf)
    return None


def write(pcb: int, cid: int | None, inf: bytes = b"") -> bytes:
    return bytes([pcb]) + inf if cid is None else bytes([pcb | _CID, cid]) + inf


class Picc:
    """A card's block layer. fsd: bytes of a frame that the coupler takes. exchange: an APDU to the card; None: it does
    not answer it. delay_ms: how long the next APDU takes it, `math.inf`: for ever."""

    def __init__(
        self,
        limits: Limits,
        fsd: int,
        exchange: Callable[[bytes], bytes | None],
        delay_ms: Callable[[], float] = lambda: 0.0,
        cid: int | None = None,
    ):
        self._limits = limits
        self._room = fsd - 3 - (cid is not None)
        self._exchange = exchange
        self._delay_ms = delay_ms
        self._cid = cid
        self._number = 1  # rule C
        self._command = b""
        self._answer = b""
        self._sending = False  # a block of the answer was sent that says that there are more
        self._last: bytes | None = None
        self._left_ms = 0.0  # until the answer; asked for by S(WTX)
        self._granted = 0  # the WTXM that was asked for and is not confirmed
        self._heard = b""  # the block that ended a command
        self._is_mute = False  # it is not answered
        self._is_asked_again = False
        self.is_halted = False

    def receive(self, frame: bytes) -> bytes | None:
        """A block from the coupler; returns what the card sends then. An invalid one it does not hear (7.5.4.3)."""
        block = None if self.is_halted else read(frame, self._cid, self._limits.fsc)
        if block is None:
            return None
        if block.kind == "I":
            return self._information(block, frame)
        if block.kind == "R":
            return self._acknowledged(block)
        if block.pcb == DESELECT:
            self.is_halted = True
            return write(DESELECT, self._cid)
        return self._more_time(block)

    def _information(self, block: Block, frame: bytes) -> bytes | None:
        if self._is_mute and self._is_asked_again and frame == self._heard:
            return None
        self._number ^= 1  # rule D
        self._heard, self._is_mute, self._is_asked_again = frame, False, False
        self._granted, self._sending = 0, False
        self._command += block.inf
        if block.chaining:
            return self._send(write(_R | self._number, self._cid))  # rule 2
        self._left_ms = self._delay_ms()
        if self._left_ms > self._limits.fwt_ms:
            return self._ask_for_time()  # rule 9
        return self._execute()

    def _execute(self) -> bytes | None:
        command, self._command = self._command, b""
        answer = self._exchange(command)
        if answer is None:
            # The command is swallowed, the block layer lives on, as if it had not come
            self._number ^= 1
            self._is_mute = True
            return None
        self._answer = answer
        return self._part()

    def _part(self) -> bytes:
        piece, self._answer = self._answer[: self._room], self._answer[self._room :]
        self._sending = bool(self._answer)
        return self._send(write(_I | (_CHAINING if self._sending else 0) | self._number, self._cid, piece))  # rule 10

    def _acknowledged(self, block: Block) -> bytes | None:
        if block.number == self._number and self._last is not None:
            return self._last  # rule 11
        if block.nak:
            self._is_asked_again = True
            return write(_R | self._number, self._cid)  # rule 12
        if not self._sending:
            return None
        self._number ^= 1  # rule E
        return self._part()  # rule 13

    def _ask_for_time(self) -> bytes:
        most = min(MOST_WTXM, int(MOST_FWT_MS / self._limits.fwt_ms) or 1)
        self._granted = most if math.isinf(self._left_ms) else min(most, math.ceil(self._left_ms / self._limits.fwt_ms))
        return self._send(write(WTX, self._cid, bytes([self._granted])))

    def _more_time(self, block: Block) -> bytes | None:
        if block.inf[0] & 0x3F != self._granted:
            return None
        self._left_ms -= self._granted * self._limits.fwt_ms
        self._granted = 0
        if self._left_ms > 0:
            return self._ask_for_time()
        return self._execute()

    def _send(self, frame: bytes) -> bytes:
        self._last = frame
        return frame


class Pcd:
    """A coupler's block layer. send: a block to the card; returns what came back, field.GARBLED, or None. fsd: bytes of a
    frame that it takes itself, fsc: that the card does. spend: told what was waited, in ms."""

    def __init__(
        self,
        limits: Limits,
        fsd: int,
        send: Callable[[bytes], bytes | None],
        spend: Callable[[float], None] = lambda ms: None,
        cid: int | None = None,
    ):
        self._fwt_ms = limits.fwt_ms
        self._fsd = fsd
        self._room = limits.fsc - 3 - (cid is not None)
        self._send = send
        self._spend = spend
        self._cid = cid
        self._number = 0  # rule A
        self._inbox = b""
        self._more = False  # the card has more of its answer to send
        self.retries = 0
        self.has_exchanged = False  # an I-block was sent: too late for PPS

    def transmit(self, data: bytes, more: bool = False) -> None:
        """Send a command, or with `more` a part of one; without it the first block of the answer comes in. Raises
        Failed, Hung."""
        self._inbox, self._more = b"", False
        self.has_exchanged = True
        pieces = [data[at : at + self._room] for at in range(0, len(data), self._room)] or [b""]
        for number, piece in enumerate(pieces, 1):
            chaining = more or number < len(pieces)
            answer = self._converse(write(_I | (_CHAINING if chaining else 0) | self._number, self._cid, piece))
            if not chaining:
                self._take(answer)

    def fetch(self, size: int) -> tuple[bytes, bool]:
        """At most `size` bytes of the answer, and whether there are more. Raises Failed, Hung."""
        while self._more and len(self._inbox) < size:
            self._take(self._converse(write(_R | self._number, self._cid)))  # rule 2
        part, self._inbox = self._inbox[:size], self._inbox[size:]
        return part, self.has_more

    @property
    def has_more(self) -> bool:
        """Some of the answer was not fetched."""
        return bool(self._inbox) or self._more

    def is_present(self) -> bool:
        """7.5.5 (presence check, method 2): R(NAK) has R(ACK) for an answer, or the last block again."""
        return bool(self._send(write(_R | _NAK | self._number, self._cid)))

    def deselect(self) -> bool:
        """S(DESELECT), once (rule 8). False: it was not answered."""
        answer = self._send(write(DESELECT, self._cid))
        self._inbox, self._more = b"", False
        block = None if not answer else read(answer, self._cid, self._fsd)
        return block is not None and block.pcb == DESELECT

    def _take(self, block: Block) -> None:
        self._inbox += block.inf
        self._more = block.chaining

    def _converse(self, out: bytes) -> Block:
        """Send an I-block or an R(ACK) until what answers it has come: the card's I-block, or its R(ACK)."""
        is_information = not out[0] & 0x80
        wants_acknowledgement = is_information and bool(out[0] & _CHAINING)
        asked, time = out, 1
        tries = again = waits = 0
        while True:
            frame = self._send(asked)
            why = "silent" if frame is None else "garbled"
            if frame is None:
                self._spend(self._fwt_ms * time)
            time = 1
            block = read(frame, self._cid, self._fsd) if frame else None
            if block is not None:
                why = "protocol"
                if block.pcb == WTX:
                    waits += 1
                    if waits > _ENDLESS:
                        raise Hung
                    time = block.inf[0] & 0x3F
                    self._spend(min(self._fwt_ms * time, MOST_FWT_MS))
                    asked, tries = write(WTX, self._cid, bytes([time])), 0  # 7.3
                    continue
                is_mine = block.number == self._number
                if block.kind == "I" and is_mine and not wants_acknowledgement:
                    self._number ^= 1  # rule B
                    return block
                if block.kind == "R" and not block.nak and is_information:
                    if is_mine and wants_acknowledgement:
                        self._number ^= 1  # rule B
                        return block  # rule 7
                    if not is_mine and again < self.retries:
                        again += 1
                        asked, tries = out, 0  # rule 6
                        continue
                    if not is_mine and asked != out:
                        raise Failed("silent")  # it never gets the block, or swallows it
            tries += 1
            if tries > self.retries:
                raise Failed(why)
            asked = out if not is_information else write(_R | _NAK | self._number, self._cid)  # rules 5, 4
