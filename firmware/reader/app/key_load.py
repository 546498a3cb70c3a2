"""KEY_LOAD: a key in a TR-31 block, under the reader's own block protection key, into the key store. Loaded for one command.

| usage | algorithm, mode | key | optional blocks | |
|---|---|---|---|---|
| B1 | T, X | 16 | KS: KSN, 20 digits, counter 0 | initial key of TDES DUKPT, once |
| B1 | A, X | 16, 24, 32 | IK: initial key ID, 16 digits | initial key of AES DUKPT, once |
| K0 | T, D | 16 | | terminal master key (TMK) |
| K1 | A, D | 16, 24, 32 | | block protection key of version D: replaces the one this block is under |
| K1 | T, D | 16 | | the one of version B, under which only TDES keys come |
| 10 | A, X | 16 | | session root |
| 11 | 0, N | 6 | 10: slot (1 to 16), kind (protocol.KEY_*), 2 digits each | key of cards that are not for payment |

All digits are hexadecimal. Optional block 20, 8 digits, is in every block: a number greater than that of the last block that was taken.
PB, TS and LB may be there too. Exportability is N, key version, context and reserved are 0. A key is not longer than the AES key it comes
under. Key and number are in the store with the same step, or nothing is.

With SCHEME (2: AES DUKPT) beside the block, it is one of version D under the DUKPT update key, and in it an initial key (B1, A) that
takes the place of the one that key came from (ANSI X9.24-3:2017, 6.5.3).

What is refused is E_KEY_REPLAY (the number), E_KEY_EXISTS (an initial key is loaded once: ANSI X9.24-1), E_NO_KEY (no protection key for
blocks of this version; detail: its section), or E_KEY_BLOCK, whose detail is one of tr31.py or:

    10 usage     11 algorithm     12 mode of use     13 exportability     14 key version, context, reserved
    15 length of the key          16 KS, IK missing or wrong              17 slot or kind missing or wrong
    18 serial number missing or wrong     19 key longer than the one it comes under     20 optional block that is unknown
"""

from micropython import const

from .. import tr31
from ..dukpt import scheme
from ..errors import E_KEY_BLOCK, E_LINK_BODY, E_NO_KEY, ReaderError
from ..link import protocol
from ..storage import log_events, sections, serials
from ..util.wipe import wipe

_TDES_BLOCK = const(2)  # as tr31.py
_USAGE = const(10)
_ALGORITHM = const(11)
_MODE = const(12)
_EXPORTABILITY = const(13)
_VERSION = const(14)
_LENGTH = const(15)
_KSN = const(16)
_SLOT = const(17)
_SERIAL = const(18)
_STRENGTH = const(19)
_OPTIONAL = const(20)

_B = const(0x42)
_T = const(0x54)
_A = const(0x41)
_PROTECTION_MOST = const(32)

# Usage (2), algorithm, mode; lengths of the key, a bit for each of _LENGTHS; section
_LENGTHS = b"\x06\x10\x18\x20"
_ROWS = (
    b"B1TX\x02\x01",
    b"B1AX\x0e\x02",
    b"K0TD\x02\x08",
    b"K1AD\x0e\x04",
    b"K1TD\x02\x0c",
    b"10AX\x02\x03",
    b"110N\x01\x07",
)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable


def handle(reader, _opcode: int, _number: int, body) -> "Callable":
    """Carry it out; the function that writes the response's body: the key's check value, if it has one."""
    try:
        block = protocol.need(body, protocol.KEY_BLOCK)
        if protocol.find(body, protocol.SCHEME, 1) is None:
            section, check = _load(reader.ring, block)
        elif protocol.need_int(body, protocol.SCHEME, 1) == scheme.AES_DUKPT:
            section, check = _update(reader.ring, block)
        else:
            raise ReaderError(E_LINK_BODY, protocol.SCHEME)
    except ReaderError as error:
        reader.log(log_events.LOG_KEY_REFUSED, error.code << 16 | error.detail & 0xFFFF)
        raise
    reader.log(log_events.LOG_KEY_LOADED, section)

    def write(w):
        w.put_int(protocol.ERROR, 0, 2)
        return w.put(protocol.KEY_CHECK, check) if check else w

    return write


