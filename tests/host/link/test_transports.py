"""Readers by the name of their transport: what each kind opens, and what its failures say."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty

import bleak
import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError

from mpos.link import gatt, transports
from mpos.link.client import ReaderClient, ReaderGone
from mpos.link.framing import Assembler, fragments
from mpos.link.messages import Kind, Message, Opcode, Tag
from mpos.link.serial_pipe import Deframer, frame
from mpos.link.transports import NoReader, open_pipe, reader_at

INFO = Message(Kind.RESPONSE, Opcode.GET_INFO, 1, {Tag.ERROR: b"\0\0", Tag.VERSION: b"9.9.9"})


def answered(data: bytes, deframer: Deframer) -> bytes:
    """What a reader on a serial line sends for the bytes `data`: its version for each GET_INFO."""
    out = b""
    for item in deframer.feed(data):
        assert isinstance(item, bytes)
        out += frame(Message(INFO.kind, INFO.opcode, Message.decode(item).number, INFO.body).encode())
    return out


@contextlib.asynccontextmanager
async def tcp_reader(silent: bool = False):
    """A reader behind a socket; yields its address."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        deframer = Deframer()
        while data := await reader.read(1000):
            if not silent:
                writer.write(answered(data, deframer))
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@contextlib.contextmanager
def serial_reader():
    """A reader behind a pseudo-terminal; yields its path, and what hangs up."""
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    loop = asyncio.get_running_loop()
    deframer = Deframer()
    loop.add_reader(master, lambda: os.write(master, answered(os.read(master, 1000), deframer)))
    is_open = True

    def hang_up() -> None:
        nonlocal is_open
        if is_open:
            is_open = False
            loop.remove_reader(master)
            os.close(master)

    try:
        yield path, hang_up
    finally:
        hang_up()
        os.close(slave)


async def version(name: str) -> str:
    client, said = await reader_at(name)
    await client.__aexit__(None, None, None)
    return said.text_of(Tag.VERSION)


async def test_tcp():
    async with tcp_reader() as address:
        assert await version(f"tcp:{address}") == "9.9.9"


async def test_serial():
    with serial_reader() as (path, _):
        assert await version(f"serial:{path}") == "9.9.9"
        assert await version(f"serial:{path}@9600") == "9.9.9"  # closed, and opened again


async def test_a_serial_port_is_opened_by_one_program():
    with serial_reader() as (path, _):
        pipe = await open_pipe(f"serial:{path}")
        try:
            with pytest.raises(NoReader, match="in use by another program"):
                await open_pipe(f"serial:{path}")
        finally:
            await pipe.close()


async def test_a_cable_that_is_pulled():
    with serial_reader() as (path, hang_up):
        async with ReaderClient(await open_pipe(f"serial:{path}")) as client:
            hang_up()
            with pytest.raises(ReaderGone):
                await client.event(5)


async def test_what_does_not_speak_as_a_reader(monkeypatch):
    monkeypatch.setattr(transports, "INFO_TIMEOUT_S", 0.05)
    async with tcp_reader(silent=True) as address:
        with pytest.raises(NoReader, match="does not answer as a reader"):
            await reader_at(f"tcp:{address}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("usb0", "names no transport"),
        ("carrier:pigeon", "names no transport"),
        ("serial:", "for example serial:/dev/ttyUSB0"),
        ("tcp:", "for example tcp:127.0.0.1:4000"),
        ("bumble:", "for example bumble:usb:0"),
        ("tcp:127.0.0.1", "has no address"),
        ("tcp:127.0.0.1:0", "has no address"),
        ("tcp:127.0.0.1:70000", "has no address"),
        ("serial:/dev/null@fast", "baud rate"),
    ],
)
async def test_what_is_no_name(name, said):
    with pytest.raises(ValueError, match=f"(?i){said}"):
        await open_pipe(name)


async def test_nobody_there():
    async with tcp_reader() as address:
        pass  # the port was ours a moment ago, and nobody listens there now
    with pytest.raises(NoReader, match="nobody listens"):
        await open_pipe(f"tcp:{address}")
    with pytest.raises(NoReader, match="Bumble opens no controller"):
        await open_pipe(f"bumble:tcp-client:{address}")
    with pytest.raises(NoReader, match="Bumble opens no controller"):
        await open_pipe("bumble:nothing-of-this-kind")
    with pytest.raises(NoReader, match="there is no serial port"):
        await open_pipe("serial:/dev/mpos-none")


