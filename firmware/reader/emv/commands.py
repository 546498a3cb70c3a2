"""The command APDUs of the contactless kernels: EMV 4.4 Book 1, 11.3 (SELECT); Book 3, 6.5 (the others).

One command buffer serves a whole card session. What a command returns is a view on the card's own buffer and
is gone with the next command.
"""

from micropython import const

from ..errors import E_CARD_PROTOCOL, E_DOL, ReaderError
from ..util.wipe import wipe

SW_OK = const(0x9000)

_BUFFER = const(261)  # header, Lc, 255 bytes of data, Le
_DATA = const(5)
_DATA_MOST = const(255)
_COMMAND_TEMPLATE = const(0x83)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Commands:
    """Commands to one card through `transmit`. Each returns (response data, SW1SW2).

    Raises what `transmit` raises, and E_CARD_PROTOCOL for a response without a status word.
    """

    def __init__(self, transmit: "Callable[[memoryview], Awaitable[memoryview]]"):
        self._transmit = transmit
        self._buffer = memoryview(bytearray(_BUFFER))

    def _header(self, cla: int, ins: int, p1: int, p2: int, lc: int) -> memoryview:
        buffer = self._buffer
        buffer[0] = cla
        buffer[1] = ins
        buffer[2] = p1
        buffer[3] = p2
        buffer[4] = lc
        return buffer

    async def _send(self, length: int) -> "tuple[memoryview, int]":
        response = await self._transmit(self._buffer[:length])
        n = len(response)
        if n < 2:
            raise ReaderError(E_CARD_PROTOCOL)
        return memoryview(response)[: n - 2], response[n - 2] << 8 | response[n - 1]

    async def select(self, name) -> "tuple[memoryview, int]":
        """SELECT by DF name (5 to 16 bytes), first occurrence. Book 1, 11.3.2; Contactless Book B, 3.3."""
        n = len(name)
        buffer = self._header(0x00, 0xA4, 0x04, 0x00, n)
        buffer[_DATA : _DATA + n] = name
        buffer[_DATA + n] = 0
        return await self._send(_DATA + n + 1)

    def template(self, length: int) -> memoryview:
        """Where `length` bytes of processing options data go, before `get_processing_options(length)`.

        Raises E_DOL when they do not fit one command.
        """
        # Book 3, 6.5.8.3: the data field is the command template 83 around the values of the PDOL
        head = 2 if length < 0x80 else 3
        if head + length > _DATA_MOST:
            raise ReaderError(E_DOL)
        return self._buffer[_DATA + head : _DATA + head + length]

    async def get_processing_options(self, length: int) -> "tuple[memoryview, int]":
        """GET PROCESSING OPTIONS with the `length` bytes that were put into `template(length)`."""
        head = 2 if length < 0x80 else 3
        buffer = self._header(0x80, 0xA8, 0x00, 0x00, head + length)
        buffer[_DATA] = _COMMAND_TEMPLATE
        if head == 3:
            buffer[_DATA + 1] = 0x81
        buffer[_DATA + head - 1] = length
        buffer[_DATA + head + length] = 0
        return await self._send(_DATA + head + length + 1)

    async def read_record(self, record: int, sfi: int) -> "tuple[memoryview, int]":
        """READ RECORD number `record` (1 to 255) of the file `sfi` (1 to 30). Book 3, 6.5.11."""
        self._header(0x00, 0xB2, record, sfi << 3 | 4, 0)
        return await self._send(5)

    def wipe(self) -> None:
        """Overwrite the last command."""
        wipe(self._buffer)
