"""T=1, the half-duplex transmission of blocks (ISO/IEC 7816-3, 11; EMV 4.4 Book 1, 9.2.4 and 9.2.5).

    NAD PCB LEN  INF (0 to 254 bytes)  LRC, or CRC (two bytes, high one first)

    PCB  0SM00000        I-block: N(S), more to come
         100R00ee        R-block: N(R) of the I-block expected; 00 no error, 01 EDC or parity, 10 another error
         11r000tt        S-block: request, or response (r); 00 RESYNCH, 01 IFS, 10 ABORT, 11 WTX

EMV ends the session where ISO 7816-3 goes on recovering: three blocks without a valid answer (9.2.5.1), and ABORT. That
is how it is done here, unless `emv` is False: then RESYNCH and ABORT follow ISO/IEC 7816-3, 11.6.3, rules 6, 7 and 9.

Bounds: three blocks in a row without a valid answer; a block sent three times at the card's request; 60 s of waiting
time extensions for a command; three S(IFS request) in a row; a block with more to come brings a byte at least.
"""

from micropython import const

from reader.errors import E_CARD_PROTOCOL, E_CARD_TIMEOUT, ReaderError
from reader.iso7816 import apdu
from reader.util.edc import crc16, lrc
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.iso7816.atr import Atr
    from reader.ports import Characters

_TRIES = const(3)  # EMV 4.4 Book 1, 9.2.5.1; ISO/IEC 7816-3, 11.6.3, rules 6.4 and 7.4
_PATIENCE_MS = const(60000)
_MAX_INF = const(254)
_MAX_DRAINED = const(2)  # times a block buffer of noise, before the line counts as jammed
_IFSD_AT_START = const(32)  # 11.4.2

_MORE = const(0x20)
_R = const(0x80)
_RESYNCH_REQUEST = const(0xC0)
_RESYNCH_RESPONSE = const(0xE0)
_IFS_REQUEST = const(0xC1)
_IFS_RESPONSE = const(0xE1)
_ABORT_REQUEST = const(0xC2)
_ABORT_RESPONSE = const(0xE2)
_WTX_REQUEST = const(0xC3)
_WTX_RESPONSE = const(0xE3)
_S_BLOCKS = b"\xc0\xe0\xc2\xe2\xc1\xe1\xc3\xe3"  # the first four have no INF, the others one byte
_S_EMPTY = const(4)

# What `_receive` says of no valid block; the right half is the error of the R-block that answers it
_SILENT = const(-1)
_GARBLED = const(-2)
_WRONG = const(-3)
_ERROR_EDC = const(1)
_ERROR_OTHER = const(2)


