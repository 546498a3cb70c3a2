"""FeliCa: systems, services of three types over shared blocks, what may be done without a key.

JIS X 6319-4; FeliCa Card User's Manual, Excerpted Edition (Sony, M617), whose chapters are meant.
"""

from __future__ import annotations

from collections.abc import Callable

BLOCK = 16
BLOCKS_OF_READ, BLOCKS_OF_WRITE, SERVICES = 15, 12, 16

_POLLING, _REQUEST_SERVICE, _REQUEST_RESPONSE, _READ, _WRITE, _REQUEST_SYSTEMS = 0x00, 0x02, 0x04, 0x06, 0x08, 0x0C

# Chapter 3.4: the six attribute bits of a service code; the lowest says that no key is needed
_RANDOM, _RANDOM_READ, _CYCLIC, _CYCLIC_READ = 0x08, 0x0A, 0x0C, 0x0E
_PURSE, _PURSE_CASHBACK, _PURSE_DECREMENT, _PURSE_READ = 0x10, 0x12, 0x14, 0x16
_NO_KEY = 0x01
_READ_ONLY = (_RANDOM_READ, _CYCLIC_READ, _PURSE_READ)
_ATTRIBUTES = (_RANDOM, *_READ_ONLY, _CYCLIC, _PURSE, _PURSE_CASHBACK, _PURSE_DECREMENT)

# Chapter 4.5: status flag 2. Flag 1 is FFh where no block is at fault, else a bit for its place in the list
_UNDERFLOW = 0x01
_NUMBER_OF_SERVICES, _NUMBER_OF_BLOCKS, _SERVICE_ORDER, _ACCESS, _SERVICE_LIST, _BLOCK_NUMBER = (
    0xA1,
    0xA2,
    0xA3,
    0xA5,
    0xA6,
    0xA8,
)
_NO_BLOCK = 0xFF


class _Refused(Exception):
    def __init__(self, flag1: int, flag2: int):
        super().__init__(flag1, flag2)
        self.flags = bytes([flag1, flag2])


Services = dict[int, list[bytes]]


class FelicaCard:
    """services: by code, which services of the same number (its upper ten bits) share: blocks; of the first system. more: those
    of the further ones. systems: their codes, 2 bytes each. Each system has an IDm of its own: its number is in the upper half of
    the first byte (3.1)."""

    modulation = "F"

    def __init__(
        self,
        services: Services,
        systems: tuple[bytes, ...] = (b"\x12\xfc",),
        more: tuple[Services, ...] = (),
        uid: bytes = bytes.fromhex("012E3D23BA075C45"),
        pmm: bytes = bytes.fromhex("0120220427674EFF"),
    ):
        self.uid = uid
        self.pmm = pmm
        self.systems = systems
        self._of_system = [_System(each) for each in (services, *more)]
        self._of_system += [_System({}) for _ in systems[len(self._of_system) :]]

    def contents(self) -> dict[str, str]:
        """What it keeps without power."""
        return {
            f"{system} {number:03X}": b"".join(blocks).hex().upper()
            for system, of in enumerate(self._of_system)
            for number, blocks in of.areas.items()
        }

    def restore(self, kept: dict[str, str]) -> None:
        for system, of in enumerate(self._of_system):
            for number in of.areas:
                data = bytes.fromhex(kept[f"{system} {number:03X}"])
                of.areas[number] = [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]

    def power_on(self) -> None:
        pass  # without encryption nothing is kept between commands

    def exchange(self, command: bytes) -> bytes | None:
        if len(command) < 2 or command[0] != len(command):
            return None
        code, body = command[1], command[2:]
        if code == _POLLING:
            return self._polling(body)
        for number, system in enumerate(self._of_system):
            if body[:8] == self._idm(number):
                answer = self._systems_answer(body[8:]) if code == _REQUEST_SYSTEMS else system.answer(code, body[8:])
                return None if answer is None else _frame(bytes([code + 1]) + body[:8] + answer)
        return None  # 4.2: it is not spoken to

    def _idm(self, number: int) -> bytes:
        return bytes([self.uid[0] & 0x0F | number << 4]) + self.uid[1:]

    def _polling(self, body: bytes) -> bytes | None:
        if len(body) == 4:
            for number, system in enumerate(self.systems):
                if _fits(system, body[:2]):
                    return _frame(b"\x01" + self._idm(number) + self.pmm + (system if body[2] == 1 else b""))
        return None

    def _systems_answer(self, body: bytes) -> bytes | None:
        return None if body else bytes([len(self.systems)]) + b"".join(self.systems)


