"""The air of the bench: virtual Bluetooth controllers on a virtual link, unpaced or paced like a real one.

Bumble's controllers and link do most of it. What they leave out, and a reader and a phone notice, is here:
scan responses and advertising types, a connection attempt that is cancelled or comes second, the time that
packets take, and radio loss.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from bumble import hci, link, ll
from bumble.controller import Connection, Controller, LegacyAdvertiser

if TYPE_CHECKING:
    from bumble.core import PhysicalTransport

_log = logging.getLogger(__name__)

_AIR_PDU_OCTETS = 251  # LL data length extension, Core 5.4 Vol 6 Part B, 4.5.10
_ADV_TYPE = hci.HCI_LE_Set_Advertising_Parameters_Command.AdvertisingType
_REPORT = hci.HCI_LE_Advertising_Report_Event


@dataclasses.dataclass(frozen=True)
class Pace:
    """How fast the air is. Phones choose connection intervals of 30 to 45 ms and send a few PDUs in each.

    interval: seconds between connection events, 0.0075 to 4 (Core 5.4 Vol 6 Part B, 4.5.1).
    pdus: link-layer packets that fit in one event, for each direction.
    """

    interval: float = 0.0375
    pdus: int = 4

    def __post_init__(self) -> None:
        if not 0.0075 <= self.interval <= 4:
            raise ValueError(f"a connection interval is 7.5 ms to 4 s, not {self.interval * 1000:g} ms")
        if self.pdus < 1:
            raise ValueError(f"a connection event carries at least one packet, not {self.pdus}")


@dataclasses.dataclass
class _Advertisement(ll.AdvInd):
    # Bumble's carries only the data.
    type: int = _ADV_TYPE.ADV_IND
    scan_response: bytes = b""


class _Advertiser(LegacyAdvertiser):
    def _on_timer_fired(self) -> None:
        self.send_advertising_data()
        # The parameter counts units of 0.625 ms. Core 5.4 Vol 4 Part E, 7.8.5.
        self.timer_handle = asyncio.get_running_loop().call_later(
            self.advertising_interval_min * 0.000625, self._on_timer_fired
        )

    def send_advertising_data(self) -> None:
        if self.enabled:
            self.controller.send_advertising_pdu(
                _Advertisement(self.address, self.advertising_data, int(self.advertising_type), self.scan_response_data)
            )


class RadioController(Controller):
    """A Bluetooth controller on a RadioLink; legacy advertising only, as NimBLE's on the reader."""

    def __init__(self, name: str, link: RadioLink) -> None:
        super().__init__(name, link=link)
        self.le_legacy_advertiser = _Advertiser(self)
        self.le_features &= ~hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        self.le_acl_data_packet_length = _AIR_PDU_OCTETS

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        """Report what is heard, and connect if this is whom the host waits for."""
        if not isinstance(pdu, _Advertisement):
            super().on_advertising_pdu(pdu)
            return
        if self.le_scan_enable:
            self._report(pdu, pdu.type, pdu.data)
            # Core 5.4 Vol 6 Part B, 4.4.3.2: only an active scanner asks for the rest.
            if self.le_scan_type == 1 and pdu.type in (_ADV_TYPE.ADV_IND, _ADV_TYPE.ADV_SCAN_IND):
                self._report(pdu, _REPORT.EventType.SCAN_RSP, pdu.scan_response)
        pending = self.pending_le_connection
        if pending and pending.peer_address == pdu.advertiser_address and pdu.type == _ADV_TYPE.ADV_IND:
            self.create_le_connection(pdu.advertiser_address)

    def _report(self, pdu: _Advertisement, event_type: int, data: bytes) -> None:
        address = pdu.advertiser_address
        report = _REPORT.Report(
            event_type=event_type, address_type=address.address_type, address=address, data=data, rssi=-50
        )
        self.send_hci_packet(_REPORT([report]))

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Core 5.4 Vol 4 Part E, 7.8.13: the attempt ends with a Connection Complete event."""
        pending = self.pending_le_connection
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet,
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            ),
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)


class RadioLink(link.LocalLink):
    """Carries packets between RadioControllers, at once or at a Pace."""

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__()
        self._pace = pace
        # Per direction: the loop time of the connection event that is being filled, and the PDUs in it.
        self._events: dict[tuple[Controller, hci.Address], tuple[float, int]] = {}
        # What is on its way and has not arrived.
        self._flying: set[asyncio.Handle] = set()
        # Called with (sender, receiver's address, ACL payload) when a packet arrives.
        self.on_arrival: Callable[[Controller, hci.Address, bytes], None] | None = None

    def _send(self, sender: Controller, destination: hci.Address, pdus: int, arrive: Callable[[], None]) -> None:
        """Let `arrive` happen when the air has carried `pdus` more packets from sender to destination."""
        loop = asyncio.get_running_loop()
        handle: asyncio.Handle | None = None

        def land() -> None:
            if handle is not None:
                self._flying.discard(handle)
            arrive()

        if self._pace is None:
            handle = loop.call_soon(land)
        else:
            interval = self._pace.interval
            upcoming = (int(loop.time() / interval) + 1) * interval
            event, used = self._events.get((sender, destination), (0.0, 0))
            if event < upcoming:
                event, used = upcoming, 0
            used += pdus
            while used > self._pace.pdus:
                event += interval
                used -= self._pace.pdus
            self._events[sender, destination] = (event, used)
            # The order within an event stays; equal times would not promise it.
            handle = loop.call_at(event + used * 1e-5, land)
        self._flying.add(handle)

    def send_acl_data(
        self, sender_controller: Controller, destination_address: hci.Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        """A data packet; it is lost if the link has gone when it should arrive."""
        receiver = self.find_le_controller(destination_address)
        if receiver is None:
            return
        source = sender_controller.random_address

        def arrive() -> None:
            if source in receiver.le_connections:
                receiver.on_link_acl_data(source, transport, data)
                if self.on_arrival is not None and destination_address in sender_controller.le_connections:
                    self.on_arrival(sender_controller, destination_address, data)

        pdus = -(-len(data) // _AIR_PDU_OCTETS)
        self._send(sender_controller, destination_address, pdus, arrive)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """A control packet; it stays behind the data that was sent before it."""
        sender = self.find_le_controller(sender_address)
        receiver = self.find_le_controller(receiver_address)
        if sender is None or receiver is None:
            return

        def arrive() -> None:
            if sender_address in receiver.le_connections:
                receiver.on_ll_control_pdu(sender_address, packet)

        self._send(sender, receiver_address, 1, arrive)

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        """An advertisement to everybody, or a request to connect to one advertiser."""
        if not isinstance(packet, ll.ConnectInd):
            super().send_advertising_pdu(sender_controller, packet)
            return

        def arrive() -> None:
            for controller in self.controllers:
                advertiser = controller.le_legacy_advertiser
                if advertiser.enabled and advertiser.address == packet.advertiser_address:
                    controller.on_le_connect_ind(packet)
                    return
            # Somebody was faster. Core 5.4 Vol 6 Part B, 4.5: the connection is not established.
            connection: Connection | None = sender_controller.le_connections.get(packet.advertiser_address)
            if connection is not None:
                sender_controller.on_le_disconnected(
                    connection, hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
                )

        asyncio.get_running_loop().call_soon(arrive)

    def drop(self, later_s: float = 0.0) -> None:
        """Radio loss: what is in the air is gone, and both ends see the supervision time-out; those who advertise, the
        peripherals, so many seconds later than the others."""
        for handle in self._flying:
            handle.cancel()
        self._flying.clear()
        self._events.clear()
        for controller in list(self.controllers):
            for connection in list(controller.le_connections.values()):
                if later_s and connection.role == hci.Role.PERIPHERAL:
                    asyncio.get_running_loop().call_later(later_s, self._time_out, controller, connection)
                else:
                    self._time_out(controller, connection)

    def _time_out(self, controller: Controller, connection: Connection) -> None:
        if connection in controller.le_connections.values():
            controller.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def remove_controller(self, controller: Controller) -> None:
        """Take a controller off the air; the others see their links to it time out."""
        super().remove_controller(controller)
        for other in list(self.controllers):
            for peer in list(controller.le_connections.values()):
                connection = other.le_connections.get(peer.self_address)
                if connection is not None:
                    other.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
        controller.le_connections.clear()
        controller.le_legacy_advertiser.stop()
