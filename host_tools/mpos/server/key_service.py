"""The key service: holds the readers' root keys, and gives a phone the keys of one session with one reader.

A phone asks for a challenge, has the reader answer it, and hands the answer in. It gets the session's keys and the
cryptogram that the reader wants to see, and nothing from which a root key or another session's keys could be made.
"""

from __future__ import annotations

import hmac
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from mpos.link.messages import Role
from mpos.link.session_keys import NONCE, SessionKeys, context, cryptogram

_READER, _SERVER = 1, 2
CHALLENGES_MOST = 1024  # that are open at once; the oldest makes room


class KeyRefused(Exception):
    """The service does not give out keys for this session; the text says why."""


@dataclass(frozen=True)
class Opened:
    cryptogram: bytes  # for AUTHENTICATE
    keys: SessionKeys


class KeyService:
    """`root_of(role, reader_id)`: the key that sessions of this role with this reader are derived from; None: unknown.

    `random(n)`: fresh bytes; for tests that need the same ones again.
    """

    def __init__(self, root_of: Callable[[Role, bytes], bytes | None], random: Callable[[int], bytes] = os.urandom):
        self._root_of = root_of
        self._random = random
        self._challenges: OrderedDict[bytes, None] = OrderedDict()

    async def challenge(self) -> bytes:
        """N_S of a session to be: good for one `open`."""
        nonce = self._random(NONCE)
        self._challenges[nonce] = None
        if len(self._challenges) > CHALLENGES_MOST:
            self._challenges.popitem(last=False)
        return nonce

    async def open(self, role: Role, reader_id: bytes, theirs: bytes, ours: bytes, proof: bytes) -> Opened:
        """`theirs`: the challenge; `ours`, `proof`: nonce and cryptogram of the reader's answer. Raises KeyRefused."""
        if theirs not in self._challenges:
            raise KeyRefused("the challenge is not one of this service's, or was used before: begin again")
        del self._challenges[theirs]
        root = self._root_of(role, reader_id)
        if root is None:
            raise KeyRefused(
                f"no key is known of reader {reader_id.hex().upper()}: was it provisioned from another vault?"
            )
        of = context(role, reader_id, theirs, ours)
        if not hmac.compare_digest(cryptogram(root, _READER, of), proof):
            raise KeyRefused(f"the device that calls itself reader {reader_id.hex().upper()} does not have its key")
        return Opened(cryptogram(root, _SERVER, of), SessionKeys.derive(root, of))
