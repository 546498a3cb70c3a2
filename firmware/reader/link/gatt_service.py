"""The link over BLE: one GATT service, reader as peripheral (docs/link.md), on aioble.

The phone writes fragments to one characteristic and is notified of fragments on the other. One phone at a time.
"""

import asyncio
from collections import deque

import aioble
import bluetooth
from micropython import const

from ..errors import ReaderError
from . import framing
from .pipe import Pipe

_SERVICE = "8f1d0001-6d70-4f53-9a3c-52c5a1b7e0d1"
_RECEIVE = "8f1d0002-6d70-4f53-9a3c-52c5a1b7e0d1"
_SEND = "8f1d0003-6d70-4f53-9a3c-52c5a1b7e0d1"
_ADVERTISING_INTERVAL_US = const(100_000)
_MTU = const(247)
_ATT_HEADER = const(3)
_LEAST_MTU = const(23)
_FRAGMENTS = const(64)  # of the longest message at the least MTU
_IRQ_GATTS_WRITE = const(3)
_ADVERTISING_MS = const(60_000)
_SESSION_MS = const(30_000)
_NOTIFY_TRIES = const(50)
_NOTIFY_PAUSE_MS = const(10)
# NimBLE's BLE_GATT_CHR_F_*, which aioble has no names for; a descriptor is as its characteristic
_READ_AUTHENTICATED = const(0x0600)
_WRITE_AUTHENTICATED = const(0x3000)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any


class GattService(Pipe):
    """A duplex message pipe. `name` is advertised; `version` goes into Device Information (0x180A); `pairing`: a
    Pairing, without which anybody may connect."""

    def __init__(self, name: str, version: str, pairing=None):
        super().__init__()
        self.name = name
        self._pairing = pairing
        if pairing is not None:
            pairing.start()
        # Copies that did not come from the package index carry no version
        self.stack = getattr(aioble, "__version__", "real, version unknown")
        aioble.config(mtu=_MTU)
        service = aioble.Service(bluetooth.UUID(_SERVICE))
        # Not captured by aioble: its queue of ten drops the oldest write without a word
        self._rx = aioble.BufferedCharacteristic(
            service, bluetooth.UUID(_RECEIVE), write=True, write_no_response=True, max_len=_MTU - _ATT_HEADER
        )
        self._tx = aioble.Characteristic(service, bluetooth.UUID(_SEND), notify=True)
        if pairing is not None:
            self._rx.flags |= _WRITE_AUTHENTICATED
            self._tx.flags |= _READ_AUTHENTICATED
        device = aioble.Service(bluetooth.UUID(0x180A))
        aioble.Characteristic(device, bluetooth.UUID(0x2A24), read=True, initial=name.encode())
        aioble.Characteristic(device, bluetooth.UUID(0x2A26), read=True, initial=version.encode())
        aioble.register_services(service, device)
        fragments: deque[bytes] = deque((), _FRAGMENTS)  # noqa: RUF037 - MicroPython's takes no keywords
        self._arrived = fragments
        self._arrival = asyncio.ThreadSafeFlag()
        aioble.core.register_irq_handler(self._on_event, None)
        self._assembler = framing.Assembler()
        self._fragment = bytearray(_MTU - _ATT_HEADER)
        self._connection: Any = None

    def connected(self) -> bool:
        return self._connection is not None and self._connection.is_connected()

    async def serve(self, handle: "Callable[[memoryview], Awaitable[None]]", gone: "Callable[[], None]") -> None:
        """For ever: advertise, take one phone, give each message to `handle`, call `gone` when the phone has left."""
        while True:
            try:
                connection = await aioble.advertise(
                    _ADVERTISING_INTERVAL_US,
                    name=self.name,
                    services=[bluetooth.UUID(_SERVICE)],
                    timeout_ms=_ADVERTISING_MS,
                )
            except asyncio.TimeoutError:
                continue  # begin again, so that a radio that has died says so
            async with connection:
                tasks = [
                    asyncio.create_task(self._receive(connection, handle)),
                    asyncio.create_task(self._watch(connection)),
                ]
                if self._pairing is None:
                    self._connection = connection
                else:
                    tasks.append(asyncio.create_task(self._pairing.run(self.log)))
                try:
                    await connection.disconnected(timeout_ms=None)
                finally:
                    for task in tasks:
                        task.cancel()
                    self._connection = None
                    self._forget()  # before the next phone can connect, and write
                    gone()

    async def _watch(self, connection) -> None:
        """A phone without a session keeps the others away: look every 30 s, and end the link. Not by aioble's own time-out
        for its end, which cancels the task that cleans up after it."""
        while True:
            await asyncio.sleep_ms(_SESSION_MS)
            if not self.session.role and connection.is_connected():
                try:
                    aioble.core.ble.gap_disconnect(connection._conn_handle)
                except OSError:
                    pass  # it has just ended by itself

    def _on_event(self, event: int, data) -> None:
        # Runs between two tasks. A fragment more than fits is dropped, and its message refused for the gap
        if event == _IRQ_GATTS_WRITE and data[1] == self._rx._value_handle and len(self._arrived) < _FRAGMENTS:
            try:
                self._arrived.append(aioble.core.ble.gatts_read(data[1]))
            except MemoryError:
                return  # a handler that raises is switched off, and the radio with it
            self._arrival.set()

    def _forget(self) -> None:
        """What the phone wrote before it left and nobody took."""
        while self._arrived:
            self._arrived.popleft()
        self._assembler.reset()

    async def _receive(self, connection, handle) -> None:
        if self._pairing is not None:
            await self._pairing.wait()
            self._connection = connection
        while True:
            while self._arrived:
                try:
                    message = self._assembler.feed(self._arrived.popleft())
                except ReaderError as error:
                    await self.fault(error)
                    continue
                if message is not None:
                    await handle(message)
            await self._arrival.wait()

    async def _transmit(self, message) -> bool:
        connection = self._connection
        if connection is None:
            return False
        room = min((connection.mtu or _LEAST_MTU) - _ATT_HEADER, len(self._fragment))
        out = memoryview(self._fragment)[:room]
        offset = sequence = 0
        while offset < len(message):
            n = framing.fragment_into(message, offset, sequence, out)
            if not await self._notify(connection, out[:n]):
                return False
            offset += n - 1
            sequence += 1
        return True

    async def _notify(self, connection, fragment) -> bool:
        # A stack whose buffers are full says so with an OSError: wait for the radio, a bounded number of times.
        for _ in range(_NOTIFY_TRIES):
            if not connection.is_connected():
                return False
            try:
                self._tx.notify(connection, fragment)
                return True
            except OSError:
                await asyncio.sleep_ms(_NOTIFY_PAUSE_MS)
        return False
