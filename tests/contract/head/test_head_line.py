"""The unix board's head lines (boards/unix/head_line.py): what is asked and what is known, and a far end that is slow or gone."""

from __future__ import annotations

import asyncio

from tests.contract.far_end import LIMIT_S, run

BEGIN = """
from head_line import EdgeLine, HeadLine
def code(call, *arguments):
    try:
        call(*arguments)
    except ReaderError as error:
        return error.code
    return 0
"""


async def test_data_is_asked_for_after_a_strobe_only() -> None:
    heard = bytearray()

    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readexactly(1))  # nothing was said yet
        writer.write(b"\x11")
        heard.extend(await reader.readexactly(3))
        # What changed before the question was read, the answer, and another change
        writer.write(b"\x21\x10\x21")
        await writer.drain()
        heard.extend(await reader.readexactly(3))
        writer.write(b"\x10")
        await reader.read()

    code = """
line = HeadLine(s)
print(line.strobe.value(), line.data.value(), line.data.value(), line.data.value())
line.strobe.value(0)
line.strobe.value(1)
line.data.value()
until(line.data.value)
print(line.data.value(), line.strobe.value())
line.data.value(0)
line.data.value(1)
print(line.data.value())
"""
    assert await run(BEGIN + code, far) == "1 1 1 1\n1 1\n0\n"
    assert heard == b"\x02\x00\x01\x02\x03\x04\x02"


async def test_a_change_that_nobody_asked_for() -> None:
    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(1) == b"\x02"
        writer.write(b"\x11")
        await writer.drain()
        writer.write(b"\x20")
        assert await reader.read() == b""  # no second question

    code = """
line = HeadLine(s)
line.data.value()
until(lambda: not line.data.value())
s.close()
print("fell")
"""
    assert await run(BEGIN + code, far) == "fell\n"


async def test_all_strobes_get_there_in_order() -> None:
    got = bytearray()

    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.extend(await reader.readexactly(2 * 14_610 + 1))
        writer.write(b"\x11")
        await reader.read()

    code = """
line = HeadLine(s)
strobe = line.strobe.value
for _ in range(14610):
    strobe(0)
    strobe(1)
print(line.data.value())
"""
    assert await run(BEGIN + code, far) == "1\n"
    assert bytes(got) == b"\x00\x01" * 14_610 + b"\x02"


async def test_a_far_end_that_does_not_answer() -> None:
    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    code = """
line = HeadLine(s)
began = time.ticks_ms()
print(code(line.data.value), 900 < time.ticks_diff(time.ticks_ms(), began) < 4000)
s.close()
"""
    assert await run(BEGIN + code, far) == "205 True\n"


async def test_a_far_end_that_takes_nothing() -> None:
    over = asyncio.Event()

    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.wait_for(over.wait(), LIMIT_S)

    code = """
line = HeadLine(s)
def fill():
    while True:
        line.strobe.value(1)
print(code(fill))
"""
    assert await run(BEGIN + code, far, over) == "205\n"


async def test_a_far_end_that_is_gone() -> None:
    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x21")
        await writer.drain()

    code = """
line = HeadLine(s)
until(lambda: code(line.data.value))
print(code(line.data.value))
def strobes():
    for _ in range(5000):
        line.strobe.value(1)
print(code(strobes))
edges = EdgeLine(s)
print(code(edges.is_done), code(edges.arm), code(edges.wipe))
"""
    assert await run(BEGIN + code, far) == "205\n205\n205 205 205\n"


async def test_edges_byte_by_byte() -> None:
    heard = bytearray()

    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readexactly(1))
        for value in bytes.fromhex("02 0003 0001 FFFF 0102  03 0000  01 0001 1234  FF"):
            writer.write(bytes([value]))
            await writer.drain()
        heard.extend(await reader.readexactly(1))
        writer.write(bytes.fromhex("01 0001 0005 FF"))
        await reader.read()

    code = """
line = EdgeLine(s)
print(line.is_done())
line.arm()
until(line.is_done)
kept = [line.times(number) for number in (1, 2, 3)]
print([(list(times)[:n], n) for times, n in kept])
line.wipe()
print(line.is_done(), [any(times) for times, n in kept], line.times(2)[1])
line.arm()
until(line.is_done)
times, n = line.times(1)
print(list(times)[:n], line.times(2)[1])
"""
    said = (await run(BEGIN + code, far)).splitlines()
    assert said == [
        "False",
        "[([4660], 1), ([1, 65535, 258], 3), ([], 0)]",
        "False [False, False, False] 0",
        "[5] 0",
    ]
    assert heard == b"\x01\x01"


async def test_edges_that_nobody_is_armed_for() -> None:
    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes.fromhex("01 0002 0005 0006 FF"))
        await reader.read()

    code = """
line = EdgeLine(s)
until(line.is_done)
times, n = line.times(1)
print(any(times), n)
line.wipe()
print(line.is_done())
"""
    assert await run(BEGIN + code, far) == "False 0\nFalse\n"
