"""A contactless reader whose driver is loaded when it is switched on, and let go when it is switched off."""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class OnDemand:
    """ports.Contactless. make: imports the driver and builds it on what it needs; its modules go when whoever loads and
    unloads modules (util/modules.py) sees to it. What outlives `stop` belongs to the board: the line, the bus."""

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
            await device.stop()
