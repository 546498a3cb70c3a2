"""What device-side tests are written with. Runs on MicroPython; see docs/testing.md.

    from testing import h, raises, cases, ScriptedCard

The stand-ins for a board's parts (FakeClock, FixedEntropy, MemoryStore) and for byte lines (ScriptedLine,
Pipe), and raw flash whose power goes (FlashMemory, new_ring), are imported the same way, and loaded only by the tests
that ask for them.
"""

from binascii import hexlify, unhexlify

from reader.errors import E_CARD_REMOVED, ReaderError

_HEX_SHOWN = 48  # bytes of a frame that a message shows

top = ""  # where this machine has the repository; the runner says it


def h(text: str) -> bytes:
    """Bytes from hex digits; blanks and line ends between them are ignored. Bytes are returned as they are."""
    if isinstance(text, (bytes, bytearray, memoryview)):
        return bytes(text)
    return unhexlify("".join(text.split()))


def hexed(data) -> str:
    """Upper-case hex of bytes for a message, cut after 48 of them."""
    text = hexlify(bytes(data[:_HEX_SHOWN])).decode().upper()
    return text if len(data) <= _HEX_SHOWN else text + f"... ({len(data)} bytes)"


def path(name: str) -> str:
    """Where the file `name`, given from the top of the repository, is on this machine."""
    return top + "/" + name if top else name


class raises:
    """`with raises(code, detail=None) as caught:` fails unless its body ends with that ReaderError.

    `detail` None accepts every detail. Afterwards `caught.error` is the exception. Any other exception passes
    through untouched, so the report shows where it came from.
    """

    def __init__(self, code: int, detail: int | None = None):
        self._code = code
        self._detail = detail
        self.error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _traceback):
        wanted = "ReaderError({}{})".format(self._code, "" if self._detail is None else f", {self._detail}")
        if kind is None:
            raise AssertionError(wanted + " was not raised")
        if isinstance(error, ReaderError):
            if error.code == self._code and self._detail in (None, error.detail):
                self.error = error
                return True
            print("expected", wanted, "but got another one")
        return False


class Cases:
    """A test function with the rows it runs over; made by `cases`."""

    def __init__(self, function, rows):
        self.function = function
        self.rows = rows

    def __call__(self):
        """Runs all rows of a plain function, for use without the runner."""
        for row in self.rows:
            self.function(*row)


def cases(*rows):
    """Decorator: runs the test once per row, with the row as its arguments. A failure names the row's index, from 0.

    A row is a tuple (or list); anything else is the one argument.
    """
    if not rows:
        raise ValueError("cases() without a case")
    rows = tuple([row if isinstance(row, (tuple, list)) else (row,) for row in rows])
    return lambda function: Cases(function, rows)


def requirement(standard: str, section: str, text: str):
    """Decorator: the test covers this requirement; docs/emv-requirements.md is made from these marks."""
    return lambda function: function


class ScriptedCard:
    """A card that knows one conversation: [(command, response), ...], hex or bytes, and aborts on any deviation.

    A response is the R-APDU with SW1SW2; None means that the card left the field (E_CARD_REMOVED); a number is the
    code of the ReaderError to raise. As with a real session, a response is valid until the next command: the view is
    overwritten then.
    """

    def __init__(self, script):
        self._script = [(h(command), r if r is None or isinstance(r, int) else h(r)) for command, r in script]
        longest = max([len(r) for _, r in self._script if isinstance(r, bytes)] + [0])
        self._buffer = bytearray(longest)
        self._broken = None
        self.position = 0  # exchanges done
        self.released = False

    async def transmit(self, c_apdu) -> memoryview:
        """The scripted response. AssertionError when the command is not the next one of the script."""
        for i in range(len(self._buffer)):
            self._buffer[i] = 0xEE
        if self._broken:
            raise AssertionError(self._broken)
        if self.released:
            self._fail(f"command {hexed(c_apdu)} after release")
        if self.position >= len(self._script):
            self._fail(f"command {hexed(c_apdu)} after the end of the script")
        expected, response = self._script[self.position]
        if bytes(c_apdu) != expected:
            self._fail(f"exchange {self.position}: expected {hexed(expected)}, got {hexed(c_apdu)}")
        self.position += 1
        if response is None:
            raise ReaderError(E_CARD_REMOVED)
        if isinstance(response, int):
            raise ReaderError(response)
        self._buffer[: len(response)] = response
        return memoryview(self._buffer)[: len(response)]

    async def release(self) -> None:
        self.released = True

    def done(self) -> None:
        """Asserts that the whole script was played, and nothing else."""
        if self._broken:
            raise AssertionError(self._broken)
        if self.position != len(self._script):
            following = hexed(self._script[self.position][0])
            raise AssertionError(
                f"the script ended at exchange {self.position} of {len(self._script)}, before {following}"
            )

    def _fail(self, message):
        # Kept, so that done() fails even if the code under test swallowed the exception.
        self._broken = message
        raise AssertionError(message)


def __getattr__(name):
    # Loaded on demand: most test files need none of these, and the heap is the device's.
    if name in ("FakeClock", "FixedEntropy", "MemoryStore"):
        import fakes as module
    elif name in ("ScriptedLine", "Pipe"):
        import byte_lines as module
    elif name in ("FlashMemory", "Power", "PowerCut", "SHAPES", "ring_parts", "new_ring"):
        import flash_memory as module
    else:
        raise AttributeError(name)
    return getattr(module, name)
