"""Secured messages of the link: encrypted, in order, and from the other side of one session (docs/link.md, "The session").

    kind 4, opcode 0, session number(2), length(2) | counter(4) | a message, encrypted | MAC(8)

AES in counter mode (NIST SP 800-38A, 6.5) over the message, CMAC (SP 800-38B) over all that stands before the MAC. Both
are done where the message lies, in the carrier's buffers. The handshake that makes a session is link/handshake.py's.
"""

from cryptolib import aes
from micropython import const

from ..crypto.cmac import cmac, matches
from ..errors import E_LINK_SECURED, ReaderError
from ..util.wipe import wipe
from .framing import HEADER, MAX_MESSAGE

HEAD = const(10)  # before the message inside
BODY = const(16)  # before its body
MAC = const(8)
KEYS = const(66)  # to the reader: encryption, MAC; from it: encryption, MAC; session number
MOST = const(0xFFFF)  # messages in each direction
_SECURED = const(4)  # protocol.SECURED
_CTR = const(6)
_KEY = const(16)
_INCOMING = const(0)
_OUTGOING = const(32)
_NUMBER = const(64)

# Detail of E_LINK_SECURED
NOT_WHOLE = const(1)  # too short, or what is inside is no message
FOREIGN = const(2)  # of another session, or changed on the way
REPEATED = const(3)  # its counter was there, or a later one
USED_UP = const(4)  # a direction has had all its messages: open another session


class Session:
    """One after another in the same object and buffer, since what lives long must not be allocated late. `role`: protocol.ROLE_*
    of the other side; 0: none is open."""

    def __init__(self):
        self.role = self._sent = self._heard = 0  # the latter two: counters of the last messages
        self._keys = bytearray(KEYS)

    def begin(self, role: int, keys) -> None:
        """`keys`: KEYS bytes, for the caller to wipe."""
        self.role = role
        self._keys[:] = keys
        self._sent = self._heard = 0

    def seal(self, buf, length: int) -> memoryview:
        """Secure the message of `length` bytes that stands in `buf` from HEAD on, with MAC bytes of room behind it.

        The whole secured message, from the beginning of `buf`. Raises E_LINK_SECURED (USED_UP).
        """
        count = self._sent + 1
        if count > MOST:
            raise ReaderError(E_LINK_SECURED, USED_UP)
        self._sent = count  # first: a counter is never used twice, whatever comes
        view = memoryview(buf)[: HEAD + length + MAC]
        view[0] = _SECURED
        view[1] = 0
        view[2:4] = self._keys[_NUMBER:]
        view[4:HEADER] = (HEAD - HEADER + length + MAC).to_bytes(2, "big")
        view[HEADER:HEAD] = count.to_bytes(4, "big")
        self._crypt(_OUTGOING, view, length)
        view[-MAC:] = self._mac(_OUTGOING, view)
        return view

    def open(self, message) -> memoryview:
        """The message inside the secured `message` (a writable memoryview), decrypted where it lies.

        Raises E_LINK_SECURED: nothing has changed then, but that a counter which was authentic is gone (NOT_WHOLE).
        """
        n = len(message) - HEAD - MAC
        if n < HEADER or len(message) > MAX_MESSAGE:
            raise ReaderError(E_LINK_SECURED, NOT_WHOLE)
        if message[2:4] != self._keys[_NUMBER:]:
            raise ReaderError(E_LINK_SECURED, FOREIGN)
        if message[HEADER] | message[HEADER + 1]:
            raise ReaderError(E_LINK_SECURED, USED_UP)
        count = message[HEAD - 2] << 8 | message[HEAD - 1]
        if count <= self._heard:
            raise ReaderError(E_LINK_SECURED, REPEATED)
        if not matches(message[-MAC:], self._mac(_INCOMING, message)):
            raise ReaderError(E_LINK_SECURED, FOREIGN)
        self._heard = count
        self._crypt(_INCOMING, message, n)
        inside = message[HEAD:-MAC]
        if inside[0] == _SECURED or n != HEADER + (inside[4] << 8 | inside[5]):
            raise ReaderError(E_LINK_SECURED, NOT_WHOLE)
        return inside

    def end(self) -> None:
        """The keys are gone."""
        self.role = 0
        wipe(self._keys)

    def _crypt(self, way: int, view, n: int) -> None:
        # Session number and counter, then blocks counted from 0: no block of a key stream comes twice
        start = bytearray(_KEY)
        start[:2] = self._keys[_NUMBER:]
        start[2:6] = view[HEADER:HEAD]
        text = view[HEAD : HEAD + n]
        aes(self._keys[way : way + _KEY], _CTR, start).encrypt(text, text)

    def _mac(self, way: int, view) -> memoryview:
        key = self._keys[way + _KEY : way + 2 * _KEY]
        return memoryview(cmac(key, view[:-MAC]))[:MAC]
