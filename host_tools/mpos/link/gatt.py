"""The link over BLE with Bumble as the phone's stack: find the reader, raise the MTU, subscribe, write fragments."""

from __future__ import annotations

import asyncio
import contextlib

from bumble.att import ATT_Error, ErrorCode
from bumble.core import UUID, AdvertisingData, BaseBumbleError, ProtocolError
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy
from bumble.hci import Address

from mpos.link.client import ReaderGone
from mpos.link.framing import Assembler, fragments
from mpos.link.messages import LinkError
from mpos.link.pairing import PAIRING_TIMEOUT_S, BondLost, Pairing, bounded

SERVICE = UUID("8f1d0001-6d70-4f53-9a3c-52c5a1b7e0d1")
READER_RECEIVES = UUID("8f1d0002-6d70-4f53-9a3c-52c5a1b7e0d1")
READER_SENDS = UUID("8f1d0003-6d70-4f53-9a3c-52c5a1b7e0d1")
MTU = 247
SCAN_TIMEOUT_S = 10.0
# Besides what a person takes for the pairing
_OPEN_TIMEOUT_S = 30.0
# A fragment that continues nothing: the reader drops it without a word (docs/link.md)
_PROBE = b"\0"
_WANTS_PAIRING = (ErrorCode.INSUFFICIENT_AUTHENTICATION, ErrorCode.INSUFFICIENT_ENCRYPTION)


class GattPipe:
    """Whole messages over one GATT connection. Made by `connect`."""

    def __init__(self, connection: Connection, receives: CharacteristicProxy, mtu: int):
        self.connection = connection
        self.receives = receives
        self.mtu = mtu
        self._messages: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._assembler = Assembler()
        connection.on("disconnection", self._on_disconnection)

    async def send(self, message: bytes) -> None:
        for fragment in fragments(message, self.mtu):
            await self.write(fragment)

    async def write(self, fragment: bytes) -> None:
        """One fragment as it is, without response: the reader has room for a whole message of them."""
        if not self.connection_alive():
            raise ReaderGone("the reader has disconnected")
        await self.receives.write_value(fragment, with_response=False)

    def connection_alive(self) -> bool:
        return self.connection.device.connections.get(self.connection.handle) is self.connection

    async def receive(self) -> bytes:
        item = await self._messages.get()
        if isinstance(item, Exception):
            raise item
        return item

    async def close(self) -> None:
        if self.connection_alive():
            with contextlib.suppress(ProtocolError, TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self.connection.disconnect(), 5)

    def on_notification(self, value: bytes) -> None:
        try:
            message = self._assembler.feed(bytes(value))
        except LinkError as error:
            self._messages.put_nowait(error)
            return
        if message is not None:
            self._messages.put_nowait(message)

    def _on_disconnection(self, _reason: int) -> None:
        self._messages.put_nowait(ReaderGone("the reader disconnected"))


async def connect(device: Device, pairing: Pairing | None = None, address: Address | None = None) -> GattPipe:
    """Find a reader, or the one of `address`, connect, and open the pipe.

    pairing: pairs with a reader that asks for it, and encrypts by the bond from then on; None: such a reader is refused.
    Raises ReaderGone with what went wrong; of it PairingFailed, BondLost.
    """
    if pairing is not None:
        pairing.attach(device)
    try:
        connection = await device.connect(address or await find(device), timeout=SCAN_TIMEOUT_S)
    except (BaseBumbleError, TimeoutError) as error:
        raise ReaderGone(f"the reader was found and did not take the connection: {error}") from error
    try:
        return await bounded(_open(connection, pairing), PAIRING_TIMEOUT_S + _OPEN_TIMEOUT_S)
    except BaseException as error:
        with contextlib.suppress(ProtocolError, TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(connection.disconnect(), 5)
        if isinstance(error, BaseBumbleError | TimeoutError):
            raise ReaderGone(f"the reader connected and did not go on: {error}") from error
        raise


async def _open(connection: Connection, pairing: Pairing | None) -> GattPipe:
    # With a bond nothing is said in clear: another reader under the same address could not encrypt.
    if pairing is not None and await pairing.knows(connection.peer_address):
        try:
            await pairing.secure_link(connection)
        except BondLost:
            if not pairing.renew:
                raise
            await pairing.pair(connection)
    peer = Peer(connection)
    mtu = await peer.request_mtu(MTU)
    await peer.discover_service(SERVICE)
    services = peer.get_services_by_uuid(SERVICE)
    if not services:
        raise ReaderGone("the device that answered has no reader service")
    await peer.discover_characteristics(service=services[0])
    receives = peer.get_characteristics_by_uuid(READER_RECEIVES, services[0])
    sends = peer.get_characteristics_by_uuid(READER_SENDS, services[0])
    if not receives or not sends:
        raise ReaderGone("the reader's service lacks a characteristic: its firmware is not of this protocol")
    if pairing is not None and not connection.is_encrypted:
        # Not every stack lets the subscription say it; a write always does
        try:
            await receives[0].write_value(_PROBE, with_response=True)
        except ATT_Error as error:
            if error.error_code not in _WANTS_PAIRING:
                raise
            await pairing.pair(connection)
    pipe = GattPipe(connection, receives[0], mtu)
    await peer.discover_descriptors(sends[0])
    try:
        await peer.subscribe(sends[0], pipe.on_notification)
    except ATT_Error as error:
        if error.error_code not in _WANTS_PAIRING:
            raise
        raise ReaderGone("the reader wants to be paired with this phone first: it has a display") from error
    return pipe


async def find(device: Device) -> Address:
    """The address of the first device that advertises the reader's service."""
    found: asyncio.Future[Address] = asyncio.get_running_loop().create_future()

    def on_advertisement(advertisement: Advertisement) -> None:
        for kind in (
            AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
            AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
        ):
            uuids = advertisement.data.get(kind)
            if uuids and SERVICE in uuids and not found.done():
                found.set_result(advertisement.address)

    device.on("advertisement", on_advertisement)
    await device.start_scanning(active=True, filter_duplicates=False)
    try:
        return await asyncio.wait_for(found, SCAN_TIMEOUT_S)
    except TimeoutError:
        raise ReaderGone("no reader advertises: is it switched on, and is no other phone connected to it?") from None
    finally:
        device.remove_listener("advertisement", on_advertisement)
        await device.stop_scanning()
