"""Device: a reader for contactless cards, made of a PN532. Finds one card, hands out its `transmit`.

What EMV Contactless Book D asks of a reader, and who does it here:
- Polling (9.2): one technology after the other, with the card in its field from the start. The order is type B, FeliCa (when
  asked for), type A: when a card of the last one answers, it is already known that none of the others is there. A card of an
  earlier one has to be activated once more, for the chip keeps the cards of one technology only.
- Collision detection (9.3): the chip does the anticollision loop and names up to two cards of a technology. Two cards, or
  cards of two technologies, are reported and the field is reset.
- Activation (9.4): the chip: selection with all cascade levels, RATS, ATTRIB. An answer that makes no sense resets the field.
- Half-duplex blocks (10): the chip: numbering, chaining of blocks, R(NAK) and R(ACK) after an error (as often as it is told,
  MaxRtyCOM), its own time-out by the card's FWT, S(WTX). What it gives up on comes as a status byte (pn532/status.py) and is
  an exception as below.
- Exception processing (9.6): the field is reset, and polling starts afresh.
- Removal (9.5): `wait_for_removal`.
Payments stay at 106 kbit/s (5.2, 9.4); `speed_up` is for others.

How a card that stays silent is told from one that went away: after a time-out, or an answer that breaks the protocol, the
chip is asked whether the card is still there (Diagnose 6). A card that does not even answer that may be hung or gone, so
the carrier is switched off and on and the reader looks for it once more: the same UID means hung (E_CARD_TIMEOUT or
E_CARD_PROTOCOL), none or another means gone (E_CARD_REMOVED);
for a card with a random UID any one will do. The card's session is over in either case.
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from reader.drivers.pn532 import chip as pn532
from reader.drivers.pn532 import status as st
from reader.drivers.pn532.transport import ACKNOWLEDGED
from reader.errors import (
    E_CARD_ACCESS,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_NFC_SILENT,
    E_NFC_STATUS,
    E_TWO_CARDS,
    ReaderError,
)
from reader.iso14443 import activation
from reader.iso14443.activation import TYPE_A, TYPE_B, Target
from reader.util.wipe import wipe

FELICA = const(4)
MAX_RESPONSE = const(258)  # of a short APDU: 256 bytes and SW1SW2 (ISO/IEC 7816-4, 5.1)

_RESET_MS = const(10)  # EMV Contactless Interface Specification, t_RESET: 5.1 ms at least
_POWER_UP_MS = const(6)  # the same, t_P: 5.1 ms of carrier before the first command
_RETRIES = const(2)  # Book D, 10.3.5: of a block; and the same of an activation
_ANY_AFI = b"\x00"
_RANDOM_UID = const(0x08)  # ISO/IEC 14443-3, 6.5.4: first byte of a UID that is another one after each reset
_PARAMETERS = const(0x14)  # the chip's defaults: RATS by itself (and ATR_RES as a target)
_TIMING_ATR_RES = const(0x0B)  # 102.4 ms, the chip's default
_TIMING_RETRY = const(0x0D)  # 409.6 ms
# When nobody has come for so many looks, the carrier is on for some looks and off for the others of each round
_EAGER_LOOKS = const(100)
_LOOKS_ON = const(3)
_LOOKS = const(8)
_ABSENT_LOOKS = const(3)
_ABSENT_PAUSE_MS = const(20)
_FAST_RATES = (2, 0x20, 0x02), (1, 0x10, 0x01)  # InPSL's code; bits of TA(1): from the card, to the card


class ContactlessReader:
    """start, then for each card: look until there is one, transmit..., release; at the end stop.

    One task at a time. Any call may be cancelled; the reader is then used again without further ado.
    Every method may raise E_NFC_SILENT, E_NFC_FRAME, E_NFC_STATUS, E_LINE_CLOSED, after which `start` begins anew.
    """

    def __init__(self, chip: "pn532.Pn532"):
        self._chip = chip
        self._response = bytearray(MAX_RESPONSE)
        self._on = False  # the carrier, and no card was found yet
        self._dark = False  # the carrier is off for sure
        self._misses = 0  # looks that found nobody

    async def start(self) -> None:
        """Wake the chip, see that it is a PN532 (else E_NFC_VERSION), configure it; the carrier stays off."""
        chip = self._chip
        await chip.wake()
        await chip.get_firmware_version()
        await chip.set_parameters(_PARAMETERS)
        await self._off()
        await chip.rf_configuration_timings(_TIMING_ATR_RES, _TIMING_RETRY)
        await chip.rf_configuration_retries(_RETRIES, _RETRIES)
        self._misses = 0

    async def look(self, technologies: int = TYPE_A | TYPE_B, system_code: int = 0xFFFF) -> "ContactlessCard | None":
        """One look into the field: a card, activated, or None. It takes some 30 ms for each technology.

        technologies: TYPE_A, TYPE_B, FELICA, added; system_code: of FeliCa, FFFFh for any.
        The carrier goes on with the first look and stays on until `release`, `stop` or `start`; when nobody comes for long
        it has pauses. Raises E_TWO_CARDS, or E_CARD_PROTOCOL when what a card says of itself makes no sense; the carrier is
        then off.
        """
        try:
            rest = self._misses - _EAGER_LOOKS
            if rest >= 0 and rest % _LOOKS < _LOOKS - _LOOKS_ON:
                self._misses += 1
                if self._on:
                    await self._off()
                return None
            # Every eighth time afresh: a card whose activation went wrong half-way may hear nothing else any more
            if not self._on or not self._misses % _LOOKS:
                await self._reset_field()
                self._on = True
            found = await self._one(technologies, system_code)
            if found is None:
                self._misses += 1
                return None
            self._misses = 0
            self._on = False  # the next look starts every card afresh, this one too
            return ContactlessCard(self, found)
        except ReaderError as error:
            if error.code in (E_TWO_CARDS, E_CARD_PROTOCOL):
                self._misses = 0
                await self._off()
            raise

    async def stop(self) -> None:
        """Carrier off, the chip asleep; no trace of the last exchange stays in the buffers."""
        self.wipe()
        if not self._dark:
            await self._off()
        await self._chip.power_down()

    def wipe(self) -> None:
        """Overwrite the APDU buffers."""
        wipe(self._response)
        self._chip.wipe()

    async def exchange(self, target: "Target", command) -> memoryview:
        """One command to an activated card: ContactlessCard.transmit."""
        if target.technology == FELICA:
            return await self.exchange_raw(target, command)
        view = memoryview(command)
        at = 0
        # UM0701-02, 7.4.5: parts with MI, each acknowledged by an answer without data, then the last one without MI
        while len(view) - at > pn532.MAX_DATA_OUT:
            part = view[at : at + pn532.MAX_DATA_OUT]
            _, data = await self._exchanged(target, part, True)
            if len(data):
                raise ReaderError(E_CARD_PROTOCOL)
            at += pn532.MAX_DATA_OUT
        more, data = await self._exchanged(target, view[at:], False)
        size = self._keep(data, 0)
        while more:
            more, data = await self._exchanged(target, b"", False)
            if more and not data:
                raise ReaderError(E_CARD_PROTOCOL)  # would never end
            size = self._keep(data, size)
        return memoryview(self._response)[:size]

    async def exchange_raw(self, target: "Target", command) -> memoryview:
        """ContactlessCard.raw."""
        _, data = await self._judged(target, self._chip.in_communicate_thru(command))
        return memoryview(self._response)[: self._keep(data, 0)]

    async def speed_up(self, target: "Target") -> int:
        """ContactlessCard.speed_up."""
        from reader.iso14443.ats import Ats

        if target.technology == TYPE_A and target.is_isodep:
            rates = Ats(target.says[3:]).rates
            for rate, from_card, to_card in _FAST_RATES:
                if rates & from_card and rates & to_card:
                    status = await self._chip.in_psl(target.number, rate, rate)
                    if status != st.DONE:
                        raise ReaderError(E_NFC_STATUS, status)
                    return rate
        return 0

    async def is_present(self, target: "Target") -> bool:
        """ContactlessCard.is_present."""
        if target.is_isodep and await self._chip.diagnose_presence():
            return True
        await self._reset_field()
        # Each system of a FeliCa card has an IDm of its own; PMm, then the system's code
        code = target.says[8:10] if target.technology == FELICA else b""
        found = await self._list(target.technology, int.from_bytes(code or b"\xff\xff", "big"))
        if (len(target.uid) == 4 and target.uid[0] == _RANDOM_UID) or target.technology == TYPE_B:
            return len(found) > 0  # ISO/IEC 14443-3, 7.9.2: a PUPI may be drawn afresh, too
        return target.uid in [each.uid for each in found]

    async def wait_for_removal(self, target: "Target", ms: int) -> bool:
        """ContactlessCard.wait_for_removal."""
        deadline = ticks_add(ticks_ms(), ms)
        await self._let_go()
        absent = 0
        # Book D, 9.5: gone is who stays silent several times in a row, each time as if newly come
        while absent < _ABSENT_LOOKS:
            await self._reset_field()
            try:
                absent = 0 if await self._list(target.technology, 0xFFFF) else absent + 1
            except ReaderError as error:
                if error.code != E_CARD_PROTOCOL:
                    raise
                absent = 0  # something is there
            if ticks_diff(deadline, ticks_ms()) <= 0:
                break
            await asyncio.sleep_ms(_ABSENT_PAUSE_MS)
        await self._off()
        return absent == _ABSENT_LOOKS

    async def release(self) -> None:
        """ContactlessCard.release."""
        self.wipe()
        await self._let_go()
        await self._off()

    async def _let_go(self) -> None:
        try:
            await self._chip.in_release(0)
        except ReaderError as error:
            if error.code != E_NFC_STATUS:  # it has gone without a good-bye
                raise

    async def _off(self) -> None:
        self._on = False  # also when the chip does not take the command
        await self._chip.rf_configuration_field(False)
        self._dark = True

    async def _one(self, technologies: int, system_code: int) -> "Target | None":
        """The one card that is in the field. Raises E_TWO_CARDS."""
        found = None
        last = 0
        for technology in (TYPE_B, FELICA, TYPE_A):
            if technologies & technology:
                last = technology
                targets = await self._list(technology, system_code)
                if len(targets) > 1 or (targets and found is not None):
                    raise ReaderError(E_TWO_CARDS)
                if targets:
                    found = targets[0]
        if found is None or found.technology == last:
            return found
        # The chip has forgotten it over looking for the others
        await self._reset_field()
        targets = await self._list(found.technology, system_code)
        return targets[0] if targets else None

    async def _list(self, technology: int, system_code: int) -> "list[Target]":
        """Those of one technology that answer, activated."""
        chip = self._chip
        if technology == TYPE_A:
            return activation.targets(await chip.in_list_passive_target(2))
        if technology == TYPE_B:
            answer = await chip.in_list_passive_target(2, pn532.TYPE_B, _ANY_AFI)
            if not answer[0]:
                return []  # the usual case, for which nothing is loaded
            from reader.iso14443 import type_b

            return type_b.targets(answer)
        from reader.felica import polling

        command = polling.command(system_code)
        for kind in (pn532.FELICA_212, pn532.FELICA_424):
            found = polling.answers(await chip.in_list_passive_target(2, kind, command))
            if found:
                return [Target(number, FELICA, idm, False, says) for number, idm, says in found]
        return []

    async def _exchanged(self, target: "Target", data, more: bool) -> tuple[bool, memoryview]:
        return await self._judged(target, self._chip.in_data_exchange(target.number, data, more))

    async def _judged(self, target: "Target", exchange) -> tuple[bool, memoryview]:
        """What came of an exchange: whether more is to be fetched, and the data. Raises what the status byte means."""
        try:
            status, answer = await exchange
        except ReaderError as failure:
            if failure.code != E_NFC_SILENT or failure.detail != ACKNOWLEDGED:
                raise
            # The card asks for waiting time without end, or the chip is stuck; then the next command says so
            status, answer = st.NO_ANSWER, memoryview(b"")
        error = status & st.ERROR_MASK
        if error == st.DONE:
            return bool(status & st.MORE_INFORMATION), answer
        if st.is_gone(error):
            raise ReaderError(E_CARD_REMOVED)
        if error == st.NOT_AUTHENTICATED:
            raise ReaderError(E_CARD_ACCESS, error)
        if error != st.NO_ANSWER and not st.is_garbled(error):
            raise ReaderError(E_NFC_STATUS, error)
        if not await self.is_present(target):
            raise ReaderError(E_CARD_REMOVED)
        raise ReaderError(E_CARD_TIMEOUT if error == st.NO_ANSWER else E_CARD_PROTOCOL)

    async def _reset_field(self) -> None:
        """Start every card afresh, also one that the last session left in the field."""
        self._dark = False
        await self._chip.rf_configuration_field(False)
        await asyncio.sleep_ms(_RESET_MS)
        await self._chip.rf_configuration_field(True)
        await asyncio.sleep_ms(_POWER_UP_MS)

    def _keep(self, data: memoryview, size: int) -> int:
        end = size + len(data)
        if end > MAX_RESPONSE:
            raise ReaderError(E_CARD_PROTOCOL)
        self._response[size:end] = data
        return end


class ContactlessCard:
    """A card in the field, activated. technology, uid (UID, PUPI, IDm), is_isodep, says: as of iso14443.activation.Target."""

    def __init__(self, reader: ContactlessReader, target: "Target"):
        self._reader = reader
        self._target = target
        self.technology = target.technology
        self.uid = target.uid
        self.is_isodep = target.is_isodep
        self.says = target.says

    async def transmit(self, command) -> memoryview:
        """Send a command, return the response with SW1SW2, at most MAX_RESPONSE bytes, valid until the next call.

        For a card without ISO/IEC 14443-4 these are its own commands and answers: of a MIFARE or NTAG those that the chip
        knows (UM0701-02, 7.3.8), of FeliCa frames with their length byte.
        Raises E_CARD_REMOVED, E_CARD_TIMEOUT, E_CARD_PROTOCOL (also for a longer response), E_CARD_ACCESS (the key is
        wrong; the card is silent then until `is_present` has activated it again), E_NFC_*, E_LINE_CLOSED.
        """
        return await self._reader.exchange(self._target, command)

    async def raw(self, command) -> memoryview:
        """The same for commands that the chip does not know: it adds the CRC, and judges nothing (7.3.9)."""
        return await self._reader.exchange_raw(self._target, command)

    async def speed_up(self) -> int:
        """PPS to the highest bit rate that card and chip have in both directions: 2 424, 1 212, 0 still 106 kbit/s. Not for
        payments."""
        return await self._reader.speed_up(self._target)

    async def is_present(self) -> bool:
        """Whether the card is still there. One that does not speak ISO/IEC 14443-4, or does not answer, is activated again:
        it has forgotten what was authenticated or selected."""
        return await self._reader.is_present(self._target)

    async def wait_for_removal(self, ms: int) -> bool:
        """Let it go, then wait until it is gone (True) or `ms` are over. The carrier is off afterwards."""
        return await self._reader.wait_for_removal(self._target, ms)

    async def release(self) -> None:
        """Deselect the card, forget it, switch the carrier off and wipe the buffers."""
        await self._reader.release()
