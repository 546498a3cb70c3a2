"""The far end of a reader's byte line: a server on loopback that one reader after the other connects to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PIECE = 1024


class Part(Protocol):
    """A part that takes bytes and gives bytes: a chip on a serial line."""

    output: Callable[[bytes], None]
    hang_up: Callable[[], None]

    def receive(self, data: bytes) -> None: ...


@asynccontextmanager
async def serve(talk: Talk, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Give each line to `talk` until its end; yields "127.0.0.1:PORT". A reader that goes away is no fault of the part."""
    lines: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.add(writer)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            lines.discard(writer)
            writer.close()

    server = await asyncio.start_server(connected, host, port)
    try:
        address = server.sockets[0].getsockname()
        yield f"{address[0]}:{address[1]}"
    finally:
        server.close()
        for writer in list(lines):
            writer.close()
        await server.wait_closed()


def chip_talk(chip: Part, connected: Callable[[], None] = lambda: None) -> Talk:
    """A chip's side of a serial line. `connected` is called when a reader has switched on."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(data: bytes) -> None:
            if not writer.is_closing():
                writer.write(data)

        chip.output, chip.hang_up = send, writer.close
        connected()
        while data := await reader.read(PIECE):
            if not writer.is_closing():
                chip.receive(data)

    return talk
