"""What one swipe gave (ports.Swipe), for every kind of head."""

from micropython import const

from reader.iso7811.characters import BACKWARD
from reader.iso7811.reasons import AMBIGUOUS, EMPTY
from reader.iso7811.track import LENGTH
from reader.util.wipe import wipe

_ROOM = const(107)  # more than iso7811/track.py gives: 79, 37, 104


class Swipe:
    """A head has one of these and fills it again with each swipe; it holds nothing between `wipe` and that."""

    def __init__(self):
        self._characters = memoryview(bytearray(3 * _ROOM))
        self._found = [-EMPTY] * 3
        self._ways = 0  # that tracks were read in: 1 forward, BACKWARD
        self.is_backward = False

    def room(self, number: int) -> memoryview:
        """Where the characters of track `number` (1 to 3) go."""
        at = (number - 1) * _ROOM
        return self._characters[at : at + _ROOM]

    def put(self, number: int, result: int) -> None:
        """What iso7811/track.py said of that track; each is put once, from 1 to 3."""
        found = self._found
        if result > 0:
            self._ways |= result & BACKWARD or 1
            self.is_backward = self._ways == BACKWARD
            result &= LENGTH
        found[number - 1] = result
        if self._ways > BACKWARD:
            # A card goes one way: a track was read wrongly, and it is not known which
            wipe(self._characters)
            for i in range(3):
                if found[i] > 0:
                    found[i] = -AMBIGUOUS

    def track(self, number: int) -> memoryview:
        """ASCII characters without sentinels and LRC, empty where there are none; until `wipe`."""
        return self.room(number)[: max(self._found[number - 1], 0)]

    def reason(self, number: int) -> int:
        """0: decoded; otherwise why not (iso7811/reasons.py)."""
        return max(-self._found[number - 1], 0)

    def wipe(self) -> None:
        wipe(self._characters)
        for i in range(3):
            self._found[i] = -EMPTY
        self._ways = 0
        self.is_backward = False
