"""MicroPython's `bluetooth` module for the unix board.

The interface is that of MicroPython 1.25 with NimBLE (its documentation, library/bluetooth); the radio
behind it is the bench, reached over a loopback socket whose address is in the environment variable
MPOS_RADIO ("127.0.0.1:PORT"). The GATT values live here, in the heap, as they do on a microcontroller; the
bench holds the attribute table and the air.

The peripheral role is complete, pairing included: the security manager is the bench's, its secrets lie in the
firmware (events GET_SECRET, SET_SECRET; a value is laid out as NimBLE's ble_store_value_sec, as on a
microcontroller). The central role is not here, and gap_pair neither, a phone's business: those calls raise
OSError(EOPNOTSUPP). Without a bench, or after it has gone, calls raise OSError(ENODEV).

Events are dispatched by an asyncio task that waits on the socket, so an event loop must run. Frames both
ways are `length(2) opcode(1) body`, little-endian, the length counting the opcode; the other half is
mpos.bench.radio_shim.
"""

import asyncio
import errno
import os
import select
import socket
import struct
import sys
from asyncio import core as _core

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable, Generator

FLAG_READ = const(0x0002)
FLAG_WRITE_NO_RESPONSE = const(0x0004)
FLAG_WRITE = const(0x0008)
FLAG_NOTIFY = const(0x0010)
FLAG_INDICATE = const(0x0020)

# MicroPython's socket module has no names for these; Linux's values.
_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)

_VERSION = const(2)
_MAGIC = b"mPOS"

# To the bench.
_HELLO = const(0x01)
_CONFIG = const(0x02)
_REGISTER = const(0x03)
_ADVERTISE = const(0x04)
_ADVERTISE_STOP = const(0x05)
_DISCONNECT = const(0x06)
_NOTIFY = const(0x07)
_INDICATE = const(0x08)
_UPDATE = const(0x09)
_ANSWER = const(0x0A)
_EXCHANGE_MTU = const(0x0B)
_PASSKEY = const(0x0C)

# From the bench.
_READY = const(0x81)
_CONNECTED = const(0x82)
_DISCONNECTED = const(0x83)
_WRITE = const(0x84)
_READ = const(0x85)
_MTU = const(0x86)
_SENT = const(0x87)
_CONFIRMED = const(0x88)
_ENCRYPTED = const(0x89)
_ASK_PASSKEY = const(0x8A)
_GET_SECRET = const(0x8B)
_SET_SECRET = const(0x8C)
# Shortest body of each, opcode included, from _READY on; all but _WRITE and the secrets have exactly this length.
_LENGTHS = b"\x0a\x0a\x03\x06\x06\x05\x03\x06\x07\x08\x04\x04"

_IRQ_CENTRAL_CONNECT = const(1)
_IRQ_CENTRAL_DISCONNECT = const(2)
_IRQ_GATTS_WRITE = const(3)
_IRQ_GATTS_READ_REQUEST = const(4)
_IRQ_GATTS_INDICATE_DONE = const(20)
_IRQ_MTU_EXCHANGED = const(21)
_IRQ_ENCRYPTION_UPDATE = const(28)
_IRQ_GET_SECRET = const(29)
_IRQ_SET_SECRET = const(30)
_IRQ_PASSKEY_ACTION = const(31)

# Of the settings, for the bench: bits in the order of ("bond", "mitm", "le_secure"), then the IO capability.
_SECURE_ALONE = const(4)  # NimBLE's default: le_secure, nothing else
_IO_NONE = const(3)

_DEFAULT_VALUE_LENGTH = const(20)  # NimBLE port: MP_BLUETOOTH_DEFAULT_ATTR_LEN
_DEFAULT_MTU = const(23)  # Core 5.4 Vol 3 Part F, 3.2.8: until it is exchanged
_PREFERRED_MTU = const(256)
_MTU_LARGEST = const(527)
_ADVERTISEMENT_LARGEST = const(31)  # Core 5.4 Vol 6 Part B, 2.3.1.1
_VALUE_LARGEST = const(512)  # Core 5.4 Vol 3 Part F, 3.2.9
_FRAME_LARGEST = const(_VALUE_LARGEST + 8)
# Handles 1 to 9 are the bench's Generic Access and Generic Attribute services.
_FIRST_HANDLE = const(10)
_FRAMES_PER_TURN = const(16)  # then the other tasks get theirs
_ANSWER_TIMEOUT_MS = const(3000)  # for the bench's greeting, and for a full socket to empty


