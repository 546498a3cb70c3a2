"""No bench, a bench that dies, something else at its address: the firmware's radio fails plainly and never hangs."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from mpos.bench.radio import Radio
from mpos.bench.radio_shim import (
    ASK_PASSKEY,
    CONNECTED,
    DISCONNECTED,
    ENCRYPTED,
    GET_SECRET,
    MTU,
    READ,
    READY,
    SENT,
    SET_SECRET,
    VERSION,
    WRITE,
)  # fmt: skip
from tests.contract.ble.firmware import BLUETOOTH, DeviceError, Firmware

GREETING = b"\x0a\x00" + bytes((READY, VERSION, 12, 1)) + bytes.fromhex("F00000524400")
PHONE = b"\x0a\x00" + bytes((CONNECTED, 1, 0, 1)) + bytes.fromhex("C00000504801")


class FalseBench:
    """A server that says these bytes to whoever connects."""

    def __init__(self, *answers: bytes):
        self._answers = b"".join(answers)
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> FalseBench:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._server.close()
        self.abort()

    async def _serve(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        writer.write(self._answers)

    def say(self, data: bytes) -> None:
        self._writers[0].write(data)

    def abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


async def failure_of_active(address: str | None) -> str:
    async with Firmware(address) as firmware:
        await firmware.do(BLUETOOTH)
        with pytest.raises(DeviceError) as failure:
            await firmware.do("ble.active(True)")
        assert await firmware.do("ble.active()") is False
        return str(failure.value)


async def test_no_address():
    assert "ENODEV" in await failure_of_active(None)


async def test_nobody_there():
    async with FalseBench() as bench:
        pass
    assert "ECONNREFUSED" in await failure_of_active(bench.address)


async def test_a_silent_one():
    async with FalseBench() as bench:
        assert "ETIMEDOUT" in await failure_of_active(bench.address)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\x00",
        GREETING[:3] + b"\x63" + GREETING[4:],  # another version
        PHONE,
        b"\x01\x00" + bytes((READY,)),
    ],
    ids=["http", "empty-frame", "version", "wrong-opcode", "short"],
)
async def test_something_else_there(answer: bytes):
    async with FalseBench(answer) as bench:
        assert "ENODEV" in await failure_of_active(bench.address)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x00",
        b"\xff\xff\x00",
        b"\x01\x00\x20",
        b"\x01\x00\x99",
        b"\x02\x00" + bytes((DISCONNECTED, 1)),
        b"\x04\x00" + bytes((DISCONNECTED, 1, 0, 0)),
        b"\x03\x00" + bytes((SENT, 9, 0)),
        b"\x05\x00" + bytes((MTU, 9, 0, 23, 0)),
        b"\x06\x00" + bytes((READ, 1, 0, 77, 0, 5)),
        b"\x07\x00" + bytes((WRITE, 1, 0, 77, 0, 5, 1)),
        b"\x05\x00" + bytes((WRITE, 1, 0, 77, 0)),
        b"\x06\x00" + bytes((ENCRYPTED, 1, 0, 1, 1, 1)),
        b"\x07\x00" + bytes((ENCRYPTED, 9, 0, 1, 1, 1, 16)),
        b"\x09\x00" + bytes((ASK_PASSKEY, 1, 0, 4, 0, 0, 0, 0, 0)),
        b"\x03\x00" + bytes((GET_SECRET, 1, 1)),
        b"\x03\x00" + bytes((SET_SECRET, 1, 1)),
        b"\x06\x00" + bytes((SET_SECRET, 1, 1, 7, 0, 0)),
    ],
    ids=[
        "empty",
        "overlong",
        "opcode-low",
        "opcode-high",
        "short",
        "long",
        "unknown-link",
        "unknown-link-mtu",
        "unknown-value-read",
        "unknown-value-write",
        "short-write",
        "short-encryption",
        "unknown-link-encryption",
        "long-passkey",
        "short-question",
        "short-secret",
        "key-longer-than-the-frame",
    ],
)
async def test_garbage_ends_every_link_and_switches_the_radio_off(garbage: bytes):
    async with FalseBench(GREETING, PHONE) as bench, Firmware(bench.address) as firmware:
        await firmware.do(BLUETOOTH)
        await firmware.do("ble.active(True)")
        assert await firmware.do("event(1)") == (1, 1, bytes.fromhex("C00000504801"))
        bench.say(garbage)
        assert await firmware.do("event(2)") == (1, 1, bytes.fromhex("C00000504801"))
        assert await firmware.do("ble.active()") is False
        assert "the radio is off" in firmware.errors


async def test_the_bench_disappears():
    radio = Radio()
    async with contextlib.AsyncExitStack() as bench:
        await bench.enter_async_context(radio)
        async with Firmware(radio.address) as firmware:
            await firmware.do(BLUETOOTH)
            await firmware.do("ble.active(True)")
            handles = await firmware.do("ble.gatts_register_services(((UUID(0x180F), ((UUID(0x2A19), N),)),))")
            links = []
            for name in ("first", "second"):
                await firmware.do("ble.gap_advertise(20000, b'')")
                await (await radio.central(name)).connect(radio.reader_address, timeout=10)
                links.append((await firmware.do("event(1)"))[0])
            await bench.aclose()
            assert sorted([(await firmware.do("event(2)"))[0] for _ in links]) == sorted(links)
            assert await firmware.do("ble.active()") is False
            notify = f"gatts_notify(1, {handles[0][0]}, b'')"
            for call in (notify, "gap_advertise(20000)", "gap_disconnect(1)", "config('mac')"):
                with pytest.raises(DeviceError, match="ENODEV"):
                    await firmware.do("ble." + call)
            with pytest.raises(DeviceError, match="ECONNREFUSED"):
                await firmware.do("ble.active(True)")


async def test_a_bench_that_is_gone_is_noticed_by_the_call_that_sends():
    # The firmware computes and does not let its event loop run: the call itself must fail, and tell of the end.
    async with FalseBench(GREETING, PHONE) as bench, Firmware(bench.address) as firmware:
        await firmware.do(BLUETOOTH)
        await firmware.do("ble.active(True)")
        await firmware.do("event(1)")
        await firmware.do(
            "import time\n"
            "def keep_sending():\n"
            "    print('sending')\n"
            "    end = time.ticks_add(time.ticks_ms(), 10000)\n"
            "    while time.ticks_diff(end, time.ticks_ms()) > 0:\n"
            "        ble.gap_advertise(20000, b'')\n"
        )
        firmware.start("keep_sending()")
        assert await firmware.line() == "sending"
        bench.abort()
        with pytest.raises(DeviceError, match="ENODEV"):
            await firmware.result()
        assert await firmware.do("event(2)") == (1, 1, bytes.fromhex("C00000504801"))


async def test_a_bench_that_no_longer_reads_is_given_up():
    # The server's task takes the connection and reads nothing, so the socket fills.
    async with FalseBench(GREETING, PHONE) as bench, Firmware(bench.address) as firmware:
        await firmware.do(BLUETOOTH)
        await firmware.do("ble.active(True)")
        await firmware.do("event(1)")
        await firmware.do("(h,), = ble.gatts_register_services(((UUID(0x180F), ((UUID(0x2A19), N),)),))")
        await firmware.do("def fill():\n    while True: ble.gatts_write(h, bytes(512), True)")
        with pytest.raises(DeviceError, match="ENODEV"):
            await firmware.do("fill()")
        assert await firmware.do("event(2)") == (1, 1, bytes.fromhex("C00000504801"))
        assert await firmware.do("ble.active()") is False
