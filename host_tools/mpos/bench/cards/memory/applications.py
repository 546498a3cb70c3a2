"""Cards with applications that are not for payment: points, an NDEF message, DESFire files; type A and type B."""

from __future__ import annotations

from collections.abc import Callable

LOYALTY = bytes.fromhex("F06D504F530001")  # ISO/IEC 7816-4, 12.2.3: F, a proprietary name without registration
NDEF = bytes.fromhex("D2760000850101")  # NFC Forum Type 4 Tag Operation, 5.4.2

_OK, _NOT_FOUND, _WRONG_P1P2, _NO_SUCH_INS, _NO_SUCH_CLA, _WRONG_LENGTH, _CONDITIONS, _END = (
    bytes.fromhex(text) for text in ("9000", "6A82", "6A86", "6D00", "6E00", "6700", "6985", "6282")
)
_SELECT, _READ_BINARY, _UPDATE_BINARY, _GET_DATA = 0xA4, 0xB0, 0xD6, 0xCA
_POINTS_ADD, _POINTS_TAKE = 0x54, 0x56

# NFC Forum Type 4 Tag Operation 2.0, 5.1 and appendix C: the capability container of a tag with one NDEF file
_CC_FILE, _NDEF_FILE = b"\xe1\x03", b"\xe1\x04"
_CC = bytes.fromhex("000F 20 003B 0034 04 06 E104 0032 00 00")
_MOST_POINTS = (1 << 32) - 1


class LoyaltyCard:
    """An ISO/IEC 14443-4 card with two applications: LOYALTY keeps points, NDEF a message.

    LOYALTY, after SELECT by its name: GET DATA 0001 gives the points (4 bytes); 80 54 and 80 56 with 4 bytes add and take away, and
    answer with what there is then; 6985: there are not as many.
    """

    atqa = b"\x00\x04"
    sak = 0x20
    ats: bytes | None = bytes.fromhex("0578337002")  # TA(1): 212 and 424 kbit/s, both ways

    def __init__(self, uid: bytes = bytes.fromhex("04D1E2F3A4B5C6"), points: int = 120, message: bytes = b""):
        self.uid = uid
        if len(uid) == 7:
            self.atqa = b"\x03\x44"
        self.points = points
        self.file = (len(message).to_bytes(2, "big") + message).ljust(52, b"\x00")
        self.power_on()

    def contents(self) -> dict[str, str]:
        """What it keeps without power."""
        return {"points": str(self.points), "file": self.file.hex().upper()}

    def restore(self, kept: dict[str, str]) -> None:
        self.points, self.file = int(kept["points"]), bytes.fromhex(kept["file"])

    def power_on(self) -> None:
        self._application = b""
        self._file = b""

    def exchange(self, command: bytes) -> bytes | None:
        if len(command) < 4:
            return _WRONG_LENGTH
        cla, ins, p1, p2 = command[:4]
        data = command[5 : 5 + command[4]] if len(command) > 5 else b""
        if cla == 0x00 and ins == _SELECT and p1 == 0x04:
            return self._select(data)
        if self._application == LOYALTY:
            return self._loyalty(cla, ins, p1 << 8 | p2, data)
        if self._application == NDEF:
            return self._ndef(cla, ins, p1, p2, data, command)
        return _NO_SUCH_INS if cla == 0x00 else _NO_SUCH_CLA

    def _select(self, name: bytes) -> bytes:
        self._file = b""
        if name not in (LOYALTY, NDEF):
            return _NOT_FOUND
        self._application = name
        return b"\x6f" + bytes([len(name) + 2]) + b"\x84" + bytes([len(name)]) + name + _OK

    def _loyalty(self, cla: int, ins: int, parameters: int, data: bytes) -> bytes:
        if cla != 0x80:
            return _NO_SUCH_CLA
        if ins == _GET_DATA:
            return self.points.to_bytes(4, "big") + _OK if parameters == 0x0001 else _WRONG_P1P2
        if ins not in (_POINTS_ADD, _POINTS_TAKE):
            return _NO_SUCH_INS
        if len(data) != 4:
            return _WRONG_LENGTH
        amount = int.from_bytes(data, "big")
        left = self.points + (amount if ins == _POINTS_ADD else -amount)
        if not 0 <= left <= _MOST_POINTS:
            return _CONDITIONS
        self.points = left
        return left.to_bytes(4, "big") + _OK

    def _ndef(self, cla: int, ins: int, p1: int, p2: int, data: bytes, command: bytes) -> bytes:
        if cla != 0x00:
            return _NO_SUCH_CLA
        if ins == _SELECT and (p1, p2) == (0x00, 0x0C):
            if data not in (_CC_FILE, _NDEF_FILE):
                return _NOT_FOUND
            self._file = data
            return _OK
        if ins not in (_READ_BINARY, _UPDATE_BINARY):
            return _NO_SUCH_INS
        if not self._file:
            return _CONDITIONS
        whole, at = _CC if self._file == _CC_FILE else self.file, p1 << 8 | p2
        if at > len(whole):
            return _WRONG_P1P2
        if ins == _READ_BINARY:
            wanted = (command[4] or 256) if len(command) == 5 else 0
            part = whole[at : at + wanted]
            return part + (_OK if len(part) == wanted else _END)
        if self._file == _CC_FILE or at + len(data) > len(whole):
            return _CONDITIONS
        self.file = whole[:at] + data + whole[at + len(data) :]
        return _OK


