"""A PN532 with firmware V1.6, as its host sees it: frames in, frames out, over one of its three buses.

    pn532_chip       power, frames, the commands that stay inside the chip (this file)
    pn532_initiator  targets: found, kept, exchanged with; pn532_targets, pn532_mifare: each kind of them
    pn532_bus        HSU with its speeds, SPI, I2C, the IRQ line
    pn532_frames, pn532_faults

After NXP's user manual UM0701-02, Rev. 02; sections are cited where the chip behaves as they say. Where the manual is silent
the chip here is the stricter one:
- until SAMConfiguration has brought it out of low battery mode (AN10609_3), it answers that and GetFirmwareVersion only;
- out of power-down it comes by the sources that PowerDown was told, and no other;
- an RF command with the carrier off, as RFConfiguration can switch it, finds nobody;
- it asks by REQA and REQB: a card with ISO/IEC 14443-4 that was activated, or any that was let go, is not found again before
  the carrier was off.
It knows the clock of no wall: what would take time on the air is added to `air_ms` and done at once. What it waits for is
a card, when MaxRtyPassiveActivation says without end; a card that asks for time for ever; and `Field.real_ms` of others.

    field = Field(card)
    async with serve_chip(Pn532Chip(field)) as address: ...        "127.0.0.1:PORT", one host at a time, plain bytes of HSU
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from mpos.bench import pn532_frames as frames
from mpos.bench import pn532_status as st
from mpos.bench.field import Field
from mpos.bench.isodep import Hung
from mpos.bench.pn532_faults import ANSWER_KINDS, NOISE, Faults
from mpos.bench.pn532_initiator import Initiator
from mpos.bench.pn532_status import SyntaxFault, need
from mpos.bench.serving import chip_talk, serve

DIAGNOSE = 0x00
GET_FIRMWARE_VERSION = 0x02
SET_SERIAL_BAUD_RATE = 0x10
SET_PARAMETERS = 0x12
SAM_CONFIGURATION = 0x14
POWER_DOWN = 0x16
RF_CONFIGURATION = 0x32
IN_DATA_EXCHANGE = 0x40
IN_COMMUNICATE_THRU = 0x42
IN_DESELECT = 0x44
IN_LIST_PASSIVE_TARGET = 0x4A
IN_PSL = 0x4E
IN_RELEASE = 0x52
IN_SELECT = 0x54

NAMES = {
    DIAGNOSE: "Diagnose",
    GET_FIRMWARE_VERSION: "GetFirmwareVersion",
    SET_SERIAL_BAUD_RATE: "SetSerialBaudRate",
    SET_PARAMETERS: "SetParameters",
    SAM_CONFIGURATION: "SAMConfiguration",
    POWER_DOWN: "PowerDown",
    RF_CONFIGURATION: "RFConfiguration",
    IN_DATA_EXCHANGE: "InDataExchange",
    IN_COMMUNICATE_THRU: "InCommunicateThru",
    IN_DESELECT: "InDeselect",
    IN_LIST_PASSIVE_TARGET: "InListPassiveTarget",
    IN_PSL: "InPSL",
    IN_RELEASE: "InRelease",
    IN_SELECT: "InSelect",
}

# 7.2.8, and the bits of WakeUpEnable, 7.2.11
SPEEDS = (9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_288_000)
FIRST_SPEED = 115_200
WAKE_HSU, WAKE_SPI, WAKE_I2C = 0x10, 0x20, 0x80
_ANY = 0xFF
_WAKE_EDGES = 5
# 7.2.9
_AUTOMATIC_RATS = 0x10
_NO_PREAMBLE = 0x40


class Pn532Chip:
    """trace: (direction, bytes, t) per frame, ">" to the chip, "<" from it, t in seconds of the field's clock.

    output: where the chip's bytes go, a frame at a time; forget: told that what was put out and not read yet is void;
    `serve_chip` and pn532_bus connect them. hang_up: called to drop the line. source: the bus, as a bit of WakeUpEnable.
    statuses: status bytes (7.1) forced on exchanges by number, counted from 0: {2: 0x13}.
    asked_in_vain: how often the host has asked for the status and no frame was ready (SPI, I2C).
    """

    def __init__(self, field: Field, faults: Faults | None = None):
        self.field = field
        self.faults = faults or Faults()
        self.statuses: dict[int, int] = {}
        self.trace: list[tuple[str, bytes, float]] = []
        self.output: Callable[[bytes], None] = lambda data: None
        self.forget: Callable[[], None] = lambda: None
        self.hang_up: Callable[[], None] = lambda: None
        self.source = WAKE_HSU
        self.asked_in_vain = 0
        self.initiator = Initiator(field, self.statuses)
        self._timer: asyncio.TimerHandle | None = None
        self._hung = 0  # the command whose card asks for time without end
        self.power_cycle()
        field.listen(self._field_changed)

    def power_cycle(self) -> None:
        """Take the supply away and give it back."""
        self._stop()
        self._receiver = frames.Receiver()
        self._awake = False
        self._edges = 0
        self._wake_sources = _ANY
        self._normal_mode = False
        self._bare = False  # frames without preamble and postamble
        self._answer = b""
        self._commands = 0
        self._seen: dict[int, int] = {}
        self._next_speed = 0
        self.speed = FIRST_SPEED  # of the HSU
        self.drives_irq = True  # 7.2.10: the default
        self.initiator = Initiator(self.field, self.statuses)
        self.initiator.carrier_off()

    @property
    def awake(self) -> bool:
        return self._awake

    @property
    def waiting(self) -> bool:
        """A command waits for a card."""
        return self.initiator.is_waiting

    @property
    def air_ms(self) -> float:
        """What has been waited on the air."""
        return self.initiator.air.spent_ms

    def receive(self, data: bytes) -> None:
        """Bytes from the host."""
        held, self.faults.held = self.faults.held, b""
        self._send(held)
        if not self._awake:
            data = self._wake_up(data) if self.source == WAKE_HSU else b""
        for kind, body in self._receiver.feed(data):
            if kind == "ack":
                self._note(">", frames.ACK)
                self._stop()  # 6.2.1.3: the abort; when nothing runs it says that the answer was received
                self.forget()
                if self._next_speed:
                    self.speed, self._next_speed = self._next_speed, 0  # 7.2.8: from here on
            elif kind == "nack":
                self._note(">", frames.NACK)
                if self._answer:
                    self.forget()
                    self._send_answer()  # 6.2.1.4
            else:
                self._note(">", frames.build(body[0], body[1:]))
                self._command(body)

    # Power: 7.2.11

    def wake(self) -> None:
        """The bus has called: a select of SPI, the address of I2C."""
        if self._wake_sources & self.source:
            self._awake = True

    def _wake_up(self, data: bytes) -> bytes:
        """The HSU wakes at the fifth rising edge on its line; the byte that has it is lost, as are those before."""
        for at, byte in enumerate(data):
            level, bits = 0, byte | 0x100  # start bit, data from the lowest, stop bit
            for _ in range(9):
                self._edges += (bits & 1) > level
                level, bits = bits & 1, bits >> 1
            if self._edges >= _WAKE_EDGES:
                self.wake()
                return data[at + 1 :] if self._awake else b""
        return b""

    # Frames

    def _note(self, direction: str, data: bytes) -> None:
        self.trace.append((direction, bytes(data), self.field.clock()))

    def _send(self, data: bytes) -> None:
        if data:
            self._note("<", data)
            self.output(data[1:-1] if self._bare else data)

    def _send_answer(self) -> None:
        self._send(self.faults.damage(self._answer, frames.build(0xD5, b"\x01"), frames.ERROR))

    def _stop(self) -> None:
        """Give up what runs."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._hung = 0
        self.initiator.stop()

    def _command(self, body: bytes) -> None:
        if body[0] != 0xD4 or len(body) < 2:
            return  # 6.2.2: no frame of a host, no ACK
        code, data = body[1], body[2:]
        number, occurrence = self._commands, self._seen.get(code, 0)
        self._commands += 1
        self._seen[code] = occurrence + 1
        if not self._normal_mode and code not in (SAM_CONFIGURATION, GET_FIRMWARE_VERSION):
            return  # AN10609_3, low battery mode
        self._stop()  # 6.2.2: a new command ends the one that runs
        self.forget()
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
        except Hung:
            self._hung = code
            return
        if answer is not None:
            self._finish_later(code, answer)

    def _acknowledge(self, fault: str | None) -> None:
        if fault is not None and fault not in ANSWER_KINDS:
            self.faults.count()
        if fault == "lost-ack":
            return
        if fault == "bad-ack":
            self._send(bytes.fromhex("0000FF00FE00"))
            return
        self._send(NOISE + frames.ACK if fault == "garbage-before-ack" else frames.ACK)

    def _finish_later(self, code: int, answer: bytes) -> None:
        """The answer, when what the card took of real time has passed."""
        delay_ms = min(self.initiator.air.take_delay(), self.field.real_ms)
        if delay_ms <= 0:
            self._finish(code, answer)
            return

        def passed() -> None:
            self._timer = None
            self._finish(code, answer)

        self._timer = asyncio.get_running_loop().call_later(delay_ms / 1000, passed)

    def _finish(self, code: int, answer: bytes) -> None:
        self._answer = frames.build(0xD5, bytes([code + 1]) + answer)
        self._send_answer()

    def _field_changed(self) -> None:
        """A target came or went while a command waits for it."""
        answer = self.initiator.look_again()
        if answer is not None:
            self._finish(IN_LIST_PASSIVE_TARGET, answer)
        elif self._hung and self.initiator.is_gone():
            code, self._hung = self._hung, 0
            self._finish(code, bytes([st.TIMEOUT]))

    # Commands: each returns the answer's data, None when it goes on waiting

    def _execute(self, code: int, data: bytes) -> bytes | None:
        initiator = self.initiator
        match code:
            case 0x00:
                return self._diagnose(data)
            case 0x02:
                need(not data)
                return bytes.fromhex("32010607")  # 7.2.2: PN532, V1.6, ISO/IEC 18092, 14443 A and B
            case 0x10:
                return self._set_serial_baud_rate(data)
            case 0x12:
                return self._set_parameters(data)
            case 0x14:
                return self._sam_configuration(data)
            case 0x16:
                return self._power_down(data)
            case 0x32:
                return initiator.rf_configuration(data)
            case 0x40:
                return initiator.in_data_exchange(data)
            case 0x42:
                return initiator.in_communicate_thru(data)
            case 0x44 | 0x52:
                return initiator.in_deselect(data, forget=code == IN_RELEASE)
            case 0x4A:
                return initiator.in_list_passive_target(data)
            case 0x4E:
                return initiator.in_psl(data)
            case 0x54:
                return initiator.in_select(data)
        raise SyntaxFault

    def _diagnose(self, data: bytes) -> bytes:
        need(len(data) >= 1)
        match data[0]:
            case 0x00:
                return data  # 7.2.1: communication line test, the command's own data
            case 0x01 | 0x02:
                need(len(data) == 1)
                return b"\x00"  # ROM, RAM: no error
            case 0x06:
                need(len(data) == 1)
                return self.initiator.presence()
        raise SyntaxFault  # tests of the antenna and of polling are not built

    def _set_serial_baud_rate(self, data: bytes) -> bytes:
        # 7.2.8: only the HSU has a speed; the new one begins when the host has acknowledged the answer
        need(len(data) == 1 and data[0] < len(SPEEDS) and self.source == WAKE_HSU)
        self._next_speed = SPEEDS[data[0]]
        return b""

    def _set_parameters(self, data: bytes) -> bytes:
        # 7.2.9; NAD and DID are not built, nor is the target's side
        need(len(data) == 1 and not data[0] & ~(_AUTOMATIC_RATS | _NO_PREAMBLE | 0x04))
        self.initiator.automatic_rats = bool(data[0] & _AUTOMATIC_RATS)
        self._bare = bool(data[0] & _NO_PREAMBLE)
        return b""

    def _sam_configuration(self, data: bytes) -> bytes:
        # 7.2.10: normal, virtual, wired, dual; the other modes need a SAM, which is not there
        need(1 <= len(data) <= 3 and data[0] == 0x01)
        self._normal_mode = True
        self.drives_irq = len(data) < 3 or bool(data[2])
        return b""

    def _power_down(self, data: bytes) -> bytes:
        need(1 <= len(data) <= 2)
        self._awake, self._edges, self._wake_sources = False, 0, data[0]
        self.initiator.carrier_off()
        self._receiver.reset()
        return bytes([st.OK])


def serve_chip(chip: Pn532Chip, host: str = "127.0.0.1", port: int = 0) -> AbstractAsyncContextManager[str]:
    """Let one host after the other talk to the chip over TCP. The chip keeps its power when a host hangs up."""
    return serve(chip_talk(chip), host, port)
