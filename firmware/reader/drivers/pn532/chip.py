"""The PN532's commands, one method each, named as in UM0701-02 chapter 7.

    group           command              section  here
    miscellaneous   Diagnose             7.2.1    card presence (test 6); the line test is the transport's
                    GetFirmwareVersion   7.2.2    yes
                    SetSerialBaudRate    7.2.8    115,200 and 460,800
                    SetParameters        7.2.9    yes
                    SAMConfiguration     7.2.10   normal mode
                    PowerDown            7.2.11   yes
                    GPIO, registers               no
    RF              RFConfiguration      7.3.1    items 1 (field), 2 (time-outs), 4 (retries), 5 (retries)
    initiator       InListPassiveTarget  7.3.5    106 kbps type A and B, 212 and 424 kbps FeliCa; up to 2 targets
                    InPSL                7.3.7    yes
                    InDataExchange       7.3.8    yes, with chaining (MI) both ways
                    InCommunicateThru    7.3.9    yes
                    InDeselect           7.3.10   yes
                    InRelease            7.3.11   yes
                    InSelect             7.3.12   yes
                    Jewel, DEP                    no
    target          all                           no

The chip does ISO/IEC 14443-4 itself: blocks, their chaining and repetition, waiting time extension. No extended APDU
longer than the data of one frame passes without MI. It makes no claim of EMVCo conformity.
"""

import asyncio

from micropython import const

from reader.drivers.pn532 import frame
from reader.drivers.pn532.status import DONE, ERROR_MASK, MORE_INFORMATION
from reader.drivers.pn532.transport import Transport
from reader.errors import (
    E_CARD_PROTOCOL,
    E_LINE_CLOSED,
    E_NFC_FRAME,
    E_NFC_SILENT,
    E_NFC_STATUS,
    E_NFC_VERSION,
    ReaderError,
)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

MAX_DATA_OUT = const(262)  # 7.3.8: of one InDataExchange, both ways

TYPE_A = const(0x00)  # 7.3.5: BrTy
FELICA_212 = const(0x01)
FELICA_424 = const(0x02)
TYPE_B = const(0x03)

_DIAGNOSE = const(0x00)
_GET_FIRMWARE_VERSION = const(0x02)
_SET_SERIAL_BAUD_RATE = const(0x10)
_SET_PARAMETERS = const(0x12)
_SAM_CONFIGURATION = const(0x14)
_POWER_DOWN = const(0x16)
_RF_CONFIGURATION = const(0x32)
_IN_DATA_EXCHANGE = const(0x40)
_IN_COMMUNICATE_THRU = const(0x42)
_IN_DESELECT = const(0x44)
_IN_LIST_PASSIVE_TARGET = const(0x4A)
_IN_PSL = const(0x4E)
_IN_RELEASE = const(0x52)
_IN_SELECT = const(0x54)

_IC_PN532 = const(0x32)
_NORMAL_MODE = const(0x01)
_PRESENCE_TEST = const(0x06)
_BAUD_115200 = const(0x04)
_BAUD_460800 = const(0x06)
_ITEM_FIELD = const(0x01)
_ITEM_TIMINGS = const(0x02)
_ITEM_RETRIES_COM = const(0x04)
_ITEM_RETRIES = const(0x05)

_ANSWER_MS = const(500)  # of commands that stay inside the chip
_TARGET_MS = const(1500)  # of commands that may repeat blocks to a card that has gone
_ACK_MS = const(15)  # 6.2.2: the most that the chip takes to its ACK
_SWITCH_MS = const(2)  # 7.2.8: between the ACK of a new baud rate and its use; the ACK itself takes half a millisecond