class _System:
    """The services of one system, and the areas of blocks behind them."""

    def __init__(self, services: Services):
        self.codes = list(services)
        self.areas: dict[int, list[bytes]] = {}
        for code, blocks in services.items():
            self.areas.setdefault(code >> 6, list(blocks))

    def answer(self, code: int, body: bytes) -> bytes | None:
        if code == _REQUEST_RESPONSE and not body:
            return b"\x00"  # 4.4.4: mode 0
        if code == _REQUEST_SERVICE and body and len(body) == 1 + 2 * body[0]:
            # 4.4.3: a key version for each service that is there, FFFF for one that is not
            return body[:1] + b"".join(
                bytes(2) if _little(body[at : at + 2]) in self.codes else b"\xff\xff" for at in range(1, len(body), 2)
            )
        if code in (_READ, _WRITE):
            try:
                return bytes(2) + (self._read(body) if code == _READ else self._write(body))
            except _Refused as refused:
                return refused.flags
        return None

    def _read(self, body: bytes) -> bytes:
        blocks, rest = self._lists(body, BLOCKS_OF_READ, lambda _: True)
        if rest:
            raise _Refused(_NO_BLOCK, _NUMBER_OF_BLOCKS)
        return bytes([len(blocks)]) + b"".join(self.areas[code >> 6][number] for code, number in blocks)

    def _write(self, body: bytes) -> bytes:
        blocks, data = self._lists(body, BLOCKS_OF_WRITE, lambda attribute: attribute not in _READ_ONLY)
        if len(data) != BLOCK * len(blocks):
            raise _Refused(_NO_BLOCK, _NUMBER_OF_BLOCKS)
        # All or none (3.2.2): what is written comes to the card's memory when everything was seen to be right
        areas = {number: list(area) for number, area in self.areas.items()}
        for place, (code, number) in enumerate(blocks):
            area, new = areas[code >> 6], data[BLOCK * place : BLOCK * (place + 1)]
            attribute = code & 0x3E
            if attribute == _CYCLIC:
                area.insert(0, new)  # 3.4.3: the new one becomes block 0, the oldest is lost
                area.pop()
            elif attribute in (_PURSE_CASHBACK, _PURSE_DECREMENT):
                area[number] = _purse(area[number], new, attribute, place)
            else:
                area[number] = new
        self.areas = areas
        return b""

    def _lists(self, body: bytes, most: int, allows: Callable[[int], bool]) -> tuple[list[tuple[int, int]], bytes]:
        """Service code and block number for each element of the block list, and what comes behind it."""
        count = body[0] if body else 0
        if not 1 <= count <= SERVICES or len(body) < 2 + 2 * count:
            raise _Refused(_NO_BLOCK, _NUMBER_OF_SERVICES)
        codes = [_little(body[at : at + 2]) for at in range(1, 1 + 2 * count, 2)]
        for code in codes:
            if code not in self.codes:
                raise _Refused(_NO_BLOCK, _SERVICE_LIST)
        at = 1 + 2 * count
        number_of_blocks = body[at]
        if not 1 <= number_of_blocks <= most:
            raise _Refused(_NO_BLOCK, _NUMBER_OF_BLOCKS)
        at += 1
        found = []
        for place in range(number_of_blocks):
            # 4.2: two bytes, or three with a block number of two
            size = 2 if body[at : at + 1] and body[at] & 0x80 else 3
            element = body[at : at + size]
            if len(element) != size:
                raise _Refused(_NO_BLOCK, _NUMBER_OF_BLOCKS)
            at += size
            order, number = element[0] & 0x0F, _little(element[1:])
            bit = 1 << place % 8
            if order >= count:
                raise _Refused(bit, _SERVICE_ORDER)
            code = codes[order]
            if not code & _NO_KEY or not allows(code & 0x3E):
                raise _Refused(bit, _ACCESS)
            if number >= len(self.areas[code >> 6]):
                raise _Refused(bit, _BLOCK_NUMBER)
            found.append((code, number))
        return found, body[at:]


def purse(value: int, cashback: int = 0, user: bytes = bytes(6), execution: int = 0) -> bytes:
    """A block of a purse service (3.4.4): value and cash back limit, low byte first; execution ID."""
    return value.to_bytes(4, "little") + cashback.to_bytes(4, "little") + user + execution.to_bytes(2, "big")


def _purse(old: bytes, new: bytes, attribute: int, place: int) -> bytes:
    """3.4.4: what is written is an amount and an execution ID; one that has been done is not done again."""
    if new[14:] == old[14:]:
        return old
    value, cashback, amount = _little(old[:4]), _little(old[4:8]), _little(new[:4])
    if attribute == _PURSE_DECREMENT:
        value, cashback = value - amount, amount
    else:
        value, cashback = value + amount, cashback - amount
    if value < 0 or value >= 1 << 32 or cashback < 0:
        raise _Refused(1 << place % 8, _UNDERFLOW)
    return value.to_bytes(4, "little") + cashback.to_bytes(4, "little") + old[8:14] + new[14:]


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _fits(system: bytes, asked: bytes) -> bool:
    """4.4.2: FF in the asked code stands for any byte."""
    return all(wanted in (0xFF, byte) for byte, wanted in zip(system, asked, strict=True))


def _frame(body: bytes) -> bytes:
    return bytes([len(body) + 1]) + body
