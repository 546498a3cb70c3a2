"""The phone at the other end of a link."""

import asyncio

from micropython import const

from .core import ble, register_irq_handler

_IRQ_CENTRAL_CONNECT = const(1)
_IRQ_CENTRAL_DISCONNECT = const(2)
_IRQ_MTU_EXCHANGED = const(21)


class DeviceDisconnectedError(Exception):
    """The link ended while something waited on it."""


class DeviceTimeout:
    """`with DeviceTimeout(connection, ms):` bounds the awaits inside by time, by the end of the link, or both.

    Raises asyncio.TimeoutError or DeviceDisconnectedError. Either argument may be None.
    """

    def __init__(self, connection: "DeviceConnection | None", timeout_ms: "int | None") -> None:
        self._connection = connection
        self._timeout_ms = timeout_ms
        self._verdict = None
        self._clock = None

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        if self._connection is not None:
            self._connection._bounds.append(self)
        if self._timeout_ms:
            self._clock = asyncio.create_task(self._run_out())

    def __exit__(self, kind, error, traceback) -> None:
        if self._connection is not None:
            self._connection._bounds.remove(self)
        if self._verdict is not asyncio.TimeoutError and self._clock is not None:
            self._clock.cancel()
        # A cancellation from elsewhere has no verdict and goes on as it is.
        if kind is asyncio.CancelledError and self._verdict is not None:
            raise self._verdict

    async def _run_out(self) -> None:
        await asyncio.sleep_ms(self._timeout_ms)
        self._end(asyncio.TimeoutError)

    def _end(self, verdict: type) -> None:
        if self._verdict is None:
            self._verdict = verdict
            self._task.cancel()


class Device:
    """A device by its address: type (0 public, 1 random) and 6 bytes, big-endian."""

    def __init__(self, addr_type: int, addr: bytes) -> None:
        self.addr_type = addr_type
        self.addr = addr

    def addr_hex(self) -> str:
        return self.addr.hex(":")

    def __str__(self) -> str:
        return "Device(" + ("ADDR_RANDOM" if self.addr_type else "ADDR_PUBLIC") + ", " + self.addr_hex() + ")"


class DeviceConnection:
    """One link. `mtu` is None until it has been exchanged."""

    _connected = {}

    def __init__(self, device: Device, conn_handle: int) -> None:
        self.device = device
        self.mtu = None
        self.encrypted = False
        self._conn_handle = conn_handle
        self._gone = asyncio.Event()
        self._mtu_known = asyncio.Event()
        self._bounds = []

    def is_connected(self) -> bool:
        return self._conn_handle is not None

    def timeout(self, timeout_ms: "int | None") -> DeviceTimeout:
        """Bounds what is awaited in a `with` by time and by the end of this link."""
        return DeviceTimeout(self, timeout_ms)

    async def disconnected(self, timeout_ms: "int | None" = None, disconnect: bool = False) -> None:
        """Wait for the end of the link, at most so long (asyncio.TimeoutError)."""
        if self._conn_handle is None:
            return
        if disconnect:
            ble.gap_disconnect(self._conn_handle)
        with DeviceTimeout(None, timeout_ms):
            await self._gone.wait()

    async def disconnect(self, timeout_ms: int = 2000) -> None:
        """End the link and wait until it has ended."""
        await self.disconnected(timeout_ms, disconnect=True)

    async def exchange_mtu(self, mtu: "int | None" = None, timeout_ms: int = 1000) -> int:
        """Offer `mtu` (or what is configured) to the other side; returns what both have."""
        if self._conn_handle is None:
            raise ValueError("Not connected")
        if mtu:
            ble.config(mtu=mtu)
        self._mtu_known.clear()
        ble.gattc_exchange_mtu(self._conn_handle)
        with self.timeout(timeout_ms):
            await self._mtu_known.wait()
        return self.mtu

    async def __aenter__(self) -> "DeviceConnection":
        return self

    async def __aexit__(self, kind, error, traceback) -> None:
        await self.disconnect()


def _on_event(event, data) -> None:
    if event == _IRQ_CENTRAL_CONNECT:
        conn_handle, addr_type, addr = data
        # The address is only lent for the time of the call.
        DeviceConnection._connected[conn_handle] = DeviceConnection(Device(addr_type, bytes(addr)), conn_handle)
    elif event == _IRQ_CENTRAL_DISCONNECT:
        connection = DeviceConnection._connected.pop(data[0], None)
        if connection is not None:
            connection._conn_handle = None
            connection._gone.set()
            for bound in connection._bounds:
                bound._end(DeviceDisconnectedError)
    elif event == _IRQ_MTU_EXCHANGED:
        connection = DeviceConnection._connected.get(data[0])
        if connection is not None:
            connection.mtu = data[1]
            connection._mtu_known.set()


register_irq_handler(_on_event, None)
