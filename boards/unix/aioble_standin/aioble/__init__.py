"""A stand-in for aioble where the real one cannot be had: the peripheral role, as this firmware uses it.

The interface is aioble's, from its documentation; the code is this project's. Two things a reader of the
documentation may not expect are as in the real one, so that what is tested here holds there:

- Captured writes of all characteristics go through one queue of ten, and the eleventh drops the oldest
  without a word. Take them as fast as they come, or use an appending BufferedCharacteristic.
- A cancelled advertise() stops advertising and returns None.

What it has not: scanning, connecting, the GATT client, pairing, L2CAP, descriptors. The events come from an
asyncio task of boards/unix/bluetooth.py, so ordinary asyncio events are enough.
"""

# ruff: noqa: F401 - the names are for the importer

from micropython import const

from .core import GattError, config, stop
from .device import Device, DeviceConnection, DeviceDisconnectedError, DeviceTimeout
from .peripheral import advertise
from .server import BufferedCharacteristic, Characteristic, Service, register_services

__version__ = "stand-in"

ADDR_PUBLIC = const(0)
ADDR_RANDOM = const(1)
