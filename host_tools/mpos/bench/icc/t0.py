"""T=0 from the card's side: ISO/IEC 7816-3, 10 and 12.2; EMV 4.4 Book 1, 9.2.2, 9.3.1 and Annex A.

The card's application gets whole APDUs. Which way the data of a command goes is not in its header, so a card knows its
instructions; those here are the ones of ISO/IEC 7816-4 and EMV. Of an instruction that the card does not know the
application gets the header alone, which it can only refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mpos.bench.icc.blocks import damage_any

NULL = 0x60
GET_RESPONSE = 0xC0

# READ BINARY, READ RECORD, GET DATA, GET CHALLENGE; PBOC's GET BALANCE is a GET DATA
_OUT = {0xB0, 0xB1, 0xB2, 0xB3, 0xCA, 0xCB, 0x84}
# VERIFY, PIN CHANGE/UNBLOCK, EXTERNAL AUTHENTICATE, PUT DATA, UPDATE BINARY, UPDATE RECORD, APPLICATION BLOCK,
# APPLICATION UNBLOCK, CARD BLOCK, and PBOC's loading of the purse
_IN = {0x20, 0x24, 0x82, 0xDA, 0xDB, 0xD6, 0xDC, 0xE2, 0x1E, 0x18, 0x16, 0x40, 0x52}
# SELECT, GET PROCESSING OPTIONS, GENERATE AC, INTERNAL AUTHENTICATE: data in both directions
_IN_OUT = {0xA4, 0xA8, 0xAE, 0x88, 0x2A}


@dataclass
class T0Options:
    """How the card uses what the protocol leaves to it.

    nulls: NULL procedure bytes before each other procedure byte, as a card sends them that needs time.
    one_by_one: asks for each byte of a command's data by itself, with the complement of INS (10.3.3).
    case_2: "exact": data at once when Le fits, 6Cxx when it does not; "61": 61xx and GET RESPONSE then (Annex A, A.5).
    part: the most that one GET RESPONSE brings; the rest is announced by 61xx.
    warning: "62": a warning with data is followed by 6Cxx to GET RESPONSE with Le 00 (Annex A, A.7); "61": 61xx first,
        the warning at the end of the data.
    """

    nulls: int = 0
    one_by_one: bool = False
    case_2: str = "exact"
    part: int = 256
    warning: str = "62"


class T0:
    """exchange(apdu): the application, None when it is mute. send(data): what the card sends in one go.

    sent_fault(): the kind of fault that the next sending meets, or None.
    """

    def __init__(
        self,
        exchange: Callable[[bytes], bytes | None],
        send: Callable[[bytes], None],
        options: T0Options | None = None,
        *,
        sent_fault: Callable[[], str | None] = lambda: None,
    ):
        self._exchange = exchange
        self._deliver = send
        self._sent_fault = sent_fault
        self.options = options or T0Options()
        self.endless_null = False
        self._mute = False
        self._header = b""  # of the command that is being received
        self._got = b""
        self._wanted = 5
        self._rest = b""  # of an answer, to be fetched by GET RESPONSE
        self._end = b""  # its status bytes
        self._repeatable = b""  # CLA INS P1 P2 of the command that was answered 6Cxx

    def receive(self, value: int, parity_ok: bool = True) -> None:
        """10.2, 7.3: a character with a wrong parity is refused by the error signal; the card has not got it then."""
        if self._mute or self.endless_null or not parity_ok:
            return
        self._got += bytes([value])
        if not self._header:
            if len(self._got) == 5:
                self._header, self._got = self._got, b""
                self._command()
        elif len(self._got) == self._wanted:
            self._incoming()
        elif self.options.one_by_one:
            self._procedure(self._header[1] ^ 0xFF)

    def tick(self) -> None:
        """Some time has passed."""
        if self.endless_null:
            self._deliver(bytes([NULL]))

    # The header has come

    def _command(self) -> None:
        ins, p3 = self._header[1], self._header[4]
        if ins & 0xF0 in (0x60, 0x90):  # 10.3.2: such an INS is invalid
            self._finish(b"\x6d\x00")
        elif ins == GET_RESPONSE:
            self._get_response(p3 or 256)
        elif ins in _OUT:
            self._outgoing(p3 or 256)
        elif ins in _IN | _IN_OUT and p3:
            self._rest = self._repeatable = b""
            self._wanted = p3
            self._procedure(ins ^ 0xFF if self.options.one_by_one else ins)
        else:
            answer = self._ask(self._header[:4])
            if answer is not None:
                self._finish(answer[-2:])

    def _get_response(self, length: int) -> None:
        if not self._rest:
            self._finish(b"\x69\x85")
        elif length > len(self._rest) or (self._end[0] in (0x62, 0x63) and length != min(len(self._rest), 256)):
            self._finish(bytes([0x6C, len(self._rest) & 0xFF]))
        else:
            data, self._rest = self._rest[:length], self._rest[length:]
            self._data(data, self._announce() if self._rest else self._last())

    def _last(self) -> bytes:
        """The status bytes at the end of an answer's data; a warning that went ahead of them is not repeated."""
        return b"\x90\x00" if self._end[0] in (0x62, 0x63) and self.options.warning == "62" else self._end

    def _announce(self) -> bytes:
        return bytes([0x61, min(len(self._rest), self.options.part) & 0xFF])

    def _outgoing(self, length: int) -> None:
        header = self._header[:4]
        if self._repeatable != header:
            self._rest = b""
            answer = self._ask(self._header)
            if answer is None:
                return
            self._rest, self._end = answer[:-2], answer[-2:]
        self._repeatable = b""
        if not self._rest:
            self._finish(self._end)
        elif length != len(self._rest):
            self._repeatable = header
            self._finish(bytes([0x6C, len(self._rest) & 0xFF]))
        elif self.options.case_2 == "61":
            self._finish(self._announce())
        else:
            data, self._rest = self._rest, b""
            self._data(data, self._end)

    # The command's data has come

    def _incoming(self) -> None:
        data, self._got = self._got, b""
        le = b"\x00" if self._header[1] in _IN_OUT else b""
        answer = self._ask(self._header + data + le)
        if answer is None:
            return
        self._rest, self._end = answer[:-2], answer[-2:]
        if not self._rest or (self._end[0] in (0x62, 0x63) and self.options.warning == "62"):
            self._finish(self._end)
        else:
            self._finish(self._announce())

    # Out

    def _send(self, data: bytes) -> None:
        fault = self._sent_fault()
        if fault == "procedure":
            data = bytes([self._header[1] ^ 0x0F])  # 10.3.3: neither 60, nor 6X or 9X, nor INS or its complement
        elif fault is not None:
            data = damage_any(fault, data)
        self._deliver(data)

    def _ask(self, apdu: bytes) -> bytes | None:
        answer = self._exchange(apdu)
        if self.endless_null:
            return None
        self._mute = answer is None
        return answer

    def _procedure(self, value: int) -> None:
        self._send(bytes([NULL]) * self.options.nulls + bytes([value]))

    def _data(self, data: bytes, status: bytes) -> None:
        self._send(bytes([NULL]) * self.options.nulls + self._header[1:2] + data + status)
        self._header = b""

    def _finish(self, status: bytes) -> None:
        self._send(bytes([NULL]) * self.options.nulls + status)
        self._header = b""
