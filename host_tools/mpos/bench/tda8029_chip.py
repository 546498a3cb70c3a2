"""A TDA8029 with mask 07, as its host sees it through the serial line: ALPAR frames in and out, a chip card slot behind it.

The protocol is that of NXP's application note AN10207, Rev. 1.1, which was at hand in extracts only: what is here is what
published hosts of the chip agree on (Genode's driver, which has the list of statuses; others the opcodes and frames):
- a frame is 60 (ACK) or E0 (NACK), two bytes of length, a command byte, data, and the exclusive-or of all before it;
  the answer has the command's byte, a NACK has one byte of data, the status;
- 60 0001 A0 with 01 or 00 tells, unasked, that a card was put in or taken out;
- power_up gives the ATR; on a card that has power it is a warm reset. Its parameter, 00 or 01, may be left out;
  with 01 the ATR has to be one that EMV takes;
- power_off, negotiate, time_out and the settings are acknowledged by a frame without data;
- card_command takes a whole APDU and gives data and SW: 61xx and 6Cxx, chaining, WTX and repetitions are the chip's.
What they leave open was chosen here and has to be looked up before anybody relies on it: the text of send_num_mask, the
bytes of negotiate, which status a card command gets on a card without power (A1), and that a card whose ATR was refused
keeps its power, so that the next power_up is a warm reset. A command that is not built gets status 55.

    slot = IccSlot(card)
    async with serve_coupler(Tda8029Chip(slot)) as address: ...        "127.0.0.1:PORT", one host at a time
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from mpos.bench import icc_slot
from mpos.bench.icc import atr as atrs
from mpos.bench.icc_slot import IccSlot
from mpos.bench.serving import chip_talk, serve

ACK, NACK = 0x60, 0xE0

CARD_COMMAND = 0x00
CHECK_PRES_CARD = 0x09
SEND_NUM_MASK = 0x0A
IFSD_REQUEST = 0x0C
SET_SERIAL_BAUD_RATE = 0x0D
NEGOTIATE = 0x10
SET_CLOCK_CARD = 0x11
POWER_OFF = 0x4D
POWER_UP_1V8 = 0x68
POWER_UP_ISO = 0x69
POWER_UP_3V = 0x6D
POWER_UP_5V = 0x6E
CARD_EVENT = 0xA0  # card_insertion, card_take_off
IDLE_MODE_LOW, IDLE_MODE_HIGH = 0xA2, 0xA4
SET_NAD = 0xA5

_POWER_UPS = (POWER_UP_ISO, POWER_UP_1V8, POWER_UP_3V, POWER_UP_5V)
# acknowledged without data; the number of bytes each takes
_SETTINGS = {
    IFSD_REQUEST: 1,
    SET_SERIAL_BAUD_RATE: 1,
    SET_CLOCK_CARD: 1,
    IDLE_MODE_LOW: 0,
    IDLE_MODE_HIGH: 0,
    SET_NAD: 1,
}

# The statuses of the error list
WRONG_APDU = 0x20
SHORT_APDU = 0x21
CARD_MUTE_NOW = 0x22
NO_PPS_IN_SPECIFIC_MODE = 0x30
PROTOCOL_NOT_OFFERED = 0x31
BAD_PARAMETER = 0x35
UNKNOWN_COMMAND = 0x55
CARD_MUTE = 0x80
CARD_TIMEOUT = 0x81
NO_TB1 = 0x93
CARD_DEACTIVATED = 0xA1
CARD_ABSENT = 0xC0
BAD_TCK = 0xC3
BAD_TS = 0xC4
ATR_NOT_SUPPORTED = 0xC6
SERIAL_LRC = 0xF0
SERIAL_TIMEOUT = 0xFF

MAX_DATA = 506

SPOILINGS = ("silence", "bad-lrc", "short", "long", "wrong-code", "garbage", "drop")


class Refused(Exception):
    """The command is answered with a NACK and this status."""

    def __init__(self, status: int):
        super().__init__(f"status {status:02X}")
        self.status = status


class Tda8029Chip:
    """trace: (direction, frame, t) with t in seconds of the slot's clock.

    statuses: statuses forced on card commands by number, counted from 0: {2: 0x81}.
    spoilings: what happens to answers by number of the frame that they answer, counted from 0: {3: "bad-lrc"}.
    output, hang_up: the line to the host; `serve_coupler` connects it to a socket.
    """

    def __init__(self, slot: IccSlot):
        self.slot = slot
        self.statuses: dict[int, int] = {}
        self.spoilings: dict[int, str] = {}
        self.trace: list[tuple[str, bytes, float]] = []
        self.output: Callable[[bytes], None] = lambda data: None
        self.hang_up: Callable[[], None] = lambda: None
        self.frames = self.commands = 0
        self._buffer = bytearray()
        self._heard = bytearray()  # from the card
        self._active = False
        self._busy = False
        self._event: bool | None = None  # a card event that waits for the answer to go out
        self._present = slot.chip is not None
        slot.output = self._hear
        slot.listen(self._slot_changed)

    # The line

    def connected(self) -> None:
        """A host is there: what an earlier one left half said is forgotten."""
        self._buffer.clear()

    def receive(self, data: bytes) -> None:
        """Bytes from the host."""
        self._buffer += data
        while self._buffer:
            if self._buffer[0] != ACK:
                del self._buffer[0]
                continue
            if len(self._buffer) < 4:
                return
            end = 5 + int.from_bytes(self._buffer[1:3], "big")
            if end > MAX_DATA + 5:
                self._answer_to(self._buffer[3], NACK, bytes([BAD_PARAMETER]))
                self._buffer.clear()
                return
            if len(self._buffer) < end:
                return
            frame, self._buffer = bytes(self._buffer[:end]), self._buffer[end:]
            self._frame(frame)

    def tick(self) -> None:
        """A while has passed: a frame that has not come whole by now is given up."""
        if self._buffer:
            code = self._buffer[3] if len(self._buffer) > 3 else 0
            self._buffer.clear()
            self._answer_to(code, NACK, bytes([SERIAL_TIMEOUT]))

    def _frame(self, frame: bytes) -> None:
        self.trace.append((">", frame, self.slot.clock()))
        code = frame[3]
        if atrs.xor(frame):
            self._answer_to(code, NACK, bytes([SERIAL_LRC]))
            return
        self._busy = True
        try:
            head, data = ACK, self._execute(code, frame[4:-1])
        except Refused as refusal:
            head, data = NACK, bytes([refusal.status])
        finally:
            self._busy = False
        self._answer_to(code, head, data)
        if self._event is not None:
            event, self._event = self._event, None
            self._tell(event)

    def _answer_to(self, code: int, head: int, data: bytes) -> None:
        kind = self.spoilings.get(self.frames)
        self.frames += 1
        frame = build(head, code, data)
        match kind:
            case "silence":
                return
            case "drop":
                self.hang_up()
                return
            case "bad-lrc":
                frame = frame[:-1] + bytes([frame[-1] ^ 0x01])
            case "short":
                frame = frame[: len(frame) // 2]
            case "long":
                frame = build(head, code, data + bytes(MAX_DATA))
            case "wrong-code":
                frame = build(head, code ^ 0x01, data)
            case "garbage":
                frame = b"\x00\xff\x51" + frame
        self._send(frame)

    def _send(self, frame: bytes) -> None:
        self.trace.append(("<", frame, self.slot.clock()))
        self.output(frame)

    # The slot

    def _hear(self, kind: int, payload: bytes) -> None:
        if kind == icc_slot.DATA:
            self._heard += payload

    def _slot_changed(self) -> None:
        present = self.slot.chip is not None
        self._active &= self.slot.powered
        if present == self._present:
            return
        self._present = present
        if self._busy:
            self._event = present
        else:
            self._tell(present)

    def _tell(self, present: bool) -> None:
        self._send(build(ACK, CARD_EVENT, bytes([present])))

    # Commands

    def _execute(self, code: int, data: bytes) -> bytes:
        if code == CARD_COMMAND:
            return self._card_command(data)
        if code == CHECK_PRES_CARD:
            _need(not data)
            return bytes([self.slot.chip is not None])
        if code == SEND_NUM_MASK:
            _need(not data)
            return b"07"
        if code in _POWER_UPS:
            _need(data in (b"", b"\x00", b"\x01"))
            return self._power_up(emv=data == b"\x01")
        if code == POWER_OFF:
            _need(not data)
            self._power_off()
            return b""
        if code == NEGOTIATE:
            return self._negotiate(data)
        if code in _SETTINGS:
            _need(len(data) == _SETTINGS[code])
            return b""
        raise Refused(UNKNOWN_COMMAND)

    def _power_up(self, emv: bool) -> bytes:
        chip = self.slot.chip
        if chip is None:
            raise Refused(CARD_ABSENT)
        if not self.slot.powered:
            self._power_off()
            self.slot.receive(icc_slot.CMDVCC_N, b"\x00")
        self.slot.receive(icc_slot.RSTIN, b"\x00")
        self._heard.clear()
        self.slot.receive(icc_slot.SETTINGS, round(chip.baud).to_bytes(4, "big") + b"\x00\x01")
        self.slot.receive(icc_slot.RSTIN, b"\x01")
        if self.slot.chip is not chip:
            raise Refused(CARD_ABSENT)
        if not self.slot.powered:
            raise Refused(CARD_DEACTIVATED)
        answer = bytes(self._heard)
        if answer[:1] == b"\x03":  # 3F of a card of the inverse convention
            answer = bytes(atrs.to_line(value) for value in answer)
        self._active = True
        _check(answer, emv)
        return answer

    def _power_off(self) -> None:
        self._active = False
        self.slot.receive(icc_slot.RSTIN, b"\x00")
        self.slot.receive(icc_slot.CMDVCC_N, b"\x01")

    def _negotiate(self, data: bytes) -> bytes:
        """PP, the protocol, and FD, its Fi and Di."""
        _need(len(data) == 2)
        facts = self._facts()
        if facts.specific is not None:
            raise Refused(NO_PPS_IN_SPECIFIC_MODE)
        if data[0] not in facts.protocols:
            raise Refused(PROTOCOL_NOT_OFFERED)
        return b""

    def _facts(self) -> atrs.Facts:
        if self.slot.chip is None:
            raise Refused(CARD_ABSENT)
        if not self._active:
            raise Refused(CARD_DEACTIVATED)
        return atrs.facts(self.slot.chip.atr)

    def _card_command(self, apdu: bytes) -> bytes:
        number = self.commands
        self.commands += 1
        if number in self.statuses:
            raise Refused(self.statuses[number])
        facts = self._facts()
        if len(apdu) < 4:
            raise Refused(SHORT_APDU)
        if len(apdu) > 5 and len(apdu) - 5 - apdu[4] not in (0, 1):
            raise Refused(WRONG_APDU)
        answer = self.slot.exchange(apdu)
        if answer is not None:
            return answer
        if self.slot.chip is None:
            raise Refused(CARD_ABSENT)
        if not self.slot.powered:
            raise Refused(CARD_DEACTIVATED)
        raise Refused(CARD_MUTE_NOW if facts.protocols[0] == 1 else CARD_TIMEOUT)


def build(head: int, code: int, data: bytes = b"") -> bytes:
    body = bytes([head]) + len(data).to_bytes(2, "big") + bytes([code]) + data
    return body + bytes([atrs.xor(body)])


def _need(condition: bool) -> None:
    if not condition:
        raise Refused(BAD_PARAMETER)


def _check(answer: bytes, emv: bool) -> None:
    """What the chip looks at in an ATR. EMV: a little of EMV 4.4 Book 1, 8.3."""
    if not answer:
        raise Refused(CARD_MUTE)
    if answer[0] not in (atrs.DIRECT, atrs.INVERSE):
        raise Refused(BAD_TS)
    if len(answer) > 33:
        raise Refused(ATR_NOT_SUPPORTED)
    end = atrs.length(answer)
    if len(answer) < end:
        raise Refused(CARD_TIMEOUT)
    if atrs.has_tck(answer) and atrs.xor(answer[1:end]):
        raise Refused(BAD_TCK)
    if emv and not answer[1] & 0x20:
        raise Refused(NO_TB1)


def serve_coupler(chip: Tda8029Chip, host: str = "127.0.0.1", port: int = 0) -> AbstractAsyncContextManager[str]:
    """Let one host after the other talk to the coupler over TCP. It keeps its power when a host hangs up."""
    return serve(chip_talk(chip, chip.connected), host, port)