class T1:
    """A card that speaks T=1. Owns the response buffer and the block buffer; one call at a time."""

    def __init__(self, line: "Characters", atr: "Atr", emv: bool = True):
        """line: at the rate that atr.f_now and atr.d_now say."""
        self._line = line
        self._emv = emv
        f, d = atr.f_now, atr.d_now
        # 11.4.3: CWT, BWT. EMV 4.4 Book 1, 9.2.4.2.2: the terminal waits 4 etu, and D * 960 etu, longer
        self._cwt = (1 << atr.cwi) + 11 + 4
        self._bwt = (960 << atr.bwi) * 372 // f * d + 11
        self._slack = 960 * d
        self._bwt_ms = self._bwt * f // d // line.clock_khz + 1
        self._first_ifsc = self._ifsc = atr.ifsc
        self._ifsd = _IFSD_AT_START
        self._epilogue = 2 if atr.crc else 1
        self._ns = 0  # N(S) of our next I-block, or of the one not yet acknowledged
        self._nr = 0  # N(S) that the card's next I-block must have
        self._why = 0  # what to raise when the tries are used up
        # The command under way: its bytes, where the I-block in flight begins, its size, bytes received, ms to wait
        self._command = memoryview(b"")
        self._at = self._count = self._size = self._patience = 0
        self._response = bytearray(apdu.MAX_RESPONSE)
        self._block = memoryview(bytearray(3 + _MAX_INF + 2))

    async def start(self) -> None:
        """Tell the card that blocks of 254 bytes are taken here (EMV 4.4 Book 1, 9.2.4.2.1).

        Raises as `transmit`; then the card is to be reset or deactivated (11.6.3, rule 7.4.1).
        """
        for _ in range(_TRIES):
            self._block[3] = _MAX_INF
            await self._send(_IFS_REQUEST, 1)
            # Rule 7.3: anything but the response has the request sent again
            if await self._receive(self._bwt) == _IFS_RESPONSE and self._block[3] == _MAX_INF:
                self._ifsd = _MAX_INF
                return
        raise ReaderError(self._why)

    async def transmit(self, c_apdu) -> memoryview:
        """The response APDU with SW1SW2, valid until the next call.

        What is no command APDU is answered with 6700 and not sent. Raises E_CARD_TIMEOUT when the card is silent,
        E_CARD_PROTOCOL when it breaks the rules, and what the line raises.
        """
        if not apdu.case_of(c_apdu):
            self._response[0] = apdu.WRONG_LENGTH >> 8
            self._response[1] = apdu.WRONG_LENGTH & 0xFF
            return memoryview(self._response)[:2]
        command = memoryview(c_apdu)
        for attempt in range(1 if self._emv else _TRIES):
            if attempt:
                await self._resynchronise()
            size = await self._exchanged(command)
            if size >= 2:
                return memoryview(self._response)[:size]
            if size >= 0:
                raise ReaderError(E_CARD_PROTOCOL)  # no status word
        # EMV 4.4 Book 1, 9.2.5.1: the session ends
        raise ReaderError(self._why)

    def wipe(self) -> None:
        wipe(self._response)
        wipe(self._block)

    async def _exchanged(self, command: memoryview) -> int:
        """Command out, response in. Returns its length; -1: the tries are used up, `_why` says on what."""
        self._command = command
        self._patience = _PATIENCE_MS
        self._at = self._count = self._size = 0
        await self._send_next()
        ready = False  # the block we sent last is an R-block
        taken = False  # the card has acknowledged the whole command
        bad = again = 0  # blocks in a row without a valid answer; blocks in a row that brought us no further
        wait = self._bwt
        while True:
            pcb = await self._receive(wait)
            wait = self._bwt
            more = self._at + self._count < len(command)
            if 0 <= pcb < _R and not more and pcb >> 6 == self._nr and self._block[2] <= self._ifsd:
                # Rules 2.1 and 2.2: an I-block in its turn acknowledges ours
                if not taken:
                    taken = True
                    self._ns ^= 1
                self._nr ^= 1
                self._keep()
                if not pcb & _MORE:
                    return self._size
                if not self._block[2]:
                    raise ReaderError(E_CARD_PROTOCOL)  # would never end
                await self._send(_R | self._nr << 4, 0)
                ready = True
                bad = again = 0
                continue
            if _R <= pcb < _RESYNCH_REQUEST:
                # The card has got all that we sent if it expects what comes after it
                current = pcb >> 4 & 1 == (self._ns if taken else self._ns ^ 1)
                if current and more:
                    # Rule 2.2: the next one of the chain
                    self._ns ^= 1
                    self._at += self._count
                    await self._send_next()
                    ready = False
                    bad = again = 0
                    continue
                if ready if current else not taken:
                    # Rules 7.2 and 7.5: it asks for our I-block once more, or for our R-block
                    again += 1
                    if again == _TRIES:
                        return -1
                    if current:
                        await self._send(_R | self._nr << 4, 0)
                    else:
                        await self._send_information()
                        ready = False
                    bad = 0
                    continue
            elif pcb == _WTX_REQUEST and self._block[3]:
                # Rule 3: from the last character of our response on, for this one block
                wait *= self._block[3]
                self._patience -= self._bwt_ms * self._block[3]
                if self._patience < 0:
                    raise ReaderError(E_CARD_TIMEOUT)
                await self._send(_WTX_RESPONSE, 1)
                ready = False
                bad = 0
                continue
            elif pcb == _IFS_REQUEST and 0 < self._block[3] <= _MAX_INF:
                # Rule 4; for the next I-block on
                again += 1
                if again == _TRIES:
                    return -1
                self._ifsc = self._block[3]
                await self._send(_IFS_RESPONSE, 1)
                ready = False
                bad = 0
                continue
            elif pcb == _ABORT_REQUEST:
                await self._abort()
            # Rules 7.1 and 7.2: no valid block, or none that may come here
            bad += 1
            if bad == _TRIES:
                return -1
            error = _ERROR_EDC if pcb == _GARBLED else _ERROR_OTHER
            await self._send(_R | self._nr << 4 | error, 0)
            ready = True

    async def _send_next(self) -> None:
        """The next I-block, from `_at` on."""
        self._count = min(len(self._command) - self._at, self._ifsc)
        await self._send_information()

    async def _send_information(self) -> None:
        end = self._at + self._count
        self._block[3 : 3 + self._count] = self._command[self._at : end]
        await self._send(self._ns << 6 | (_MORE if end < len(self._command) else 0), self._count)

    def _keep(self) -> None:
        """Append the INF received to the response."""
        size = self._block[2]
        end = self._size + size
        if end > apdu.MAX_RESPONSE:
            raise ReaderError(E_CARD_PROTOCOL)
        self._response[self._size : end] = self._block[3 : 3 + size]
        self._size = end

    async def _abort(self) -> None:
        """The card aborts a chain, its own or ours; the command is lost."""
        if not self._emv:
            # Rule 9: what it sends after our response tells which I-block it expects next
            await self._send(_ABORT_RESPONSE, 0)
            pcb = await self._receive(self._bwt)
            if _R <= pcb < _RESYNCH_REQUEST:
                self._ns = pcb >> 4 & 1
        raise ReaderError(E_CARD_PROTOCOL)

    async def _resynchronise(self) -> None:
        """Rule 6: both sides begin anew, as after the ATR."""
        for _ in range(_TRIES):
            await self._send(_RESYNCH_REQUEST, 0)
            if await self._receive(self._bwt) == _RESYNCH_RESPONSE:
                self._ns = self._nr = 0
                self._ifsc = self._first_ifsc
                self._ifsd = _IFSD_AT_START
                await self.start()
                return
        raise ReaderError(self._why)  # rule 6.4

    async def _send(self, pcb: int, length: int) -> None:
        """The block whose INF, `length` bytes, is in the block buffer already. NAD 00 (EMV 4.4 Book 1, 9.2.4.1.1)."""
        block = self._block
        block[0] = 0
        block[1] = pcb
        block[2] = length
        end = 3 + length
        self._seal(end)
        self._line.discard()
        await self._line.send(block[: end + self._epilogue])

    def _seal(self, end: int) -> None:
        block = self._block
        if self._epilogue == 1:
            block[end] = lrc(block[:end])
        else:
            check = crc16(block[:end])
            block[end] = check >> 8
            block[end + 1] = check & 0xFF

    async def _receive(self, wait: int) -> int:
        """PCB of a valid block, LEN and INF in the block buffer; or _SILENT, _GARBLED, _WRONG."""
        line = self._line
        block = self._block
        cwt = self._cwt
        self._why = E_CARD_PROTOCOL
        got = await line.receive_into(block[:3], wait + self._slack, cwt)
        if not got:
            self._why = E_CARD_TIMEOUT
            return _SILENT
        if got < 3:
            return _WRONG
        end = 3 + block[2]
        whole = end + self._epilogue
        if block[2] > _MAX_INF:
            await self._drain()
            return _WRONG
        if await line.receive_into(block[3:whole], cwt, cwt) < whole - 3:
            return _WRONG
        if not self._is_intact(end):
            await self._drain()  # if it was LEN that suffered, there is more to come
            return _GARBLED
        return block[1] if self._is_sound() else _WRONG

    def _is_intact(self, end: int) -> bool:
        if self._epilogue == 1:
            return not lrc(self._block[: end + 1])
        check = crc16(self._block[:end])
        return self._block[end] == check >> 8 and self._block[end + 1] == check & 0xFF

    def _is_sound(self) -> bool:
        """11.3.2: NAD, PCB and LEN fit together."""
        nad, pcb, length = self._block[0], self._block[1], self._block[2]
        if nad:  # no node addresses were given to the card
            return False
        if pcb < _R:
            return not pcb & 0x1F
        if pcb < _RESYNCH_REQUEST:
            return not length and not pcb & 0x2C and pcb & 0x03 != 0x03
        kind = _S_BLOCKS.find(bytes((pcb,)))
        return kind >= 0 and length == (0 if kind < _S_EMPTY else 1)

    async def _drain(self) -> None:
        """Wait until the line is quiet. Raises E_CARD_PROTOCOL when it does not become so."""
        for _ in range(_MAX_DRAINED):
            if await self._line.receive_into(self._block, self._cwt, self._cwt) < len(self._block):
                return
        raise ReaderError(E_CARD_PROTOCOL)
