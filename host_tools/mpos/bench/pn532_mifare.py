"""Type A without ISO/IEC 14443-4 through the PN532's InDataExchange: the MIFARE commands that it knows (UM0701-02, 7.3.8).

Anything else is a syntax error (libnfc, issue 516: AF 00), as is a length that does not fit (authentication with a UID of 7
bytes: the error frame). A NAK is status 13h (chrome-nfc, issue 12: a block read without authentication), a failed
authentication 14h.
"""

from __future__ import annotations

from mpos.bench import pn532_status as st
from mpos.bench.field import ACK, GARBLED, Nak
from mpos.bench.pn532_targets import Activated

AUTHENTICATE_A, AUTHENTICATE_B = 0x60, 0x61
READ = 0x30
WRITE_16, WRITE_4 = 0xA0, 0xA2
DECREMENT, INCREMENT, RESTORE, TRANSFER = 0xC0, 0xC1, 0xC2, 0xB0

_LENGTHS = {
    AUTHENTICATE_A: (12,),
    AUTHENTICATE_B: (12,),
    READ: (2,),
    WRITE_16: (18,),
    WRITE_4: (6,),
    DECREMENT: (6,),
    INCREMENT: (6,),
    RESTORE: (2, 6),  # libnfc gives no operand, which the card wants all the same
    TRANSFER: (2,),
}
_READ_SIZE = 16


class Mifare(Activated):
    """MIFARE Classic, Ultralight, NTAG."""

    def exchange(self, data: bytes, more: bool) -> bytes:
        if more:
            return bytes([st.CONTEXT])
        st.need(bool(data) and len(data) in _LENGTHS.get(data[0], ()))
        command, head, rest = data[0], data[:2], data[2:]
        try:
            if command in (AUTHENTICATE_A, AUTHENTICATE_B):
                return bytes([self._authenticate(head, rest[:6], rest[6:])])
            if command == READ:
                return self._read(head)
            if command in (WRITE_4, TRANSFER):
                return bytes([self._acknowledged(data)])
            status = self._acknowledged(head)
            if status != st.OK:
                return bytes([status])
            if command == WRITE_16:
                return bytes([self._acknowledged(rest)])
            # MF1S50 data sheet, 12.4: the second part has no ACK, only a NAK when it is bad; what else comes breaks the rule
            unanswered = self.raw(rest or bytes(4)) is None
            return bytes(
                [(st.OK if self.field.reaches(self.target) else self.no_answer()) if unanswered else st.FORMAT]
            )
        except Nak:
            return bytes([st.FORMAT])

    def _authenticate(self, head: bytes, key: bytes, uid: bytes) -> int:
        grants = getattr(self.target, "authenticate", None)

        def answer() -> bytes | None:
            # The trace has no key; a card that knows no Crypto-1 refuses the command
            if grants is None:
                raise Nak
            return ACK if grants(head[0], head[1], key, uid) else None

        try:
            answered = self.send(head, lambda _: self.field.act(self.target, head, answer))
        except Nak:
            return st.MIFARE_AUTHENTICATION
        if answered == ACK:
            return st.OK
        return st.MIFARE_AUTHENTICATION if self.field.reaches(self.target) else self.no_answer()

    def _read(self, head: bytes) -> bytes:
        answer = self.raw(head)
        if answer is None:
            return bytes([self.no_answer()])
        if answer == GARBLED:
            return bytes([st.CRC])
        return bytes([st.OK]) + answer if len(answer) == _READ_SIZE else bytes([st.FORMAT])

    def _acknowledged(self, frame: bytes) -> int:
        answer = self.raw(frame)
        if answer is None:
            return self.no_answer()
        return st.OK if answer == ACK else st.FORMAT

    def thru(self, data: bytes) -> bytes:
        answer = super().thru(data)
        return bytes([st.CRC]) if answer[1:] == ACK else answer  # no CRC either
