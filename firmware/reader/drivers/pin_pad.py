"""PIN entry from the keys of a byte line: ISO 9564-1, 5 (4 to 12 digits, corrected and cancelled by keys of their own).

One request, `P` and what the PIN is for as a digit and a line end, asks for keys; each key is one ASCII character:
0 to 9, D deletes the last digit, C cancels, E enters (without a digit before it: the cardholder wants no PIN).
"""

import asyncio
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from ..outcome import PIN_BYPASSED, PIN_CANCELLED, PIN_PAD_FAILED, PIN_TIMEOUT
from ..util.wipe import wipe

_LEAST = const(4)
_MOST = const(12)
_KEY_MS = const(15_000)  # from one key to the next
_DIGIT = const(0x30)
_DELETE = const(0x44)
_CANCEL = const(0x43)
_ENTER = const(0x45)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from ..ports import Line


class PinPad:
    """The ports.PinPad on `line`, a stream that does not block."""

    def __init__(self, line: "Line"):
        self._line = line
        self._stream = asyncio.StreamReader(line)
        self._key = bytearray(1)

    async def enter(self, kind: int, timeout_ms: int) -> "bytearray | int":
        """The digits, or outcome.PIN_*. At most `timeout_ms` in all and 15 s from key to key; what is typed stays in
        one buffer, which is wiped unless it is returned."""
        digits = bytearray(_MOST)
        count = 0
        given = False
        try:
            self._drain()
            self._line.write(b"P%d\n" % kind)
            deadline = ticks_add(ticks_ms(), timeout_ms)
            while True:
                left = ticks_diff(deadline, ticks_ms())
                if left <= 0 or not await self._next(min(left, _KEY_MS)):
                    return PIN_TIMEOUT
                key = self._key[0]
                if _DIGIT <= key <= _DIGIT + 9:
                    if count < _MOST:  # further ones are not taken
                        digits[count] = key - _DIGIT
                        count += 1
                elif key == _DELETE:
                    count = max(count - 1, 0)
                    digits[count] = 0
                elif key == _CANCEL:
                    return PIN_CANCELLED
                elif key == _ENTER and not count:
                    return PIN_BYPASSED
                elif key == _ENTER and count >= _LEAST:
                    entered = digits[:count]
                    given = True
                    return entered
        except OSError:
            return PIN_PAD_FAILED
        finally:
            wipe(digits)
            if not given:
                self._drain()
            self._key[0] = 0

    async def _next(self, ms: int) -> bool:
        """Wait for one key. False: none came. Raises OSError when the pad is gone."""
        try:
            count = await asyncio.wait_for_ms(self._stream.readinto(self._key), ms)
        except asyncio.TimeoutError:
            return False
        if count == 0:
            raise OSError
        return bool(count)

    def _drain(self) -> None:
        """Keys that were pressed before they were asked for do not count."""
        try:
            while self._line.readinto(self._key):
                pass
        except OSError:
            pass  # a pad that is gone says so when it is asked
