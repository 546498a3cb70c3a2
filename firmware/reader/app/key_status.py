"""KEY_STATUS: which keys there are, and no byte of one. Loaded for one command.

KEY_INFO is a record of 24 bytes for each section of the key store (storage/sections.py) that is there:

    section (1), A or T: the key's algorithm, or 0 (1), bytes of the section (2), serial number (12), check value (4),
    how many keys are left, in rough (4)

Serial number, with zeros behind it: the next KSN of DUKPT (TDES 10 bytes, AES 12), the reader's ID (8), bits of the slots that
have a key, 1 the highest (2), the numbers of the last key block, parameters and tables (12).
Check value: of a key that is there in one piece, as KEY_LOAD gave it, 3 bytes or 4 of its 5. Registers of DUKPT have none.
Left: of TDES DUKPT and AES DUKPT half of the counter's values, because counters with many one-bits are passed over.
"""

from micropython import const

from .. import tr31
from ..dukpt import scheme
from ..link import protocol
from ..storage import sections
from ..util.wipe import wipe

RECORD = const(24)
_LENGTH = const(2)
_SERIAL = const(4)
_CHECK = const(16)
_LEFT = const(20)
_LAST = const(13)  # sections.*
_ROOM = const(128)
_TDES_COUNTERS = const(0x1FFFFF)
_T = const(0x54)
_A = const(0x41)
_SLOT_RECORD = const(7)  # of storage/card_keys.py
_SLOTS = const(16)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable


def handle(reader, _opcode: int, _number: int, _body) -> "Callable":
    """The function that writes the response's body. Raises E_NO_KEY, E_STORE."""
    ring = reader.ring
    records = bytearray()
    for section in range(1, _LAST + 1):
        n = ring.size(section)
        if n:
            record = bytearray(RECORD)
            record[0] = section
            record[_LENGTH : _LENGTH + 2] = n.to_bytes(2, "big")
            _describe(ring, section, n, record)
            records += record
    return lambda w: w.put_int(protocol.ERROR, 0, 2).put(protocol.KEY_INFO, records)


def _describe(ring, section: int, n: int, record) -> None:
    if section in (sections.TDES, sections.AES):
        is_aes = section == sections.AES
        record[1] = _A if is_aes else _T
        serial = scheme.machine(ring, scheme.AES_DUKPT if is_aes else scheme.TDES_DUKPT).serial()
        record[_SERIAL : _SERIAL + len(serial)] = serial
        most = (1 << 32) - 1 if is_aes else _TDES_COUNTERS
        counter = int.from_bytes(serial[-4:], "big") & most
        record[_LEFT:] = (most + 1 - counter >> 1 if counter else 0).to_bytes(4, "big")
    elif n <= _ROOM:
        kept = bytearray(n)
        ring.read_into(section, kept)
        if section in (sections.READER_ID, sections.SERIALS):
            record[_SERIAL : _SERIAL + n] = kept
        elif section == sections.CARD_KEYS:
            slots = 0
            for slot in range(_SLOTS):
                slots = slots << 1 | (kept[slot * _SLOT_RECORD] != 0)
            record[_SERIAL : _SERIAL + 2] = slots.to_bytes(2, "big")
        elif section in (sections.MASTER_KEY, sections.BLOCK_KEY_TDES, sections.BLOCK_KEY, sections.SESSION_ROOT):
            record[1] = _T if section in (sections.MASTER_KEY, sections.BLOCK_KEY_TDES) else _A
            check = tr31.check_value(record[1], kept)[: _LEFT - _CHECK]
            record[_CHECK : _CHECK + len(check)] = check
        wipe(kept)
