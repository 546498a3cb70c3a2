"""Kinds, opcodes and body tags of the link's messages (docs/link.md), and the writer of a message.

Bodies are BER-TLV in a numbering of their own: context and private class, one-byte tags, one-byte to two-byte lengths.
"""

from micropython import const

from ..errors import E_LINK_BODY, E_LINK_LENGTH, ReaderError
from ..util import bcd, ber_tlv
from .framing import HEADER, MAX_MESSAGE
from .session import BODY, HEAD, MAC

COMMAND = const(1)
RESPONSE = const(2)
EVENT = const(3)
SECURED = const(4)  # one of the above, encrypted (link/session.py)

# Commands
GET_INFO = const(0x01)
OPEN_SESSION = const(0x02)
AUTHENTICATE = const(0x03)
CLOSE_SESSION = const(0x04)
START = const(0x10)
ONLINE_RESULT = const(0x11)
CANCEL = const(0x12)
LAST_RESULT = const(0x13)
ACKNOWLEDGE = const(0x14)
CONTINUE = const(0x15)  # the answer to a PROMPT
NOTICE = const(0x16)  # what earlier transactions left for the host
SIGN_IN = const(0x17)  # fetch working keys from the host (master/session scheme)
# A card that is none for payment, passed through to the phone
CARD_OPEN = const(0x30)
CARD_APDU = const(0x31)
CARD_AUTHENTICATE = const(0x32)
CARD_FETCH = const(0x33)
CARD_STORE = const(0x34)
CARD_VALUE = const(0x35)
CARD_CLOSE = const(0x36)
# Keys and upkeep
KEY_LOAD = const(0x40)  # a TR-31 block
KEY_STATUS = const(0x41)  # which keys there are: no key
SELF_TEST = const(0x42)
LOG = const(0x43)  # security events
FACTORY_KEY = const(0x44)  # the first key, by the factory's line only, into an empty store
FACTORY_DONE = const(0x45)
FILE_BEGIN = const(0x46)  # parameters, tables
FILE_DATA = const(0x47)
FILE_COMMIT = const(0x48)

# Events; their message id is the transaction's
STATE = const(0x20)
CARD = const(0x21)
ONLINE_REQUEST = const(0x22)
RESULT = const(0x23)
PROMPT = const(0x24)
UI_REQUEST = const(0x25)  # what a contactless transaction shows (EMV Contactless Book A, 9.4)
CARD_FOUND = const(0x26)  # after CARD_OPEN; the message id is that command's
FAULT = const(0x2F)  # something came that was no command

