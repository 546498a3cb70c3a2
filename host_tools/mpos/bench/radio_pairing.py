"""The security manager of a reader's radio: pairing, bonds and permissions, as NimBLE does them for MicroPython.

The secrets lie in the firmware, which is asked for them and given them in NimBLE's own form (ble_store_value_sec);
what a person at the reader says comes from the firmware too. Bumble's own idea of an authenticated link is not used:
it is true for Just Works.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
from collections.abc import Awaitable, Callable

from bumble import att, hci, smp
from bumble.device import Connection, Device
from bumble.keys import KeyStore, PairingKeys
from bumble.pairing import PairingConfig, PairingDelegate

# NimBLE: BLE_STORE_OBJ_TYPE_*, BLE_SM_IOACT_*
OUR_SECRET, PEER_SECRET = 1, 2
INPUT, DISPLAY, COMPARISON = 2, 3, 4
# Core 5.4 Vol 3 Part H, 3.4: the Security Manager Timer.
TIMEOUT_S = 30.0

_BOND, _MITM, _SECURE = 1, 2, 4
_READ_ENCRYPTED, _READ_AUTHENTICATED = 0x0200, 0x0400
_WRITE_ENCRYPTED, _WRITE_AUTHENTICATED = 0x1000, 0x2000
# struct ble_store_value_sec: address, key size, EDIV, Rand, LTK and whether there is one, IRK and the same, CSRK and
# the same with two more bits: 2 authenticated, 4 Secure Connections.
_SECRET = "<7sBH6xQ16sB16sB16sB5x"
SECRET_LENGTH = struct.calcsize(_SECRET)
IO_LARGEST = smp.IoCapability.KEYBOARD_DISPLAY

# (key) -> the value, or None; (type, key, value) -> whether it is kept. Both ask the firmware.
GetSecret = Callable[[int, bytes], Awaitable[bytes | None]]
SetSecret = Callable[[int, bytes, bytes], Awaitable[bool]]


class Security:
    """What a link has reached, as the event ENCRYPTION_UPDATE tells it."""

    def __init__(self) -> None:
        self.encrypted = self.authenticated = self.bonded = False
        self.key_size = 0
        self.settled = asyncio.Event()  # not while keys are on their way: GATT access waits
        self.settled.set()
        self.question: asyncio.Future[int] | None = None

    def body(self) -> bytes:
        return bytes((self.encrypted, self.authenticated, self.bonded, self.key_size))


class Manager:
    """One reader's. `update` is called with a connection and its Security when that has changed, `ask` with a connection,
    what is to be done (INPUT, DISPLAY, COMPARISON) and the number."""

    def __init__(
        self,
        get_secret: GetSecret,
        set_secret: SetSecret,
        update: Callable[[Connection, Security], None],
        ask: Callable[[Connection, int, int], None],
    ) -> None:
        self._get = get_secret
        self._set = set_secret
        self._update = update
        self._ask = ask
        self._flags, self._io = _SECURE, int(smp.IoCapability.NO_INPUT_NO_OUTPUT)
        self._links: dict[int, Security] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._device: Device | None = None

    def configure(self, flags: int, io: int) -> None:
        """BLE.config: bond 1, mitm 2, le_secure 4; the IO capability of Core 5.4 Vol 3 Part H, 2.3.2."""
        self._flags, self._io = flags, io

    def attach(self, device: Device) -> None:
        self._device = device
        device.keystore = _Secrets(self)
        device.pairing_config_factory = self._configuration

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    # -- links

    def on_connection(self, connection: Connection) -> None:
        security = self._links[connection.handle] = Security()
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: self._on_disconnection(connection))
        connection.on(Connection.EVENT_PAIRING_START, security.settled.clear)
        connection.on(Connection.EVENT_PAIRING, lambda keys: self._start(self._on_pairing(connection, keys)))
        connection.on(Connection.EVENT_PAIRING_FAILURE, lambda _reason: self._settle(connection))
        connection.on(
            Connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, lambda: self._start(self._on_encryption(connection))
        )

    def _start(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_disconnection(self, connection: Connection) -> None:
        security = self._links.pop(connection.handle, None)
        if security is not None:
            security.settled.set()
            if security.question is not None:
                security.question.cancel()

    def _settle(self, connection: Connection) -> None:
        security = self._links.get(connection.handle)
        if security is not None:
            self._update(connection, security)
            security.settled.set()

    async def _on_pairing(self, connection: Connection, keys: PairingKeys) -> None:
        # ble_sm_process_result: the keys are stored first, then the application is told.
        security = self._links.get(connection.handle)
        session = self._device.smp_manager.sessions.get(connection.handle) if self._device else None
        if security is None or session is None:
            return
        authenticated = session.pairing_method != smp.PairingMethod.JUST_WORKS
        key_size = min(16, session.preq[4])
        if session.bonding:
            key = _store_key(connection.peer_address)
            flags = 2 * authenticated + 4 * session.sc
            for kind, value in (
                (OUR_SECRET, keys.ltk or keys.ltk_central),
                (PEER_SECRET, keys.ltk or keys.ltk_peripheral),
            ):
                await self._set(kind, key, _secret(key, key_size, value, keys.irk, flags, session.sc))
        security.encrypted, security.authenticated = True, authenticated
        security.bonded, security.key_size = session.bonding, key_size
        self._settle(connection)

    async def _on_encryption(self, connection: Connection) -> None:
        session = self._device.smp_manager.sessions.get(connection.handle) if self._device else None
        security = self._links.get(connection.handle)
        if security is None or (session is not None and not session.completed) or not connection.is_encrypted:
            return  # a pairing that goes on tells at its end
        security.settled.clear()
        value = await self._get(OUR_SECRET, _store_key(connection.peer_address))
        if value is not None and session is None:
            _ltk, size, flags = _unpack(value)
            security.encrypted, security.authenticated = True, bool(flags & 2)
            security.bonded, security.key_size = True, size
            self._settle(connection)
        security.settled.set()

    # -- permissions: ble_att_svr_check_perms

    async def check(self, connection: Connection, flags: int, is_write: bool) -> None:
        """Raises ATT_Error unless the link may do this to an attribute with NimBLE's `flags`."""
        authenticated = flags & (_WRITE_AUTHENTICATED if is_write else _READ_AUTHENTICATED)
        if not authenticated and not flags & (_WRITE_ENCRYPTED if is_write else _READ_ENCRYPTED):
            return
        security = self._links.get(connection.handle)
        if security is None:
            raise att.ATT_Error(error_code=att.ErrorCode.UNLIKELY_ERROR)
        await asyncio.wait_for(security.settled.wait(), TIMEOUT_S)
        if not security.encrypted:
            bond = await self._get(PEER_SECRET, _store_key(connection.peer_address))
            raise att.ATT_Error(
                error_code=att.ErrorCode.INSUFFICIENT_AUTHENTICATION
                if bond is None
                else att.ErrorCode.INSUFFICIENT_ENCRYPTION
            )
        if authenticated and not security.authenticated:
            raise att.ATT_Error(error_code=att.ErrorCode.INSUFFICIENT_AUTHENTICATION)

    def check_subscription(self, connection: Connection, flags: int) -> Awaitable[None]:
        """A descriptor of configuration is as its value is (ble_gatts_register_clt_cfg_dsc)."""
        both = flags | (flags & 0x0700) << 3
        return self.check(connection, both, True)

    # -- pairing

    def _configuration(self, connection: Connection) -> PairingConfig:
        return PairingConfig(
            sc=bool(self._flags & _SECURE),
            mitm=bool(self._flags & _MITM),
            bonding=bool(self._flags & _BOND),
            delegate=_Delegate(self, connection, PairingDelegate.IoCapability(self._io)),
            # Bumble takes the public address otherwise, which a phone then looks for in vain.
            identity_address_type=PairingConfig.AddressType.RANDOM,
        )

    async def forget(self, connection: Connection) -> None:
        """A phone that is bonded pairs anew: MicroPython's answer to BLE_GAP_EVENT_REPEAT_PAIRING."""
        key = _store_key(connection.peer_address)
        if await self._get(PEER_SECRET, key) is not None:
            await self._set(OUR_SECRET, key, b"")
            await self._set(PEER_SECRET, key, b"")

    async def question(self, connection: Connection, action: int, number: int = 0) -> int:
        """What the firmware answers by gap_passkey. Raises TimeoutError, CancelledError."""
        security = self._links[connection.handle]
        security.question = asyncio.get_running_loop().create_future()
        self._ask(connection, action, number)
        try:
            return await asyncio.wait_for(security.question, TIMEOUT_S)
        finally:
            security.question = None

    def answer(self, connection_handle: int, number: int) -> None:
        security = self._links.get(connection_handle)
        if security is not None and security.question is not None and not security.question.done():
            security.question.set_result(number)

    async def ltk(self, name: str) -> bytes | None:
        """ble_sm_retrieve_ltk."""
        value = await self._get(OUR_SECRET, _store_key(hci.Address(name)))
        return None if value is None else _unpack(value)[0]


