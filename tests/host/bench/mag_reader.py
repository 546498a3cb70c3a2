"""A plain reader of the Delta ASIC for these tests: pulses and looks, as the specification has them, at once."""

from __future__ import annotations

from mpos.bench.mag_asic import DeltaAsic

PREAMBLE = 16


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Reader:
    """The old mode, in which every part starts."""

    def __init__(self, asic: DeltaAsic):
        self.asic = asic

    def pulse(self, times: int = 1) -> None:
        for _ in range(times):
            self.asic.set_strobe(False)
            self.asic.set_strobe(True)

    def bit(self) -> int:
        self.asic.set_strobe(False)
        bit = int(not self.asic.read())
        self.asic.set_strobe(True)
        return bit

    def number(self) -> int:
        """Handshake and preamble."""
        self.pulse(2)
        assert not self.asic.read()
        return sum(self.bit() << place for place in range(PREAMBLE))

    def track(self) -> list[int]:
        return [self.bit() for _ in range(self.asic.size)]


class NewReader(Reader):
    """The new mode of the 3 V part."""

    def pulse(self, times: int = 1) -> None:
        for _ in range(times):
            self.asic.set_strobe(True)
            self.asic.set_strobe(False)

    def bit(self) -> int:
        self.pulse()
        return int(not self.asic.read())

    def reset(self) -> None:
        """Into the new mode, whatever was; then armed."""
        self.asic.set_strobe(True)
        self.asic.hold(True)
        self.asic.set_strobe(False)
        self.asic.set_strobe(True)
        self.asic.set_strobe(False)
        self.asic.hold(False)
        self.pulse(2)

    def number(self) -> int:
        """The answer to the card's presence, and the preamble."""
        self.pulse()
        assert not self.asic.read()
        return sum(self.bit() << place for place in range(PREAMBLE))