# Body tags
ERROR = const(0x80)  # 2 bytes, errors.E_*; 0: none
DETAIL = const(0x81)  # 4 bytes
TRANSACTION = const(0x82)  # 2 bytes
READER_STATE = const(0x83)  # 1 byte, below
TYPE = const(0x84)  # 1 byte, below
AMOUNT = const(0x85)  # n12, minor units
CURRENCY = const(0x86)  # n3 in 2 bytes, ISO 4217
TIMEOUT = const(0x87)  # 2 bytes, seconds to wait for a card
CARD_EVENT = const(0x88)  # 1 byte, below
PACKET = const(0x89)  # the ISO 8583 frame
OUTCOME = const(0x8A)  # 1 byte, outcome.*
RESPONSE_CODE = const(0x8B)  # an2, DE39
AUTH_CODE = const(0x8C)  # an6, DE38
RRN = const(0x8D)  # an12, DE37
MASKED_PAN = const(0x8E)  # first six, last four
KSN = const(0x8F)  # 10 or 12 bytes; none under master/session
CVM = const(0x90)  # 1 byte, outcome.CVM_*
VERSION = const(0x91)  # text
BOARD = const(0x92)  # text
HEAP = const(0x93)  # 4 bytes: in use at rest
HEAP_PEAK = const(0x94)  # 4 bytes: most in use at a step of the transaction
STAN = const(0x95)  # 4 bytes, DE11
AIOBLE = const(0x96)  # text: version of aioble, or what stands in for it
ISSUER_DATA = const(0x97)  # DE55 of the answer
INTERFACES = const(0x98)  # 1 byte, below; in a RESULT the one that was used
PROMPT_CODE = const(0x99)  # 1 byte, below
LABELS = const(0x9A)  # what is to choose from: each text behind its length in one byte
CHOICE = const(0x9B)  # 1 byte: number of the label from 0, FF none; or 1 yes, 0 no
TRIES = const(0x9C)  # 1 byte: PIN tries left
TVR = const(0x9D)  # 5 bytes, tag 95
TSI = const(0x9E)  # 2 bytes, tag 9B
NOTICE_ID = const(0xC0)  # 2 bytes
NOTICE_KIND = const(0xC1)  # 1 byte, below
SCRIPT_RESULTS = const(0xC2)  # 5 bytes for each issuer script
CVM_RESULTS = const(0xC3)  # 3 bytes, tag 9F34
TIME = const(0xC4)  # YYMMDDhhmmss, packed
TRACK2 = const(0xC5)  # encrypted under the data key of KSN
ICC_DATA = const(0xC6)  # DE55 of the record
NOTICES = const(0xC7)  # 1 byte: how many there are
BALANCE = const(0xC8)  # n12: electronic cash left on the card
REASON = const(0xC9)  # an2: DE39 of the reversal
ENTRY_MODE = const(0xCA)  # n3 as text: DE22 of the packet
FALLBACK = const(0xCB)  # 1 byte, 1: the chip failed and the reader took the stripe
MESSAGE_ID = const(0xCC)  # 1 byte, outcome.MESSAGE_*
UI_STATUS = const(0xCD)  # 1 byte, outcome.UI_*
HOLD_TIME = const(0xCE)  # 2 bytes, in 100 ms: how long the message stays at least
TORN = const(0xCF)  # 1 byte, 1: an earlier presentment of the card was cut off after it had decided
TECHNOLOGY = const(0xD0)  # 1 byte, below; in CARD_OPEN their sum
CARD_TYPE = const(0xD1)  # 1 byte, below
UID = const(0xD2)  # UID, PUPI or IDm
CARD_SAYS = const(0xD3)  # ATQA (2), SAK, ATS; ATQB without its first byte; PMm and system code
CARD_VERSION = const(0xD4)  # answer to GET_VERSION (NTAG, Ultralight EV1)
SYSTEM_CODE = const(0xD5)  # 2 bytes: FeliCa system that is asked for; FFFF any
APDU = const(0xD6)  # command or response
KEY_SLOT = const(0xD7)  # 1 byte: of the reader's key store; of a sector trailer 2, for its keys A and B
KEY_KIND = const(0xD8)  # 1 byte, below
BLOCK = const(0xD9)  # 2 bytes: block or page; of FeliCa one for each block
COUNT = const(0xDA)  # 1 byte: of blocks or pages
SERVICE = const(0xDB)  # 2 bytes for each FeliCa service
DATA = const(0xDC)
OPERATION = const(0xDD)  # 1 byte, below
VALUE = const(0xDE)  # 4 bytes; of a response signed
ROLE = const(0x40)  # 1 byte, below
NONCE = const(0x41)  # 16 bytes
READER_ID = const(0x42)  # 8 bytes
CRYPTOGRAM = const(0x43)  # 16 bytes
KEY_BLOCK = const(0x44)  # TR-31, as text
KEY_CHECK = const(0x45)  # check value of a key, 3 bytes (TDES: zeros encrypted) or 5 (AES: CMAC of zeros)
KEY_INFO = const(0x46)  # records of storage (app/key_status.py)
LOG_NUMBER = const(0x47)  # 4 bytes: number of a record
LOG_RECORDS = const(0x48)  # storage/event_log.py
FILE_NAME = const(0x49)  # 1 byte, below
FILE_SIZE = const(0x4A)  # 4 bytes
FILE_OFFSET = const(0x4B)  # 4 bytes
FILE_MAC = const(0x4C)  # 16 bytes
FILE_NUMBER = const(0x4D)  # 4 bytes: of this version of the file, goes up
KEY = const(0x4E)  # the factory's first key, in clear, on its line
RELEASE = const(0x4F)  # 1 byte: 1 a release build, 0 one for development
IMAGE_HASH = const(0x50)  # SHA-256 of the firmware's image
SCHEME = const(0x51)  # 1 byte: dukpt/scheme.py
SELF_TESTED = const(0x52)  # 4 bytes: seconds since the last self-test

# ROLE
ROLE_FIELD = const(1)
ROLE_FACTORY = const(2)

# FILE_NAME
FILE_PARAMETERS = const(1)
FILE_TABLES = const(2)

# READER_STATE
STATE_IDLE = const(0)
STATE_WAIT_CARD = const(1)
STATE_READING = const(2)
STATE_ONLINE = const(3)
STATE_OUT_OF_SERVICE = const(9)

# TYPE
TYPE_SALE = const(1)

# INTERFACES: one bit each
INTERFACE_CONTACT = const(1)
INTERFACE_CONTACTLESS = const(2)
INTERFACE_SWIPE = const(4)

# TECHNOLOGY: one bit each
TECHNOLOGY_A = const(1)
TECHNOLOGY_B = const(2)
TECHNOLOGY_FELICA = const(4)

# CARD_TYPE
TYPE_OTHER = const(0)
TYPE_ISODEP = const(1)
TYPE_CLASSIC_1K = const(2)
TYPE_CLASSIC_4K = const(3)
TYPE_CLASSIC_MINI = const(4)
TYPE_ULTRALIGHT = const(5)  # with the NTAGs
TYPE_FELICA = const(6)

# KEY_KIND
KEY_A = const(1)  # of MIFARE Classic
KEY_B = const(2)
KEY_PASSWORD = const(3)  # of NTAG and Ultralight EV1

# OPERATION on a value block; the result lands in the second of two BLOCKs, or in the same one
OPERATION_INCREMENT = const(1)
OPERATION_DECREMENT = const(2)
OPERATION_COPY = const(3)  # restore, then transfer
OPERATION_READ = const(4)

