"""Advertising, and the link that comes of it."""

import asyncio
import struct

from micropython import const

from .core import ble, ensure_active, register_irq_handler
from .device import DeviceConnection, DeviceTimeout

_IRQ_CENTRAL_CONNECT = const(1)

# Assigned Numbers, 2.3: types of advertising data.
_FLAGS = const(0x01)
_UUIDS_16 = const(0x03)
_UUIDS_32 = const(0x05)
_UUIDS_128 = const(0x07)
_NAME = const(0x09)
_APPEARANCE = const(0x19)
_MANUFACTURER = const(0xFF)

_FLAG_LIMITED = const(0x01)
_FLAG_GENERAL = const(0x02)
_FLAG_NO_BR_EDR = const(0x04)
_FLAG_BR_EDR = const(0x18)

# A payload has 31 bytes; aioble fills at most 30.
_PAYLOAD_LARGEST = const(30)

# Links that came and that no advertise() has returned yet.
_arrived = []
_arrival = asyncio.Event()


def _on_event(event, data) -> None:
    if event == _IRQ_CENTRAL_CONNECT:
        # device.py has seen the event first.
        _arrived.append(DeviceConnection._connected[data[0]])
        _arrival.set()


register_irq_handler(_on_event, _arrived.clear)


def _fields(limited_disc, br_edr, name, services, appearance, manufacturer) -> list:
    # In the order of their importance: a phone may filter by what is in the advertisement proper.
    flags = (_FLAG_LIMITED if limited_disc else _FLAG_GENERAL) | (_FLAG_BR_EDR if br_edr else _FLAG_NO_BR_EDR)
    fields = [(_FLAGS, bytes((flags,)))]
    for length, kind in ((2, _UUIDS_16), (4, _UUIDS_32), (16, _UUIDS_128)):
        uuids = b"".join([bytes(uuid) for uuid in services or () if len(bytes(uuid)) == length])
        if uuids:
            fields.append((kind, uuids))
    if name:
        fields.append((_NAME, name.encode() if isinstance(name, str) else name))
    if appearance:
        fields.append((_APPEARANCE, struct.pack("<H", appearance)))
    if manufacturer:
        fields.append((_MANUFACTURER, struct.pack("<H", manufacturer[0]) + manufacturer[1]))
    return fields


def _pack(fields: list) -> tuple:
    # Each field goes into the advertisement if it fits, else into the scan response.
    payloads = (bytearray(), bytearray())
    for kind, value in fields:
        for payload in payloads:
            if len(payload) + 2 + len(value) <= _PAYLOAD_LARGEST:
                payload.extend(bytes((1 + len(value), kind)))
                payload.extend(value)
                break
        else:
            raise ValueError("Advertising payload too long")
    return payloads


async def advertise(
    interval_us: int,
    adv_data=None,
    resp_data=None,
    connectable: bool = True,
    limited_disc: bool = False,
    br_edr: bool = False,
    name=None,
    services=None,
    appearance: int = 0,
    manufacturer=None,
    timeout_ms: "int | None" = None,
) -> "DeviceConnection | None":
    """Advertise until a phone connects; returns the connection. asyncio.TimeoutError, ValueError (too long), OSError.

    The payloads are built from the keywords unless one is given.
    """
    ensure_active()
    if not adv_data and not resp_data:
        adv_data, resp_data = _pack(_fields(limited_disc, br_edr, name, services, appearance, manufacturer))
    _arrived.clear()
    _arrival.clear()
    ble.gap_advertise(interval_us, adv_data=adv_data, resp_data=resp_data, connectable=connectable)
    try:
        with DeviceTimeout(None, timeout_ms):
            await _arrival.wait()
        return _arrived.pop(0)
    except asyncio.CancelledError:
        ble.gap_advertise(None)
    except asyncio.TimeoutError:
        ble.gap_advertise(None)
        raise
    return None
