"""The command APDUs of the kernels: EMV 4.4 Book 1, 11.3 (SELECT); Book 3, 6.5 (the others).

One command buffer serves a whole card session. What a command returns is a view on the card's own buffer and
is gone with the next command.
"""

from micropython import const

from ..errors import E_CARD_PROTOCOL, E_DOL, E_TAG_FORMAT, ReaderError
from ..util.wipe import wipe

SW_OK = const(0x9000)

_TAG_86_ISSUER_SCRIPT_COMMAND = const(0x86)

_BUFFER = const(261)  # header, Lc, 255 bytes of data, Le
_HEADER = const(4)
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

    def __init__(self, transmit: "Callable[[memoryview], Awaitable[memoryview]] | None"):
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

    async def select(self, name, next: bool = False) -> "tuple[memoryview, int]":
        """SELECT by DF name (5 to 16 bytes), the first or only occurrence, or the next one. Book 1, 11.3.2;
        Contactless Book B, 3.3."""
        n = len(name)
        buffer = self._header(0x00, 0xA4, 0x04, 0x02 if next else 0x00, n)
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

    def field(self, length: int) -> memoryview:
        """Where `length` bytes of data go, before `internal_authenticate(length)` or `generate_ac(p1, length)`.

        Raises E_DOL when they do not fit one command.
        """
        if length > _DATA_MOST:
            raise ReaderError(E_DOL)
        return self._buffer[_DATA : _DATA + length]

    async def generate_ac(self, p1: int, length: int) -> "tuple[memoryview, int]":
        """GENERATE AC with the `length` bytes that were put into `field(length)`; `p1`: the type of cryptogram and
        whether combined authentication is asked for. Book 3, 6.5.5."""
        self._header(0x80, 0xAE, p1, 0x00, length)[_DATA + length] = 0
        return await self._send(_DATA + length + 1)

    async def internal_authenticate(self, length: int) -> "tuple[memoryview, int]":
        """INTERNAL AUTHENTICATE with the `length` bytes that were put into `field(length)`. Book 3, 6.5.9."""
        self._header(0x00, 0x88, 0x00, 0x00, length)[_DATA + length] = 0
        return await self._send(_DATA + length + 1)

    async def external_authenticate(self, data) -> "tuple[memoryview, int]":
        """EXTERNAL AUTHENTICATE with the issuer authentication data (8 to 16 bytes). Book 3, 6.5.4."""
        n = len(data)
        self._header(0x00, 0x82, 0x00, 0x00, n)[_DATA : _DATA + n] = data
        return await self._send(_DATA + n)

    async def get_challenge(self) -> "tuple[memoryview, int]":
        """GET CHALLENGE: eight bytes for the PIN's encipherment. Book 3, 6.5.6."""
        self._header(0x00, 0x84, 0x00, 0x00, 0)
        return await self._send(5)

    async def get_data(self, tag: int) -> "tuple[memoryview, int]":
        """GET DATA for a primitive data object outside the records (9F36, 9F13, 9F17, 9F4F). Book 3, 6.5.7."""
        self._header(0x80, 0xCA, tag >> 8, tag & 0xFF, 0)
        return await self._send(5)

    async def verify(self, p2: int, block) -> "tuple[memoryview, int]":
        """VERIFY: `p2` 80 with a plain PIN block of 8 bytes, 88 with an enciphered one. Book 3, 6.5.12.

        The block is overwritten here as soon as the card has answered, or has not.
        """
        n = len(block)
        buffer = self._header(0x00, 0x20, 0x00, p2, n)
        buffer[_DATA : _DATA + n] = block
        try:
            return await self._send(_DATA + n)
        finally:
            wipe(buffer[_DATA : _DATA + n])

    async def script(self, command) -> "tuple[memoryview, int]":
        """A command of the issuer's script (tag 86), as it is. Book 3, 10.10. Raises E_TAG_FORMAT (detail 86) for
        one that is no command: shorter than its header, or longer than the longest."""
        n = len(command)
        if not _HEADER <= n <= _BUFFER:
            raise ReaderError(E_TAG_FORMAT, _TAG_86_ISSUER_SCRIPT_COMMAND)
        self._buffer[:n] = command
        return await self._send(n)

    def begin(self, transmit) -> None:
        """What follows goes to another card."""
        self._transmit = transmit

    def wipe(self) -> None:
        """Overwrite the last command."""
        wipe(self._buffer)
