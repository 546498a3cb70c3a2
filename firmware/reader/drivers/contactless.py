"""Device: a reader for contactless cards, made of a PN532. Finds one card, hands out its `transmit`.

How a card that stays silent is told from one that went away: after a time-out, or an answer that breaks the protocol, the
chip is asked whether the card is still there (Diagnose 6). A card that does not even answer that may be hung or gone, so
the carrier is switched off and on and the reader looks for it once more: the same UID means hung (E_CARD_TIMEOUT or
E_CARD_PROTOCOL), none or another means gone (E_CARD_REMOVED);
for a card with a random UID any one will do. The card's session is over in either case.
"""

import asyncio

from micropython import const

from reader.drivers.pn532 import status as st
from reader.drivers.pn532.chip import MAX_DATA_OUT
from reader.errors import (
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_NFC_STATUS,
    E_TWO_CARDS,
    ReaderError,
)
from reader.iso14443.activation import targets
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.drivers.pn532.chip import Pn532
    from reader.iso14443.activation import Target

MAX_RESPONSE = const(258)  # of a short APDU: 256 bytes and SW1SW2 (ISO/IEC 7816-4, 5.1)

_RESET_MS = const(10)  # EMV Contactless Interface Specification, t_RESET: 5.1 ms at least
_POWER_UP_MS = const(6)  # the same, t_P: 5.1 ms of carrier before the first command
_ACTIVATION_RETRIES = const(2)
_RANDOM_UID = const(0x08)  # ISO/IEC 14443-3, 6.5.4: first byte of a UID that is another one after each reset
_TIMING_ATR_RES = const(0x0B)  # 102.4 ms, the chip's default
_TIMING_RETRY = const(0x0D)  # 409.6 ms


class ContactlessReader:
    """start, then for each card: look until there is one, transmit..., release; at the end stop.

    One task at a time. Any call may be cancelled; the reader is then used again without further ado.
    Every method may raise E_NFC_SILENT, E_NFC_FRAME, E_NFC_STATUS, E_LINE_CLOSED, after which `start` begins anew.
    """

    def __init__(self, chip: "Pn532"):
        self._chip = chip
        self._response = bytearray(MAX_RESPONSE)
        self._on = False  # the carrier, and no card was found yet

    async def start(self) -> None:
        """Wake the chip, see that it is a PN532 (else E_NFC_VERSION), configure it; the carrier stays off."""
        chip = self._chip
        await chip.wake()
        await chip.get_firmware_version()
        await self._off()
        await chip.rf_configuration_timings(_TIMING_ATR_RES, _TIMING_RETRY)
        await chip.rf_configuration_retries(0, _ACTIVATION_RETRIES)

    async def look(self) -> "ContactlessCard | None":
        """One look into the field: a card, activated, or None. It takes some 30 ms.

        The carrier goes on with the first look and stays on until `release`, `stop` or `start`. Raises E_TWO_CARDS, or
        E_CARD_PROTOCOL when what a card says of itself makes no sense; the carrier is then off.
        """
        try:
            if not self._on:
                await self._reset_field()
                self._on = True
            answer = await self._chip.in_list_passive_target(2)
            if answer[0] > 1:
                raise ReaderError(E_TWO_CARDS)
            if not answer[0]:
                return None
            self._on = False  # the next look starts every card afresh, this one too
            return ContactlessCard(self, targets(answer)[0])
        except ReaderError as error:
            if error.code in (E_TWO_CARDS, E_CARD_PROTOCOL):
                await self._off()
            raise

    async def stop(self) -> None:
        """Carrier off; no trace of the last exchange stays in the buffers."""
        self.wipe()
        await self._off()

    def wipe(self) -> None:
        """Overwrite the APDU buffers."""
        wipe(self._response)
        self._chip.wipe()

    async def exchange(self, target: "Target", c_apdu) -> memoryview:
        """One command to an activated card: ContactlessCard.transmit."""
        view = memoryview(c_apdu)
        at = 0
        # UM0701-02, 7.4.5: parts with MI, each acknowledged by an answer without data, then the last one without MI
        while len(view) - at > MAX_DATA_OUT:
            part = view[at : at + MAX_DATA_OUT]
            _, data = await self._exchanged(target, part, True)
            if len(data):
                raise ReaderError(E_CARD_PROTOCOL)
            at += MAX_DATA_OUT
        more, data = await self._exchanged(target, view[at:], False)
        size = self._keep(data, 0)
        while more:
            more, data = await self._exchanged(target, b"", False)
            if more and not data:
                raise ReaderError(E_CARD_PROTOCOL)  # would never end
            size = self._keep(data, size)
        return memoryview(self._response)[:size]

    async def release(self, target: "Target") -> None:
        """Let a card go: ContactlessCard.release."""
        self.wipe()
        try:
            await self._chip.in_release(0)
        except ReaderError as error:
            if error.code != E_NFC_STATUS:  # it has gone without a good-bye
                raise
        await self._off()

    async def _off(self) -> None:
        self._on = False  # also when the chip does not take the command
        await self._chip.rf_configuration_field(False)

    async def _exchanged(self, target: "Target", data, more: bool) -> tuple[bool, memoryview]:
        status, answer = await self._chip.in_data_exchange(target.number, data, more)
        error = status & st.ERROR_MASK
        if error == st.DONE:
            return bool(status & st.MORE_INFORMATION), answer
        if st.is_gone(error):
            raise ReaderError(E_CARD_REMOVED)
        if error != st.NO_ANSWER and not st.is_garbled(error):
            raise ReaderError(E_NFC_STATUS, error)
        if not await self._is_present(target):
            raise ReaderError(E_CARD_REMOVED)
        raise ReaderError(E_CARD_TIMEOUT if error == st.NO_ANSWER else E_CARD_PROTOCOL)

    async def _is_present(self, target: "Target") -> bool:
        if target.is_isodep and await self._chip.diagnose_presence():
            return True
        await self._reset_field()
        found = bytes(await self._chip.in_list_passive_target(2))
        if len(target.uid) == 4 and target.uid[0] == _RANDOM_UID:
            return found[0] > 0
        return target.uid in found

    async def _reset_field(self) -> None:
        """Start every card afresh, also one that the last session left in the field."""
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
    """A card in the field, activated. uid, sak, atqa, ats (bytes, or None), is_isodep as in iso14443.activation.Target."""

    def __init__(self, reader: ContactlessReader, target: "Target"):
        self._reader = reader
        self._target = target
        self.uid = target.uid
        self.atqa = target.atqa
        self.sak = target.sak
        self.ats = target.ats
        self.is_isodep = target.is_isodep

    async def transmit(self, c_apdu) -> memoryview:
        """Send a command, return the response with SW1SW2, at most MAX_RESPONSE bytes, valid until the next call.

        For a card without ISO/IEC 14443-4 these are its own commands and answers.
        Raises E_CARD_REMOVED, E_CARD_TIMEOUT, E_CARD_PROTOCOL (also for a longer response), E_NFC_*, E_LINE_CLOSED.
        """
        return await self._reader.exchange(self._target, c_apdu)

    async def release(self) -> None:
        """Deselect the card, forget it, switch the carrier off and wipe the buffers."""
        await self._reader.release(self._target)
