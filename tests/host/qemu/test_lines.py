"""The emulated board's auxiliary lines: bytes to and from sockets on the host, none of them lost."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mpos.bench.qemu import LINE_COUNT, Machine, MachineError, booted

_LIMIT_S = 20
_SIZE = 10 * 1024
_ECHO = """
import asyncio, lines
async def echo(n):
    line = lines.Uart(n)
    stream = asyncio.StreamReader(line)
    writer = asyncio.StreamWriter(line, {})
    left = SIZE
    while left:
        data = await stream.read(300)
        left -= len(data)
        writer.write(data)
        await writer.drain()
async def together():
    await asyncio.wait_for(asyncio.gather(*[echo(n) for n in range(LINES)]), 15)
    print("echoed")
asyncio.run(together())
""".replace("SIZE", str(_SIZE)).replace("LINES", str(LINE_COUNT))


class FarEnd:
    """What a line of the machine is connected to."""

    def __init__(self) -> None:
        self._connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()
        self.address = ""

    async def streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.wait_for(asyncio.shield(self._connected), _LIMIT_S)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connected.set_result((reader, writer))

    async def read(self, size: int) -> bytes:
        reader, _ = await self.streams()
        return await asyncio.wait_for(reader.readexactly(size), _LIMIT_S)

    async def write(self, data: bytes) -> None:
        _, writer = await self.streams()
        writer.write(data)
        await asyncio.wait_for(writer.drain(), _LIMIT_S)


@asynccontextmanager
async def _far_ends(count: int) -> AsyncIterator[list[FarEnd]]:
    ends = [FarEnd() for _ in range(count)]
    servers = [await asyncio.start_server(end.accept, "127.0.0.1", 0) for end in ends]
    for end, server in zip(ends, servers, strict=True):
        host, port = server.sockets[0].getsockname()
        end.address = f"{host}:{port}"
    try:
        yield ends
    finally:
        for end, server in zip(ends, servers, strict=True):
            server.close()
            (await end.streams())[1].close()


@pytest.mark.parametrize("options", [{}, {"icount": True, "sleep": True}], ids=["plain", "icount"])
async def test_ten_kilobytes_each_way_on_all_lines_at_once(tmp_path: Path, options: dict[str, bool]) -> None:
    sent = [bytes((i * 7 + i // 251 + n) & 0xFF for i in range(_SIZE)) for n in range(LINE_COUNT)]
    async with _far_ends(LINE_COUNT) as ends, booted(tmp_path, [end.address for end in ends], **options) as machine:

        async def exchange(end: FarEnd, data: bytes) -> bytes:
            _, answer = await asyncio.gather(end.write(data), end.read(len(data)))
            return answer

        running = asyncio.create_task(machine.exec(_ECHO))
        received = await asyncio.gather(*(exchange(end, data) for end, data in zip(ends, sent, strict=True)))
        assert received == sent
        assert await running == "echoed\n"


async def test_a_reader_that_is_late_loses_nothing(tmp_path: Path) -> None:
    """50 KB are sent while nobody reads: what does not fit waits at the far end."""
    sent = bytes(i * 11 & 0xFF for i in range(50_000))
    code = """
import hashlib, lines, time
line = lines.Uart(0)
while line.any() < 2048:
    time.sleep_ms(1)
time.sleep_ms(20)
print(line.any())
h = hashlib.sha256()
left = 50000
buffer = bytearray(700)
while left:
    n = line.readinto(buffer)
    if n:
        h.update(memoryview(buffer)[:n])
        left -= n
print(h.digest().hex(), line.read(1))
"""
    async with _far_ends(1) as (end,), booted(tmp_path, [end.address]) as machine:
        running = asyncio.create_task(machine.exec(code))
        await end.write(sent)
        assert (await running).split() == ["2048", hashlib.sha256(sent).hexdigest(), "None"]


async def test_a_far_end_that_is_late_stops_the_writer(tmp_path: Path) -> None:
    """The machine writes until it is told to wait, then waits, and goes on when there is room."""
    code = """
import asyncio, lines
line = lines.Uart(0)
sent = 0
chunk = bytes(range(250))
while (n := line.write(chunk)) == len(chunk):
    sent += n
sent += n or 0
print("stopped")
async def rest():
    writer = asyncio.StreamWriter(line, {})
    writer.write(b"the end")
    await writer.drain()
asyncio.run(asyncio.wait_for(rest(), 15))
print(sent)
"""
    async with _far_ends(1) as (end,), booted(tmp_path, [end.address]) as machine:
        running = asyncio.create_task(machine.exec(code))
        await machine.wait_for("stopped")
        reader, _ = await end.streams()
        received = bytearray()
        while not received.endswith(b"the end"):
            received += await asyncio.wait_for(reader.read(65536), _LIMIT_S)
        sent = int((await running).split()[-1])
    assert len(received) == sent + len(b"the end")
    whole, part = divmod(sent, 250)
    assert received == bytes(range(250)) * whole + bytes(range(part)) + b"the end"


async def test_nothing_there_is_none_and_not_a_wait(machine: Machine) -> None:
    code = "import lines\nu = lines.Uart(0)\nprint(u, u.any(), u.read(1), u.readinto(bytearray(4)), u.read(0), u.write(b''))"
    assert await machine.exec(code) == "Uart(0) 0 None None b'' 0\n"


async def test_poll(tmp_path: Path) -> None:
    code = """
import lines, select
line = lines.Uart(0)
poll = select.poll()
poll.register(line, select.POLLIN)
print(poll.poll(0))
line.write(b"?")
print(poll.poll(10000)[0][1] == select.POLLIN, line.read(9))
poll.modify(line, select.POLLOUT)
print(poll.poll(0)[0][1] == select.POLLOUT)
"""
    async with _far_ends(1) as (end,), booted(tmp_path, [end.address]) as machine:
        running = asyncio.create_task(machine.exec(code))
        assert await end.read(1) == b"?"
        await end.write(b"answer")
        first, second, third = (await running).splitlines()
        assert (first, third) == ("[]", "True")
        assert second.startswith("True b'a")


@pytest.mark.parametrize("number", [-1, LINE_COUNT])
async def test_no_such_line(machine: Machine, number: int) -> None:
    with pytest.raises(MachineError, match="ValueError: no such line"):
        await machine.exec(f"import lines\nlines.Uart({number})")


async def test_no_line_to_connect_to(tmp_path: Path) -> None:
    """A machine whose far end is not there does not start, and QEMU's own words say why."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(MachineError, match="Connection refused"):
        async with booted(tmp_path, [f"127.0.0.1:{port}"]):
            pass


def test_addresses_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="4 lines, 5 addresses"):
        Machine(tmp_path, ["a:1", "b:2", "c:3", "d:4", "e:5"])
