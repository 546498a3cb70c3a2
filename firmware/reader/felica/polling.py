"""What FeliCa cards say of themselves: Polling and its answer (JIS X 6319-4), as a coupler reports it.

Polling    [length]  00  system code (2)  request code  time slots
answer      length   01  IDm (8)  PMm (8)  [request data (2): the system code]
"""

from micropython import const

from reader.errors import E_CARD_PROTOCOL, ReaderError

_POLLING = const(0x00)
_ANSWER = const(0x01)
_IDM = const(8)
_LENGTH = const(18)
_LONG_LENGTH = const(20)
_REQUEST_SYSTEM_CODE = const(0x01)
_TIME_SLOTS = const(0x03)  # four, so that two cards seldom answer at once


def command(system_code: int) -> bytes:
    """A Polling without its length byte. FFFFh: whichever system."""
    return bytes((_POLLING, system_code >> 8, system_code & 0xFF, _REQUEST_SYSTEM_CODE, _TIME_SLOTS))


def answers(answer) -> list[tuple[int, bytes, bytes]]:
    """Read a PN532's answer to InListPassiveTarget for FeliCa (UM0701-02, 7.3.5), from NbTg on: NbTg, then for each target
    Tg and the answer to Polling.

    Returns number, IDm, and PMm with the system code if the card says it. Raises E_CARD_PROTOCOL for anything else.
    """
    view = memoryview(answer)
    found = []
    at = 1
    for _ in range(view[0] if len(view) else 1):
        length = view[at + 1] if at + 1 < len(view) else 0
        end = at + 1 + length
        if length not in (_LENGTH, _LONG_LENGTH) or end > len(view) or view[at + 2] != _ANSWER:
            raise ReaderError(E_CARD_PROTOCOL)
        says = at + 3 + _IDM
        found.append((view[at], bytes(view[at + 3 : says]), bytes(view[says:end])))
        at = end
    if at != len(view):
        raise ReaderError(E_CARD_PROTOCOL)
    return found
