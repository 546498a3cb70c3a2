"""The unix board's lines to the PN532 (boards/unix/nfc_line.py): messages in any pieces, and a far end that is slow or gone."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.far_end import run

CLOSED = 205
BEGIN = "from nfc_line import I2cBus, SerialLine, SpiBus\n"


async def message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(3)
    return head[:1], await reader.readexactly(int.from_bytes(head[1:], "big"))


def said(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(2, "big") + payload


async def byte_by_byte(writer: asyncio.StreamWriter, data: bytes) -> None:
    for value in data:
        writer.write(bytes([value]))
        await writer.drain()


async def test_the_uart() -> None:
    heard = []

    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend([await message(reader), await message(reader)])
        # Of the IRQ line nothing is wanted here; an empty message; characters in two
        await byte_by_byte(
            writer, said(b"w", b"\xaa\xbb\xcc") + said(b"i", b"\x00") + said(b"w", b"") + said(b"w", b"\xdd")
        )
        await reader.read()  # until the device has ended

    code = """
line = SerialLine(s)
line.init(baudrate=460800)
print(line.write(bytes(300)))
got = bytearray()
buf = bytearray(2)
def read():
    n = line.readinto(buf)
    if n:
        got.extend(buf[:n])
    return len(got) == 4
until(read)
print(got.hex(), line.readinto(buf))
"""
    assert await run(BEGIN + code, far) == "300\naabbccdd None\n"
    assert heard == [(b"b", (460_800).to_bytes(4, "big")), (b"w", bytes(300))]


async def test_the_uart_is_awaited_as_any_stream() -> None:
    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await message(reader)
        await byte_by_byte(writer, said(b"w", b"\x01\x02\x03\x04"))
        await reader.read()

    code = """
import asyncio
async def main():
    line = SerialLine(s)
    stream = asyncio.StreamReader(line)
    line.write(b"?")
    got = b""
    while len(got) < 4:
        buf = bytearray(9)
        got += buf[: await asyncio.wait_for(stream.readinto(buf), 5) or 0]
    print(got)
asyncio.run(main())
"""
    assert await run(BEGIN + code, far) == "b'\\x01\\x02\\x03\\x04'\n"


async def test_spi() -> None:
    heard = []

    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (b"\xff\xff\xff", b"\xff\x01"):
            heard.append(await message(reader))
            await byte_by_byte(writer, said(b"i", b"\x00") + said(b"r", answer))
        await reader.read()

    code = """
bus = SpiBus(s)
print(bus.value())
bus.value(0)
bus.write(b"\\x01\\xaa\\xbb")
bus.value(1)
buf = bytearray(2)
bus.readinto(buf, 2)
print(buf.hex(), bus.value())
"""
    assert await run(BEGIN + code, far) == "1\nff01 0\n"
    # The select line is told by what lies between its edges
    assert heard == [(b"s", b"\x01\xaa\xbb"), (b"s", b"\x02\x02")]


async def test_i2c() -> None:
    heard = []

    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for kind, answer in ((b"a", b"\x00"), (b"a", b"\x01"), (b"a", b"\x00"), (b"r", b"\x01\x55")):
            heard.append(await message(reader))
            await byte_by_byte(writer, said(kind, answer))
        writer.write(said(b"i", b"\x00") + said(b"i", b"\x01") + said(b"i", b"\x00"))
        await reader.read()

    code = """
bus = I2cBus(s)
buf = bytearray(2)
for call in (lambda: bus.writeto(0x24, b"\\xaa"), lambda: bus.writeto(0x24, b"\\xaa"),
             lambda: bus.readfrom_into(0x24, buf), lambda: bus.readfrom_into(0x24, buf)):
    try:
        print(call())
    except OSError as error:
        print("not acknowledged", error.errno)
until(lambda: not bus.value())
print(buf.hex())
"""
    assert await run(BEGIN + code, far) == "not acknowledged 19\n1\nnot acknowledged 19\nNone\n0155\n"
    assert heard == [(b"W", b"\xaa"), (b"W", b"\xaa"), (b"R", b"\x00\x02"), (b"R", b"\x00\x02")]


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("SpiBus(s).readinto(bytearray(2), 2)", b""),
        ("SpiBus(s).readinto(bytearray(2), 2)", b"r\x00"),
        ("I2cBus(s).readfrom_into(0x24, bytearray(2))", b"r\x00\x02\x01"),
    ],
)
async def test_a_far_end_that_goes_away_in_the_middle(call: str, answer: bytes) -> None:
    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await message(reader)
        writer.write(answer)

    code = f"""
try:
    {call}
except ReaderError as error:
    print(error.code)
"""
    assert await run(BEGIN + code, far) == f"{CLOSED}\n"


async def test_a_uart_whose_far_end_is_gone() -> None:
    async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await message(reader)

    code = """
line = SerialLine(s)
line.write(b"?")
try:
    until(lambda: line.readinto(bytearray(1)))
except ReaderError as error:
    print(error.code)
"""
    assert await run(BEGIN + code, far) == f"{CLOSED}\n"
