"""Who may ask for what, and when: the table of docs/link.md ("Who may ask for what"), which a test compares with this one."""

from micropython import const

from ..errors import (
    E_LINK_BUSY,
    E_LINK_NO_SESSION,
    E_LINK_OPCODE,
    E_LINK_ROLE,
    E_LINK_STATE,
    E_OUT_OF_SERVICE,
)

# How the command came, one bit each
CLEAR = const(1)  # without a session
LINE = const(2)  # the same, over the factory's line
FIELD = const(4)  # in a session of this role
FACTORY = const(8)

# The reader's state, one bit each
IDLE = const(1)
BUSY = const(2)  # a transaction, before its packet has left
ONLINE = const(4)  # after it
CARD = const(8)  # a card that is none for payment is open
OUT = const(16)  # out of service

_ROW = const(3)
# opcode, how it may come, in which states
_TABLE = (
    b"\x01\x0f\x1f"  # GET_INFO
    b"\x02\x0f\x1f"  # OPEN_SESSION
    b"\x03\x0f\x1f"  # AUTHENTICATE
    b"\x04\x0c\x1f"  # CLOSE_SESSION
    b"\x10\x04\x0f"  # START: one that is repeated is answered again
    b"\x11\x04\x04"  # ONLINE_RESULT
    b"\x12\x04\x02"  # CANCEL
    b"\x13\x04\x0f"  # LAST_RESULT
    b"\x14\x04\x0f"  # ACKNOWLEDGE
    b"\x15\x04\x06"  # CONTINUE
    b"\x16\x04\x01"  # NOTICE
    b"\x17\x04\x0f"  # SIGN_IN: as START
    b"\x30\x04\x09"  # CARD_OPEN
    b"\x31\x04\x08"  # CARD_APDU
    b"\x32\x04\x08"  # CARD_AUTHENTICATE
    b"\x33\x04\x08"  # CARD_FETCH
    b"\x34\x04\x08"  # CARD_STORE
    b"\x35\x04\x08"  # CARD_VALUE
    b"\x36\x04\x0f"  # CARD_CLOSE
    b"\x40\x0c\x11"  # KEY_LOAD
    b"\x41\x0c\x11"  # KEY_STATUS
    b"\x42\x0c\x11"  # SELF_TEST
    b"\x43\x0c\x11"  # LOG
    b"\x44\x02\x10"  # FACTORY_KEY
    b"\x45\x08\x11"  # FACTORY_DONE
    b"\x46\x0c\x11"  # FILE_BEGIN
    b"\x47\x0c\x11"  # FILE_DATA
    b"\x48\x0c\x11"  # FILE_COMMIT
)


def refusal(opcode: int, how: int, state: int) -> int:
    """0 when the command may be carried out, or the errors.E_* that says why it may not."""
    for at in range(0, len(_TABLE), _ROW):
        if _TABLE[at] != opcode:
            continue
        may = _TABLE[at + 1]
        states = _TABLE[at + 2]
        if not may & how:
            return E_LINK_NO_SESSION if how & (CLEAR | LINE) and may & (FIELD | FACTORY) else E_LINK_ROLE
        if states & state:
            return 0
        if state == OUT:
            return E_OUT_OF_SERVICE
        return E_LINK_BUSY if states & IDLE else E_LINK_STATE
    return E_LINK_NO_SESSION if how & (CLEAR | LINE) else E_LINK_OPCODE
