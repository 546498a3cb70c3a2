"""Code of the unix board's lines on MicroPython, with a far end of the test's own at the other end of its socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.contract.device_process import said_by

LIMIT_S = 20
# What the device's code finds there: `s`, connected; until(condition), which raises when that comes to nothing
_BEGIN = """
import sys, socket, time
from reader.errors import ReaderError
host, port = sys.argv[1].split(":")
s = socket.socket()
s.connect(socket.getaddrinfo(host, int(port))[0][-1])
s.setblocking(False)
def until(condition):
    end = time.ticks_add(time.ticks_ms(), 5000)
    while not condition():
        if time.ticks_diff(end, time.ticks_ms()) <= 0:
            raise Exception("in vain")
        time.sleep_ms(1)
"""
Far = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def run(code: str, far: Far, over: asyncio.Event | None = None) -> str:
    """What the device's code prints, with `far` at the other end of its socket. over: set when it has ended."""
    failures: list[BaseException] = []
    talks = 0
    quiet = asyncio.Event()  # nobody talks any more

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal talks
        talks += 1
        try:
            await far(reader, writer)
        except (Exception, asyncio.CancelledError) as failure:
            failures.append(failure)
        finally:
            writer.close()
            talks -= 1
            if not talks:
                quiet.set()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        host, port = server.sockets[0].getsockname()
        said = await said_by("-c", _BEGIN + code, f"{host}:{port}", limit_s=LIMIT_S)
        if over:
            over.set()
        await asyncio.wait_for(quiet.wait(), LIMIT_S)
    finally:
        server.close()
    assert not failures, failures
    return said