class TypeBCard(LoyaltyCard):
    """The same applications on a type B card."""

    modulation = "B"

    def __init__(self, uid: bytes = bytes.fromhex("5A3C1E07"), points: int = 35, message: bytes = b""):
        super().__init__(uid, points, message)
        # ISO/IEC 14443-3, 7.9: AFI 00 (any), no applications told; 106 kbps only, frames to 128 bytes, 14443-4; FWI 7, no CID
        self.application_data = bytes.fromhex("00000000")
        self.protocol_info = bytes.fromhex("007170")
        self.attrib_response = b"\x00"


class DesfireCard:
    """A card that speaks DESFire's own commands, wrapped in APDUs of class 90: version, applications, one file, one value, both
    free of keys (NXP AN10833 and MF3ICDx21_41_81: command codes and status bytes)."""

    atqa = b"\x03\x44"
    sak = 0x20
    ats: bytes | None = bytes.fromhex("067577810280")

    APPLICATION = bytes.fromhex("4D504F")  # its number, low byte first
    _VERSION = (
        bytes.fromhex("04010101001805"),  # hardware: vendor, type, subtype, version 1.0, storage, protocol
        bytes.fromhex("04010101041805"),  # software
    )
    _FILE, _VALUE = 1, 2

    def __init__(self, uid: bytes = bytes.fromhex("04B2C3D4E5F6A7")):
        self.uid = uid
        self.file = bytes(32)
        self.value = 50
        self.power_on()

    def contents(self) -> dict[str, str]:
        """What it keeps without power."""
        return {"file": self.file.hex().upper(), "value": str(self.value)}

    def restore(self, kept: dict[str, str]) -> None:
        self.file, self.value = bytes.fromhex(kept["file"]), int(kept["value"])

    def power_on(self) -> None:
        self._selected = False
        self._further: list[bytes] = []
        self._change = 0

    def exchange(self, command: bytes) -> bytes | None:
        if len(command) < 5:
            return _WRONG_LENGTH
        if command[0] != 0x90 or command[2:4] != b"\x00\x00":
            return _NOT_FOUND if command[1] == _SELECT else _NO_SUCH_CLA
        data = command[5 : 5 + command[4]] if len(command) > 5 else b""
        return self._native(command[1], data)

    def _native(self, code: int, data: bytes) -> bytes:
        if code == 0xAF and self._further:
            return self._next()
        self._further = []
        if code == 0x60 and not data:
            self._further = [*self._VERSION, self.uid + bytes.fromhex("0000000000 01 12")]
            return self._next()
        if code == 0x6A and not data:
            return self.APPLICATION + b"\x91\x00"
        if code == 0x5A:
            self._selected, self._change = data == self.APPLICATION, 0
            return b"\x91\x00" if self._selected or data == bytes(3) else b"\x91\xa0"
        actions: dict[int, Callable[[bytes], bytes]] = {
            0xBD: self._read,
            0x3D: self._write,
            0x6C: self._get_value,
            0x0C: self._credit,
            0xDC: self._debit,
            0xC7: self._commit,
        }
        if not self._selected or code not in actions:
            return b"\x91\x1c"  # illegal command
        return actions[code](data)

    def _next(self) -> bytes:
        part = self._further.pop(0)
        return part + (b"\x91\xaf" if self._further else b"\x91\x00")

    def _read(self, data: bytes) -> bytes:
        if len(data) != 7 or data[0] != self._FILE:
            return b"\x91\xf0"  # file not found
        at, size = int.from_bytes(data[1:4], "little"), int.from_bytes(data[4:], "little")
        part = self.file[at : at + size] if size else self.file[at:]
        return part + b"\x91\x00" if at + size <= len(self.file) else b"\x91\xbe"  # boundary error

    def _write(self, data: bytes) -> bytes:
        if len(data) < 7 or data[0] != self._FILE:
            return b"\x91\xf0"
        at, size, new = int.from_bytes(data[1:4], "little"), int.from_bytes(data[4:7], "little"), data[7:]
        if size != len(new) or at + size > len(self.file):
            return b"\x91\xbe"
        self.file = self.file[:at] + new + self.file[at + size :]
        return b"\x91\x00"

    def _get_value(self, data: bytes) -> bytes:
        return self.value.to_bytes(4, "little") + b"\x91\x00" if data == bytes([self._VALUE]) else b"\x91\xf0"

    def _credit(self, data: bytes) -> bytes:
        return self._add(data, 1)

    def _debit(self, data: bytes) -> bytes:
        return self._add(data, -1)

    def _add(self, data: bytes, sign: int) -> bytes:
        if len(data) != 5 or data[0] != self._VALUE:
            return b"\x91\xf0"
        change = self._change + sign * int.from_bytes(data[1:], "little")
        if self.value + change < 0:
            return b"\x91\xbe"
        self._change = change
        return b"\x91\x00"

    def _commit(self, data: bytes) -> bytes:
        """Only now the value is changed."""
        self.value, self._change = self.value + self._change, 0
        return b"\x91\x00"
