"""The reader's screen, as far as pairing uses it, on a line to the bench (mpos.bench.display).

To the bench, ASCII with a line end: `P123456` a passkey, `C123456` is it the same on the phone, `-` nothing any more. From
it, for a `C`: one key, `Y` or `N`.
"""

import asyncio


class DisplayLine:
    """The ports.Display on `line`, a stream that does not block."""

    def __init__(self, line, has_keys: bool):
        self.has_keys = has_keys
        self._line = line
        self._keys = asyncio.StreamReader(line)

    def show_passkey(self, number: int) -> None:
        self._write(b"P%06d\n" % number)

    async def confirm(self, number: int) -> bool:
        """Raises OSError when the screen is gone."""
        while self._line.read(16):
            pass  # keys that were pressed before they were asked for do not count
        self._write(b"C%06d\n" % number)
        key = await self._keys.read(1)
        if not key:
            raise OSError
        return key == b"Y"

    def hide(self) -> None:
        self._write(b"-\n")

    def _write(self, line: bytes) -> None:
        try:
            self._line.write(line)
        except OSError:
            pass  # who is asked by a screen that is gone gives no answer
