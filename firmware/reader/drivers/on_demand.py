"""A contactless reader whose driver is loaded when it is switched on, and let go when it is switched off."""

from micropython import const

from reader.util.modules import forget_each

# What a driver is made of, as far as it is loaded
_MODULES = (
    "reader.drivers.contactless",
    "reader.drivers.pn532.chip",
    "reader.drivers.pn532.transport",
    "reader.drivers.pn532.frame",
    "reader.drivers.pn532.hsu",
    "reader.drivers.pn532.polled",
    "reader.drivers.pn532.spi",
    "reader.drivers.pn532.i2c",
    "reader.drivers.pn532.status",
    "reader.iso14443.activation",
    "reader.iso14443.ats",
    "reader.iso14443.type_b",
    "reader.felica.polling",
)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class OnDemand:
    """ports.Contactless. make: imports the driver and builds it on what it needs; its modules go with it. What outlives
    `stop` belongs to the board: the line, the bus."""

    def __init__(self, make: "Callable[[], Any]"):
        self._make = make
        self._device: Any = None

    async def start(self) -> None:
        if self._device is None:
            self._device = self._make()
        await self._device.start()

    async def look(self, technologies: int = 3, system_code: int = 0xFFFF) -> "Any":
        return await self._device.look(technologies, system_code)

    async def stop(self) -> None:
        device = self._device
        self._device = None
        if device is not None:
            try:
                await device.stop()
            finally:
                forget_each(*_MODULES)
