"""Device: MagTek's 3 V triple-track Delta ASIC, 21006540 and 41, in its own mode (ports.MagHead).

As mag_head.py, but (MagTek's specification 99875337):
- The reader resets it, which clears its memory at once: DATA pulled low by the reader, STROBE low, high, low; DATA let go,
  which chooses this mode; STROBE high, low: reset; high, low once more: armed. Before that it stores nothing.
- STROBE rests low. DATA falls when a card begins to pass; a pulse of STROBE takes that back, and DATA falls again when the
  card has gone. Each pulse then puts a bit on DATA. A track has 704 bits. There is no watchdog, and further cards are
  not seen until the next reset.

So `data` is an open-drain output that is read as well: value(0) pulls, value(1) lets go. A part that has not got this mode
must not be driven so: its DATA is an output.
"""

from micropython import const

from reader.drivers.mag_head import MagHead
from reader.errors import E_HEAD, ReaderError

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.ports import Pin

_BITS = const(704)
_NEW_MODE = const(0xC000)


class MagHead3V(MagHead):
    """As MagHead; nothing is stored while it is stopped, so that `start` never finds a swipe after `stop`."""

    def __init__(self, strobe: "Pin", data: "Pin"):
        super().__init__(strobe, data, bits=_BITS)
        self._is_passing = False  # a card has been seen, and the ASIC knows it

    async def start(self) -> bool:
        """As MagHead.start. Raises E_HEAD when DATA does not come to rest."""
        self._wipe()
        had = self._is_passing or not self._data.value()
        self._reset()
        self._pulse()
        return had

    def is_swiped(self) -> bool:
        if self._data.value():
            return False
        if not self._is_passing:
            self._is_passing = True
            self._pulse()
            return not self._data.value()  # it has gone already
        return True

    async def stop(self) -> None:
        """Nothing of a swipe stays, and none is stored until `start`. Raises E_HEAD, E_LINE_CLOSED."""
        self._wipe()
        self._reset()

    def _begin(self) -> bool:
        self._said = 0
        self._preamble()
        return self._said == _NEW_MODE

    def _is_late(self) -> bool:
        return False

    async def _clear(self) -> None:
        self._reset()

    def _pulse(self) -> None:
        self._strobe.value(1)
        self._strobe.value(0)

    def _reset(self) -> None:
        """Clear; not armed yet. Raises E_HEAD when DATA is not let go of: something else is at this line."""
        strobe, data = self._strobe.value, self._data.value
        strobe(1)
        data(0)
        strobe(0)
        strobe(1)
        strobe(0)
        data(1)
        strobe(1)
        strobe(0)
        self._is_passing = False
        if not data():
            raise ReaderError(E_HEAD)
