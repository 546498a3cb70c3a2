"""The bench's radio without a firmware: what it does with nonsense, time, and phones that find nobody."""

from __future__ import annotations

import asyncio
import contextlib
import struct

import pytest
from bumble.core import TimeoutError as LinkTimeout
from bumble.device import Device
from bumble.transport.common import AsyncPipeSink

from mpos.bench.radio import TO_PHONE, TO_READER, Pace, Radio
from mpos.bench.radio_link import RadioController
from mpos.bench.radio_shim import (
    ADVERTISE,
    ANSWER,
    CONFIG,
    CONNECTED,
    DISCONNECTED,
    EXCHANGE_MTU,
    HELLO,
    MAGIC,
    MTU,
    NOTIFY,
    PASSKEY,
    READY,
    REGISTER,
    SENT,
    UPDATE,
    VERSION,
    WRITE,
)

GREETING = MAGIC + bytes((VERSION,)) + struct.pack("<HBB", 247, 4, 3) + b"reader"
# One service with one characteristic: write, notify; its value has handle 12.
SERVICES = bytes.fromhex("01 02 0f18 01 02 192a 1800 0c00 00")


class Shim:
    """The firmware's side of the radio, by hand."""

    def __init__(self, radio: Radio):
        self._address = radio.address

    async def __aenter__(self) -> Shim:
        host, port = self._address.split(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    def send(self, opcode: int, body: bytes = b"") -> None:
        self._writer.write(struct.pack("<HB", 1 + len(body), opcode) + body)

    def send_raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def receive(self, opcode: int) -> bytes:
        """The body of the next frame, which must have this opcode."""
        (length,) = struct.unpack("<H", await asyncio.wait_for(self._reader.readexactly(2), 10))
        frame = await asyncio.wait_for(self._reader.readexactly(length), 10)
        assert frame[0] == opcode, frame.hex()
        return frame[1:]

    async def closed(self) -> None:
        """Until the bench has closed the connection."""
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(self._reader.read(), 10) == b""

    async def greet(self) -> bytes:
        self.send(HELLO, GREETING)
        return await self.receive(READY)

    async def advertise(self) -> None:
        self.send(ADVERTISE, struct.pack("<BI", 3, 20000) + b"\x03\x02\x01\x06")

    async def link(self, radio: Radio) -> Device:
        """Greet, register a service, and let a phone connect."""
        await self.greet()
        self.send(REGISTER, SERVICES)
        await self.advertise()
        phone = await radio.central("phone")
        await phone.connect(radio.reader_address, timeout=10)
        await self.receive(CONNECTED)
        return phone


@pytest.fixture
async def radio():
    async with Radio() as radio:
        yield radio


# -- nonsense from the firmware's side


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "a frame of"),
        (b"\x00\x00", "a frame of 0 bytes"),
        (b"\xff\xff", "a frame of 65535 bytes"),
        (b"\x01\x00\x01", "not a reader's firmware"),
        (b"\x0a\x00\x01mPOX\x01\xf7\x00ab", "not a reader's firmware"),
        (b"\x0a\x00\x01mPOS\x63\xf7\x00ab", "version 99"),
    ],
)
async def test_what_is_not_a_firmware_is_turned_away(radio: Radio, data: bytes, sentence: str):
    async with Shim(radio) as shim:
        shim.send_raw(data)
        await shim.closed()
    assert len(radio.problems) == 1
    assert sentence in radio.problems[0]


@pytest.mark.parametrize(
    ("opcode", "body", "sentence"),
    [
        (0x7F, b"", "opcode 0x7F, which is none"),
        (HELLO, GREETING, "opcode 0x01, which is none"),
        (CONFIG, b"\x01", "malformed frame with opcode 0x02"),
        (CONFIG, b"\xf7\x00\x04\x05", "IO capability 5, which is none"),
        (PASSKEY, bytes(6), "malformed frame with opcode 0x0C"),
        (REGISTER, b"", "malformed frame with opcode 0x03"),
        (REGISTER, SERVICES[:-1], "ends too early"),
        (REGISTER, bytes.fromhex("01 03 0f1800"), "a UUID of 3 bytes"),
        (REGISTER, SERVICES.replace(b"\x0c\x00", b"\x0d\x00"), "gave handle 13 to what has handle 12"),
        (ADVERTISE, b"\x00", "malformed frame with opcode 0x04"),
        (ADVERTISE, b"\x02\x20\x4e\x00\x00", "malformed frame with opcode 0x04"),
        (NOTIFY, b"\x01", "malformed frame with opcode 0x07"),
        (NOTIFY, b"\x01\x00\x63\x00", "malformed frame with opcode 0x07"),
        (UPDATE, b"\x63\x00", "malformed frame with opcode 0x09"),
        (ANSWER, b"\x00", "malformed frame with opcode 0x0A"),
        (EXCHANGE_MTU, b"\x00", "malformed frame with opcode 0x0B"),
    ],
)
async def test_a_firmware_that_breaks_the_protocol_is_cut_off(radio: Radio, opcode: int, body: bytes, sentence: str):
    async with Shim(radio) as shim:
        await shim.greet()
        shim.send(opcode, body)
        await shim.closed()
    assert len(radio.problems) == 1
    assert sentence in radio.problems[0]