async def test_a_controller_that_is_none(monkeypatch):
    monkeypatch.setattr(transports, "OPEN_TIMEOUT_S", 0.2)
    async with tcp_reader(silent=True) as address:
        with pytest.raises(NoReader, match="is it a Bluetooth controller"):
            await open_pipe(f"bumble:tcp-client:{address}")


# --- ble: against a stand-in for bleak's client, since no adapter is here


class FakeCharacteristic:
    max_write_without_response_size = 20

    def __init__(self, uuid: str):
        self.uuid = uuid


class FakeServices:
    there = True

    def get_characteristic(self, uuid: str) -> FakeCharacteristic | None:
        return FakeCharacteristic(uuid) if self.there else None


class FakeClient:
    """A reader behind bleak's interface."""

    made: FakeClient

    def __init__(self, device: object, disconnected_callback):
        self.services = FakeServices()
        self.is_connected = False
        self.fragments: list[bytes] = []
        self._gone = disconnected_callback
        self._assembler = Assembler()
        FakeClient.made = self

    async def connect(self) -> None:
        self.is_connected = True

    async def disconnect(self) -> None:
        if self.is_connected:
            self.is_connected = False
            self._gone(self)

    async def start_notify(self, uuid: str, callback) -> None:
        assert uuid == str(gatt.READER_SENDS).lower()
        self._notify = callback

    async def write_gatt_char(self, characteristic: FakeCharacteristic, data: bytes, response: bool) -> None:
        assert characteristic.uuid == str(gatt.READER_RECEIVES).lower() and not response
        assert len(data) <= characteristic.max_write_without_response_size
        self.fragments.append(data)
        if (message := self._assembler.feed(data)) is not None:
            number = Message.decode(message).number
            for fragment in fragments(Message(INFO.kind, INFO.opcode, number, INFO.body).encode(), 23):
                self._notify(characteristic, bytearray(fragment))


class FakeScanner:
    advertised = ("8f1d0001-6d70-4f53-9a3c-52c5a1b7e0d1",)
    raises: Exception | None = None

    @classmethod
    async def find_device_by_filter(cls, wanted, timeout: float):
        if cls.raises is not None:
            raise cls.raises

        class Device:
            address = "F0:00:00:52:44:00"

        class Advertised:
            service_uuids = cls.advertised

        return Device() if wanted(Device(), Advertised()) else None


@pytest.fixture
def adapter(monkeypatch):
    monkeypatch.setattr(bleak, "BleakScanner", FakeScanner)
    monkeypatch.setattr(bleak, "BleakClient", FakeClient)
    return monkeypatch


@pytest.mark.parametrize("name", ["ble:", "ble:F0:00:00:52:44:00", "ble:f0:00:00:52:44:00"])
async def test_ble(adapter, name):
    assert await version(name) == "9.9.9"
    assert not FakeClient.made.is_connected


async def test_ble_cuts_messages_to_the_mtu(adapter):
    async with ReaderClient(await open_pipe("ble:")) as client:
        await client.command(Opcode.GET_INFO, {Tag.DATA: bytes(100)})
    assert len(FakeClient.made.fragments) == 6  # 6 + 2 + 100 bytes, 19 of them in each


async def test_ble_notices_a_reader_that_leaves(adapter):
    async with ReaderClient(await open_pipe("ble:")) as client:
        await FakeClient.made.disconnect()
        with pytest.raises(ReaderGone, match="disconnected"):
            await client.event(5)


async def test_ble_without_such_a_reader(adapter):
    with pytest.raises(NoReader, match="the reader 00:11:22:33:44:55 does not advertise"):
        await open_pipe("ble:00:11:22:33:44:55")
    adapter.setattr(FakeScanner, "advertised", ())
    with pytest.raises(NoReader, match="a reader does not advertise"):
        await open_pipe("ble:")


async def test_ble_to_something_else(adapter):
    adapter.setattr(FakeServices, "there", False)
    with pytest.raises(NoReader, match="no reader service"):
        await open_pipe("ble:F0:00:00:52:44:00")
    assert not FakeClient.made.is_connected


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            BleakBluetoothNotAvailableError("no adapters", BleakBluetoothNotAvailableReason.NO_BLUETOOTH),
            "no Bluetooth that is switched on",
        ),
        (BleakDBusError("org.bluez.Error.NotReady", []), "this computer's Bluetooth does not do it"),
        (FileNotFoundError(2, "no bus"), "is its service running"),
    ],
)
async def test_ble_without_an_adapter(adapter, error, said):
    adapter.setattr(FakeScanner, "raises", error)
    with pytest.raises(NoReader, match=said.replace("?", "")):
        await open_pipe("ble:")
