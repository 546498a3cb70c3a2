"""Bus: the PN532 on SPI (UM0701-02, 6.2.5): mode 0, lowest bit first, at most 5 MHz."""

import asyncio

from micropython import const

from reader.drivers.pn532 import frame
from reader.drivers.pn532.polled import Polled

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from reader.ports import Pin

_DATA_WRITE = const(0x01)
_STATUS_READ = const(0x02)
_DATA_READ = const(0x03)
_READY = const(0x01)
_WAKE_SETTLE_MS = const(2)  # PN532 data sheet, T_osc_start


class Spi(Polled):
    """spi: as machine.SPI, one call of it while `select` (a pin) is low."""

    wake_bit = 0x20

    def __init__(self, spi: "Any", select: "Pin", irq: "Pin | None" = None, ack_ms: int = 500, frame_ms: int = 100):
        super().__init__(irq, ack_ms, frame_ms)
        self._spi = spi
        self._select = select
        self._status = bytearray(2)

    async def wake(self) -> None:
        """The falling edge of the select line wakes the chip (7.2.11); what is clocked before its oscillator runs is
        lost."""
        self._ask(self._status, _STATUS_READ)
        await asyncio.sleep_ms(_WAKE_SETTLE_MS)
        await self.say(frame.ACK_FRAME)

    def _is_ready(self) -> bool:
        self._ask(self._status, _STATUS_READ)
        return bool(self._status[1] & _READY)

    def _read(self, count: int) -> None:
        self._ask(self._rx_view[: 1 + count], _DATA_READ)  # what comes with the operation byte says nothing

    def _write(self, start: int, end: int) -> None:
        self._tx[start - 1] = _DATA_WRITE
        self._select.value(0)
        try:
            self._spi.write(self._tx_view[start - 1 : end])
        finally:
            self._select.value(1)

    def _ask(self, buf, operation: int) -> None:
        self._select.value(0)
        try:
            self._spi.readinto(buf, operation)  # clocked out again and again; only the first time counts
        finally:
            self._select.value(1)