class Pn532:
    """The chip on a bus (transport.py). Every method may raise E_NFC_SILENT, E_NFC_FRAME, E_NFC_STATUS, E_LINE_CLOSED.

    exchange_ms: bound of one InDataExchange; a card may ask for waiting time up to 4.9 s (ISO/IEC 14443-4, 7.2, 7.3).
    Views returned are valid until the next call.
    """

    def __init__(self, bus: "Any", exchange_ms: int = 6000):
        self._bus = bus
        self._transport = Transport(bus)
        self._exchange_ms = exchange_ms

    def wipe(self) -> None:
        """Overwrite the frames that went through the bus."""
        self._bus.wipe()

    async def wake(self) -> None:
        """Wake the chip and bring it into normal mode, whatever it was doing before; on a serial line that can do more
        than 115,200 baud, at 460,800 from then on."""
        # A PN532/C106 starts in low battery mode and leaves it by SAMConfiguration (AN10609_3, low battery mode),
        # so this comes before everything else; only then is the line test answered.
        bus = self._bus
        try:
            await self._wake()
        except ReaderError as error:
            if error.code != E_NFC_SILENT or bus.is_fast is None:
                raise
            bus.set_fast(not bus.is_fast)  # left at the other speed
            await self._wake()
        await self._transport.synchronise()
        if bus.is_fast is False:
            await self._speed_up()

    async def power_down(self) -> None:
        """All asleep until the bus wakes it (7.2.11); a serial line is at 115,200 baud then.

        The chip sleeps as soon as it has answered: an answer that got lost cannot be asked for again, and is not needed.
        """
        bus = self._bus
        try:
            if bus.is_fast:
                await self.set_serial_baud_rate(False)
            await self._transport.command(_POWER_DOWN, self._put(bytes((bus.wake_bit,))), _ANSWER_MS, False)
        except ReaderError as error:
            if error.code == E_LINE_CLOSED:
                raise

    async def diagnose_presence(self) -> bool:
        """Diagnose, test 6: is the ISO/IEC 14443-4 card that was activated last still there? (7.2.1)"""
        answer = await self._simple(_DIAGNOSE, bytes((_PRESENCE_TEST,)), _TARGET_MS)
        if len(answer) != 1:
            raise ReaderError(E_NFC_FRAME)
        return answer[0] == DONE

    async def get_firmware_version(self) -> tuple[int, int, int]:
        """Version, revision and support byte of the chip's firmware; 1, 6, 7 for V1.6 (7.2.2).

        Raises E_NFC_VERSION with the IC code when this is no PN532.
        """
        answer = await self._simple(_GET_FIRMWARE_VERSION, b"", _ANSWER_MS)
        if len(answer) != 4:
            raise ReaderError(E_NFC_FRAME)
        if answer[0] != _IC_PN532:
            raise ReaderError(E_NFC_VERSION, answer[0])
        return answer[1], answer[2], answer[3]

    async def sam_configuration(self) -> None:
        """Normal mode: no SAM behind the chip, no time-out; the IRQ pin is driven where the bus has it (7.2.10)."""
        await self._simple(_SAM_CONFIGURATION, bytes((_NORMAL_MODE, 0, int(self._bus.has_irq))), _ANSWER_MS)

    async def set_serial_baud_rate(self, fast: bool) -> None:
        """460,800 or 115,200 baud, chip and line (7.2.8): the chip changes when its answer is acknowledged."""
        bus = self._bus
        await self._simple(_SET_SERIAL_BAUD_RATE, bytes((_BAUD_460800 if fast else _BAUD_115200,)), _ANSWER_MS)
        await bus.say(frame.ACK_FRAME)
        await asyncio.sleep_ms(_SWITCH_MS)
        bus.set_fast(fast)

    async def set_parameters(self, flags: int) -> None:
        """What the chip does by itself (7.2.9): bit 4 RATS after the selection of a card that takes it; bit 0 NAD, bit 1
        DID used."""
        await self._simple(_SET_PARAMETERS, bytes((flags,)), _ANSWER_MS)

    async def rf_configuration_field(self, on: bool) -> None:
        """Switch the carrier, without regard to other fields (7.3.1, item 1)."""
        await self._simple(_RF_CONFIGURATION, bytes((_ITEM_FIELD, 1 if on else 0)), _ANSWER_MS)

    async def rf_configuration_timings(self, atr_res: int, retry: int) -> None:
        """Time-outs, coded n: 100 us * 2**(n - 1), 0 for none; for ATR_RES and for InCommunicateThru (item 2)."""
        await self._simple(_RF_CONFIGURATION, bytes((_ITEM_TIMINGS, 0, atr_res, retry)), _ANSWER_MS)

    async def rf_configuration_retries(self, communication: int, passive_activation: int) -> None:
        """Repetitions of an exchange (item 4), of an activation (item 5): FFh without end."""
        await self._simple(_RF_CONFIGURATION, bytes((_ITEM_RETRIES_COM, communication)), _ANSWER_MS)
        await self._simple(_RF_CONFIGURATION, bytes((_ITEM_RETRIES, 0, 1, passive_activation)), _ANSWER_MS)

    async def in_list_passive_target(self, max_targets: int, kind: int = TYPE_A, data: bytes = b"") -> memoryview:
        """Activate up to max_targets (1 or 2) targets (7.3.5); those that were listed before are forgotten.

        kind, data: TYPE_A, nothing or a UID with its cascade tags; TYPE_B, the AFI; FELICA_*, a Polling without length.
        Returns the number of targets and what each says: iso14443.activation, iso14443.type_b, felica.polling. A type A
        card that supports ISO/IEC 14443-4 is activated up to its ATS, one of type B up to its answer to ATTRIB.
        """
        answer = await self._simple(_IN_LIST_PASSIVE_TARGET, bytes((max_targets, kind)) + data, _TARGET_MS)
        if not answer or answer[0] > max_targets:
            raise ReaderError(E_NFC_FRAME)
        return answer

    async def in_psl(self, target: int, to_target: int, from_target: int) -> int:
        """Change an ISO/IEC 14443-4 card's bit rates by PPS (7.3.7): 0 106, 1 212, 2 424 kbps. Returns the status."""
        status, _ = self._status(
            await self._simple(_IN_PSL, bytes((target, to_target, from_target)), _TARGET_MS, False)
        )
        return status & ERROR_MASK

    async def in_data_exchange(self, target: int, data, more: bool = False) -> tuple[int, memoryview]:
        """Exchange at most MAX_DATA_OUT bytes with a target (7.3.8); `more`: the command goes on in the next call.

        Returns the status byte (bit 6: fetch the rest with empty data) and what the target sent. Never sent twice.
        """
        size = len(data)
        if size > MAX_DATA_OUT:
            raise ReaderError(E_CARD_PROTOCOL)
        room = self._bus.data
        room[0] = target | MORE_INFORMATION if more else target
        room[1 : 1 + size] = data
        return self._status(await self._transport.command(_IN_DATA_EXCHANGE, 1 + size, self._exchange_ms, False))

    async def in_communicate_thru(self, data) -> tuple[int, memoryview]:
        """Send raw bytes to the target selected last, the chip adding only CRC and parity (7.3.9). Never sent twice."""
        size = len(data)
        if size > MAX_DATA_OUT:
            raise ReaderError(E_CARD_PROTOCOL)
        self._bus.data[:size] = data
        return self._status(await self._transport.command(_IN_COMMUNICATE_THRU, size, self._exchange_ms, False))

    async def in_deselect(self, target: int) -> None:
        """Deselect a target, 0: all; the chip keeps what it knows of it (7.3.10)."""
        await self._checked(_IN_DESELECT, target)

    async def in_release(self, target: int) -> None:
        """Deselect a target, 0: all, and forget it (7.3.11)."""
        await self._checked(_IN_RELEASE, target)

    async def in_select(self, target: int) -> None:
        """Select a target that is known and deselected (7.3.12)."""
        await self._checked(_IN_SELECT, target)

    async def _wake(self) -> None:
        await self._transport.wake()
        await self.sam_configuration()

    async def _speed_up(self) -> None:
        bus = self._bus
        await self.set_serial_baud_rate(True)
        try:
            await self._transport.synchronise()
            return
        except ReaderError as error:
            if error.code != E_NFC_SILENT:
                raise
        # The line does not carry it. A chip that hears and is not heard comes back by this
        await bus.send(_SET_SERIAL_BAUD_RATE, self._put(bytes((_BAUD_115200,))))
        await asyncio.sleep_ms(_ACK_MS)
        await bus.say(frame.ACK_FRAME)
        await asyncio.sleep_ms(_SWITCH_MS)
        bus.set_fast(False)
        await self._transport.synchronise()

    def _put(self, data: bytes) -> int:
        self._bus.data[: len(data)] = data
        return len(data)

    async def _simple(self, code: int, data: bytes, answer_ms: int, twice: bool = True) -> memoryview:
        return await self._transport.command(code, self._put(data), answer_ms, twice)

    async def _checked(self, code: int, target: int) -> None:
        status, _ = self._status(await self._simple(code, bytes((target,)), _TARGET_MS))
        if status & ERROR_MASK != DONE:
            raise ReaderError(E_NFC_STATUS, status & ERROR_MASK)

    def _status(self, answer: memoryview) -> tuple[int, memoryview]:
        if not answer:
            raise ReaderError(E_NFC_FRAME)
        return answer[0], answer[1:]
