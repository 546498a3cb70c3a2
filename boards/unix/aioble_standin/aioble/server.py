"""Services and characteristics: values to be read, writes to be waited for, notifications, indications."""

import asyncio
from collections import deque

from micropython import const

from .core import GattError, ble, ensure_active, register_irq_handler
from .device import DeviceConnection, DeviceTimeout

_IRQ_GATTS_WRITE = const(3)
_IRQ_GATTS_READ_REQUEST = const(4)
_IRQ_GATTS_INDICATE_DONE = const(20)

_FLAG_READ = const(0x0002)
_FLAG_WRITE_NO_RESPONSE = const(0x0004)
_FLAG_WRITE = const(0x0008)
_FLAG_NOTIFY = const(0x0010)
_FLAG_INDICATE = const(0x0020)

_CAPTURED_LARGEST = const(10)

_registered = {}
# (connection, data, characteristic) of captured writes; when it is full the oldest is dropped.
_captured = deque((), _CAPTURED_LARGEST)  # noqa: RUF037 - MicroPython takes both, by position


class Service:
    """A service to be filled with characteristics and registered."""

    def __init__(self, uuid) -> None:
        self.uuid = uuid
        self.characteristics = []


class Characteristic:
    """A value of at most 20 bytes, unless an initial value or a BufferedCharacteristic makes it longer.

    With capture, written() returns every write with its data; without, only who wrote last.
    """

    def __init__(
        self,
        service: Service,
        uuid,
        read: bool = False,
        write: bool = False,
        write_no_response: bool = False,
        notify: bool = False,
        indicate: bool = False,
        initial: "bytes | None" = None,
        capture: bool = False,
    ) -> None:
        service.characteristics.append(self)
        self.uuid = uuid
        self.flags = (
            (_FLAG_READ if read else 0)
            | (_FLAG_WRITE if write else 0)
            | (_FLAG_WRITE_NO_RESPONSE if write_no_response else 0)
            | (_FLAG_NOTIFY if notify else 0)
            | (_FLAG_INDICATE if indicate else 0)
        )
        self._value_handle = None
        self._initial = initial
        self._capture = capture and (write or write_no_response)
        self._written = asyncio.Event()
        self._writer = None
        self._confirmed = asyncio.Event()
        self._indicated = None  # the connection whose confirmation is awaited
        self._status = 0

    def _register(self, value_handle: int) -> None:
        self._value_handle = value_handle
        _registered[value_handle] = self
        if self._initial is not None:
            self.write(self._initial)
            self._initial = None

    def read(self) -> bytes:
        """The value here."""
        if self._value_handle is None:
            return self._initial or b""
        return ble.gatts_read(self._value_handle)

    def write(self, data: bytes, send_update: bool = False) -> None:
        """Set the value here, and with send_update tell the subscribers."""
        if self._value_handle is None:
            self._initial = data
        else:
            ble.gatts_write(self._value_handle, data, send_update)

    async def written(self, timeout_ms: "int | None" = None):
        """Wait for a write: the connection that wrote, or with capture (connection, data). asyncio.TimeoutError."""
        if not self.flags & (_FLAG_WRITE | _FLAG_WRITE_NO_RESPONSE):
            return None
        with DeviceTimeout(None, timeout_ms):
            if self._capture:
                # One queue for all: who is not at its head waits until others have taken theirs.
                while not _captured or _captured[0][2] is not self:
                    self._written.clear()
                    await self._written.wait()
            else:
                await self._written.wait()
                self._written.clear()
        if not self._capture:
            return self._writer
        connection, data, _ = _captured.popleft()
        if _captured:
            _captured[0][2]._written.set()
        return connection, data

    def on_read(self, connection: "DeviceConnection | None") -> int:
        """Override to refresh the value before a phone reads it, or to refuse with an ATT error."""
        return 0

    def notify(self, connection: DeviceConnection, data: "bytes | None" = None) -> None:
        """Send data, or the value. OSError ENOMEM while the stack has no buffer left."""
        if not self.flags & _FLAG_NOTIFY:
            raise ValueError("Not supported")
        ble.gatts_notify(connection._conn_handle, self._value_handle, data)

    async def indicate(
        self, connection: DeviceConnection, data: "bytes | None" = None, timeout_ms: "int | None" = 1000
    ) -> None:
        """Send and wait for the confirmation. GattError, asyncio.TimeoutError, DeviceDisconnectedError."""
        if not self.flags & _FLAG_INDICATE:
            raise ValueError("Not supported")
        if self._indicated is not None:
            raise ValueError("In progress")
        if not connection.is_connected():
            raise ValueError("Not connected")
        self._indicated = connection
        self._confirmed.clear()
        try:
            with connection.timeout(timeout_ms):
                ble.gatts_indicate(connection._conn_handle, self._value_handle, data)
                await self._confirmed.wait()
        finally:
            self._indicated = None
        if self._status:
            raise GattError(self._status)


class BufferedCharacteristic(Characteristic):
    """A value of up to max_len bytes. append: writes are joined until read() takes them."""

    def __init__(self, *args, max_len: int = 20, append: bool = False, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._max_len = max_len
        self._append = append

    def _register(self, value_handle: int) -> None:
        super()._register(value_handle)
        ble.gatts_set_buffer(value_handle, self._max_len, self._append)


def register_services(*services: Service) -> None:
    """Replace all services of this device by these."""
    ensure_active()
    _registered.clear()
    described = [(s.uuid, tuple([(c.uuid, c.flags) for c in s.characteristics])) for s in services]
    handles = ble.gatts_register_services(tuple(described))
    for service, values in zip(services, handles):
        for characteristic, handle in zip(service.characteristics, values):
            characteristic._register(handle)


def _on_event(event, data):
    if event not in (_IRQ_GATTS_WRITE, _IRQ_GATTS_READ_REQUEST, _IRQ_GATTS_INDICATE_DONE):
        return None
    characteristic = _registered.get(data[1])
    connection = DeviceConnection._connected.get(data[0])
    if characteristic is None:
        return None
    if event == _IRQ_GATTS_READ_REQUEST:
        return characteristic.on_read(connection)
    if event == _IRQ_GATTS_WRITE:
        if characteristic._capture:
            _captured.append((connection, characteristic.read(), characteristic))
            _captured[0][2]._written.set()
        else:
            characteristic._writer = connection
            characteristic._written.set()
    elif characteristic._indicated is connection:
        characteristic._status = data[2]
        characteristic._confirmed.set()
    return None


def _on_stop() -> None:
    _registered.clear()
    while _captured:
        _captured.popleft()


register_irq_handler(_on_event, _on_stop)
