"""The clock tells the time, or says that it was never set."""

import time

from reader.drivers import clock
from reader.errors import E_CLOCK
from testing import raises


class _Time:
    """MicroPython's time module with another date."""

    def __init__(self, *now):
        self._now = now

    def localtime(self):
        return self._now

    def ticks_ms(self):
        return 7


def _at(*now):
    clock.time = _Time(*now)
    try:
        return clock.Clock().now()
    finally:
        clock.time = time


def test_six_numbers():
    assert _at(2026, 11, 23, 3, 15, 9, 0, 327) == (2026, 11, 23, 3, 15, 9)


def test_never_set():
    for year in (2000, 2024):
        with raises(E_CLOCK):
            _at(year, 1, 1, 0, 0, 1, 5, 1)


def test_the_real_one_counts():
    ticks = clock.Clock().ticks_ms()
    assert time.ticks_diff(clock.Clock().ticks_ms(), ticks) >= 0