async def test_a_firmware_that_ends_is_no_problem_and_its_phones_lose_it(radio: Radio):
    lost: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with Shim(radio) as shim:
        phone = await shim.link(radio)
        next(iter(phone.connections.values())).on("disconnection", lost.set_result)
    assert await asyncio.wait_for(lost, 10) == 0x08
    assert radio.problems == []


async def test_an_answer_to_nothing_is_ignored(radio: Radio):
    async with Shim(radio) as shim:
        await shim.link(radio)
        shim.send(ANSWER, b"\x07\x00value")
        shim.send(EXCHANGE_MTU, b"\x01\x00")
        assert await shim.receive(MTU) == b"\x01\x00\xf7\x00"
    assert radio.problems == []


async def test_frames_for_a_link_that_has_ended_are_ignored(radio: Radio):
    async with Shim(radio) as shim:
        await shim.link(radio)
        radio.drop()
        assert await shim.receive(DISCONNECTED) == b"\x01\x00"
        shim.send(NOTIFY, struct.pack("<HH", 1, 12) + b"late")
        shim.send(EXCHANGE_MTU, b"\x01\x00")
        await shim.advertise()
        phone = await radio.central("another")
        await phone.connect(radio.reader_address, timeout=10)
        await shim.receive(CONNECTED)
    assert radio.problems == []


async def test_a_failure_of_the_bench_itself_is_named(radio: Radio, monkeypatch: pytest.MonkeyPatch):
    def fail(_radio: Radio, _number: int, _shim: object) -> None:
        raise RuntimeError("no air")

    monkeypatch.setattr(Radio, "_put_on_air", fail)
    async with Shim(radio) as shim:
        shim.send(HELLO, GREETING)
        await shim.closed()
    assert radio.problems == ["the radio itself failed: RuntimeError('no air')"]


# -- two readers, addresses


async def test_two_readers_have_two_addresses_and_the_first_is_free_again(radio: Radio):
    async with Shim(radio) as first:
        assert (await first.greet())[2:].hex() == "01f00000524400"
        async with Shim(radio) as second:
            assert (await second.greet())[2:].hex() == "01f00000524401"
    async with Shim(radio) as third:
        assert (await third.greet())[2:].hex() == "01f00000524400"


# -- phones


async def test_a_phone_that_finds_nobody_gives_up_and_can_try_again(radio: Radio):
    phone = await radio.central("phone")
    for _ in range(2):
        with pytest.raises(LinkTimeout):
            await phone.connect(radio.reader_address, timeout=0.05)
    async with Shim(radio) as shim:
        await shim.greet()
        await shim.advertise()
        await phone.connect(radio.reader_address, timeout=10)
        await shim.receive(CONNECTED)


async def test_the_phone_can_have_an_address_of_its_own(radio: Radio):
    phone = await radio.central("phone", "C1:22:33:44:55:66")
    assert str(phone.random_address).startswith("C1:22:33:44:55:66")


class Dongle:
    """A controller as a transport gives it, on another radio's air."""

    def __init__(self, air: Radio):
        self.source = RadioController("dongle", air._link)
        self.sink = AsyncPipeSink(self.source)
        self.open = True

    async def close(self) -> None:
        self.open = False


