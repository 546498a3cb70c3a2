"""T=1 from the card's side: ISO/IEC 7816-3, 11; EMV 4.4 Book 1, 9.2.4 and 9.2.5. Rules are those of 11.6.3.2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mpos.bench.icc import blocks

_PATIENCE = 3  # invalid blocks in a row after which the card says nothing more to them (rule 7.4.2)


@dataclass
class T1Options:
    """How the card uses what the protocol leaves to it.

    wtx: multipliers, one S(WTX request) each, before every answer.
    ifs: a new IFSC that the card announces by S(IFS request) before its first answer.
    part: the most that it puts into one block, below what the reader takes.
    """

    wtx: tuple[int, ...] = ()
    ifs: int | None = None
    part: int = 254


class T1:
    """exchange(apdu): the application, None when it is mute. send(data): what the card sends in one go.

    sent_fault(): the kind of fault that the next sending meets, or None. heard_fault(): the same for a block that came.
    """

    def __init__(
        self,
        exchange: Callable[[bytes], bytes | None],
        send: Callable[[bytes], None],
        options: T1Options | None = None,
        *,
        ifsc: int = 32,
        crc: bool = False,
        sent_fault: Callable[[], str | None] = lambda: None,
        heard_fault: Callable[[], str | None] = lambda: None,
    ):
        self._exchange, self._send = exchange, send
        self.options = options or T1Options()
        self.ifsc, self._crc = ifsc, crc
        self._sent_fault, self._heard_fault = sent_fault, heard_fault
        self.endless_wtx = False
        self._announced = False
        self._begin()

    def _begin(self) -> None:
        self.ifsd = 32  # 11.4.2, until the reader says otherwise
        self._buffer = bytearray()
        self._parity_ok = True
        self._ns = self._nr = 0
        self._command = b""
        self._rest: bytes | None = None  # of an answer
        self._last_i = b""  # an I-block that the reader has not acknowledged
        self._last = b""  # whatever was sent last
        self._asked = b""  # an S(... request) of the card's own
        self._requests: list[bytes] = []  # those that come before the answer
        self._invalid = 0

    # In

    def receive(self, value: int, parity_ok: bool = True) -> None:
        self._buffer.append(value)
        self._parity_ok &= parity_ok
        if len(self._buffer) >= 3 and len(self._buffer) == 3 + self._buffer[2] + (2 if self._crc else 1):
            self._block()

    def quiet(self) -> None:
        """More than the character waiting time has passed: what has come of a block is all there is."""
        if self._buffer:
            self._buffer.clear()
            self._parity_ok = True
            self._refuse(2)

    def _block(self) -> None:
        block, self._buffer = bytes(self._buffer), bytearray()
        parity_ok, self._parity_ok = self._parity_ok, True
        size = 2 if self._crc else 1
        fault = self._heard_fault()
        if fault == "ignored":
            return
        if fault == "bad-edc" or not parity_ok or blocks.edc(block[:-size], self._crc) != block[-size:]:
            self._refuse(1)
            return
        nad, pcb, inf = block[0], block[1], block[3:-size]
        if nad != 0 or len(inf) == 255:
            self._refuse(2)
        elif not pcb & 0x80:
            self._i_block(pcb, inf)
        elif pcb & 0xC0 == blocks.R_BLOCK:
            self._r_block(pcb, inf)
        else:
            self._s_block(pcb, inf)

    def _i_block(self, pcb: int, inf: bytes) -> None:
        sequence = pcb >> 6 & 1
        if self._asked or self._rest or pcb & 0x1F or sequence != self._nr or len(inf) > self.ifsc:
            self._refuse(2)
            return
        self._invalid = 0
        self._nr ^= 1
        self._last_i = b""
        self._command += inf
        if pcb & blocks.I_MORE:
            self._emit(blocks.r_block(self._nr, crc=self._crc))  # rule 2.2
            return
        command, self._command = self._command, b""
        self._answer(self._exchange(command))

    def _r_block(self, pcb: int, inf: bytes) -> None:
        sequence = pcb >> 4 & 1
        if pcb & 0x2C or pcb & 0x03 == 3 or inf:
            self._refuse(2)
        elif self._asked:
            self._emit(self._asked)  # rule 7.3
        elif self._last_i and sequence != self._ns:
            self._emit(self._last_i)  # rule 7.2: the I-block is asked for again
        elif sequence != self._ns:
            self._refuse(2)
        elif self._rest and not pcb & 0x03:
            self._invalid = 0
            self._part()  # rule 2.2: the chain goes on
        elif self._last and self._last[1] & 0xC0 == blocks.R_BLOCK:
            self._emit(self._last)  # rule 7.2: the R-block is asked for again
        else:
            self._refuse(2)

    def _s_block(self, pcb: int, inf: bytes) -> None:
        if self._asked and pcb == self._asked[1] | blocks.RESPONSE and inf == self._asked[3 : 3 + self._asked[2]]:
            self._agreed(pcb, inf)
        elif pcb == blocks.RESYNCH and not inf:
            self._begin()  # rule 6.4
            self._emit(blocks.build(blocks.RESYNCH | blocks.RESPONSE, crc=self._crc))
        elif pcb == blocks.IFS and len(inf) == 1 and inf[0] not in (0x00, 0xFF):
            self._invalid = 0
            self.ifsd = inf[0]
            self._emit(blocks.build(pcb | blocks.RESPONSE, inf, crc=self._crc))  # rule 4
        elif pcb == blocks.ABORT and not inf:
            self._invalid = 0
            self._command, self._rest, self._last_i = b"", None, b""
            self._emit(blocks.build(pcb | blocks.RESPONSE, crc=self._crc))  # rule 9
        else:
            self._refuse(2)

    def _agreed(self, pcb: int, inf: bytes) -> None:
        """The reader's answer to a request of the card's own."""
        self._invalid = 0
        self._asked = b""
        if pcb == blocks.ABORT | blocks.RESPONSE:
            self._command, self._rest, self._last_i = b"", None, b""
            self._emit(blocks.r_block(self._nr, crc=self._crc))
            return
        if pcb == blocks.IFS | blocks.RESPONSE:
            self.ifsc = inf[0]
        self._proceed()

    def _refuse(self, error: int) -> None:
        """Rules 7.1, 7.3: an invalid block is answered by an R-block, or by the request that it does not answer."""
        self._invalid += 1
        if self._invalid <= _PATIENCE:
            self._emit(self._asked or blocks.r_block(self._nr, error, crc=self._crc))

    # Out

    def _answer(self, answer: bytes | None) -> None:
        if answer is None and not self.endless_wtx:
            return
        self._rest = answer or b""
        if self.options.ifs is not None and not self._announced:
            self._announced = True
            self._requests.append(blocks.build(blocks.IFS, bytes([self.options.ifs]), crc=self._crc))
        self._requests += [blocks.build(blocks.WTX, bytes([each]), crc=self._crc) for each in self.options.wtx]
        self._proceed()

    def _proceed(self) -> None:
        if self.endless_wtx:
            self._request(blocks.build(blocks.WTX, b"\x01", crc=self._crc))
        elif self._requests:
            self._request(self._requests.pop(0))
        elif self._rest is not None:
            self._part()

    def _request(self, block: bytes) -> None:
        self._asked = block
        self._emit(block)

    def _part(self) -> None:
        size = min(self.ifsd, self.options.part)
        rest = self._rest or b""
        part, self._rest = rest[:size], rest[size:] or None
        self._last_i = blocks.i_block(self._ns, part, more=self._rest is not None, crc=self._crc)
        self._ns ^= 1
        self._emit(self._last_i)

    def _emit(self, block: bytes) -> None:
        self._last = block
        fault = self._sent_fault()
        if fault == "abort":
            self._asked = block = self._last = blocks.build(blocks.ABORT, crc=self._crc)
        elif fault is not None:
            block = blocks.damage(fault, block, self._crc)
        self._send(block)
