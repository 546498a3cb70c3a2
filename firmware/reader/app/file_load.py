"""FILE_BEGIN, FILE_DATA, FILE_COMMIT: parameters, and the acquirer's applications and keys, from the server. Loaded for one
command; what stays from one to the next is `reader.upload`, while no transaction can begin.

The server vouches for a file: FILE_MAC is the CMAC over name (1), number (4), size (4), content, under a key derived from the
session root ("mPOS files", reader ID). The phone cannot make it. FILE_NUMBER is greater than that of the last file of this name.

The pieces go into a temporary beside the file. FILE_COMMIT reads it back: MAC, then the reader's own loader; the number is stored,
and only then the temporary takes the file's place. Whenever the power goes, the file is the old one or the new one, whole; at one
point the number is used up and the file still the old one, so that a server sends it again under another number. The new one
counts from the restart on which the reader does after its answer.

Refused: E_KEY_REPLAY (number), E_PARAMETERS (what the loader says), E_NO_KEY (no session root), E_LINK_STATE (none is open),
E_FILE with its detail:

    1 no such file     2 its size: none, or more than its loader reads     3 a piece that does not follow the last one, or too many
    4 not whole        5 MAC                                               6 it cannot be stored
"""

import os

from micropython import const

from ..crypto import cmac
from ..errors import E_FILE, E_LINK_STATE, E_NO_KEY, ReaderError
from ..link import protocol
from ..storage import log_events, sections, serials
from ..util.wipe import wipe

_NAME = const(1)
_SIZE = const(2)
_PIECE = const(3)
_WHOLE = const(4)
_MAC = const(5)
_STORED = const(6)

_PARAMETERS_MOST = const(8192)  # storage/parameters_file.py
_TABLES_MOST = const(131072)  # storage/emv_tables.py
_ROOT = const(16)
_READER_ID = const(8)
_KEY = const(16)
_READ = const(256)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable


def handle(reader, opcode: int, _number: int, body) -> "Callable":
    """Carry it out; the function that writes the response's body."""
    try:
        if opcode == protocol.FILE_BEGIN:
            _begin(reader, body)
        elif reader.upload is None:
            raise ReaderError(E_LINK_STATE)
        elif opcode == protocol.FILE_DATA:
            _store(reader, body)
        else:
            _commit(reader, body)
    except ReaderError as error:
        if opcode != protocol.FILE_DATA:
            reader.log(log_events.LOG_FILE_REFUSED, error.code << 16 | error.detail & 0xFFFF)
        raise
    return lambda w: w.put_int(protocol.ERROR, 0, 2)


def _begin(reader, body) -> None:
    """Another one that is open is dropped."""
    reader.upload = None
    name = protocol.need_int(body, protocol.FILE_NAME, 1)
    number = protocol.need_int(body, protocol.FILE_NUMBER, 4)
    size = protocol.need_int(body, protocol.FILE_SIZE, 4)
    if not protocol.FILE_PARAMETERS <= name <= protocol.FILE_TABLES:
        raise ReaderError(E_FILE, _NAME)
    if not 0 < size <= (_PARAMETERS_MOST if name == protocol.FILE_PARAMETERS else _TABLES_MOST):
        raise ReaderError(E_FILE, _SIZE)
    serials.newer(reader.ring, name, number)  # it will be asked again at the end
    _write(_path(reader, name) + ".new", "wb", b"")
    reader.upload = name, number, size, 0


def _store(reader, body) -> None:
    name, number, size, got = reader.upload
    offset = protocol.need_int(body, protocol.FILE_OFFSET, 4)
    data = protocol.need(body, protocol.DATA)
    end = offset + len(data)
    if end == got:  # sent again: the answer was lost
        return
    if offset != got or end > size:
        raise ReaderError(E_FILE, _PIECE)
    _write(_path(reader, name) + ".new", "ab", data)
    reader.upload = name, number, size, end


def _commit(reader, body) -> None:
    """Whatever comes of it, the file is open no longer."""
    mac = protocol.need(body, protocol.FILE_MAC, _KEY)
    name, number, size, got = reader.upload
    reader.upload = None
    path = _path(reader, name)
    if got != size:
        raise ReaderError(E_FILE, _WHOLE)
    head = bytes((name,)) + number.to_bytes(4, "big") + size.to_bytes(4, "big")
    _authenticate(reader.ring, head, path + ".new", size, mac)
    if name == protocol.FILE_PARAMETERS:
        from ..storage import parameters_file

        parameters_file.load(path + ".new")
    else:
        from ..storage import emv_tables

        emv_tables.EmvTables(path + ".new").check()
    # First the number: the other way round, a file from between the two could be put in afterwards
    reader.ring.write((serials.newer(reader.ring, name, number),))
    try:
        os.rename(path + ".new", path)
    except OSError:
        raise ReaderError(E_FILE, _STORED)
    reader.log(log_events.LOG_FILE_LOADED, name)
    reader.restart()


def _authenticate(ring, head: bytes, path: str, size: int, mac) -> None:
    """What is on the medium, and not what came. Raises E_NO_KEY, E_FILE."""
    root = bytearray(_ROOT)
    reader_id = bytearray(_READER_ID)
    key = bytearray(_KEY)
    if (
        ring.read_into(sections.SESSION_ROOT, root) != _ROOT
        or ring.read_into(sections.READER_ID, reader_id) != _READER_ID
    ):
        raise ReaderError(E_NO_KEY, sections.SESSION_ROOT)
    cmac.derive_into(root, b"mPOS files", reader_id, key)
    wipe(root)
    state = cmac.Cmac(key)
    wipe(key)
    state.update(head)
    piece = memoryview(bytearray(_READ))
    try:
        with open(path, "rb") as file:
            while size > 0:
                n = file.readinto(piece)
                if not n:
                    break
                state.update(piece[:n])
                size -= n
    except OSError:
        raise ReaderError(E_FILE, _STORED)
    if size or not cmac.matches(mac, state.digest()):
        raise ReaderError(E_FILE, _MAC)


def _path(reader, name: int) -> str:
    return reader.board.parameters if name == protocol.FILE_PARAMETERS else reader.board.emv_tables


def _write(path: str, mode: str, data) -> None:
    try:
        with open(path, mode) as file:
            if file.write(data) != len(data):
                raise ReaderError(E_FILE, _STORED)
            file.flush()  # down to the medium: fsync on POSIX, lfs_file_sync on littlefs
    except OSError:
        raise ReaderError(E_FILE, _STORED)
