"""How a session begins: each side shows that it has the reader's root key, and both make the session's keys of it.

    OPEN_SESSION  role, N_S    ->   reader's id, N_R, CMAC(K, 01 | role | id | N_S | N_R)
    AUTHENTICATE  CMAC(K, 02 | role | id | N_S | N_R)

K and the session's keys are derived from the root (docs/link.md, "The session"). Loaded for one step, and unloaded.
A `door` (link/pipe.py) keeps what lies between the two: `challenge` (CHALLENGE bytes, the first 0: none), `refusals`,
`refused_ms`.
"""

from time import ticks_diff

from micropython import const

from ..crypto.cmac import cmac, derive_into, matches
from ..errors import E_LINK_CRYPTOGRAM, E_LINK_STATE, E_LINK_WAIT, ReaderError
from ..util.wipe import wipe
from .session import KEYS

NONCE = const(16)
READER_ID = const(8)
CHALLENGE = const(41)  # role, reader's id, both nonces
_CONTEXT = const(9)  # role and reader's id
_KEY = const(16)
_FROM_READER = b"\x01"
_TO_READER = b"\x02"
_FREE = const(4)  # wrong cryptograms in a row that cost no wait
_WAIT_MOST_S = const(60)
_DOUBLINGS = const(6)


def may_try(door, now: int) -> None:
    """Raises E_LINK_WAIT (detail: seconds) after too many wrong cryptograms. `now`: ticks in milliseconds."""
    doubled = door.refusals - _FREE - 1
    if doubled < 0:
        return
    wait = min(1 << min(doubled, _DOUBLINGS), _WAIT_MOST_S) * 1000
    passed = ticks_diff(now, door.refused_ms)
    if 0 <= passed < wait:
        raise ReaderError(E_LINK_WAIT, (wait - passed + 999) // 1000)


def prove(door, root, role: int, reader_id, theirs, ours) -> bytearray:
    """The reader's cryptogram over both nonces; from now on `door` expects the other side's.

    The challenge before this one, if there is one, is void.
    """
    challenge = door.challenge
    at = 0
    for part in (bytes((role,)), reader_id, theirs, ours):
        challenge[at : at + len(part)] = part
        at += len(part)
    return _cryptogram(root, _FROM_READER, challenge)


def admit(door, root, cryptogram, now: int) -> bytearray:
    """The session's keys, for the caller to wipe, when `cryptogram` is the answer to the last challenge, which is void
    afterwards in any case.

    Raises E_LINK_STATE (no challenge), E_LINK_CRYPTOGRAM; the latter from the fifth in a row on makes `may_try` refuse.
    """
    challenge = door.challenge
    if not challenge[0]:
        raise ReaderError(E_LINK_STATE)
    try:
        if not matches(cryptogram, _cryptogram(root, _TO_READER, challenge)):
            door.refusals += 1
            door.refused_ms = now
            raise ReaderError(E_LINK_CRYPTOGRAM, door.refusals)
        door.refusals = 0
        keys = bytearray(KEYS)
        derive_into(root, b"mPOS session", challenge, keys)
    finally:
        wipe(challenge)
    return keys


def _cryptogram(root, side: bytes, challenge) -> bytearray:
    key = bytearray(_KEY)
    derive_into(root, b"mPOS auth", challenge[:_CONTEXT], key)
    made = cmac(key, side, challenge)
    wipe(key)
    return made
