"""The messages of the link as the phone sees them (docs/link.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

HEADER = 6
MAX_MESSAGE = 1024


class LinkError(Exception):
    """What came over the link breaks its rules."""


class Kind(IntEnum):
    COMMAND = 1
    RESPONSE = 2
    EVENT = 3
    SECURED = 4


class Opcode(IntEnum):
    GET_INFO = 0x01
    OPEN_SESSION = 0x02
    AUTHENTICATE = 0x03
    CLOSE_SESSION = 0x04
    START = 0x10
    ONLINE_RESULT = 0x11
    CANCEL = 0x12
    LAST_RESULT = 0x13
    ACKNOWLEDGE = 0x14
    CONTINUE = 0x15
    NOTICE = 0x16
    SIGN_IN = 0x17
    CARD_OPEN = 0x30
    CARD_APDU = 0x31
    CARD_AUTHENTICATE = 0x32
    CARD_FETCH = 0x33
    CARD_STORE = 0x34
    CARD_VALUE = 0x35
    CARD_CLOSE = 0x36
    KEY_LOAD = 0x40
    KEY_STATUS = 0x41
    SELF_TEST = 0x42
    LOG = 0x43
    FACTORY_KEY = 0x44
    FACTORY_DONE = 0x45
    FILE_BEGIN = 0x46
    FILE_DATA = 0x47
    FILE_COMMIT = 0x48
    STATE = 0x20
    CARD = 0x21
    ONLINE_REQUEST = 0x22
    RESULT = 0x23
    PROMPT = 0x24
    UI_REQUEST = 0x25
    CARD_FOUND = 0x26
    FAULT = 0x2F


class Tag(IntEnum):
    ERROR = 0x80
    DETAIL = 0x81
    TRANSACTION = 0x82
    READER_STATE = 0x83
    TYPE = 0x84
    AMOUNT = 0x85
    CURRENCY = 0x86
    TIMEOUT = 0x87
    CARD_EVENT = 0x88
    PACKET = 0x89
    OUTCOME = 0x8A
    RESPONSE_CODE = 0x8B
    AUTH_CODE = 0x8C
    RRN = 0x8D
    MASKED_PAN = 0x8E
    KSN = 0x8F
    CVM = 0x90
    VERSION = 0x91
    BOARD = 0x92
    HEAP = 0x93
    HEAP_PEAK = 0x94
    STAN = 0x95
    AIOBLE = 0x96
    ISSUER_DATA = 0x97
    INTERFACES = 0x98
    PROMPT_CODE = 0x99
    LABELS = 0x9A
    CHOICE = 0x9B
    TRIES = 0x9C
    TVR = 0x9D
    TSI = 0x9E
    NOTICE_ID = 0xC0
    NOTICE_KIND = 0xC1
    SCRIPT_RESULTS = 0xC2
    CVM_RESULTS = 0xC3
    TIME = 0xC4
    TRACK2 = 0xC5
    ICC_DATA = 0xC6
    NOTICES = 0xC7
    BALANCE = 0xC8
    REASON = 0xC9
    ENTRY_MODE = 0xCA
    FALLBACK = 0xCB
    MESSAGE_ID = 0xCC
    UI_STATUS = 0xCD
    HOLD_TIME = 0xCE
    TORN = 0xCF
    TECHNOLOGY = 0xD0
    CARD_TYPE = 0xD1
    UID = 0xD2
    CARD_SAYS = 0xD3
    CARD_VERSION = 0xD4
    SYSTEM_CODE = 0xD5
    APDU = 0xD6
    KEY_SLOT = 0xD7
    KEY_KIND = 0xD8
    BLOCK = 0xD9
    COUNT = 0xDA
    SERVICE = 0xDB
    DATA = 0xDC
    OPERATION = 0xDD
    VALUE = 0xDE
    ROLE = 0x40
    NONCE = 0x41
    READER_ID = 0x42
    CRYPTOGRAM = 0x43
    KEY_BLOCK = 0x44
    KEY_CHECK = 0x45
    KEY_INFO = 0x46
    LOG_NUMBER = 0x47
    LOG_RECORDS = 0x48
    FILE_NAME = 0x49
    FILE_SIZE = 0x4A
    FILE_OFFSET = 0x4B
    FILE_MAC = 0x4C
    FILE_NUMBER = 0x4D
    KEY = 0x4E
    RELEASE = 0x4F
    IMAGE_HASH = 0x50
    SCHEME = 0x51
    SELF_TESTED = 0x52


class Role(IntEnum):
    FIELD = 1
    FACTORY = 2


class FileName(IntEnum):
    PARAMETERS = 1
    TABLES = 2


class State(IntEnum):
    IDLE = 0
    WAIT_CARD = 1
    READING = 2
    ONLINE = 3
    OUT_OF_SERVICE = 9


class CardEvent(IntEnum):
    PRESENT = 1
    REMOVED = 2
    TWO = 3
    READ = 4
    TRY_AGAIN = 5
    EARLY = 6
    USE_CHIP = 7
    GONE = 8
    SEE_PHONE = 9
    NONE = 10


class Technology(IntFlag):
    A = 1
    B = 2
    FELICA = 4


class CardType(IntEnum):
    OTHER = 0
    ISODEP = 1
    CLASSIC_1K = 2
    CLASSIC_4K = 3
    CLASSIC_MINI = 4
    ULTRALIGHT = 5
    FELICA = 6


class KeyKind(IntEnum):
    A = 1
    B = 2
    PASSWORD = 3


class Operation(IntEnum):
    INCREMENT = 1
    DECREMENT = 2
    COPY = 3
    READ = 4


class Interface(IntFlag):
    CONTACT = 1
    CONTACTLESS = 2
    SWIPE = 4


class Prompt(IntEnum):
    INSERT = 1
    DO_NOT_REMOVE = 2
    ENTER_PIN = 3
    WRONG_PIN = 4
    LAST_TRY = 5
    REMOVE = 6
    CHOOSE = 7
    CONFIRM = 8
    SWIPE = 9
    ANY = 10


class Notice(IntEnum):
    REVERSAL = 1
    SCRIPTS = 2
    OFFLINE = 3


TYPE_SALE = 1


@dataclass
class Message:
    """One message. `body`: tag -> value, each tag at most once."""

    kind: Kind
    opcode: int
    number: int
    body: dict[int, bytes] = field(default_factory=dict)

    def encode(self) -> bytes:
        body = b"".join(bytes([tag]) + _length(len(value)) + value for tag, value in self.body.items())
        message = bytes([self.kind, self.opcode]) + self.number.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body
        if len(message) > MAX_MESSAGE:
            raise LinkError(f"a message of {len(message)} bytes is more than the reader takes ({MAX_MESSAGE})")
        return message

    @classmethod
    def decode(cls, data: bytes) -> Message:
        if len(data) < HEADER or len(data) != HEADER + int.from_bytes(data[4:6], "big"):
            raise LinkError("a message is not as long as its header says")
        try:
            kind = Kind(data[0])
        except ValueError:
            raise LinkError(f"a message of unknown kind {data[0]}") from None
        return cls(kind, data[1], int.from_bytes(data[2:4], "big"), _objects(data[HEADER:]))

    def number_of(self, tag: int) -> int:
        """The object as an unsigned number; 0 when absent."""
        return int.from_bytes(self.body.get(tag, b""), "big")

    def text_of(self, tag: int) -> str:
        return self.body.get(tag, b"").decode("ascii", "replace")


def bcd(value: int, size: int) -> bytes:
    return bytes.fromhex(f"{value:0{2 * size}d}")


def _length(n: int) -> bytes:
    return bytes([n]) if n < 0x80 else bytes([0x81, n]) if n < 0x100 else b"\x82" + n.to_bytes(2, "big")


def _objects(body: bytes) -> dict[int, bytes]:
    out: dict[int, bytes] = {}
    at = 0
    while at < len(body):
        tag = body[at]
        at += 1
        n = int.from_bytes(body[at : at + 1], "big")
        at += 1
        if n & 0x80:
            more = n & 0x7F
            n = int.from_bytes(body[at : at + more], "big")
            at += more
        if at > len(body) or at + n > len(body) or tag in out:
            raise LinkError(f"the body of a message breaks off or repeats itself at tag {tag:02X}")
        out[tag] = body[at : at + n]
        at += n
    return out
