"""Fragments and messages of the link between reader and phone (docs/link.md).

A fragment is one header byte and up to MTU-4 bytes: bit 8 first, bit 7 last, bits 6-1 the number of the
fragment within its message, from 0. A message is kind(1) opcode(1) id(2) length(2) body, big-endian.
"""

from micropython import const

from ..errors import E_LINK_FRAGMENT, E_LINK_LENGTH, ReaderError

MAX_MESSAGE = const(1024)  # header included
HEADER = const(6)
_FIRST = const(0x80)
_LAST = const(0x40)
_SEQUENCE = const(0x3F)


class Assembler:
    """Puts one message together, in its own buffer, and refuses everything else.

    After an error the rest of the broken message is dropped without a word, until a first fragment comes.
    """

    def __init__(self):
        self._buf = bytearray(MAX_MESSAGE)
        self._fill = 0
        self._expect = -1  # number of the fragment to come; -1: a first one

    def feed(self, fragment) -> "memoryview | None":
        """The whole message (valid until the next call), or None while there is more to come.

        Raises E_LINK_FRAGMENT (empty, gap, wrong order, stray continuation), E_LINK_LENGTH (overlong, or not
        as long as its header says).
        """
        n = len(fragment)
        if n < 1:
            raise self._broken(E_LINK_FRAGMENT)
        head = fragment[0]
        sequence = head & _SEQUENCE
        if head & _FIRST:
            # A first fragment always begins anew: the phone gave the message before it up.
            self._fill = 0
            self._expect = 0
        elif self._expect < 0:
            return None
        if sequence != self._expect or n < 2:
            raise self._broken(E_LINK_FRAGMENT)
        fill = self._fill + n - 1
        if fill > MAX_MESSAGE:
            raise self._broken(E_LINK_LENGTH)
        self._buf[self._fill : fill] = memoryview(fragment)[1:]
        self._fill = fill
        if not head & _LAST:
            self._expect = sequence + 1
            if self._expect > _SEQUENCE:
                raise self._broken(E_LINK_LENGTH)
            return None
        self._expect = -1
        if fill < HEADER or fill != HEADER + (self._buf[4] << 8 | self._buf[5]):
            raise self._broken(E_LINK_LENGTH)
        return memoryview(self._buf)[:fill]

    def reset(self) -> None:
        """Forget what was begun: the connection it came over is gone."""
        self._fill = 0
        self._expect = -1

    def _broken(self, code: int) -> ReaderError:
        self.reset()
        return ReaderError(code)


def fragment_into(message, offset: int, sequence: int, out) -> int:
    """Write fragment `sequence` of `message`, taken from `offset`, into `out` (as long as a fragment may be).

    Returns the fragment's length; it carries that minus one bytes of the message.
    """
    n = min(len(out) - 1, len(message) - offset)
    head = sequence & _SEQUENCE
    if offset == 0:
        head |= _FIRST
    if offset + n == len(message):
        head |= _LAST
    out[0] = head
    out[1 : 1 + n] = memoryview(message)[offset : offset + n]
    return 1 + n
