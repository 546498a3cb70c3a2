"""A plain reader of chip cards for these tests: the shortest code that follows ISO/IEC 7816-3, without recovery.

It talks to an IccSlot in the messages of its socket, at once and without one, and knows nothing of the firmware.
"""

from __future__ import annotations

from mpos.bench.icc.blocks import i_block, r_block
from mpos.bench.icc_chip import ContactTarget, IccChip
from mpos.bench.icc_faults import Faults
from mpos.bench.icc_slot import CMDVCC_N, DATA, OFF_N, RSTIN, SETTINGS, IccSlot

CLOCK = 3_580_000


class EchoCard:
    """Answers every command with `answers` in their order, and then with the command itself and 9000."""

    def __init__(self, atr: bytes, protocol: int = 0, answers: list[bytes | None] | None = None):
        self.atr, self.protocol = atr, protocol
        self.answers = list(answers or [])
        self.got: list[bytes] = []
        self.resets = 0

    def power_on(self) -> None:
        self.resets += 1

    def exchange(self, command: bytes) -> bytes | None:
        self.got.append(command)
        return self.answers.pop(0) if self.answers else command + b"\x90\x00"


class Reader:
    """heard: what has come on RX and has not been taken; levels: those of OFF_N."""

    def __init__(self, card: IccChip | ContactTarget | None, *faults, inverse: bool = False):
        self.slot = IccSlot(card, Faults(*faults))
        self.heard = bytearray()
        self.levels: list[int] = []
        self.inverse = inverse
        self.slot.output = self._message
        self.slot.connected()

    def _message(self, kind: int, payload: bytes) -> None:
        assert kind in (DATA, OFF_N)
        assert 0 < len(payload) < 256
        if kind == DATA:
            self.heard += payload
        else:
            self.levels.append(payload[0])

    # Lines

    def settings(self, baud: float = CLOCK / 372, parity: int | None = None) -> None:
        parity = int(self.inverse) if parity is None else parity
        self.slot.receive(SETTINGS, round(baud).to_bytes(4, "big") + bytes([parity, 1]))

    def activate(self) -> bytes:
        """The ATR, in logical values."""
        self.settings()
        self.slot.receive(CMDVCC_N, b"\x00")
        self.slot.receive(RSTIN, b"\x01")
        return self.take()

    def warm_reset(self) -> bytes:
        self.settings()
        self.slot.receive(RSTIN, b"\x00")
        self.slot.receive(RSTIN, b"\x01")
        return self.take()

    def deactivate(self) -> None:
        self.slot.receive(RSTIN, b"\x00")
        self.slot.receive(CMDVCC_N, b"\x01")

    def take(self) -> bytes:
        """What has been heard so far."""
        heard, self.heard = bytes(self.heard), bytearray()
        return bytes(_mirror(each) for each in heard) if self.inverse else heard

    def send(self, data: str | bytes) -> bytes:
        """Send characters; what comes back after their echo."""
        data = bytes.fromhex(data) if isinstance(data, str) else data
        self.slot.receive(DATA, bytes(_mirror(each) for each in data) if self.inverse else data)
        heard = self.take()
        assert heard[: len(data)] == data, "the echo of what was sent"
        return heard[len(data) :]

    def ask(self, data: str | bytes) -> str:
        """As `send`, in hex."""
        return self.send(data).hex().upper()

    # Whole commands

    def t0(self, command: bytes) -> bytes:
        """10.3, 12.2: a command of any case by T=0. AssertionError: the card fell silent, or broke the rules."""
        case_4 = len(command) > 5 and len(command) == 6 + command[4]
        status, data = self._tpdu((command[:-1] if case_4 else command).ljust(5, b"\x00"))
        warning = b""
        while True:
            if status[0] == 0x6C and not data:
                status, data = self._tpdu(self._last[:4] + status[1:])
            elif status[0] == 0x61:
                status, more = self._tpdu(b"\x00\xc0\x00\x00" + status[1:])
                data += more
            elif case_4 and status[0] in (0x62, 0x63) and not warning and not data:
                warning = status
                status, data = self._tpdu(b"\x00\xc0\x00\x00\x00")
            else:
                return data + (warning or status)

    def _tpdu(self, tpdu: bytes) -> tuple[bytes, bytes]:
        self._last = tpdu[:5]
        heard, to_send = self.send(tpdu[:5]), tpdu[5:]
        wanted = 0 if to_send or (tpdu[4] == 0 and tpdu[1] in (0x16, 0x44)) else tpdu[4] or 256
        data = b""
        while True:
            assert heard, "the card is silent"
            byte, heard = heard[0], heard[1:]
            if byte == 0x60:
                continue
            if byte & 0xF0 in (0x60, 0x90):
                assert len(heard) == 1
                return bytes([byte]) + heard, data
            if byte == tpdu[1] ^ 0xFF:
                assert to_send
                heard, to_send = self.send(to_send[:1]), to_send[1:]
            else:
                assert byte == tpdu[1], "a procedure byte"
                if to_send:
                    heard, to_send = self.send(to_send), b""
                else:
                    data, heard = heard[:wanted], heard[wanted:]

    def t1(self, command: bytes, *, ifsc: int = 254, crc: bool = False) -> bytes:
        """11.6: a command by T=1; S-requests of the card are granted. AssertionError: something was not right."""
        parts = [command[at : at + ifsc] for at in range(0, len(command), ifsc)]
        size = 2 if crc else 1
        for number, part in enumerate(parts):
            more = number < len(parts) - 1
            block = self.send(i_block(self._ns, part, more=more, crc=crc))
            self._ns ^= 1
            if more:
                assert block == r_block(self._ns, crc=crc)
        answer = b""
        while True:
            while block[1] & 0xC0 == 0xC0:
                body = bytes([0, block[1] | 0x20]) + block[2:-size]
                block = self.send(body + _edc(body, crc))
            assert block[0] == 0 and block[1] & 0x9F == 0 and block[1] >> 6 == self._nr
            assert block[2] == len(block) - 3 - size
            assert _edc(block[:-size], crc) == block[-size:]
            self._nr ^= 1
            answer += block[3:-size]
            if not block[1] & 0x20:
                return answer
            block = self.send(r_block(self._nr, crc=crc))

    _ns = _nr = 0
    _last = b""


def _edc(data: bytes, crc: bool) -> bytes:
    """An independent EDC: for the CRC bit by bit from the top, over mirrored bytes."""
    if not crc:
        result = 0
        for byte in data:
            result ^= byte
        return bytes([result])
    register = 0xFFFF
    for byte in data:
        for bit in range(8):
            top = register >> 15 ^ (byte >> bit & 1)
            register = register << 1 & 0xFFFF
            register ^= 0x1021 if top else 0
    register ^= 0xFFFF
    mirrored = int(f"{register:016b}"[::-1], 2)
    return mirrored.to_bytes(2, "big")


def _mirror(value: int) -> int:
    return sum((~value >> bit & 1) << (7 - bit) for bit in range(8))
