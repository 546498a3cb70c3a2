"""The unix board's chip slot lines (boards/unix/chip_line.py): messages in any pieces, and a far end that is slow or gone."""

from __future__ import annotations

import asyncio

from tests.contract.far_end import run

BEGIN = """
from chip_line import ChipLine
line = ChipLine(s)
"""


async def test_messages_byte_by_byte() -> None:
    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # OFF_N; characters; a message that nobody knows; an empty one; characters
        for value in bytes.fromhex("100101 0003AABBCC 7F020000 0000 0002DDEE"):
            writer.write(bytes([value]))
            await writer.drain()
        assert await reader.readexactly(2) == b"\x01\x01"  # it has seen all that
        await reader.readexactly(1)

    code = """
got = bytearray()
buf = bytearray(4)
print(line.off.value() in (0, 1))
def read():
    n = line.readinto(buf)
    if n:
        got.extend(buf[:n])
    return len(got) == 5
until(read)
print(got.hex(), line.off.value(), line.readinto(buf))
line.power.value(1)
print(line.power.value())
"""
    assert (await run(BEGIN + code, far)).split("\n")[:3] == ["True", "aabbccddee 1 None", "1"]


async def test_what_the_reader_says() -> None:
    heard = []

    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for kind in (3, 2, 1, 0, 0):
            head = await reader.readexactly(2)
            assert head[0] == kind
            heard.append((await reader.readexactly(head[1])).hex())
        writer.write(b"\x10\x01\x01")
        await reader.read()  # until the device has ended

    code = """
line.init(baudrate=9624, bits=8, parity=1, stop=2)
line.reset.value(0)
line.power.value(1)
data = bytes(259)
print(line.write(data), line.write(memoryview(data)[255:]))
until(line.off.value)
for wrong in ({}, {"parity": 0, "bits": 7}):
    try:
        line.init(**wrong)
    except ValueError as error:
        print(error)
"""
    said = await run(BEGIN + code, far)
    assert said == "255 4\n" + "a chip card's characters have 8 bits and parity\n" * 2
    assert heard == ["000025980102", "00", "01", "00" * 255, "00" * 4]


async def test_init_empties_the_receiver() -> None:
    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\x01\x55\x10\x01\x01")
        await reader.read()

    code = """
until(line.off.value)
line.init(baudrate=9624, bits=8, parity=0, stop=2)
print(line.readinto(bytearray(9)))
"""
    assert await run(BEGIN + code, far) == "None\n"


async def test_a_far_end_that_is_slow_stops_the_writer_and_loses_nothing() -> None:
    full = asyncio.Event()
    got = bytearray()

    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not got:
            got.extend(await reader.readexactly(1))
            await full.wait()
            while data := await reader.read(65536):
                got.extend(data)
        else:
            full.set()  # the second connection says that the first takes nothing more

    code = """
piece = bytes(range(255))
pieces = 0
while line.write(piece):
    pieces += 1
other = socket.socket()
other.connect(socket.getaddrinfo(host, int(port))[0][-1])
until(lambda: line.write(b"end"))
until(line._flushed)
print(pieces)
s.close()
"""
    pieces = int(await run(BEGIN + code, far))
    assert pieces > 100
    assert bytes(got) == (b"\x00\xff" + bytes(range(255))) * pieces + b"\x00\x03end"


async def test_a_far_end_that_is_gone() -> None:
    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x10\x01\x01")
        await writer.drain()

    code = """
def gone():
    try:
        line.off.value()
    except ReaderError as error:
        return error.code
    return 0
until(gone)
print(gone())
for call in (lambda: line.readinto(bytearray(1)), lambda: line.init(baudrate=1, bits=8, parity=0, stop=2)):
    try:
        call()
        print("no error")
    except ReaderError as error:
        print(error.code)
"""
    assert await run(BEGIN + code, far) == "205\n205\n205\n"
