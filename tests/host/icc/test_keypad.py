"""The cardholder at the PIN pad: what is typed at which request, and that it stays with the typist."""

from __future__ import annotations

import asyncio

import pytest

from mpos.bench.keypad import BYPASS, CANCEL, Typist, serve_keypad


@pytest.mark.parametrize(
    "pin, keys",
    [
        ("1234", [b"1234E", b"1234E"]),
        ("12D34", [b"12D34E", b"12D34E"]),
        (BYPASS, [b"E", b"E"]),
        (CANCEL, [b"C", b"C"]),
        (None, [b"", b""]),
        (["9999", None, "1234", BYPASS, CANCEL], [b"9999E", b"", b"1234E", b"E", b"C", b"", b""]),
        ([], [b""]),
    ],
)
def test_what_is_typed(pin, keys):
    typist = Typist(pin)
    assert [typist.keys(1 + number % 3) for number in range(len(keys))] == keys
    assert typist.kinds == [1 + number % 3 for number in range(len(keys))]
    assert typist.answered == sum(bool(each) for each in keys)


@pytest.mark.parametrize("pin", ["12a4", "12E", ["1234", "CC"]])
def test_what_is_no_pin(pin):
    with pytest.raises(ValueError) as caught:
        Typist(pin)
    assert "12" not in str(caught.value)


def test_a_typist_does_not_tell():
    typist = Typist("5837")
    typist.keys(3)
    assert "5837" not in repr(typist) and "5837" not in f"{typist}"


async def test_through_the_socket():
    typist = Typist(["1234", BYPASS])
    async with serve_keypad(typist) as address, asyncio.timeout(5):
        host, port = address.split(":")
        for request, keys in ((b"P1\n", b"1234E"), (b"P9\nP\nhello\nP3\n", b"E")):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(request)
            assert await reader.readexactly(len(keys)) == keys
            writer.close()
            await writer.wait_closed()
    assert typist.kinds == [1, 3]


async def test_a_line_without_an_end():
    async with serve_keypad(Typist()) as address, asyncio.timeout(5):
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"P" * 200_000)
        try:
            heard = await reader.read()
        except ConnectionError:
            heard = b""
        assert heard == b""
        writer.close()
