"""What one swipe gave (ports.Swipe), for every kind of head."""

from micropython import const

from reader.util.wipe import wipe

_MOST = const(107)  # characters of a track (ISO/IEC 7811-2: track 3), sentinels and LRC counted, which are not kept
_EMPTY = const(1)  # iso7811/reasons.py


class Swipe:
    """A head has one of these and fills it again with each swipe; it holds nothing between `wipe` and that."""

    def __init__(self):
        self._characters = memoryview(bytearray(3 * _MOST))
        self._found = [-_EMPTY] * 3  # for each track how many characters, or minus the reason
        self.is_backward = False

    def room(self, number: int) -> memoryview:
        """Where the characters of track `number` (1 to 3) go."""
        at = (number - 1) * _MOST
        return self._characters[at : at + _MOST]

    def put(self, number: int, result: int) -> None:
        """What became of that track: how many characters there are, or minus the reason why there are none."""
        self._found[number - 1] = result

    def track(self, number: int) -> memoryview:
        """ASCII characters without sentinels and LRC, empty where there are none; until `wipe`."""
        return self.room(number)[: max(self._found[number - 1], 0)]

    def reason(self, number: int) -> int:
        """0: decoded; otherwise why not (iso7811/reasons.py)."""
        return max(-self._found[number - 1], 0)

    def wipe(self) -> None:
        wipe(self._characters)
        for i in range(3):
            self._found[i] = -_EMPTY
        self.is_backward = False
