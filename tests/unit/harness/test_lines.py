"""Scripted lines and pipes under asyncio's streams."""

import asyncio

from testing import Pipe, ScriptedLine, cases, h


def fails(function, *arguments) -> str:
    """The message of the AssertionError that the call must end with."""
    try:
        function(*arguments)
    except AssertionError as error:
        return str(error)
    raise ValueError("no AssertionError")


@cases(0, 1, 2, 100)
async def test_a_conversation_in_pieces(chunk):
    line = ScriptedLine([("01 02 03", "A1 A2"), ("04", "A3 0A A4")], chunk=chunk)
    stream = asyncio.StreamReader(line)
    for piece in (b"\x01", b"\x02\x03\x04"):
        stream.write(piece)
        await stream.drain()
    assert await stream.readexactly(2) == h("A1A2")
    assert await stream.readline() == h("A30A")
    assert await stream.read(10) == h("A4")
    line.done()


async def test_a_reply_waits_for_the_whole_of_what_is_expected():
    line = ScriptedLine([("0102", "A1")])
    line.write(b"\x01")
    assert line.readinto(bytearray(1)) is None
    assert line.read(1) is None
    line.write(b"\x02")
    assert line.read() == b"\xa1"


async def test_a_reply_arrives_unasked():
    line = ScriptedLine([("", "A1"), ("01", "A2"), ("", "A3")])
    stream = asyncio.StreamReader(line)
    assert await stream.read(4) == h("A1")
    line.write(b"\x01")
    assert await stream.read(4) == h("A2A3")
    line.done()


async def test_the_line_is_closed():
    line = ScriptedLine([("01", "A1"), ("", None)])
    stream = asyncio.StreamReader(line)
    line.write(b"\x01")
    assert await stream.read(1) == b"\xa1"
    assert await stream.read(1) == b""
    assert line.write(b"\x02") == 0
    line.done()


async def test_a_waiting_reader_is_woken():
    line = ScriptedLine([("01", "A1")])
    reader = asyncio.create_task(asyncio.StreamReader(line).readexactly(1))
    await asyncio.sleep_ms(0)
    assert not reader.done()
    line.write(b"\x01")
    assert await reader == b"\xa1"


@cases(
    ("02", "step 0 from byte 0: expected 0103, got 02"),
    ("0102", "step 0 from byte 0: expected 0103, got 0102"),
    ("010304", "04 written after the end of the script"),
)
def test_any_deviation_is_refused(written, message):
    line = ScriptedLine([("0103", "A1")])
    assert fails(line.write, h(written)) == message
    # It stays refused, even if the code under test swallowed it.
    assert fails(line.write, h("0103")) == message
    assert fails(line.done) == message


def test_a_script_that_was_not_finished():
    line = ScriptedLine([("01", "A1"), ("02", "")])
    line.write(b"\x01")
    assert fails(line.done) == "the script ended at step 1 of 2"
    line.write(b"\x02")
    assert fails(line.done) == "A1 was never read"


async def test_a_pipe_carries_both_ways():
    a, b = Pipe()
    a.write(b"ping")
    b.write(b"pong")
    assert await asyncio.StreamReader(b).readexactly(4) == b"ping"
    assert await asyncio.StreamReader(a).readexactly(4) == b"pong"


async def test_a_full_pipe_makes_the_writer_wait():
    a, b = Pipe(capacity=8)
    data = bytes(range(100))

    async def send():
        writer = asyncio.StreamWriter(a)
        writer.write(data)
        await writer.drain()

    sender = asyncio.create_task(send())
    await asyncio.sleep_ms(0)
    assert a.write(b"x") is None
    assert not sender.done()
    assert await asyncio.StreamReader(b).readexactly(100) == data
    await sender


async def test_a_closed_pipe_can_be_emptied():
    a, b = Pipe()
    a.write(b"last")
    a.close()
    stream = asyncio.StreamReader(b)
    assert await stream.read(10) == b"last"
    assert await stream.read(10) == b""
    assert b.write(b"x") == 0
