"""OPEN_SESSION and AUTHENTICATE: the reader's part in link/handshake.py, with its keys, its generator and its clock.

Loaded for one command. A session that is agreed within the running one renews it, and what is going on goes on; any
other one takes over from a phone that has gone.
"""

from micropython import const

from ..crypto.cmac import derive_into
from ..errors import E_LINK_BODY, E_LINK_CRYPTOGRAM, E_LINK_ROLE, E_LINK_STATE, E_NO_KEY, ReaderError
from ..link import handshake, protocol
from ..storage import log_events, sections
from ..util.wipe import wipe

_KEY = const(16)
_BLOCK_KEY_MOST = const(32)


def handle(reader, opcode: int, number: int, body):
    """Returns what writes the answer. Raises E_LINK_BODY, E_LINK_ROLE (the factory's, on a link that is not its line),
    E_LINK_WAIT, E_LINK_STATE, E_LINK_CRYPTOGRAM, E_NO_KEY, E_STORE, E_ENTROPY."""
    if opcode == protocol.OPEN_SESSION:
        return _open(reader, body)
    return _authenticate(reader, body)


def _open(reader, body):
    link = reader.link
    role = protocol.need_int(body, protocol.ROLE, 1)
    theirs = protocol.need(body, protocol.NONCE, handshake.NONCE)
    if role not in (protocol.ROLE_FIELD, protocol.ROLE_FACTORY):
        raise ReaderError(E_LINK_BODY, protocol.ROLE)
    if role == protocol.ROLE_FACTORY and not link.is_factory:
        raise ReaderError(E_LINK_ROLE)
    handshake.may_try(link, reader.clock.ticks_ms())
    identity = bytearray(handshake.READER_ID)
    if reader.ring.read_into(sections.READER_ID, identity) != handshake.READER_ID:
        raise ReaderError(E_NO_KEY)
    ours = bytearray(handshake.NONCE)
    reader.entropy.fill(ours)
    root = _root(reader.ring, role, identity)
    try:
        proof = handshake.prove(link, root, role, identity, theirs, ours)
    finally:
        wipe(root)

    def write(w):
        w.put_int(protocol.ERROR, 0, 2).put(protocol.READER_ID, identity)
        return w.put(protocol.NONCE, ours).put(protocol.CRYPTOGRAM, proof)

    return write


def _authenticate(reader, body):
    link = reader.link
    cryptogram = protocol.need(body, protocol.CRYPTOGRAM, _KEY)
    challenge = link.challenge
    role = challenge[0]
    if not role:
        raise ReaderError(E_LINK_STATE)
    root = _root(reader.ring, role, challenge[1 : 1 + handshake.READER_ID])
    try:
        keys = handshake.admit(link, root, cryptogram, reader.clock.ticks_ms())
    except ReaderError as error:
        if error.code == E_LINK_CRYPTOGRAM:
            reader.log(log_events.LOG_CRYPTOGRAM, error.detail)
        raise
    finally:
        wipe(root)
    if link.in_clear or link.session.role != role:
        reader.gone()
    reader.key_was_shown()
    link.session.begin(role, keys)
    wipe(keys)
    if role == protocol.ROLE_FACTORY:  # those of the field would drive everything else out of the log
        reader.log(log_events.LOG_SESSION, role)
    link.in_clear = False  # what is answered from here on is under the new keys
    return lambda w: w.put_int(protocol.ERROR, 0, 2)


def _root(ring, role: int, identity) -> bytearray:
    """What sessions of this role are derived from, for the caller to wipe."""
    root = bytearray(_KEY)
    if role == protocol.ROLE_FIELD:
        if ring.read_into(sections.SESSION_ROOT, root) != _KEY:
            raise ReaderError(E_NO_KEY)
        return root
    key = bytearray(_BLOCK_KEY_MOST)
    try:
        n = ring.read_into(sections.BLOCK_KEY, key)
        if not n:
            raise ReaderError(E_NO_KEY)
        derive_into(memoryview(key)[:n], b"mPOS factory", identity, root)
    finally:
        wipe(key)
    return root
