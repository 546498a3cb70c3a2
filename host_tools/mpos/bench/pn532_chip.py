"""A PN532 with firmware V1.6, as its host sees it through the high-speed UART: bytes in, bytes out.

After NXP's user manual UM0701-02, Rev. 02; sections are cited where the chip behaves as they say. Where the manual is silent
the chip here is the stricter one:
- until SAMConfiguration has brought it out of low battery mode (AN10609_3), it answers that and GetFirmwareVersion only;
- an RF command with the carrier off, as RFConfiguration can switch it, finds nobody.
It knows the clock of no wall: what would take time on the air is added to `air_ms` and done at once. The one thing it waits
for is a card, when MaxRtyPassiveActivation says without end.

    field = Field(card)
    async with serve_chip(Pn532Chip(field)) as address: ...        "127.0.0.1:PORT", one host at a time
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from mpos.bench import pn532_frames as frames
from mpos.bench.field import Field, Target
from mpos.bench.pn532_faults import ANSWER_KINDS, NOISE, Faults
from mpos.bench.serving import chip_talk, serve

DIAGNOSE = 0x00
GET_FIRMWARE_VERSION = 0x02
SAM_CONFIGURATION = 0x14
POWER_DOWN = 0x16
RF_CONFIGURATION = 0x32
IN_DATA_EXCHANGE = 0x40
IN_COMMUNICATE_THRU = 0x42
IN_DESELECT = 0x44
IN_LIST_PASSIVE_TARGET = 0x4A
IN_RELEASE = 0x52
IN_SELECT = 0x54

NAMES = {
    DIAGNOSE: "Diagnose",
    GET_FIRMWARE_VERSION: "GetFirmwareVersion",
    SAM_CONFIGURATION: "SAMConfiguration",
    POWER_DOWN: "PowerDown",
    RF_CONFIGURATION: "RFConfiguration",
    IN_DATA_EXCHANGE: "InDataExchange",
    IN_COMMUNICATE_THRU: "InCommunicateThru",
    IN_DESELECT: "InDeselect",
    IN_LIST_PASSIVE_TARGET: "InListPassiveTarget",
    IN_RELEASE: "InRelease",
    IN_SELECT: "InSelect",
}

MAX_TARGETS = 2  # 7.3.5
MAX_DATA = 262  # 7.3.8: DataOut and DataIn
MORE = 0x40  # MI

# 7.1
STATUS_OK = 0x00
STATUS_TIMEOUT = 0x01
STATUS_CONTEXT = 0x27
STATUS_FORMAT = 0x13

# 7.3.1: length of the configuration data of each item
_RF_ITEMS = {0x01: 1, 0x02: 3, 0x04: 1, 0x05: 3, 0x0A: 11, 0x0B: 8, 0x0C: 3, 0x0D: 9}


class SyntaxFault(Exception):
    """The command is answered with the error frame (6.2.1.5)."""


class _Listed:
    """A target that the chip has activated."""

    def __init__(self, target: Target):
        self.target = target
        self.selected = True
        self.out = b""  # parts of a command, until the one without MI
        self.rest = b""  # of an answer, until it has been fetched


class Pn532Chip:
    """trace: (direction, bytes, t) per frame, ">" to the chip, "<" from it, t in seconds of the field's clock.

    output: where the chip's bytes go; `serve_chip` connects it to a socket. hang_up: called to drop the line.
    statuses: status bytes (7.1) forced on exchanges by number, counted from 0: {2: 0x13}.
    """

    def __init__(self, field: Field, faults: Faults | None = None):
        self.field = field
        self.faults = faults or Faults()
        self.statuses: dict[int, int] = {}
        self.trace: list[tuple[str, bytes, float]] = []
        self.output: Callable[[bytes], None] = lambda data: None
        self.hang_up: Callable[[], None] = lambda: None
        self.power_cycle()
        field.listen(self._field_changed)

    def power_cycle(self) -> None:
        """Take the supply away and give it back."""
        self._receiver = frames.Receiver()
        self._awake = False
        self._edges = 0
        self._normal_mode = False
        self._answer = b""
        self._waiting = 0  # targets that a pending InListPassiveTarget asks for
        self._listed: dict[int, _Listed] = {}
        self._selected = 0
        self._commands = 0
        self._seen: dict[int, int] = {}
        self._exchanges = 0
        # 7.3.1: the values after power-up
        self.atr_res_timeout, self.retry_timeout = 0x0B, 0x0A
        self.max_retries_com = 0
        self.max_retries_activation = 0xFF
        self.air_ms = 0.0
        self.field.set_carrier(False)

    @property
    def awake(self) -> bool:
        return self._awake

    @property
    def waiting(self) -> bool:
        """A command waits for a card."""
        return bool(self._waiting)

    def receive(self, data: bytes) -> None:
        """Bytes from the host."""
        held, self.faults.held = self.faults.held, b""
        self._send(held)
        if not self._awake:
            data = self._wake_up(data)
        for kind, body in self._receiver.feed(data):
            if kind == "ack":
                self._note(">", frames.ACK)
                self._waiting = 0  # 6.2.1.3: the abort; when nothing runs it says that the answer was received
            elif kind == "nack":
                self._note(">", frames.NACK)
                if self._answer:
                    self._send_answer()  # 6.2.1.4
            else:
                self._note(">", frames.build(body[0], body[1:]))
                self._command(body)

    # Power: 7.2.11

    def _wake_up(self, data: bytes) -> bytes:
        """The HSU wakes at the fifth rising edge on its line; the byte that has it is lost, as are those before."""
        for at, byte in enumerate(data):
            level, bits = 0, byte | 0x100  # start bit, data from the lowest, stop bit
            for _ in range(9):
                self._edges += (bits & 1) > level
                level, bits = bits & 1, bits >> 1
            if self._edges >= 5:
                self._awake = True
                return data[at + 1 :]
        return b""

    # Frames

    def _note(self, direction: str, data: bytes) -> None:
        self.trace.append((direction, bytes(data), self.field.clock()))

    def _send(self, data: bytes) -> None:
        if data:
            self._note("<", data)
            self.output(data)

    def _send_answer(self) -> None:
        self._send(self.faults.damage(self._answer, frames.build(0xD5, b"\x01"), frames.ERROR))

    def _command(self, body: bytes) -> None:
        if body[0] != 0xD4 or len(body) < 2:
            return  # 6.2.2: no frame of a host, no ACK
        code, data = body[1], body[2:]
        number, occurrence = self._commands, self._seen.get(code, 0)
        self._commands += 1
        self._seen[code] = occurrence + 1
        if not self._normal_mode and code not in (SAM_CONFIGURATION, GET_FIRMWARE_VERSION):
            return  # AN10609_3, low battery mode
        self._waiting = 0  # 6.2.2: a new command ends the one that runs
        self._answer = b""
        fault = self.faults.meet(number, code, occurrence)
        if fault in ("no-ack", "nack", "drop"):
            self.faults.count()
            if fault == "nack":
                self._send(frames.NACK)
            if fault == "drop":
                self.hang_up()
            return
        self._acknowledge(fault)
        try:
            answer = self._execute(code, data)
        except SyntaxFault:
            self._answer = frames.ERROR
            self._send_answer()
            return
        if answer is not None:
            self._finish(code, answer)

    def _acknowledge(self, fault: str | None) -> None:
        if fault is not None and fault not in ANSWER_KINDS:
            self.faults.count()
        if fault == "lost-ack":
            return
        if fault == "bad-ack":
            self._send(bytes.fromhex("0000FF00FE00"))
            return
        if fault == "garbage-before-ack":
            self._send(NOISE)
        self._send(frames.ACK)

    def _finish(self, code: int, answer: bytes) -> None:
        self._answer = frames.build(0xD5, bytes([code + 1]) + answer)
        self._send_answer()

    # Commands: each returns the answer's data, None when it goes on waiting

    def _execute(self, code: int, data: bytes) -> bytes | None:
        match code:
            case 0x00:
                return self._diagnose(data)
            case 0x02:
                _need(not data)
                return bytes.fromhex("32010607")  # 7.2.2: PN532, V1.6, ISO/IEC 18092, 14443 A and B
            case 0x14:
                # 7.2.10: normal, virtual, wired, dual; the other modes need a SAM, which is not there
                _need(1 <= len(data) <= 3 and data[0] == 0x01)
                self._normal_mode = True
                return b""
            case 0x16:
                return self._power_down(data)
            case 0x32:
                return self._rf_configuration(data)
            case 0x40:
                return self._in_data_exchange(data)
            case 0x42:
                return self._in_communicate_thru(data)
            case 0x44 | 0x52:
                _need(len(data) == 1)
                return self._let_go(data[0], forget=code == IN_RELEASE)
            case 0x4A:
                return self._in_list_passive_target(data)
            case 0x54:
                _need(len(data) == 1)
                return self._in_select(data[0])
        raise SyntaxFault

    def _diagnose(self, data: bytes) -> bytes:
        _need(len(data) >= 1)
        match data[0]:
            case 0x00:
                return data  # 7.2.1: communication line test, the command's own data
            case 0x01 | 0x02:
                _need(len(data) == 1)
                return b"\x00"  # ROM, RAM: no error
            case 0x06:
                _need(len(data) == 1)
                return bytes([self._presence()])
        raise SyntaxFault  # tests of the antenna and of polling are not built

    def _presence(self) -> int:
        """7.2.1, test 6: R(NAK) to the current ISO/IEC 14443-4 card, whose block layer answers even if it is busy."""
        listed = self._listed.get(self._selected)
        if listed is None or listed.target.ats is None:
            return STATUS_CONTEXT
        if self.field.carrier and self.field.holds(listed.target):
            return STATUS_OK
        self._pass_time(listed.target)
        return STATUS_TIMEOUT

    def _power_down(self, data: bytes) -> bytes:
        _need(1 <= len(data) <= 2)
        self._awake, self._edges = False, 0
        self.field.set_carrier(False)
        self._receiver.reset()
        return bytes([STATUS_OK])

    def _rf_configuration(self, data: bytes) -> bytes:
        _need(len(data) >= 1 and _RF_ITEMS.get(data[0]) == len(data) - 1)
        match data[0]:
            case 0x01:
                self.field.set_carrier(bool(data[1] & 0x01))
            case 0x02:
                _need(data[2] <= 0x10 and data[3] <= 0x10)
                self.atr_res_timeout, self.retry_timeout = data[2], data[3]
            case 0x04:
                self.max_retries_com = data[1]
            case 0x05:
                self.max_retries_activation = data[3]
        return b""

    def _in_list_passive_target(self, data: bytes) -> bytes | None:
        # 7.3.5; of the modulations only 106 kbps type A is built
        _need(len(data) >= 2 and 1 <= data[0] <= MAX_TARGETS and data[1] == 0x00)
        self._listed.clear()
        self._selected = 0
        if not self.field.carrier:
            self.field.set_carrier(True)
        self._wanted_uid = data[2:]
        answer = self._activate(data[0])
        if answer is None and self.max_retries_activation == 0xFF:
            self._waiting = data[0]
            return None
        self.air_ms += 0 if answer else 5 * (self.max_retries_activation + 1)
        return answer or b"\x00"

    def _activate(self, count: int) -> bytes | None:
        found = [target for target in self.field.poll() if _with_cascade_tags(target.uid).startswith(self._wanted_uid)]
        if not found:
            return None
        answer = bytes([min(len(found), count)])
        for number, target in enumerate(found[:count], 1):
            self._listed[number] = _Listed(target)
            self._selected = number
            answer += bytes([number]) + target.atqa + bytes([target.sak, len(target.uid)]) + target.uid
            answer += target.ats or b""
        return answer

    def _field_changed(self) -> None:
        """A target came or went while InListPassiveTarget waits."""
        if self._waiting and self.field.targets:
            answer = self._activate(self._waiting)
            if answer is not None:
                self._waiting = 0
                self._finish(IN_LIST_PASSIVE_TARGET, answer)

    def _in_data_exchange(self, data: bytes) -> bytes:
        _need(1 <= len(data) <= MAX_DATA + 1)
        listed = self._listed.get(data[0] & 0x3F)
        if listed is None or not listed.selected:
            return bytes([STATUS_CONTEXT])
        self._selected = data[0] & 0x3F
        forced = self.statuses.pop(self._exchanges, None)
        self._exchanges += 1
        if forced is not None:
            return bytes([forced])
        target, out = listed.target, data[1:]
        if data[0] & MORE:  # 7.4.5: the command goes on
            if target.ats is None:
                return bytes([STATUS_CONTEXT])
            if not self.field.holds(target):
                return self._no_answer(listed)
            listed.out += out
            listed.rest = b""
            return bytes([STATUS_OK])
        if listed.rest and not out:  # 7.4.5: the answer goes on
            return self._part(listed)
        command, listed.out, listed.rest = listed.out + out, b"", b""
        answer = self.field.exchange(target, command)
        if answer is None:
            return self._no_answer(listed)
        listed.rest = answer
        return self._part(listed)

    def _part(self, listed: _Listed) -> bytes:
        part, listed.rest = listed.rest[:MAX_DATA], listed.rest[MAX_DATA:]
        return bytes([MORE if listed.rest else STATUS_OK]) + part

    def _in_communicate_thru(self, data: bytes) -> bytes:
        # 7.3.9: raw, to the target selected last; the caller would have to make the blocks of ISO/IEC 14443-4 itself
        _need(len(data) <= MAX_DATA + 1)
        listed = self._listed.get(self._selected)
        if listed is None:
            self.air_ms += _timeout_ms(self.retry_timeout)
            return bytes([STATUS_TIMEOUT])
        answer = self.field.exchange(listed.target, data)
        return self._no_answer(listed) if answer is None else bytes([STATUS_OK]) + answer

    def _no_answer(self, listed: _Listed) -> bytes:
        listed.out = listed.rest = b""
        self._pass_time(listed.target)
        return bytes([STATUS_TIMEOUT])

    def _let_go(self, number: int, forget: bool) -> bytes:
        """7.3.10, 7.3.11: 0 means all."""
        if number and number not in self._listed:
            return bytes([STATUS_CONTEXT])
        for each in [number] if number else list(self._listed):
            self._listed[each].selected = False
            if forget:
                del self._listed[each]
        return bytes([STATUS_OK])

    def _in_select(self, number: int) -> bytes:
        listed = self._listed.get(number)
        if listed is None:
            return bytes([STATUS_CONTEXT])  # 7.3.12
        if not self.field.carrier or not self.field.holds(listed.target):
            return self._no_answer(listed)
        if not listed.selected:
            listed.target.power_on()  # deselected and activated again: nothing stays selected in it
        listed.selected = True
        self._selected = number
        return bytes([STATUS_OK])

    def _pass_time(self, target: Target) -> None:
        """How long the chip would have listened: the card's own waiting time (ISO/IEC 14443-4, 7.2) or the item 2."""
        if target.ats is None:
            self.air_ms += _timeout_ms(self.retry_timeout) * (self.max_retries_com + 1)
            return
        ats = target.ats
        waiting = 4  # 14443-4, 5.2.5: FWI when TB(1) is absent
        if len(ats) > 1 and ats[1] & 0x20:
            waiting = ats[3 if ats[1] & 0x10 else 2] >> 4
        self.air_ms += 0.302 * 2**waiting


def serve_chip(chip: Pn532Chip, host: str = "127.0.0.1", port: int = 0) -> AbstractAsyncContextManager[str]:
    """Let one host after the other talk to the chip over TCP. The chip keeps its power when a host hangs up."""
    return serve(chip_talk(chip), host, port)


def _need(condition: bool) -> None:
    """A command whose number or values of parameters are wrong is a syntax error (chapter 7, every command)."""
    if not condition:
        raise SyntaxFault


def _with_cascade_tags(uid: bytes) -> bytes:
    """7.3.5: in InitiatorData a UID of 7 or 10 bytes has its cascade tags."""
    if len(uid) == 7:
        return b"\x88" + uid
    return b"\x88" + uid[:3] + b"\x88" + uid[3:] if len(uid) == 10 else uid


def _timeout_ms(code: int) -> float:
    """7.3.1, item 2: 00 none, else 100 us * 2**(n - 1)."""
    return 0.1 * 2 ** (code - 1) if code else 0.0
