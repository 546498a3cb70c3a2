"""The log of security events: records of 16 bytes in a ring of six flash sectors, 256 in each. Never card data.

Of one kind the 1st, 2nd, 4th ... 128th is recorded until a session begins (or the reader restarts), then no more: eight at
most, so that nobody who can provoke an event can wear out the flash or drive other records out. A restart loop is one
record.

A record: its number (4, from 1 upwards), event (1), detail (4), local time (year from 2000, month, day, hour, minute,
second; zeros: not known), then how many bits of these 15 bytes are clear. Power that goes in the middle of a program or of an
erase leaves more bits set, in the 15 as in the count, so that the two cannot agree: J. M. Berger, "A Note on Error
Detection Codes for Asymmetric Channels", Information and Control 4 (1961).
"""

from micropython import const

from . import witness
from .log_events import LOG_KINDS, LOG_RESTART

_FIRST = const(2)  # the sectors before are the witness'
_SECTORS = const(6)
_IN_SECTOR = const(256)
_RECORD = const(16)
_SAID = const(15)
_MOST = const(128)

RECORD = const(15)  # bytes of a record as `records` gives it: without the count


class EventLog:
    """`flash`: the journal's partition, 8 sectors (reader.ports.Flash). `seen`: LOG_KINDS bytes, how often each kind came (up
    to 255), which who logs keeps from one of these objects to the next, and wipes when a session begins."""

    def __init__(self, flash, seen: "bytearray | None" = None):
        self._flash = flash
        self._seen = bytearray(LOG_KINDS) if seen is None else seen
        self._sector = -1  # not looked for yet
        self._next = 0  # number of the next record
        self._begin = 0  # number of the first record of the sector

    def add(self, event: int, detail: int = 0, time=None) -> bool:
        """One more record, unless there were enough of this kind: False. `time`: as Clock.now(). Raises E_STORE."""
        n = self._seen[event]
        if n < 0xFF:
            self._seen[event] = n = n + 1
        if n > _MOST or n & n - 1:
            return False
        self._look()
        if event == LOG_RESTART:
            last = self.records(self._next - 1, 1)
            if last[4:9] == bytes((event,)) + detail.to_bytes(4, "big"):
                return False
        index = self._next - self._begin
        if index == _IN_SECTOR:
            sector = self._sector + 1
            if sector == _FIRST + _SECTORS:
                sector = _FIRST
            if not witness.is_erased(self._flash, sector):
                witness.erase(self._flash, sector)
            self._sector = sector
            self._begin = self._next
            index = 0
        record = bytearray(_RECORD)
        record[:4] = self._next.to_bytes(4, "big")
        record[4] = event
        record[5:9] = detail.to_bytes(4, "big")
        if time:
            record[9] = time[0] % 100
            for i in range(1, 6):
                record[9 + i] = time[i]
        record[_SAID] = _clear_bits(record)
        self._next += 1
        witness.program(self._flash, self._sector, record, index * _RECORD)
        return True

    def records(self, first: int, most: int) -> bytearray:
        """At most `most` records from number `first` on, or from the oldest that is kept, of RECORD bytes each.

        One that the power cut short is not among them: their numbers tell. Raises E_STORE.
        """
        self._look()
        out = bytearray()
        number = max(first, self._begin - (_SECTORS - 1) * _IN_SECTOR, 1)
        record = bytearray(_RECORD)
        while number < self._next and len(out) < most * RECORD:
            back = (self._begin - number + _IN_SECTOR - 1) // _IN_SECTOR if number < self._begin else 0
            sector = _FIRST + (self._sector - _FIRST - back) % _SECTORS
            at = number - self._begin + back * _IN_SECTOR
            if self._read(sector, at, record) and int.from_bytes(record[:4], "big") == number:
                out += memoryview(record)[:_SAID]
            number += 1
        return out

    def _look(self) -> None:
        """Find the end, once."""
        if self._sector >= 0:
            return
        record = bytearray(_RECORD)
        self._begin = 1 - _IN_SECTOR
        found = _FIRST + _SECTORS - 1
        for sector in range(_FIRST, _FIRST + _SECTORS):
            if self._read(sector, 0, record):
                number = int.from_bytes(record[:4], "big")
                if number > self._begin:
                    self._begin = number
                    found = sector
        low = 0
        high = _IN_SECTOR
        if self._begin < 1:
            low = high
        while low < high:
            middle = (low + high) // 2
            self._read(found, middle, record)
            if record == b"\xff" * _RECORD:
                high = middle
            else:
                low = middle + 1
        self._next = self._begin + low
        self._sector = found

    def _read(self, sector: int, index: int, record) -> bool:
        """Whether what is there is a whole record."""
        witness.read_into(self._flash, sector, record, index * _RECORD)
        return record[_SAID] == _clear_bits(record)


def _clear_bits(record) -> int:
    clear = 0
    for i in range(_SAID):
        byte = record[i] ^ 0xFF
        while byte:
            byte &= byte - 1
            clear += 1
    return clear
