"""Protocol and parameters selection (ISO/IEC 7816-3:2006, 9): once, right after the ATR of a card in negotiable mode.

    FF  PPS0  [PPS1]  PCK      PPS0: 10 where PPS1 follows (40, 20: PPS2, PPS3), T in the right half
                               PPS1: coded as TA1      PCK: makes the exclusive-or of all zero

EMV does without it: the card stays at 372 and 1 (EMV 4.4 Book 1, 8.3.3.1).
"""

from micropython import const

from reader.errors import E_CARD_PROTOCOL, E_CARD_TIMEOUT, ReaderError
from reader.util.edc import lrc

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.ports import Characters

_PPSS = const(0xFF)
_PPS1 = const(0x10)
_WAITING_TIME = const(9600)  # 6.3.1, 9.1: etu, between any two characters


async def negotiate(line: "Characters", protocol: int, ta1: int | None = None) -> bool:
    """Propose `protocol`, and with `ta1` a rate (coded as TA1). True: the card took the rate; False: it stays 372, 1.

    The caller sets the rate. Raises E_CARD_TIMEOUT when the card is silent, E_CARD_PROTOCOL when it answers anything
    else (9.3: then it is to be deactivated), and what the line raises.
    """
    request = bytearray((_PPSS, protocol, 0, 0))
    size = 3
    if ta1 is not None:
        request[1] |= _PPS1
        request[2] = ta1
        size = 4
    request[size - 1] = lrc(request)
    view = memoryview(request)
    line.discard()
    await line.send(view[:size])
    # As short as an answer can be: FF, PPS0, PCK
    answer = bytearray(4)
    await _receive_into(line, memoryview(answer)[:3])
    # 9.3: the same T, nothing that was not proposed; bit 8 is reserved
    if answer[0] != _PPSS or answer[1] & ~_PPS1 != protocol or answer[1] & _PPS1 > request[1] & _PPS1:
        raise ReaderError(E_CARD_PROTOCOL)
    taken = bool(answer[1] & _PPS1)
    if taken:
        await _receive_into(line, memoryview(answer)[3:])
        if answer[2] != ta1:
            raise ReaderError(E_CARD_PROTOCOL)
    if lrc(answer):
        raise ReaderError(E_CARD_PROTOCOL)
    return taken


async def _receive_into(line: "Characters", out) -> None:
    if await line.receive_into(out, _WAITING_TIME, _WAITING_TIME) < len(out):
        raise ReaderError(E_CARD_TIMEOUT)
