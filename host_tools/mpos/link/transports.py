"""A reader by the name of what leads to it.

    bumble:NAME          a Bluetooth controller by Bumble's name for it (usb:0, serial:/dev/ttyACM0, tcp-client:127.0.0.1:4000)
    ble:ADDRESS          this computer's own Bluetooth, by bleak; `ble:` alone takes the first reader that advertises
    serial:PORT[@BAUD]   a serial port, 8N1; 115,200 baud without BAUD
    tcp:HOST:PORT        a serial line behind a socket

What fails here raises NoReader, whose sentence says what to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from mpos.link.client import Pipe, ReaderClient, ReaderGone
from mpos.link.framing import Assembler, fragments
from mpos.link.messages import LinkError, Message, Opcode
from mpos.link.serial_pipe import SerialPipe

if TYPE_CHECKING:
    from bleak import BleakClient

OPEN_TIMEOUT_S = 10.0
INFO_TIMEOUT_S = 2.0
INFO_TRIES = 3  # the first bytes on a serial line may find the reader in the middle of what came before
BAUD = 115_200
KINDS = ("bumble", "ble", "serial", "tcp")
_ATT_HEADER = 3
_PHONE_ADDRESS = "C0:00:00:50:4F:53"  # static random: its two highest bits are ones

Close = Callable[[], Awaitable[object]]


class NoReader(ReaderGone):
    """There is no reader at the other end; the text says what to do."""


class _Owned:
    """A pipe that closes what it was made of."""

    def __init__(self, pipe: Pipe, close: Close):
        self.pipe = pipe
        self._close = close

    async def send(self, message: bytes) -> None:
        await self.pipe.send(message)

    async def receive(self) -> bytes:
        return await self.pipe.receive()

    async def close(self) -> None:
        try:
            await self.pipe.close()
        finally:
            await self._close()


class BlePipe:
    """Whole messages over a bleak client that is connected. Made by `open_pipe`."""

    def __init__(self, client: BleakClient, receives: Any):
        self._client = client
        self._receives = receives
        self._assembler = Assembler()
        self._messages: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    async def send(self, message: bytes) -> None:
        from bleak.exc import BleakError

        mtu = self._receives.max_write_without_response_size + _ATT_HEADER
        try:
            for fragment in fragments(message, mtu):
                await self._client.write_gatt_char(self._receives, fragment, response=False)
        except BleakError as error:
            raise ReaderGone(f"the reader has disconnected: {error}") from None

    async def receive(self) -> bytes:
        item = await self._messages.get()
        if isinstance(item, Exception):
            raise item
        return item

    async def close(self) -> None:
        from bleak.exc import BleakError

        with contextlib.suppress(BleakError, TimeoutError):
            await asyncio.wait_for(self._client.disconnect(), OPEN_TIMEOUT_S)

    def on_notification(self, _sender: object, value: bytearray) -> None:
        try:
            message = self._assembler.feed(bytes(value))
        except LinkError as error:
            self._messages.put_nowait(error)
            return
        if message is not None:
            self._messages.put_nowait(message)

    def on_disconnection(self, _client: object) -> None:
        self._messages.put_nowait(ReaderGone("the reader disconnected"))


async def open_pipe(name: str) -> Pipe:
    """Whole messages to and from the reader at `name`; closing the pipe gives the transport back.

    Raises ValueError for what is no name of a transport, NoReader for one that leads nowhere.
    """
    kind, separator, rest = name.partition(":")
    if not separator or kind not in KINDS:
        raise ValueError(
            f"{name!r} names no transport: bumble:NAME, ble:ADDRESS, serial:PORT or tcp:HOST:PORT "
            "(`mpos bench serve` prints some)"
        )
    if not rest and kind != "ble":
        raise ValueError(f"{kind}: what? For example {_EXAMPLES[kind]}")
    return await _OPENERS[kind](rest)


async def reader_at(name: str) -> tuple[ReaderClient, Message]:
    """A client of the reader at `name`, entered and without a session, and what it says of itself (GET_INFO).

    Raises as `open_pipe`, and NoReader when nobody there speaks as a reader.
    """
    pipe = await open_pipe(name)
    client = ReaderClient(pipe)
    try:
        await client.__aenter__()
        return client, await information(client, name)
    except BaseException:
        await client.__aexit__(None, None, None)
        raise


async def information(client: ReaderClient, name: str) -> Message:
    """GET_INFO, asked again while nothing comes. Raises NoReader."""
    for _ in range(INFO_TRIES):
        with contextlib.suppress(TimeoutError):
            return await client.command(Opcode.GET_INFO, timeout_s=INFO_TIMEOUT_S)
    raise NoReader(
        f"what is at {name} does not answer as a reader: is the firmware running there (a prompt of MicroPython is none), "
        "and is no other program speaking to it?"
    )


async def _open_tcp(rest: str) -> Pipe:
    host, separator, port = rest.rpartition(":")
    if not separator or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"tcp:{rest} has no address: {_EXAMPLES['tcp']}")
    try:
        streams = await asyncio.wait_for(asyncio.open_connection(host, int(port)), OPEN_TIMEOUT_S)
    except TimeoutError:
        raise NoReader(f"nobody answers at {rest}: is that the address?") from None
    except OSError as error:
        raise NoReader(
            f"nobody listens at {rest} ({error.strerror or error}): is `mpos bench serve` running, and is that its port?"
        ) from None
    writer = streams[1]

    async def close() -> None:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    return _Owned(SerialPipe(*streams), close)


async def _open_serial(rest: str) -> Pipe:
    import termios

    import serial

    path, _, baud = rest.partition("@")
    if baud and not baud.isdigit():
        raise ValueError(f"serial:{rest}: the baud rate behind @ is a number")
    try:
        port = serial.Serial(path, int(baud or BAUD), exclusive=True)
    except serial.SerialException as error:
        raise NoReader(_why_no_port(path, error)) from None
    # What came before we were here is no answer to us
    port.reset_input_buffer()
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    incoming, _protocol = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(port.fileno()), "rb", 0)
    )
    outgoing, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(os.dup(port.fileno()), "wb", 0)
    )
    writer = asyncio.StreamWriter(outgoing, protocol, None, loop)

    async def close() -> None:
        # abort: a line that takes nothing any more would hold the last bytes back for ever
        outgoing.abort()
        incoming.close()
        # The event loop closes its copies of the port only later, and each of them holds the claim on it
        with contextlib.suppress(serial.SerialException, OSError, termios.error):
            port.exclusive = False
        port.close()

    return _Owned(SerialPipe(reader, writer), close)


def _why_no_port(path: str, error: Exception) -> str:
    import errno

    from serial.tools import list_ports

    number = getattr(error, "errno", None)
    if number == errno.EACCES:
        return f"{path} may not be opened: add yourself to the group of the port (often `dialout`)"
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        return f"{path} is in use by another program: end that one first"
    there = ", ".join(sorted(port.device for port in list_ports.comports())) or "none"
    return f"there is no serial port {path}; those of this computer: {there}"


async def _open_bumble(rest: str) -> Pipe:
    from bumble.core import BaseBumbleError
    from bumble.device import Device, DeviceConfiguration
    from bumble.hci import Address
    from bumble.host import Host
    from bumble.transport import open_transport

    from mpos.link import gatt

    try:
        transport = await asyncio.wait_for(open_transport(rest), OPEN_TIMEOUT_S)
    except (BaseBumbleError, OSError, ValueError, ImportError, TimeoutError) as error:
        said = str(error) or type(error).__name__
        raise NoReader(
            f"Bumble opens no controller {rest!r} ({said}): is the dongle plugged in, or `mpos bench serve` running, and is "
            "that the name?"
        ) from None
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(transport.close)
        device = Device(
            config=DeviceConfiguration(name="mpos", address=Address(_PHONE_ADDRESS)),
            host=Host(transport.source, transport.sink),
        )
        try:
            await asyncio.wait_for(device.power_on(), OPEN_TIMEOUT_S)
            stack.push_async_callback(_power_off, device)
            pipe = await asyncio.wait_for(gatt.connect(device), 3 * OPEN_TIMEOUT_S)
        except TimeoutError:
            raise NoReader(f"the controller {rest} does not answer: is it a Bluetooth controller?") from None
        except BaseBumbleError as error:
            raise NoReader(f"the reader was found, but the connection failed ({error}): try again") from None
        return _Owned(pipe, stack.pop_all().aclose)
    raise AssertionError  # for type checkers


async def _power_off(device: Any) -> None:
    with contextlib.suppress(Exception):  # a controller that has gone needs none
        await asyncio.wait_for(device.power_off(), OPEN_TIMEOUT_S)


async def _open_ble(rest: str) -> Pipe:
    from bleak import BleakClient, BleakScanner
    from bleak.exc import BleakBluetoothNotAvailableError, BleakError

    from mpos.link import gatt

    service, receive, send = (
        uuid.to_hex_str("-").lower() for uuid in (gatt.SERVICE, gatt.READER_RECEIVES, gatt.READER_SENDS)
    )
    try:
        found = await BleakScanner.find_device_by_filter(
            lambda device, advertised: (
                device.address.lower() == rest.lower() if rest else service in advertised.service_uuids
            ),
            timeout=OPEN_TIMEOUT_S,
        )
        if found is None:
            who = f"the reader {rest}" if rest else "a reader"
            raise NoReader(
                f"{who} does not advertise: is it switched on and near, and is no other phone connected to it?"
            )
        pipe: BlePipe | None = None

        def on_disconnection(gone: object) -> None:
            if pipe is not None:
                pipe.on_disconnection(gone)

        client = BleakClient(found, disconnected_callback=on_disconnection)
        await client.connect()
        try:
            receives = client.services.get_characteristic(receive)
            if receives is None or client.services.get_characteristic(send) is None:
                raise NoReader("the device that answered has no reader service: is the address the reader's?")
            pipe = BlePipe(client, receives)
            await client.start_notify(send, pipe.on_notification)
        except BaseException:
            await client.disconnect()
            raise
    except BleakBluetoothNotAvailableError as error:
        raise NoReader(
            f"this computer has no Bluetooth that is switched on ({error.args[0]}): plug in an adapter, or take bumble:usb:0"
        ) from None
    except (BleakError, OSError) as error:
        raise NoReader(
            f"this computer's Bluetooth does not do it ({error}): is the adapter on (`bluetoothctl power on`), and is its "
            "service running?"
        ) from None
    return pipe


_OPENERS: dict[str, Callable[[str], Awaitable[Pipe]]] = {
    "bumble": _open_bumble,
    "ble": _open_ble,
    "serial": _open_serial,
    "tcp": _open_tcp,
}
_EXAMPLES = {
    "bumble": "bumble:usb:0 or bumble:tcp-client:127.0.0.1:4000",
    "serial": "serial:/dev/ttyUSB0",
    "tcp": "tcp:127.0.0.1:4000",
}
