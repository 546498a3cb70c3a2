"""What every link has: one message is written and sent at a time, whole, whatever carries it."""

import asyncio

from micropython import const

from ..errors import E_INTERNAL, ReaderError
from .protocol import EVENT, FAULT, Writer

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable


class Pipe:
    """A duplex message pipe. A carrier adds `serve(handle, gone)`, `_transmit(message) -> bool`, and `stack`: the
    name of what carries it."""

    stack = ""

    def __init__(self):
        self._sending = asyncio.Lock()
        self._writer = Writer()

    async def send(self, build: "Callable[[Writer], Writer]") -> bool:
        """Let `build` write a message and send it, whole, before the next. False: nobody is there to hear it."""
        async with self._sending:
            return await self._transmit(build(self._writer).message())

    async def fault(self, error: ReaderError) -> None:
        """Tell the phone that what came was no command."""
        await self.send(lambda w: w.begin(EVENT, FAULT, 0).error(error))

    async def _transmit(self, message) -> bool:
        raise ReaderError(E_INTERNAL)  # the carrier's own