# PROMPT_CODE
PROMPT_INSERT = const(1)
PROMPT_DO_NOT_REMOVE = const(2)
PROMPT_ENTER_PIN = const(3)
PROMPT_WRONG_PIN = const(4)  # enter it again
PROMPT_LAST_TRY = const(5)  # enter it; once more wrong and the card blocks it
PROMPT_REMOVE = const(6)
PROMPT_CHOOSE = const(7)  # one of LABELS; CONTINUE answers
PROMPT_CONFIRM = const(8)  # the one of LABELS; CONTINUE answers
PROMPT_SWIPE = const(9)
PROMPT_ANY = const(10)  # by one of INTERFACES

# NOTICE_KIND
NOTICE_REVERSAL = const(1)  # the host may have booked what was not sold
NOTICE_SCRIPTS = const(2)  # what became of the issuer's scripts
NOTICE_OFFLINE = const(3)  # a sale that the card approved offline, to be cleared

# CARD_EVENT
CARD_PRESENT = const(1)
CARD_REMOVED = const(2)  # too early: present it again
CARD_TWO = const(3)  # present one card only
CARD_READ = const(4)  # may be taken away
CARD_TRY_AGAIN = const(5)  # could not be read: present it again; DETAIL of a swipe: why (iso7811/reasons.py)
CARD_EARLY = const(6)  # swiped before the transaction, which does not count: swipe it again
CARD_USE_CHIP = const(7)  # it has a chip: insert it
CARD_GONE = const(8)  # the one that was left in the slot
CARD_SEE_PHONE = const(9)  # something is to be done on the cardholder's device; then present it again
CARD_NONE = const(10)  # nobody presented one in time (pass-through)


class Writer:
    """Builds one message after another in one buffer, where it can be secured as it lies; `message` is valid until the next
    `begin`."""

    def __init__(self):
        self._buf = bytearray(MAX_MESSAGE)
        self._body = ber_tlv.Writer(memoryview(self._buf)[BODY:-MAC])

    def begin(self, kind: int, opcode: int, number: int) -> "Writer":
        buf = self._buf
        buf[HEAD] = kind
        buf[HEAD + 1] = opcode
        buf[HEAD + 2] = number >> 8 & 0xFF
        buf[HEAD + 3] = number & 0xFF
        self._body.length = 0
        return self

    def put(self, tag: int, value) -> "Writer":
        """Append one object; `value` bytes-like or str. Raises E_TLV when the message gets too long."""
        self._body.put(tag, value.encode() if isinstance(value, str) else value)
        return self

    def put_int(self, tag: int, value: int, size: int) -> "Writer":
        return self.put(tag, value.to_bytes(size, "big"))

    def put_objects(self, objects) -> "Writer":
        """Append a body that was written before. Raises E_LINK_LENGTH when the message gets too long."""
        body = self._body
        end = body.length + len(objects)
        if BODY + end + MAC > MAX_MESSAGE:
            raise ReaderError(E_LINK_LENGTH)
        self._buf[BODY + body.length : BODY + end] = objects
        body.length = end
        return self

    def error(self, error: ReaderError) -> "Writer":
        return self.put_int(ERROR, error.code, 2).put_int(DETAIL, error.detail & 0xFFFFFFFF, 4)

    def body(self) -> bytes:
        """A copy of the objects so far."""
        return bytes(memoryview(self._buf)[BODY : BODY + self._body.length])

    def message(self, session=None) -> memoryview:
        """In clear, or secured by `session` (once: the message in clear is then gone). Raises E_LINK_SECURED."""
        n = self._body.length
        self._buf[HEAD + 4] = n >> 8
        self._buf[HEAD + 5] = n & 0xFF
        if session is not None:
            return session.seal(self._buf, HEADER + n)
        return memoryview(self._buf)[HEAD : BODY + n]


def find(body, tag: int, size: int = 0) -> "memoryview | None":
    """The value of `tag` in a message body, or None. `size`: the length it must have (0: any).

    Raises E_LINK_BODY when the body is not a list of objects, has `tag` twice, or at another length.
    """
    try:
        value = ber_tlv.find(body, tag)
    except ReaderError:
        raise ReaderError(E_LINK_BODY, tag) from None
    if value is not None and size and len(value) != size:
        raise ReaderError(E_LINK_BODY, tag)
    return value


def need(body, tag: int, size: int = 0) -> memoryview:
    """As `find`, and the object must be there."""
    value = find(body, tag, size)
    if value is None:
        raise ReaderError(E_LINK_BODY, tag)
    return value


def need_int(body, tag: int, size: int) -> int:
    return int.from_bytes(need(body, tag, size), "big")


def need_bcd(body, tag: int, size: int) -> int:
    """The packed decimal number under `tag`. Raises E_LINK_BODY when it is absent or not decimal."""
    try:
        return bcd.to_int(need(body, tag, size))
    except ReaderError:
        raise ReaderError(E_LINK_BODY, tag) from None
