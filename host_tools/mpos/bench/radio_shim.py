"""One reader's radio: the other half of boards/unix/bluetooth.py, on Bumble's host stack.

Frames both ways are `length(2) opcode(1) body`, little-endian, the length counting the opcode. The firmware keeps
the values of its attributes and assigns their handles; this side keeps the attribute table, enforces its
permissions, and asks the firmware for every read and write. An ATT response leaves only after the firmware's event
handler has returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import Awaitable, Callable

from bumble import att, core, gatt
from bumble.device import AdvertisingType, Connection, Device
from bumble.hci import OwnAddressType

from mpos.bench.radio_pairing import IO_LARGEST, SECRET_LENGTH, Manager, Security

_log = logging.getLogger(__name__)

VERSION = 2
MAGIC = b"mPOS"

# From the firmware.
HELLO, CONFIG, REGISTER, ADVERTISE, ADVERTISE_STOP, DISCONNECT = range(0x01, 0x07)
NOTIFY, INDICATE, UPDATE, ANSWER, EXCHANGE_MTU, PASSKEY = range(0x07, 0x0D)
# To the firmware.
READY, CONNECTED, DISCONNECTED, WRITE, READ, MTU, SENT, CONFIRMED = range(0x81, 0x89)
ENCRYPTED, ASK_PASSKEY, GET_SECRET, SET_SECRET = range(0x89, 0x8D)

FRAME_LARGEST = 4096
FIRST_HANDLE = 10
# Notifications a NimBLE host has buffers for while the air is busy (its pool of 12 message blocks).
NOTIFICATION_BUFFERS = 12
# Core 5.4 Vol 3 Part F, 3.3.3: an ATT transaction lasts at most 30 s.
ANSWER_TIMEOUT_S = 30.0
_INDICATION_FAILED = 13  # NimBLE's BLE_HS_ETIMEOUT

_FLAG_READ = 0x0002
_FLAG_WRITES = 0x0004 | 0x0008
_FLAG_NOTIFY = 0x0010
_FLAG_INDICATE = 0x0020

_PERMISSIONS = att.Attribute.Permissions
_OPEN = _PERMISSIONS.READABLE | _PERMISSIONS.WRITEABLE


# A service, and its attributes that have values in the firmware, in the order of their handles, with their flags.
_Described = tuple[gatt.Service, list[tuple[att.Attribute[bytes], int]]]


class ShimError(Exception):
    """The firmware's side sent something that is not the protocol. The sentence says what."""


