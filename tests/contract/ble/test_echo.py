"""Messages of 1 KB in fragments, both ways, without loss: in bursts without response, with response, and paced."""

from __future__ import annotations

import asyncio
import time

import pytest
from bumble.core import UUID
from bumble.device import Device, Peer

from mpos.bench.radio import Pace, Radio
from tests.contract.ble.firmware import Firmware

MESSAGES = 10
LARGEST = 1100


class Phone:
    """The other end of echo_device.py."""

    async def connect(self, device: Device, radio: Radio, mtu: int) -> None:
        self.connection = await device.connect(radio.reader_address, timeout=10)
        peer = Peer(self.connection)
        self.mtu = await peer.request_mtu(mtu)
        await peer.discover_service(UUID("8f1d0001-6d70-4f53-9a3c-52c5a1b7e0d1"))
        await peer.discover_characteristics()
        self._receives, sends = peer.services[0].characteristics
        self._fragments: asyncio.Queue[bytes] = asyncio.Queue()
        await sends.subscribe(self._fragments.put_nowait)

    async def echo(self, data: bytes, with_response: bool) -> bytes:
        message = len(data).to_bytes(2, "big") + data
        step = self.mtu - 3
        for offset in range(0, len(message), step):
            await self._receives.write_value(message[offset : offset + step], with_response=with_response)
        received = b""
        while len(received) < len(message):
            received += await asyncio.wait_for(self._fragments.get(), 10)
        assert self._fragments.empty()
        return received[2:]


def message(number: int, length: int) -> bytes:
    return bytes((number + position * 7) & 0xFF for position in range(length))


async def echo_all(
    radio: Radio, aioble: str, how: str, with_response: bool, mtu: int, messages: int = MESSAGES
) -> float:
    """Seconds for a message of 1 KB, there and back."""
    async with Firmware(radio.address, path=aioble, program="echo_device.py", arguments=(how,)) as firmware:
        phone = Phone()
        await phone.connect(await radio.central("phone"), radio, mtu)
        await phone.echo(b"warm", with_response)
        start = time.perf_counter()
        for number in range(messages):
            assert await phone.echo(message(number, 1024), with_response) == message(number, 1024)
        duration = (time.perf_counter() - start) / messages
        for length in (0, 1, mtu - 5, mtu - 4, LARGEST):
            assert await phone.echo(message(length, length), with_response) == message(length, length)
        await phone.connection.disconnect()
        assert await firmware.line() == "left"
    return duration


def report(duration: float) -> None:
    print(f"1 KB there and back: {1000 * duration:.1f} ms")


@pytest.mark.parametrize("with_response", [True, False], ids=["with-response", "burst"])
@pytest.mark.parametrize("mtu", [247, 23], ids=["mtu-247", "mtu-23"])
@pytest.mark.parametrize("how", ["event", "buffer"])
async def test_unpaced(radio: Radio, aioble: str, how: str, mtu: int, with_response: bool):
    messages = MESSAGES if mtu > 23 else 2
    report(await echo_all(radio, aioble, how, with_response, mtu, messages))


async def test_capture_is_enough_for_messages_of_few_fragments(radio: Radio, aioble: str):
    # Five fragments at this MTU, and the queue holds ten.
    await echo_all(radio, aioble, "capture", True, 247)


@pytest.mark.parametrize("with_response", [True, False], ids=["with-response", "burst"])
@pytest.mark.parametrize("how", ["event", "buffer"])
async def test_paced(aioble: str, how: str, with_response: bool):
    async with Radio(pace=Pace(interval=0.0375, pdus=4)) as radio:
        duration = await echo_all(radio, aioble, how, with_response, 247, messages=3)
    report(duration)
    # Five fragments there and five back are at least two connection events each way.
    assert duration > 2 * 0.0375
    assert radio.problems == []
