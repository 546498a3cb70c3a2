"""The radio of the bench: a reader's firmware on one side, phones on the other, air between them.

    async with Radio() as radio:
        environment["MPOS_RADIO"] = radio.address     # boards/unix/bluetooth.py connects there
        phone = await radio.central("phone")          # a Bumble Device, powered on, on the same air

Everything runs in the caller's event loop on Bumble's virtual controllers. With transport= the reader's side is a
real Bluetooth controller instead (a USB dongle, `usb:0`; a serial one, `serial:/dev/ttyACM0`), and phones are real.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from types import TracebackType

from bumble import att, hci
from bumble.controller import Controller
from bumble.device import Device, DeviceConfiguration
from bumble.host import Host
from bumble.transport import open_transport
from bumble.transport.common import AsyncPipeSink, Transport

from mpos.bench.radio_link import Pace, RadioController, RadioLink
from mpos.bench.radio_shim import ShimConnection, ShimError

__all__ = ["TO_PHONE", "TO_READER", "Pace", "Radio"]

_log = logging.getLogger(__name__)

TO_READER = "to reader"
TO_PHONE = "to phone"

_ATT_NOTIFICATION = 0x1B


class Radio:
    """The air between one or more readers and their phones.

    pace: None carries packets at once; a Pace like a real link.
    transport: None for virtual controllers, or the Bumble name of the reader's real one.

    address: "127.0.0.1:PORT", where the firmware connects; known after entering.
    reader_address: the Bluetooth address of the first reader, with virtual controllers.
    problems: a sentence for each connection to the radio that did not keep to the protocol.
    """

    # Static random addresses: the two highest bits are ones. Core 5.4 Vol 6 Part B, 1.3.2.1.
    reader_address = "F0:00:00:52:44:00"

    def __init__(self, pace: Pace | None = None, transport: str | None = None) -> None:
        self.address = ""
        self.problems: list[str] = []
        self._transport_name = transport
        self._transport: Transport | None = None
        self._link = RadioLink(pace)
        self._link.on_arrival = self._on_arrival
        self._server: asyncio.Server | None = None
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._readers: dict[int, ShimConnection] = {}  # by the last byte of their address
        self._controllers: dict[Controller, ShimConnection] = {}
        self._phones: list[tuple[Device, RadioController]] = []
        self._listeners: list[Callable[[str, bytes], None]] = []
        # Held while a reader's controller is put on the air or taken off it, so that one that comes back at once
        # finds its address free.
        self._changing = asyncio.Lock()

    async def __aenter__(self) -> Radio:
        if self._transport_name is not None:
            self._transport = await open_transport(self._transport_name)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._serving.values():
            writer.transport.abort()
        if self._serving:
            _done, late = await asyncio.wait(list(self._serving), timeout=5)
            for task in late:
                task.cancel()
        for device, controller in self._phones:
            self._link.remove_controller(controller)
            await _power_off(device)
        self._phones.clear()
        if self._transport is not None:
            await self._transport.close()

    # -- what the caller does

    async def central(self, name: str, address: str | None = None) -> Device:
        """A powered-on Bumble Device on the same air, to be the phone. address: a static random one, "C0:..."."""
        if self._transport is not None:
            raise RuntimeError("with a real controller the phone is a real one too; there is no virtual air to be on")
        number = len(self._phones) + 1
        configuration = DeviceConfiguration(
            name=name, address=hci.Address(address or f"C0:00:00:50:{number >> 8:02X}:{number & 255:02X}")
        )
        controller = RadioController(name, self._link)
        device = Device(config=configuration, host=Host(controller, AsyncPipeSink(controller)))
        await device.power_on()
        self._phones.append((device, controller))
        return device

    def guest(self, name: str) -> RadioController:
        """A controller on the same air whose host is somewhere else (bench/serve.py)."""
        if self._transport is not None:
            raise RuntimeError("with a real controller there is no virtual air to be on")
        return RadioController(name, self._link)

    def leave(self, guest: RadioController) -> None:
        """Take the guest off the air: its links time out."""
        self._link.remove_controller(guest)

    async def remove(self, phone: Device) -> None:
        """Switch a phone off: the reader's side of its link times out."""
        for entry in [entry for entry in self._phones if entry[0] is phone]:
            self._phones.remove(entry)
            self._link.remove_controller(entry[1])
        await _power_off(phone)

    def on_air(self, listener: Callable[[str, bytes], None]) -> None:
        """Give the listener every ATT PDU as it crosses the air: TO_READER or TO_PHONE, and the PDU."""
        self._listeners.append(listener)

    def drop(self, later_s: float = 0.0) -> None:
        """Radio loss: packets in the air are gone and every link ends as by its supervision time-out; the reader notices it
        so many seconds later than the phone."""
        self._link.drop(later_s)

    # -- the reader's side

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = writer
        number: int | None = None

        async def make_device() -> Device:
            nonlocal number
            async with self._changing:
                number = next(n for n in range(256) if n not in self._readers)
                self._readers[number] = shim
                return await self._put_on_air(number, shim)

        shim = ShimConnection(reader, writer, make_device)
        try:
            await shim.run()
        except ShimError as error:
            self.problems.append(str(error))
            _log.warning("radio: %s", error)
        except Exception as error:
            # A defect of the bench: whoever looks at `problems` shall not have to search the log for it.
            self.problems.append(f"the radio itself failed: {error!r}")
            _log.exception("radio")
        finally:
            writer.transport.abort()
            if number is not None:
                async with self._changing:
                    await self._take_off_air(number, shim)
            del self._serving[task]

    async def _put_on_air(self, number: int, shim: ShimConnection) -> Device:
        address = hci.Address(self.reader_address[:-2] + f"{number:02X}")
        configuration = DeviceConfiguration(
            name="reader", address=address, gap_service_enabled=False, gatt_service_enabled=False
        )
        host: Host
        if self._transport is None:
            controller = RadioController(f"reader {number}", self._link)
            self._controllers[controller] = shim
            host = Host(controller, AsyncPipeSink(controller))
        else:
            if number:
                raise ShimError("one real controller serves one reader; another firmware is using it")
            host = _TappedHost(self._transport.source, self._transport.sink, shim, self._tell)
        device = Device(config=configuration, host=host)
        await device.power_on()
        return device

    async def _take_off_air(self, number: int, shim: ShimConnection) -> None:
        for controller, owner in list(self._controllers.items()):
            if owner is shim:
                self._link.remove_controller(controller)
                del self._controllers[controller]
        with contextlib.suppress(ShimError):
            await _power_off(shim.device)
        self._readers.pop(number, None)

    # -- the tap

    def _on_arrival(self, sender: Controller, receiver: hci.Address, data: bytes) -> None:
        # An L2CAP frame: length(2) channel(2) payload. Core 5.4 Vol 3 Part A, 3.1.
        if int.from_bytes(data[2:4], "little") != att.ATT_CID:
            return
        pdu = data[4:]
        shim = self._controllers.get(sender)
        self._tell(TO_READER if shim is None else TO_PHONE, pdu)
        if shim is not None and pdu[0] == _ATT_NOTIFICATION:
            shim.on_notification_sent(sender.le_connections[receiver].handle)

    def _tell(self, direction: str, pdu: bytes) -> None:
        for listener in self._listeners:
            listener(direction, pdu)


class _TappedHost(Host):
    """The host over a real controller: the tap is here, because the air itself is out of reach."""

    def __init__(self, source, sink, shim: ShimConnection, tell: Callable[[str, bytes], None]) -> None:  # type: ignore[no-untyped-def]
        super().__init__(source, sink)
        self._shim = shim
        self._tell = tell

    def send_l2cap_pdu(self, connection_handle: int, cid: int, pdu: bytes) -> None:
        super().send_l2cap_pdu(connection_handle, cid, pdu)
        if cid == att.ATT_CID:
            self._tell(TO_PHONE, pdu)
            if pdu[0] == _ATT_NOTIFICATION:
                self._shim.on_notification_sent(connection_handle)

    def on_l2cap_pdu(self, connection, cid: int, pdu: bytes) -> None:  # type: ignore[no-untyped-def]
        if cid == att.ATT_CID:
            self._tell(TO_READER, pdu)
        super().on_l2cap_pdu(connection, cid, pdu)


async def _power_off(device: Device) -> None:
    with contextlib.suppress(TimeoutError, hci.HCI_Error):
        await asyncio.wait_for(device.power_off(), 5)