def _load(ring, block) -> tuple[int, bytes]:
    """Section and check value."""
    section = sections.BLOCK_KEY_TDES if block[:1] == b"B" else sections.BLOCK_KEY
    protection = bytearray(_PROTECTION_MOST)
    n = ring.read_into(section, protection)
    if not n:
        raise ReaderError(E_NO_KEY, section)
    try:
        header, key = tr31.unwrap(memoryview(protection)[:n], block)
    finally:
        wipe(protection)
    try:
        section, also = _accept(ring, header, key, n)
        _store(ring, section, header, key, also)
        return section, tr31.check_value(header[7], key)
    finally:
        wipe(key)


def _update(ring, block) -> tuple[int, bytes]:
    """The same for an initial key that comes under the update key of the one before it."""
    also: list = []
    check = b""

    def open_block(update):
        nonlocal check
        if block[:1] != b"D":
            raise ReaderError(E_KEY_BLOCK, _TDES_BLOCK)
        header, key = tr31.unwrap(update, block)
        section, numbers = _accept(ring, header, key, len(update))
        if section != sections.AES:
            raise ReaderError(E_KEY_BLOCK, _USAGE)
        also.extend(numbers)
        check = tr31.check_value(_A, key)
        return key, _digits(header, b"IK", 8, _KSN) + bytes(4)

    scheme.machine(ring, scheme.AES_DUKPT).update_initial_key(open_block, also)
    return sections.AES, check


def _accept(ring, header: bytes, key, protection: int) -> tuple[int, tuple]:
    """The section it is for, and its number for the ring. `protection`: how long the key is that this one came under."""
    row = _row(header)
    if header[8] != row[3]:
        raise ReaderError(E_KEY_BLOCK, _MODE)
    if header[11:12] != b"N":
        raise ReaderError(E_KEY_BLOCK, _EXPORTABILITY)
    if header[9:11] != b"00" or header[14:16] != b"00":
        raise ReaderError(E_KEY_BLOCK, _VERSION)
    n = len(key)
    index = _LENGTHS.find(bytes((n,)))
    if index < 0 or not row[4] >> index & 1:
        raise ReaderError(E_KEY_BLOCK, _LENGTH)
    if header[7] != _T and (header[0] == _B or n > protection):
        raise ReaderError(E_KEY_BLOCK, _STRENGTH)
    for name, _, _ in tr31.optional_blocks(header):
        if name not in (b"20", b"10", b"KS", b"IK", b"PB", b"TS", b"LB"):
            raise ReaderError(E_KEY_BLOCK, _OPTIONAL)
    number = int.from_bytes(_digits(header, b"20", 4, _SERIAL), "big")
    return row[5], (serials.newer(ring, serials.KEYS, number),)


def _store(ring, section: int, header: bytes, key, also: tuple) -> None:
    if section == sections.AES:
        serial = _digits(header, b"IK", 8, _KSN) + bytes(4)
        scheme.machine(ring, scheme.AES_DUKPT).load_initial_key(key, serial, also)
    elif section == sections.TDES:
        serial = _digits(header, b"KS", 10, _KSN)
        if serial[7] & 0x1F or serial[8] or serial[9]:
            raise ReaderError(E_KEY_BLOCK, _KSN)
        scheme.machine(ring, scheme.TDES_DUKPT).load_initial_key(key, serial, also)
    elif section == sections.CARD_KEYS:
        from ..storage.card_keys import SLOTS, CardKeys

        slot, kind = _digits(header, b"10", 2, _SLOT)
        if not 1 <= slot <= SLOTS or not protocol.KEY_A <= kind <= protocol.KEY_PASSWORD:
            raise ReaderError(E_KEY_BLOCK, _SLOT)
        CardKeys(ring).put(slot, kind, key, also)
    else:
        ring.write(((section, key),) + also)


def _row(header: bytes) -> bytes:
    """Raises E_KEY_BLOCK: usage or algorithm."""
    detail = _USAGE
    for row in _ROWS:
        if row[:2] == header[5:7]:
            if row[2] == header[7]:
                return row
            detail = _ALGORITHM
    raise ReaderError(E_KEY_BLOCK, detail)


def _digits(header: bytes, wanted: bytes, size: int, detail: int) -> bytes:
    """The optional block `wanted`, which is `size` bytes in upper-case hexadecimal digits. Raises E_KEY_BLOCK."""
    for name, at, end in tr31.optional_blocks(header):
        if name == wanted and end - at == 2 * size:
            found = bytearray(size)
            for i in range(2 * size):
                value = b"0123456789ABCDEF".find(header[at + i : at + i + 1])
                if value < 0:
                    break
                found[i // 2] = found[i // 2] << 4 | value
            else:
                return bytes(found)
    raise ReaderError(E_KEY_BLOCK, detail)