class ShimConnection:
    """Serves one firmware over its socket until either side ends it.

    make_device: gives a powered-on Bumble Device with an empty attribute table.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        make_device: Callable[[], Awaitable[Device]],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._make_device = make_device
        self._device: Device | None = None
        self._name = b""
        self._mtu = 0
        self._values: dict[int, att.Attribute[bytes]] = {}
        self._advertisement = b""
        self._scan_response = b""
        # One question to the firmware at a time, in the order in which the requests came over the air.
        self._turn = asyncio.Lock()
        self._token = 0
        self._question: asyncio.Future[tuple[int, bytes]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._pairing = Manager(self._get_secret, self._set_secret, self._on_security, self._ask_passkey)

    @property
    def device(self) -> Device:
        """The reader as Bumble sees it."""
        if self._device is None:
            raise ShimError("the firmware did not begin with a greeting")
        return self._device

    # -- the socket

    async def run(self) -> None:
        """Serve. Raises ShimError when the firmware's side breaks the protocol; returns when it closes."""
        try:
            await self._greet()
            while True:
                opcode, body = await self._receive()
                await self._obey(opcode, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the firmware switched its radio off, or ended
        finally:
            for task in self._tasks:
                task.cancel()
            self._pairing.stop()
            self._abandon_question()

    async def _receive(self) -> tuple[int, bytes]:
        length = int.from_bytes(await self._reader.readexactly(2), "little")
        if not 0 < length <= FRAME_LARGEST:
            raise ShimError(f"the firmware sent a frame of {length} bytes; at most {FRAME_LARGEST} are possible")
        frame = await self._reader.readexactly(length)
        return frame[0], frame[1:]

    def _send(self, opcode: int, body: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(struct.pack("<HB", 1 + len(body), opcode) + body)

    async def _greet(self) -> None:
        opcode, body = await self._receive()
        if opcode != HELLO or body[:4] != MAGIC or len(body) < 9:
            raise ShimError("what connected to the radio is not a reader's firmware")
        if body[4] != VERSION:
            raise ShimError(f"the firmware speaks version {body[4]} of the radio's protocol, the bench {VERSION}")
        self._configure(body[5:])
        self._device = device = await self._make_device()
        self._pairing.attach(device)
        device.on(Device.EVENT_CONNECTION, self._on_connection)
        self._rebuild([])
        self._apply_settings()
        address = device.random_address
        self._send(READY, bytes((VERSION, NOTIFICATION_BUFFERS, address.address_type & 1)) + bytes(address)[::-1])

    async def _obey(self, opcode: int, body: bytes) -> None:
        try:
            if opcode == ANSWER:
                self._on_answer(body[0], body[1], body[2:])
                # Setting the answer has put exactly the request's task into the loop's queue, and that task sends the
                # ATT response before it waits again. After this line the response is on its way, and a notification
                # that the firmware's handler sent behind its answer cannot overtake it.
                await asyncio.sleep(0)
            elif opcode == CONFIG:
                self._configure(body)
                self._apply_settings()
            elif opcode == REGISTER:
                self._rebuild(_parse_services(body))
            elif opcode == ADVERTISE:
                await self._advertise(body)
            elif opcode == ADVERTISE_STOP:
                await self.device.stop_advertising()
            elif opcode == DISCONNECT:
                self._with_connection(body, lambda connection: connection.disconnect())
            elif opcode == NOTIFY:
                await self._notify(body)
            elif opcode == INDICATE:
                handle = struct.unpack_from("<HH", body)[1]
                self._with_connection(body, lambda connection: self._indicate(connection, handle, body[4:]))
            elif opcode == UPDATE:
                await self._update(struct.unpack_from("<H", body)[0], body[2:])
            elif opcode == PASSKEY:
                connection_handle, _action, number = struct.unpack("<HBI", body)
                self._pairing.answer(connection_handle, number)
            elif opcode == EXCHANGE_MTU:
                self._with_connection(body, lambda connection: connection.gatt_client.request_mtu(self._mtu))
            else:
                raise ShimError(f"the firmware sent opcode 0x{opcode:02X}, which is none")
        except (struct.error, IndexError, KeyError) as error:
            raise ShimError(f"the firmware sent a malformed frame with opcode 0x{opcode:02X}") from error

    # -- settings, table

    def _configure(self, body: bytes) -> None:
        self._mtu, security, io = struct.unpack_from("<HBB", body)
        self._name = body[4:]
        if io > IO_LARGEST:
            raise ShimError(f"the firmware says IO capability {io}, which is none")
        self._pairing.configure(security, io)

    def _apply_settings(self) -> None:
        self.device.gatt_server.max_mtu = self._mtu

    def _rebuild(self, services: list[_Described]) -> None:
        server = self.device.gatt_server
        server.attributes.clear()
        server.attributes_by_handle.clear()
        server.services.clear()
        server.subscribers.clear()
        self._values.clear()
        for standard in self._standard_services():
            server.add_service(standard)
        for service, attributes in services:
            flags_of = {id(attribute): flags for attribute, flags in attributes}
            for attribute, flags in attributes:
                attribute.value = self._value_for(attribute, flags)
            for characteristic in service.characteristics:
                if characteristic.properties & (_FLAG_NOTIFY | _FLAG_INDICATE):
                    # NimBLE puts the CCCD directly after the value, before the firmware's own descriptors.
                    cccd = gatt.Descriptor(
                        gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
                        _OPEN,
                        self._subscription(server.make_descriptor_value(characteristic), flags_of[id(characteristic)]),
                    )
                    characteristic.descriptors = [cccd, *characteristic.descriptors]
            expected = [attribute.handle for attribute, _flags in attributes]
            server.add_service(service)
            for (attribute, _flags), handle in zip(attributes, expected, strict=True):
                if attribute.handle != handle:
                    raise ShimError(f"the firmware gave handle {handle} to what has handle {attribute.handle}")
                self._values[handle] = attribute

    def _standard_services(self) -> list[gatt.Service]:
        # Nine attributes: FIRST_HANDLE follows. Core 5.4 Vol 3 Part C, 12; Part G, 7.
        read = gatt.Characteristic.Properties.READ
        name: gatt.Characteristic[bytes] = gatt.Characteristic(
            gatt.GATT_DEVICE_NAME_CHARACTERISTIC,
            read,
            _PERMISSIONS.READABLE,
            att.AttributeValue[bytes](read=lambda _connection: self._name),
        )
        appearance = gatt.Characteristic(gatt.GATT_APPEARANCE_CHARACTERISTIC, read, _PERMISSIONS.READABLE, bytes(2))
        changed = gatt.Characteristic(
            gatt.GATT_SERVICE_CHANGED_CHARACTERISTIC,
            gatt.Characteristic.Properties.INDICATE,
            _PERMISSIONS(0),
            bytes(4),
        )
        return [
            gatt.Service(gatt.GATT_GENERIC_ACCESS_SERVICE, [name, appearance]),
            gatt.Service(gatt.GATT_GENERIC_ATTRIBUTE_SERVICE, [changed]),
        ]

    def _value_for(self, attribute: att.Attribute[bytes], flags: int) -> att.AttributeValue[bytes]:
        # Bumble does not check the plain read and write permissions. NimBLE's ble_att_svr_check_perms does, and
        # takes either kind of write for a writable attribute.
        async def read(connection: Connection) -> bytes:
            if not flags & _FLAG_READ:
                raise att.ATT_Error(error_code=att.ErrorCode.READ_NOT_PERMITTED)
            await self._pairing.check(connection, flags, is_write=False)
            status, value = await self._ask(READ, connection, attribute.handle, b"")
            if status:
                raise att.ATT_Error(error_code=att.ErrorCode(status))
            return value

        async def write(connection: Connection, value: bytes) -> None:
            if not flags & _FLAG_WRITES:
                raise att.ATT_Error(error_code=att.ErrorCode.WRITE_NOT_PERMITTED)
            await self._pairing.check(connection, flags, is_write=True)
            await self._ask(WRITE, connection, attribute.handle, value)

        return att.AttributeValue(read=read, write=write)

    def _subscription(self, value: att.AttributeValueV2[bytes], flags: int) -> att.AttributeValueV2[bytes]:
        async def write(bearer: att.Bearer, subscription: bytes) -> None:
            assert isinstance(bearer, Connection)
            await self._pairing.check_subscription(bearer, flags)
            value.write(bearer, subscription)

        async def read(bearer: att.Bearer) -> bytes:
            subscription = value.read(bearer)
            assert isinstance(subscription, bytes)
            return subscription

        return att.AttributeValueV2(read=read, write=write)

    # -- questions to the firmware

    async def _ask(self, opcode: int, connection: Connection, handle: int, value: bytes) -> tuple[int, bytes]:
        async with self._turn:
            # The link may have gone while this waited for its turn; the firmware has been told.
            if self._device is None or connection.handle not in self._device.connections:
                raise att.ATT_Error(error_code=att.ErrorCode.UNLIKELY_ERROR)
            return await self._exchange(opcode, struct.pack("<HH", connection.handle, handle), value)

    async def _exchange(self, opcode: int, head: bytes, value: bytes) -> tuple[int, bytes]:
        loop = asyncio.get_running_loop()
        self._token = (self._token + 1) & 0xFF
        self._question = loop.create_future()
        timer = loop.call_later(ANSWER_TIMEOUT_S, self._abandon_question)
        self._send(opcode, head + bytes((self._token,)) + value)
        try:
            return await self._question
        finally:
            timer.cancel()
            self._question = None

    async def _get_secret(self, kind: int, key: bytes) -> bytes | None:
        async with self._turn:
            status, value = await self._exchange(GET_SECRET, b"", bytes((kind, 0)) + key)
        # NimBLE takes a value of another length for none.
        return value if status and len(value) == SECRET_LENGTH else None

    async def _set_secret(self, kind: int, key: bytes, value: bytes) -> bool:
        async with self._turn:
            return bool((await self._exchange(SET_SECRET, b"", bytes((kind, len(key))) + key + value))[0])

    def _ask_passkey(self, connection: Connection, action: int, number: int) -> None:
        self._send(ASK_PASSKEY, struct.pack("<HBI", connection.handle, action, number))

    def _on_security(self, connection: Connection, security: Security) -> None:
        self._send(ENCRYPTED, struct.pack("<H", connection.handle) + security.body())

    def _on_answer(self, token: int, status: int, value: bytes) -> None:
        if self._question is not None and token == self._token and not self._question.done():
            self._question.set_result((status, value))

    def _abandon_question(self) -> None:
        if self._question is not None and not self._question.done():
            self._question.set_exception(att.ATT_Error(error_code=att.ErrorCode.UNLIKELY_ERROR))

    # -- links

    def _on_connection(self, connection: Connection) -> None:
        address = connection.peer_address
        handle = struct.pack("<H", connection.handle)
        self._pairing.on_connection(connection)
        self._send(CONNECTED, handle + bytes((address.address_type & 1,)) + bytes(address)[::-1])
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: self._send(DISCONNECTED, handle))
        connection.on(
            Connection.EVENT_CONNECTION_ATT_MTU_UPDATE,
            lambda: self._send(MTU, handle + struct.pack("<H", connection.att_mtu)),
        )

    def _with_connection(self, body: bytes, action: Callable[[Connection], Awaitable[object]]) -> None:
        """Start what lasts; nobody waits for it, its end is an event."""
        connection = self.device.connections.get(struct.unpack_from("<H", body)[0])
        if connection is None:
            return  # it ended while the firmware's frame was on its way

        async def act() -> None:
            # The link may end at any moment of it, which the firmware learns by another event.
            with contextlib.suppress(core.BaseBumbleError, TimeoutError, asyncio.CancelledError):
                await action(connection)

        task = asyncio.create_task(act())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _advertise(self, body: bytes) -> None:
        flags, interval_us = struct.unpack_from("<BI", body)
        offset = 5
        if flags & 2:
            self._advertisement = body[offset + 1 : offset + 1 + body[offset]]
            offset += 1 + body[offset]
        if flags & 4:
            self._scan_response = body[offset + 1 : offset + 1 + body[offset]]
        device = self.device
        await device.stop_advertising()
        device.advertising_data = self._advertisement
        device.scan_response_data = self._scan_response
        # Core 5.4 Vol 6 Part B, 4.4.2.2: 20 ms to 10.24 s.
        interval_ms = min(max(interval_us / 1000, 20.0), 10240.0)
        await device.start_advertising(
            AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE if flags & 1 else AdvertisingType.UNDIRECTED_SCANNABLE,
            own_address_type=OwnAddressType.RANDOM,
            advertising_interval_min=interval_ms,
            advertising_interval_max=interval_ms,
        )

    async def _notify(self, body: bytes) -> None:
        conn_handle, handle = struct.unpack_from("<HH", body)
        attribute = self._values[handle]
        connection = self.device.connections.get(conn_handle)
        if connection is not None:
            # Subscribed or not: so does ble_gattc_notify_custom.
            await self.device.notify_subscriber(connection, attribute, body[4:], force=True)

    async def _indicate(self, connection: Connection, handle: int, value: bytes) -> None:
        status = 0
        try:
            await self.device.indicate_subscriber(connection, self._values[handle], value, force=True)
        except TimeoutError:
            status = _INDICATION_FAILED
        self._send(CONFIRMED, struct.pack("<HHB", connection.handle, handle, status))

    async def _update(self, handle: int, value: bytes) -> None:
        attribute = self._values[handle]
        if not isinstance(attribute, gatt.Characteristic):
            return  # a descriptor has no subscribers
        for connection in list(self.device.connections.values()):
            cccds = self.device.gatt_server.subscribers.get(connection, {})
            subscription = cccds.get(handle, b"\0\0")[0]
            if subscription & 1 and attribute.properties & _FLAG_NOTIFY:
                await self.device.notify_subscriber(connection, attribute, value, force=True)
            elif subscription & 2 and attribute.properties & _FLAG_INDICATE:
                head = struct.pack("<H", connection.handle)
                self._with_connection(head, lambda c: self._indicate(c, handle, value))

    def on_notification_sent(self, connection_handle: int) -> None:
        """The air has taken one notification: the firmware may queue another."""
        self._send(SENT, struct.pack("<H", connection_handle))


def _parse_services(body: bytes) -> list[_Described]:
    offset = 1
    services: list[_Described] = []

    def take(count: int) -> bytes:
        nonlocal offset
        if offset + count > len(body):
            raise ShimError("the firmware's description of its services ends too early")
        offset += count
        return body[offset - count : offset]

    def take_uuid() -> core.UUID:
        length = take(1)[0]
        if length not in (2, 4, 16):
            raise ShimError(f"the firmware described a UUID of {length} bytes")
        return core.UUID.from_bytes(take(length))

    for _ in range(body[0]):
        service_uuid = take_uuid()
        characteristics = []
        attributes: list[tuple[att.Attribute[bytes], int]] = []
        for _ in range(take(1)[0]):
            uuid = take_uuid()
            flags, handle, count = struct.unpack("<HHB", take(5))
            properties = gatt.Characteristic.Properties(flags & 0x7F)
            descriptors = []
            characteristic = gatt.Characteristic(uuid, properties, _OPEN, b"")
            characteristic.handle = handle
            attributes.append((characteristic, flags))
            for _ in range(count):
                descriptor = gatt.Descriptor(take_uuid(), _OPEN, b"")
                descriptor_flags, descriptor.handle = struct.unpack("<HH", take(4))
                descriptors.append(descriptor)
                attributes.append((descriptor, descriptor_flags))
            characteristic.descriptors = descriptors
            characteristics.append(characteristic)
        services.append((gatt.Service(service_uuid, characteristics), attributes))
    return services
