"""FACTORY_KEY and FACTORY_DONE: how a reader gets its first key, and how its time in the factory ends. Loaded for one command.

FACTORY_KEY, by the factory's line only and into a store that has no such key: KEY (16 or 32 bytes), from then on the key block
protection key, and READER_ID (8). It is the one key that ever comes in clear; all others come in key blocks under it, in a session
whose root is derived from it. The response has its check value. Raises E_KEY_EXISTS, E_LINK_ROLE (not by this line).

FACTORY_DONE asks for what a reader needs in the field: session root, and the initial key of one of the DUKPT schemes or a master
key. What is missing is E_NO_KEY; its detail is the section (SESSION_ROOT, or TDES for all of the last three). Then the counters
and the room for notices are made, the store says that the reader is in the field, which nothing takes back, and the reader
restarts. Once more afterwards: E_KEY_EXISTS. The power may go anywhere: both are done again.
"""

from micropython import const

from .. import tr31
from ..errors import E_KEY_EXISTS, E_LINK_BODY, E_LINK_ROLE, E_NO_KEY, ReaderError
from ..link import protocol
from ..storage import log_events, sections
from ..util.wipe import wipe

_READER_ID = const(8)
_A = const(0x41)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable


def handle(reader, opcode: int, _number: int, body) -> "Callable":
    """Carry it out; the function that writes the response's body."""
    if not reader.link.is_factory:
        raise ReaderError(E_LINK_ROLE)
    if opcode == protocol.FACTORY_KEY:
        check = _first_key(reader, body)
        return lambda w: w.put_int(protocol.ERROR, 0, 2).put(protocol.KEY_CHECK, check)
    _done(reader)
    return lambda w: w.put_int(protocol.ERROR, 0, 2)


def _first_key(reader, body) -> bytes:
    """Its check value."""
    ring = reader.ring
    key = protocol.need(body, protocol.KEY)
    reader_id = protocol.need(body, protocol.READER_ID, _READER_ID)
    if len(key) not in (16, 32):
        raise ReaderError(E_LINK_BODY, protocol.KEY)
    if ring.is_blank():
        ring.create(reader.entropy)
    elif ring.size(sections.BLOCK_KEY):  # the power may have gone between the two steps
        raise ReaderError(E_KEY_EXISTS)
    ring.write(((sections.BLOCK_KEY, key), (sections.READER_ID, reader_id)))
    check = tr31.check_value(_A, key)
    wipe(key)  # in the link's buffer
    reader.log(log_events.LOG_FACTORY_KEY, 0)
    return check


def _done(reader) -> None:
    ring = reader.ring
    if ring.size(sections.IN_FIELD):
        raise ReaderError(E_KEY_EXISTS)
    if not ring.size(sections.SESSION_ROOT):
        raise ReaderError(E_NO_KEY, sections.SESSION_ROOT)
    if not ring.size(sections.TDES) and not ring.size(sections.AES) and not ring.size(sections.MASTER_KEY):
        raise ReaderError(E_NO_KEY, sections.TDES)
    reader.counters.create()
    reader.notices.create()
    ring.write(((sections.IN_FIELD, b"\x01"),))
    reader.log(log_events.LOG_FACTORY_DONE, 0)
    reader.restart()
