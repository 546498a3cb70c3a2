"""What every link has: one message is written, secured and sent at a time, whole, whatever carries it; and the one session
that what comes is opened with (docs/link.md, "The session")."""

import asyncio

from micropython import const

from ..errors import E_INTERNAL, E_LINK_NO_SESSION, ReaderError
from ..util.wipe import wipe
from .protocol import EVENT, FAULT, SECURED, Writer
from .session import Session

_CHALLENGE = const(41)  # handshake.CHALLENGE

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable


class Pipe:
    """A duplex message pipe. A carrier adds `serve(handle, gone)`, `_transmit(message) -> bool`, and `stack`: the
    name of what carries it.

    `is_factory`: the factory's own line, of a reader that has not left it. `session`: the open one, if its role is not 0. `challenge`,
    `refusals`, `refused_ms`: of link/handshake.py; the last two outlive the connection. `in_clear`: how the last message came.
    """

    stack = ""
    is_factory = False
    log: "Callable[[int, int], None] | None" = None  # an event of the security log, and its detail (app/reader.py)

    def __init__(self):
        self._sending = asyncio.Lock()
        self._writer = Writer()
        self.session = Session()
        self.challenge = bytearray(_CHALLENGE)
        self.refusals = self.refused_ms = 0
        self.in_clear = True

    def received(self, message: memoryview) -> memoryview:
        """A message as a carrier took it: the one inside, opened where it lies, or itself when it is in clear.

        Raises E_LINK_SECURED, and E_LINK_NO_SESSION for a secured one when there is no session.
        """
        self.in_clear = message[0] != SECURED
        if self.in_clear:
            return message
        if not self.session.role:
            raise ReaderError(E_LINK_NO_SESSION)
        return self.session.open(message)

    async def send(self, build: "Callable[[Writer], Writer]", in_clear: bool = False) -> bool:
        """Let `build` write a message and send it, whole, before the next: secured, and to nobody when there is no session;
        or as it is. False: nobody is there to hear it."""
        async with self._sending:
            writer = build(self._writer)
            if in_clear:
                return await self._transmit(writer.message())
            if not self.session.role:
                return False
            try:
                message = writer.message(self.session)
            except ReaderError as used_up:
                await self._transmit(writer.begin(EVENT, FAULT, 0).error(used_up).message())
                return False
            return await self._transmit(message)

    async def fault(self, error: ReaderError) -> None:
        """Tell the phone that what came was no command."""
        await self.send(lambda w: w.begin(EVENT, FAULT, 0).error(error), True)

    def close(self) -> None:
        """The session is over, its keys are gone; nothing that was begun with the phone goes on."""
        self.session.end()
        wipe(self.challenge)

    async def _transmit(self, message) -> bool:
        raise ReaderError(E_INTERNAL)  # the carrier's own
