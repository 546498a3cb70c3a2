"""T=0, the half-duplex transmission of characters (ISO/IEC 7816-3, 10 and 12.2; EMV 4.4 Book 1, 9.2.2 and 9.3.1).

    header CLA INS P1 P2 P3 ->
                            <- procedure byte:  INS      all data bytes that are left, then a procedure byte
                                                INS^FF   the next data byte, then a procedure byte
                                                60       (NULL) nothing yet, another procedure byte will follow
                                                6X, 9X   SW1; then SW2, and the command is over

Table of the answers that this layer deals with by itself (EMV 4.4 Book 1, 9.3.1.1 and 9.3.1.2):

    6Cxx to a case 2 or a GET RESPONSE     the same header, once more, with P3 = xx
    61xx to a case 2, case 4, GET RESPONSE GET RESPONSE with P3 = xx, its data are appended
    62xx, 63xx, 9xxx to a case 4, no data  GET RESPONSE with P3 = 00; the warning is the status of the whole

Bounds: 128 NULLs for a command; a GET RESPONSE brings a byte at least or ends the command; 256 bytes of data.
"""

from micropython import const

from reader.errors import E_CARD_PROTOCOL, E_CARD_TIMEOUT, ReaderError
from reader.iso7816 import apdu
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.iso7816.atr import Atr
    from reader.ports import Characters

_NULL = const(0x60)
_INS_GET_RESPONSE = const(0xC0)
_MAX_NULLS = const(128)
_MAX_DATA = const(256)


class T0:
    """A card that speaks T=0. Owns the response buffer; one `transmit` at a time."""

    def __init__(self, line: "Characters", atr: "Atr"):
        """line: at the rate that atr.f_now and atr.d_now say."""
        self._line = line
        # 10.2: WWT = 960 * WI * Fi / f; EMV 4.4 Book 1, 9.2.2.1: the terminal waits D * 480 etu longer
        self._wait = (960 * atr.wi + 480) * atr.d_now
        self._response = bytearray(apdu.MAX_RESPONSE)
        self._header = bytearray(5)
        self._byte = bytearray(1)
        self._size = 0  # data bytes in the response
        self._nulls = 0  # received since the command began

    async def transmit(self, c_apdu) -> memoryview:
        """The response APDU with SW1SW2, valid until the next call.

        A command that T=0 cannot carry is answered with 6700 or 6D00 and not sent. Raises E_CARD_TIMEOUT when the
        card is silent, E_CARD_PROTOCOL when it breaks the rules, and what the line raises.
        """
        self._size = self._nulls = 0
        case = apdu.case_of(c_apdu)
        if not case:
            return self._ended(apdu.WRONG_LENGTH)
        if c_apdu[1] >> 4 in (6, 9):  # 10.3.2: these are no INS, since SW1 could not be told from them
            return self._ended(apdu.WRONG_INS)
        header = self._header
        for i in range(4):
            header[i] = c_apdu[i]
        header[4] = c_apdu[4] if case > 1 else 0  # 12.2.2: case 1 has P3 = 00
        wanted = apdu.le_of(c_apdu)
        sw = await self._command(apdu.data_of(c_apdu), wanted if case == 2 else 0)
        warning = 0
        if case == 2 and sw >> 8 == 0x6C:
            sw = await self._again(sw)
        elif case == 4 and _is_warning(sw):
            # EMV 4.4 Book 1, 9.3.1.1.4, and the first example of annex A7: there is a response all the same
            warning = sw
            sw = 0x6100
        if case in (2, 4):
            sw = await self._get_response(sw, wanted)
        if warning and (sw == 0x9000 or not self._size):
            sw = warning
        return self._ended(sw)

    def wipe(self) -> None:
        wipe(self._response)
        wipe(self._header)
        wipe(self._byte)

    async def _get_response(self, sw: int, wanted: int) -> int:
        """Fetch what 61xx announces, as far as `wanted` goes (EMV 4.4 Book 1, 9.3.1.3)."""
        header = self._header
        while sw >> 8 == 0x61 and self._size < wanted:
            before = self._size
            header[0] = header[2] = header[3] = 0
            header[1] = _INS_GET_RESPONSE
            size = min(sw & 0xFF or _MAX_DATA, wanted - before)
            header[4] = size & 0xFF
            sw = await self._command(b"", size)
            if sw >> 8 == 0x6C:
                sw = await self._again(sw)
            if sw >> 8 == 0x61 and self._size == before:
                raise ReaderError(E_CARD_PROTOCOL)  # would never end
        return sw

    async def _again(self, sw: int) -> int:
        self._header[4] = sw & 0xFF
        return await self._command(b"", sw & 0xFF or _MAX_DATA)

    async def _command(self, data, wanted: int) -> int:
        """One header with its data out, or with `wanted` bytes in. Returns SW1SW2."""
        if self._size + wanted > _MAX_DATA:
            raise ReaderError(E_CARD_PROTOCOL)
        line = self._line
        ins = self._header[1]
        line.discard()
        await line.send(self._header)
        out = memoryview(data)
        at = 0
        while True:
            procedure = await self._next()
            if procedure == _NULL:
                self._nulls += 1
                if self._nulls > _MAX_NULLS:
                    raise ReaderError(E_CARD_PROTOCOL)
                continue
            if procedure >> 4 in (6, 9):
                return procedure << 8 | await self._next()
            # 10.3.3, table 11: any other byte is an error, and so is asking for data where none are left
            count = max(len(out) - at, wanted)
            if not count or procedure not in (ins, ins ^ 0xFF):
                raise ReaderError(E_CARD_PROTOCOL)
            if procedure != ins:
                count = 1
            if wanted:
                await self._take(count)
                wanted -= count
            else:
                await line.send(out[at : at + count])
                at += count

    async def _take(self, count: int) -> None:
        end = self._size + count
        view = memoryview(self._response)[self._size : end]
        if await self._line.receive_into(view, self._wait, self._wait) < count:
            raise ReaderError(E_CARD_TIMEOUT)
        self._size = end

    async def _next(self) -> int:
        if not await self._line.receive_into(self._byte, self._wait, self._wait):
            raise ReaderError(E_CARD_TIMEOUT)
        return self._byte[0]

    def _ended(self, sw: int) -> memoryview:
        if 0x64 <= sw >> 8 <= 0x6F:
            self._size = 0  # ISO/IEC 7816-4, 5.1: with an error there are no data
        at = self._size
        self._response[at] = sw >> 8
        self._response[at + 1] = sw & 0xFF
        return memoryview(self._response)[: at + 2]


def _is_warning(sw: int) -> bool:
    return sw >> 8 in (0x62, 0x63) or (sw >> 12 == 9 and sw != 0x9000)
