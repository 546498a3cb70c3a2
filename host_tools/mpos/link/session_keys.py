"""The arithmetic of a session on the server's and the phone's side (docs/link.md, "The session"), on `cryptography`."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

from mpos.link.messages import HEADER, MAX_MESSAGE, Kind, LinkError, Role

COUNTER = 4
MAC = 8
OVERHEAD = HEADER + COUNTER + MAC
MOST = 0xFFFF  # messages in each direction
NONCE = 16
READER_ID = 8


class NotOfThisSession(LinkError):
    """A secured message that another session made, that was changed on the way, or that was there before."""


@dataclass(frozen=True)
class SessionKeys:
    """What a phone gets of a session: no key of the reader's can be had from it. Not shown by repr."""

    to_reader: bytes = field(repr=False)
    to_reader_mac: bytes = field(repr=False)
    from_reader: bytes = field(repr=False)
    from_reader_mac: bytes = field(repr=False)
    number: bytes

    @classmethod
    def derive(cls, root: bytes, context: bytes) -> SessionKeys:
        """`context`: role (1), reader's id (8), N_S (16), N_R (16)."""
        keys = derive(root, b"mPOS session", context, 66)
        return cls(keys[:16], keys[16:32], keys[32:48], keys[48:64], keys[64:])


def derive(key: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """NIST SP 800-108 in counter mode with CMAC: counter of one byte, label, 00, context, length in bits (2 bytes)."""
    return KBKDFCMAC(
        algorithm=algorithms.AES,
        mode=Mode.CounterMode,
        length=length,
        rlen=1,
        llen=2,
        location=CounterLocation.BeforeFixed,
        label=label,
        context=context,
        fixed=None,
    ).derive(key)


def cmac(key: bytes, data: bytes) -> bytes:
    made = CMAC(algorithms.AES(key))
    made.update(data)
    return made.finalize()


def context(role: Role, reader_id: bytes, theirs: bytes, ours: bytes) -> bytes:
    """Role, reader's id, nonce of the server's side, nonce of the reader's, one behind the other."""
    return bytes([role]) + reader_id + theirs + ours


def cryptogram(root: bytes, side: int, of: bytes) -> bytes:
    """Of the reader (side 1) or of the server (2) over the context `of`."""
    key = derive(root, b"mPOS auth", of[: 1 + READER_ID], 16)
    return cmac(key, bytes([side]) + of)


class Channel:
    """One end of a session: what it sends is sealed, what comes is opened. `is_reader` swaps the directions (played readers)."""

    def __init__(self, keys: SessionKeys, is_reader: bool = False):
        outgoing = (keys.to_reader, keys.to_reader_mac)
        incoming = (keys.from_reader, keys.from_reader_mac)
        self._out, self._in = (incoming, outgoing) if is_reader else (outgoing, incoming)
        self._number = keys.number
        self.sent = self.heard = 0

    @property
    def used(self) -> int:
        """Messages of the direction that had more."""
        return max(self.sent, self.heard)

    def seal(self, message: bytes) -> bytes:
        """Raises LinkError when the message is too long, or the session has had all its messages."""
        if self.sent >= MOST:
            raise LinkError("this session has had all its messages: open another one")
        if len(message) + OVERHEAD > MAX_MESSAGE:
            raise LinkError(
                f"a message of {len(message)} bytes is more than a session takes ({MAX_MESSAGE - OVERHEAD})"
            )
        self.sent += 1
        counter = self.sent.to_bytes(COUNTER, "big")
        head = bytes([Kind.SECURED, 0]) + self._number + (COUNTER + len(message) + MAC).to_bytes(2, "big") + counter
        text = head + _ctr(self._out[0], self._number + counter, message)
        return text + cmac(self._out[1], text)[:MAC]

    def open(self, sealed: bytes) -> bytes:
        """The message inside. Raises NotOfThisSession; a counter may skip, and never comes again."""
        if len(sealed) < OVERHEAD + HEADER or sealed[:1] != bytes([Kind.SECURED]):
            raise NotOfThisSession("a secured message is too short to be one")
        text, mac = sealed[:-MAC], sealed[-MAC:]
        if not hmac.compare_digest(cmac(self._in[1], text)[:MAC], mac):
            raise NotOfThisSession("a secured message is of another session, or was changed on the way")
        counter = sealed[HEADER : HEADER + COUNTER]
        count = int.from_bytes(counter, "big")
        if not self.heard < count <= MOST:
            raise NotOfThisSession("a secured message was there before")
        self.heard = count
        return _ctr(self._in[0], self._number + counter, text[HEADER + COUNTER :])


def _ctr(key: bytes, start: bytes, data: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CTR(start.ljust(16, b"\0"))).encryptor()
    return cipher.update(data) + cipher.finalize()