@pytest.fixture
async def dongle(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> Dongle:
    dongle = Dongle(radio)

    async def open_transport(name: str) -> Dongle:
        assert name == "usb:0"
        return dongle

    monkeypatch.setattr("mpos.bench.radio.open_transport", open_transport)
    return dongle


async def test_with_a_controller_of_its_own_the_reader_is_heard_and_tapped(radio: Radio, dongle: Dongle):
    heard: list[tuple[str, bytes]] = []
    async with Radio(transport="usb:0") as reader_side:
        reader_side.on_air(lambda direction, pdu: heard.append((direction, pdu)))
        async with Shim(reader_side) as shim:
            phone = await shim.link(radio)
            await write(phone, b"4711")
            assert (await shim.receive(WRITE))[5:] == b"4711"
            shim.send(NOTIFY, struct.pack("<HH", 1, 12) + b"0815")
            assert await shim.receive(SENT) == b"\x01\x00"
    assert heard == [(TO_READER, b"\x52\x0c\x004711"), (TO_PHONE, b"\x1b\x0c\x000815")]
    assert not dongle.open


async def test_a_controller_of_its_own_serves_one_reader_and_no_virtual_phone(dongle: Dongle):
    async with Radio(transport="usb:0") as reader_side:
        async with Shim(reader_side) as first, Shim(reader_side) as second:
            await first.greet()
            second.send(HELLO, GREETING)
            await second.closed()
        assert reader_side.problems == ["one real controller serves one reader; another firmware is using it"]
        with pytest.raises(RuntimeError, match="real one"):
            await reader_side.central("phone")


async def test_a_radio_that_is_left_ends_everything():
    async with Radio() as radio:
        shim = await Shim(radio).__aenter__()
        await shim.link(radio)
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        assert await shim.receive(DISCONNECTED) == b"\x01\x00"
    await shim.closed()
    await shim.__aexit__()


# -- the tap, pace, loss


async def write(phone: Device, value: bytes) -> None:
    connection = next(iter(phone.connections.values()))
    await connection.gatt_client.write_value(12, value, with_response=False)


async def test_every_pdu_is_given_to_the_listeners(radio: Radio):
    heard: list[tuple[str, bytes]] = []
    radio.on_air(lambda direction, pdu: heard.append((direction, pdu)))
    async with Shim(radio) as shim:
        phone = await shim.link(radio)
        await write(phone, b"4711")
        assert (await shim.receive(WRITE))[5:] == b"4711"
        shim.send(NOTIFY, struct.pack("<HH", 1, 12) + b"0815")
        assert await shim.receive(SENT) == b"\x01\x00"
    assert heard == [(TO_READER, b"\x52\x0c\x004711"), (TO_PHONE, b"\x1b\x0c\x000815")]


async def test_a_paced_link_carries_so_many_packets_in_an_event():
    interval = 0.3
    async with Radio(pace=Pace(interval=interval, pdus=4)) as radio, Shim(radio) as shim:
        arrivals: list[float] = []
        loop = asyncio.get_running_loop()
        radio.on_air(lambda _direction, _pdu: arrivals.append(loop.time()))
        await shim.link(radio)
        start = loop.time()
        for number in range(9):
            shim.send(NOTIFY, struct.pack("<HHB", 1, 12, number))
        for _ in range(9):
            await shim.receive(SENT)
    # Nothing arrives before its event, whatever the machine is doing: four in the first, four in the next.
    assert arrivals[4] - start > interval
    assert arrivals[8] - start > 2 * interval
    assert arrivals[3] - arrivals[0] < interval


async def test_what_is_in_the_air_is_lost_with_the_radio_and_does_not_reach_the_next_link():
    async with Radio(pace=Pace(interval=1.0)) as radio, Shim(radio) as shim:
        heard: list[bytes] = []
        radio.on_air(lambda _direction, pdu: heard.append(pdu))
        phone = await shim.link(radio)
        await write(phone, b"lost")
        async with asyncio.timeout(10):
            while not radio._link._flying:  # not yet past the phone's own stack
                await asyncio.sleep(0)
        radio.drop()
        assert await shim.receive(DISCONNECTED) == b"\x01\x00"
        await shim.advertise()
        await phone.connect(radio.reader_address, timeout=10)
        await shim.receive(CONNECTED)
        await write(phone, b"new")
        assert (await shim.receive(WRITE))[5:] == b"new"
    assert heard == [b"\x52\x0c\x00new"]


async def test_radio_loss_without_a_link_is_nothing(radio: Radio):
    radio.drop()


@pytest.mark.parametrize(("interval", "pdus"), [(0.005, 4), (4.1, 4), (0.03, 0)])
def test_an_impossible_pace_is_refused(interval: float, pdus: int):
    with pytest.raises(ValueError, match="connection"):
        Pace(interval=interval, pdus=pdus)