class _Delegate(PairingDelegate):
    def __init__(self, manager: Manager, connection: Connection, io: PairingDelegate.IoCapability):
        super().__init__(io)
        self._manager = manager
        self._connection = connection

    async def accept(self) -> bool:
        await self._manager.forget(self._connection)
        return True

    async def generate_passkey(self) -> int:
        return await self._manager.question(self._connection, DISPLAY)

    async def display_number(self, number: int, digits: int) -> None:
        pass  # the firmware has shown it

    async def get_number(self) -> int | None:
        return await self._manager.question(self._connection, INPUT)

    async def compare_numbers(self, number: int, digits: int) -> bool:
        return bool(await self._manager.question(self._connection, COMPARISON, number))


class _Secrets(KeyStore):
    # What Bumble looks up when a phone wants the link encrypted. It stores without bonding, too: not here.
    def __init__(self, manager: Manager):
        self._manager = manager

    async def get(self, name: str) -> PairingKeys | None:
        ltk = await self._manager.ltk(name)
        return None if ltk is None else PairingKeys(ltk=PairingKeys.Key(ltk))


def _store_key(address: hci.Address) -> bytes:
    # ble_addr_t: the type of an identity address, then the address as on the air.
    return bytes((address.address_type & 1,)) + bytes(address)


def _secret(
    key: bytes,
    key_size: int,
    ltk: PairingKeys.Key | None,
    irk: PairingKeys.Key | None,
    flags: int,
    is_secure: bool,
) -> bytes:
    # Core 5.4 Vol 3 Part H, 2.4.4: EDIV and Rand are zero for a key of Secure Connections, random otherwise.
    ediv, rand = (0, 0) if is_secure else (secrets.randbits(16), secrets.randbits(64))
    return struct.pack(
        _SECRET,
        key,
        key_size if ltk else 0,
        ediv if ltk else 0,
        rand if ltk else 0,
        ltk.value if ltk else b"",
        1 if ltk else 0,
        irk.value if irk else b"",
        1 if irk else 0,
        b"",
        flags,
    )


def _unpack(value: bytes) -> tuple[bytes | None, int, int]:
    # The LTK, its size, the flags.
    fields = struct.unpack(_SECRET, value)
    return (fields[4] if fields[5] & 1 else None), fields[1], fields[9]
