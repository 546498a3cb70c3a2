"""The board's clock. A module without a battery begins in the year 2000: better no sale than one of that date."""

import time

from micropython import const

from reader.errors import E_CLOCK, ReaderError

_EARLIEST_YEAR = const(2025)


class Clock:
    """ports.Clock, on MicroPython's time module."""

    def ticks_ms(self) -> int:
        return time.ticks_ms()

    def now(self):
        """Local time; E_CLOCK when nobody has set it since power-on."""
        now = time.localtime()
        if now[0] < _EARLIEST_YEAR:
            raise ReaderError(E_CLOCK)
        return now[:6]