def _bytes(data: object) -> bytes:
    return data.encode() if isinstance(data, str) else bytes(data)


class UUID(bytes):
    """A UUID of 2, 4 or 16 bytes, little-endian as on the air. `value`: int (16-bit), str or bytes.

    It is a subclass of bytes because that is how a class gets the buffer protocol in MicroPython.
    """

    def __init__(self, value: "int | str | bytes") -> None:
        if isinstance(value, int):
            if not 0 <= value <= 0xFFFF:
                raise ValueError("invalid UUID")
            value = value.to_bytes(2, "little")
        elif isinstance(value, str):
            digits = value.replace("-", "")
            if len(digits) != 32:
                raise ValueError("UUID too " + ("long" if len(digits) > 32 else "short"))
            value = bytes(reversed(bytes.fromhex(digits)))
        else:
            value = bytes(value)
            if len(value) not in (2, 4, 16):
                raise ValueError("invalid UUID")
        super().__init__(value)

    def __len__(self) -> int:
        return len(bytes(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UUID) and bytes(self) == bytes(other)

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __str__(self) -> str:
        digits = bytes(reversed(bytes(self))).hex()
        if len(digits) <= 8:
            return "UUID(0x" + digits + ")"
        parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        return "UUID('" + "-".join(parts) + "')"

    __repr__ = __str__


class _Value:
    # One attribute's value, as modbluetooth.c keeps it: an allocation, the part of it in use, and whether
    # remote writes append.
    def __init__(self) -> None:
        self.data = bytearray(_DEFAULT_VALUE_LENGTH)
        self.length = 0
        self.append = False


class _Connection:
    def __init__(self, address: bytes, credits: int) -> None:
        self.address = address  # type(1) address(6, big-endian)
        self.credits = credits  # notifications the stack still has buffers for
        self.mtu = _DEFAULT_MTU


class BLE:
    """The one radio. Methods and events are MicroPython's; see the module's docstring for what is left out."""

    _only = None

    def __new__(cls) -> "BLE":
        if cls._only is None:
            cls._only = ble = object.__new__(cls)
            ble._sock = None
            ble._task = None
            ble._handler = None
            ble._name = b"MPY NIMBLE"
            ble._mtu = _PREFERRED_MTU
            ble._security = bytearray((_SECURE_ALONE, _IO_NONE))
            ble._reset()
        return cls._only

    def _reset(self) -> None:
        self._have = 0
        self._values = {}
        self._connections = {}

    # -- the interface

    def active(self, active: "bool | None" = None) -> bool:
        """Switch the radio on or off, if told to; returns whether it is on. Switching off drops every link.

        Raises OSError: ENODEV without MPOS_RADIO or when nothing there speaks the bench's protocol,
        ETIMEDOUT when it does not answer, or the errno of the connection attempt.
        """
        if active is not None:
            if active and self._sock is None:
                self._open()
            elif not active and self._sock is not None:
                self._close()
        return self._sock is not None

    def config(self, *args: str, **kwargs: object) -> object:
        """Get one parameter by name (mac, mtu, gap_name) or set some (mtu, gap_name, addr_mode, bond, mitm, le_secure,
        io)."""
        if not kwargs:
            if len(args) != 1:
                raise TypeError("must query one param")
            if args[0] == "gap_name":
                return self._name
            if args[0] == "mac":
                self._check()
                return (self._mac[0], self._mac[1:])
            if args[0] == "mtu":
                self._check()
                return self._mtu
            raise ValueError("unknown config param")
        if args:
            raise TypeError("can't specify pos and kw args")
        for name, value in kwargs.items():
            if name == "gap_name":
                self._name = _bytes(value)
            elif name == "mtu":
                self._check()
                if not _DEFAULT_MTU <= value <= _MTU_LARGEST:
                    raise OSError(errno.EINVAL)
                self._mtu = value
            elif name == "io":
                self._security[1] = value
            elif name in ("bond", "mitm", "le_secure"):
                bit = 1 << ("bond", "mitm", "le_secure").index(name)
                self._security[0] = self._security[0] & ~bit | (bit if value else 0)
            elif name != "addr_mode":
                raise ValueError("unknown config param")
            elif value != 1:
                raise OSError(errno.EOPNOTSUPP)
        if self._sock is not None:
            self._send(_CONFIG, self._settings())

    def irq(self, handler: "Callable[[int, tuple], object] | None") -> None:
        """Set the function called with (event, data); memoryviews in data are valid only during the call."""
        self._handler = handler

    def gap_advertise(
        self,
        interval_us: "int | None",
        adv_data: "bytes | None" = None,
        *,
        resp_data: "bytes | None" = None,
        connectable: bool = True,
    ) -> None:
        """Advertise, or with None stop. Payloads of at most 31 bytes; None keeps the last one."""
        self._check()
        if interval_us is None:
            self._send(_ADVERTISE_STOP)
            return
        flags = 1 if connectable else 0
        body = b""
        for bit, payload in ((2, adv_data), (4, resp_data)):
            if payload is not None:
                payload = _bytes(payload)
                if len(payload) > _ADVERTISEMENT_LARGEST:
                    raise OSError(errno.EINVAL)
                flags |= bit
                body += bytes((len(payload),)) + payload
        self._send(_ADVERTISE, struct.pack("<BI", flags, interval_us), body)

    def gap_disconnect(self, conn_handle: int) -> bool:
        """Ask for the end of a link; the disconnect event says when. False: there is no such link."""
        self._check()
        if conn_handle not in self._connections:
            return False
        self._send(_DISCONNECT, struct.pack("<H", conn_handle))
        return True

    def gatts_register_services(self, services: tuple) -> tuple:
        """Replace all services; returns for each a tuple of its value and descriptor handles."""
        self._check()
        handle = _FIRST_HANDLE
        body = bytearray((len(services),))
        values = {}
        result = []
        for uuid, characteristics in services:
            _describe(body, uuid)
            body.append(len(characteristics))
            handle += 1  # the service's declaration
            handles = []
            for item in characteristics:
                descriptors = item[2] if len(item) > 2 else ()
                # aioble marks its captured characteristics with 0x10000; NimBLE's flags have 16 bits.
                flags = item[1] & 0xFFFF
                handle += 1  # the characteristic's declaration
                _describe(body, item[0])
                body.extend(struct.pack("<HHB", flags, handle, len(descriptors)))
                values[handle] = _Value()
                handles.append(handle)
                handle += 1
                if flags & (FLAG_NOTIFY | FLAG_INDICATE):
                    handle += 1  # NimBLE puts the CCCD directly after the value
                for descriptor in descriptors:
                    _describe(body, descriptor[0])
                    body.extend(struct.pack("<HH", descriptor[1] & 0xFFFF, handle))
                    values[handle] = _Value()
                    handles.append(handle)
                    handle += 1
            result.append(tuple(handles))
        self._send(_REGISTER, body)
        self._values = values
        return tuple(result)

    def gatts_read(self, value_handle: int) -> bytes:
        """The value; an appending one is emptied."""
        value = self._value(value_handle)
        data = bytes(memoryview(value.data)[: value.length])
        if value.append:
            value.length = 0
        return data

    def gatts_write(self, value_handle: int, data: bytes, send_update: bool = False) -> int:
        """Set the value, which grows if it must; send_update notifies or indicates the subscribers."""
        value = self._value(value_handle)
        data = _bytes(data)
        if len(data) > len(value.data):
            value.data = bytearray(data)
        else:
            value.data[: len(data)] = data
        value.length = len(data)
        if send_update:
            self._send(_UPDATE, struct.pack("<H", value_handle), data)
        return len(data)

    def gatts_set_buffer(self, value_handle: int, length: int, append: bool = False) -> None:
        """Give the value room for `length` bytes, and empty it. append: remote writes are joined."""
        value = self._value(value_handle)
        value.data = bytearray(length)
        value.length = 0
        value.append = append

    def gatts_notify(self, conn_handle: int, value_handle: int, data: "bytes | None" = None) -> None:
        """Notify, subscribed or not, with `data` or the value; what exceeds MTU-3 is cut off.

        Raises OSError: ENOMEM while too many notifications wait for the air, ENOTCONN, EINVAL.
        """
        connection = self._connection(conn_handle)
        self._value(value_handle)
        # A microcontroller's stack has few buffers too; whoever ignores this loses fragments there.
        if not connection.credits:
            raise OSError(errno.ENOMEM)
        connection.credits -= 1
        self._send_value(_NOTIFY, conn_handle, value_handle, data)

    def gatts_indicate(self, conn_handle: int, value_handle: int, data: "bytes | None" = None) -> None:
        """As gatts_notify, acknowledged: the event INDICATE_DONE carries the status."""
        self._connection(conn_handle)
        self._value(value_handle)
        self._send_value(_INDICATE, conn_handle, value_handle, data)

    def gattc_exchange_mtu(self, conn_handle: int) -> None:
        """Begin the exchange; the event MTU_EXCHANGED carries the result."""
        self._connection(conn_handle)
        self._send(_EXCHANGE_MTU, struct.pack("<H", conn_handle))

    def gap_passkey(self, conn_handle: int, action: int, passkey: int) -> None:
        """The answer to the event PASSKEY_ACTION: the number (2 input, 3 display), or whether it is the same (4)."""
        self._connection(conn_handle)
        if not 2 <= action <= 4:
            raise OSError(errno.EINVAL)
        self._send(_PASSKEY, struct.pack("<HBI", conn_handle, action, passkey))

    def _unsupported(self, *args: object, **kwargs: object) -> None:
        raise OSError(errno.EOPNOTSUPP)

    gap_scan = gap_connect = gap_pair = _unsupported
    gattc_discover_services = gattc_discover_characteristics = gattc_discover_descriptors = _unsupported
    gattc_read = gattc_write = _unsupported
    l2cap_listen = l2cap_connect = l2cap_disconnect = l2cap_send = l2cap_recvinto = _unsupported

    # -- checks

    def _check(self) -> None:
        if self._sock is None:
            raise OSError(errno.ENODEV)

    def _value(self, handle: int) -> _Value:
        self._check()
        value = self._values.get(handle)
        if value is None:
            raise OSError(errno.EINVAL)
        return value

    def _connection(self, handle: int) -> _Connection:
        self._check()
        connection = self._connections.get(handle)
        if connection is None:
            raise OSError(errno.ENOTCONN)
        return connection

    # -- the socket

    def _settings(self) -> bytes:
        return struct.pack("<H", self._mtu) + self._security + self._name

    def _open(self) -> None:
        where = os.getenv("MPOS_RADIO")
        if not where:
            raise OSError(errno.ENODEV)
        host, port = where.rsplit(":", 1)
        sock = socket.socket()
        try:
            sock.connect(socket.getaddrinfo(host, int(port))[0][-1])
            # Small frames back and forth: Nagle's delay would add 40 ms to each turn.
            sock.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        self._reset()
        self._mtu = _PREFERRED_MTU
        self._rx = bytearray(2 + _FRAME_LARGEST)
        self._address = bytearray(6)
        self._sock = sock
        try:
            self._send(_HELLO, _MAGIC + bytes((_VERSION,)), self._settings())
            poll = select.poll()
            poll.register(sock, select.POLLIN)
            while not (length := self._frame()):
                if not poll.poll(_ANSWER_TIMEOUT_MS):
                    raise OSError(errno.ETIMEDOUT)
            if self._rx[2] != _READY or length != _LENGTHS[0] or self._rx[3] != _VERSION:
                raise OSError(errno.ENODEV)
        except OSError:
            self._sock = None
            sock.close()
            raise
        self._credits = self._rx[4]
        self._mac = bytes(self._rx[5:12])
        self._have = 0
        self._task = asyncio.create_task(self._pump())

    def _close(self) -> None:
        sock = self._sock
        self._sock = None
        # The pump ends by itself when it is the pump that called (from an event handler).
        if self._task is not _core.cur_task:
            self._task.cancel()
        sock.close()
        self._reset()

    def _lost(self) -> None:
        # The bench has gone, or speaks nonsense: no link survives that.
        connections = self._connections
        self._close()
        for handle, connection in connections.items():
            self._event_with_address(_IRQ_CENTRAL_DISCONNECT, handle, connection.address)

    def _send(self, opcode: int, head: bytes = b"", data: bytes = b"") -> None:
        frame = struct.pack("<HB", 1 + len(head) + len(data), opcode) + head + data
        sent = 0
        poll = None
        try:
            while True:
                sent += self._sock.write(memoryview(frame)[sent:]) or 0
                if sent == len(frame):
                    return
                if poll is None:
                    poll = select.poll()
                    poll.register(self._sock, select.POLLOUT)
                if not poll.poll(_ANSWER_TIMEOUT_MS):
                    break
        except OSError:
            pass
        self._lost()
        raise OSError(errno.ENODEV)

    def _send_value(self, opcode: int, conn_handle: int, value_handle: int, data: "bytes | None") -> None:
        data = self.gatts_read(value_handle) if data is None else _bytes(data)
        # NimBLE cuts silently. Core 5.4 Vol 3 Part F, 3.4.7.1.
        data = data[: self._connections[conn_handle].mtu - 3]
        self._send(opcode, struct.pack("<HH", conn_handle, value_handle), data)

    def _frame(self) -> int:
        # Reads on; returns the length of the frame at rx[2:] when it is whole, else 0.
        # Raises OSError when the line is closed or what comes is not a frame.
        rx = self._rx
        while True:
            have = self._have
            need = 2
            if have >= 2:
                length = rx[0] | rx[1] << 8
                if not 0 < length <= _FRAME_LARGEST:
                    raise OSError(errno.ENODEV)
                need += length
                if have == need:
                    return length
            count = self._sock.readinto(memoryview(rx)[have:need])
            if count is None:
                return 0
            if not count:
                raise OSError(errno.ENODEV)
            self._have = have + count

    # -- events

    def _pump(self) -> "Generator":
        # A plain generator is a coroutine to MicroPython's asyncio; this is its way to wait for a socket.
        while self._sock is not None:
            yield _core._io_queue.queue_read(self._sock)
            try:
                for _ in range(_FRAMES_PER_TURN):
                    if self._sock is None or not (length := self._frame()):
                        break
                    self._dispatch(length)
                    self._have = 0
            except OSError as error:
                if self._sock is not None:
                    print("bluetooth: the bench is gone or sent garbage; the radio is off", error, file=sys.stderr)
                    self._lost()

    def _dispatch(self, length: int) -> None:
        rx = self._rx
        opcode = rx[2]
        index = opcode - _READY
        if not 0 < index < len(_LENGTHS) or length < _LENGTHS[index]:
            raise OSError(errno.ENODEV)
        if opcode >= _GET_SECRET:
            self._secret(opcode, length)
            return
        if opcode != _WRITE and length != _LENGTHS[index]:
            raise OSError(errno.ENODEV)
        conn_handle = rx[3] | rx[4] << 8
        if opcode == _CONNECTED:
            address = bytes(memoryview(rx)[5:12])
            self._connections[conn_handle] = _Connection(address, self._credits)
            self._event_with_address(_IRQ_CENTRAL_CONNECT, conn_handle, address)
            return
        connection = self._connections.get(conn_handle)
        if connection is None:
            raise OSError(errno.ENODEV)
        if opcode == _DISCONNECTED:
            del self._connections[conn_handle]
            self._event_with_address(_IRQ_CENTRAL_DISCONNECT, conn_handle, connection.address)
        elif opcode == _SENT:
            connection.credits = min(connection.credits + 1, self._credits)
        elif opcode == _MTU:
            connection.mtu = rx[5] | rx[6] << 8
            self._event(_IRQ_MTU_EXCHANGED, (conn_handle, connection.mtu))
        elif opcode == _ENCRYPTED:
            self._event(_IRQ_ENCRYPTION_UPDATE, (conn_handle, bool(rx[5]), bool(rx[6]), bool(rx[7]), rx[8]))
        elif opcode == _ASK_PASSKEY:
            self._event(_IRQ_PASSKEY_ACTION, (conn_handle, rx[5], struct.unpack_from("<I", rx, 6)[0]))
        else:
            value_handle = rx[5] | rx[6] << 8
            if opcode == _CONFIRMED:
                self._event(_IRQ_GATTS_INDICATE_DONE, (conn_handle, value_handle, rx[7]))
                return
            self._access(opcode, conn_handle, value_handle, length)

    def _access(self, opcode: int, conn_handle: int, value_handle: int, length: int) -> None:
        # modbluetooth_nimble.c, characteristic_access_cb.
        value = self._values.get(value_handle)
        if value is None:
            raise OSError(errno.ENODEV)
        status = 0
        data = b""
        token = self._rx[7]
        if opcode == _WRITE:
            start = value.length if value.append else 0
            count = min(len(value.data) - start, length - 6)
            value.data[start : start + count] = memoryview(self._rx)[8 : 8 + count]
            value.length = start + count
            self._event(_IRQ_GATTS_WRITE, (conn_handle, value_handle))
        else:
            # A handler may refuse with an ATT error, or refresh the value before it is read.
            status = self._event(_IRQ_GATTS_READ_REQUEST, (conn_handle, value_handle)) or 0
            if not status:
                data = memoryview(value.data)[: value.length]
        if self._sock is not None:  # the handler may have switched the radio off
            # The bench sends the ATT response only now, when the handler has returned.
            self._send(_ANSWER, bytes((token, status)), bytes(data))

    def _secret(self, opcode: int, length: int) -> None:
        # token(1) type(1) index(1) key: the value is the answer, status 1; no key: the index'th of this type.
        # token(1) type(1) length(1) key value: status 1 if it is kept; no value: it is to be forgotten.
        token, kind, count = self._rx[3:6]
        view = memoryview(bytes(memoryview(self._rx)[6 : 2 + length]))
        answer = b""
        if opcode == _GET_SECRET:
            answer = self._event(_IRQ_GET_SECRET, (kind, count, view if len(view) else None))
            status = answer is not None
        else:
            if count > len(view):
                raise OSError(errno.ENODEV)
            value = view[count:]
            status = self._event(_IRQ_SET_SECRET, (kind, view[:count], value if len(value) else None))
        if self._sock is not None:
            self._send(_ANSWER, bytes((token, 1 if status else 0)), bytes(answer or b""))

    def _event_with_address(self, event: int, conn_handle: int, address: bytes) -> None:
        view = memoryview(self._address)
        view[:] = address[1:]
        self._event(event, (conn_handle, address[0], view))
        # The view is only valid during the call; who keeps it shall see that at once.
        view[:] = b"\xdd\xdd\xdd\xdd\xdd\xdd"

    def _event(self, event: int, data: tuple) -> object:
        if self._handler is None:
            return None
        try:
            return self._handler(event, data)
        except Exception as error:  # whatever it is: modbluetooth.c prints it and disables the handler
            print("Unhandled exception in IRQ callback handler", file=sys.stderr)
            sys.print_exception(error, sys.stderr)
            self._handler = None
        return None


def _describe(body: bytearray, uuid: UUID) -> None:
    if not isinstance(uuid, UUID):
        raise ValueError("invalid UUID")
    data = bytes(uuid)
    body.append(len(data))
    body.extend(data)
