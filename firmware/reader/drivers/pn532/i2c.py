"""Bus: the PN532 on I2C (UM0701-02, 6.2.4): address 24h, at most 400 kHz. The chip stretches the clock."""

import asyncio

from micropython import const

from reader.drivers.pn532 import frame
from reader.drivers.pn532.polled import Polled

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from reader.ports import Pin

_ADDRESS = const(0x24)
_READY = const(0x01)
_WAKE_SETTLE_MS = const(2)  # PN532 data sheet, T_osc_start


class I2c(Polled):
    """i2c: as machine.I2C."""

    wake_bit = 0x80

    def __init__(self, i2c: "Any", irq: "Pin | None" = None, ack_ms: int = 500, frame_ms: int = 100):
        super().__init__(irq, ack_ms, frame_ms)
        self._i2c = i2c
        self._status = bytearray(1)

    async def wake(self) -> None:
        """Its address wakes the chip (7.2.11), which does not acknowledge until its oscillator runs."""
        self.abort()
        await asyncio.sleep_ms(_WAKE_SETTLE_MS)
        await self.say(frame.ACK_FRAME)

    def _is_ready(self) -> bool:
        self._i2c.readfrom_into(_ADDRESS, self._status)
        return bool(self._status[0] & _READY)

    def _read(self, count: int) -> None:
        # 6.2.4: every reading begins with the status byte
        self._i2c.readfrom_into(_ADDRESS, self._rx_view[: 1 + count])

    def _write(self, start: int, end: int) -> None:
        self._i2c.writeto(_ADDRESS, self._tx_view[start:end])
