"""The security log: what was recorded is there after any cut of the power, in order, and nobody can wear the flash out."""

from reader.errors import E_STORE
from reader.storage.event_log import RECORD, EventLog
from reader.storage.log_events import LOG_CRYPTOGRAM, LOG_KINDS, LOG_REPLAY, LOG_RESTART, LOG_SESSION
from testing import SHAPES, FlashMemory, Power, PowerCut, cases, h, raises

_SECTORS = 8
_KEPT_LEAST = 5 * 256
_TIME = (2026, 12, 1, 23, 59, 58)


def _records(log):
    """Each record, read as `mpos reader log` does: some at a time."""
    first = 0
    while records := log.records(first, 40):
        assert len(records) % RECORD == 0
        for at in range(0, len(records), RECORD):
            yield records[at : at + RECORD]
        first = int.from_bytes(records[-RECORD : 4 - RECORD], "big") + 1


def _numbers(log):
    return [int.from_bytes(record[:4], "big") for record in _records(log)]


def _fill(flash, count, first=1):
    """`count` records, each of details that count up; the limit is kept away by a new object's own counts."""
    seen = bytearray(LOG_KINDS)
    log = EventLog(flash, seen)
    for n in range(count):
        seen[LOG_SESSION] = 0
        assert log.add(LOG_SESSION, first + n)
    return log


def test_a_record():
    flash = FlashMemory(_SECTORS)
    log = EventLog(flash)
    assert log.records(0, 10) == b""
    assert log.add(LOG_CRYPTOGRAM, 0x01FC0003, _TIME)
    assert log.add(LOG_REPLAY)
    expected = h("00000001 10 01FC0003 1A0C01173B3A  00000002 12 00000000 000000000000")
    assert log.records(0, 10) == expected
    assert EventLog(flash).records(1, 10) == expected
    assert EventLog(flash).records(2, 10) == expected[RECORD:]
    assert EventLog(flash).records(1, 1) == expected[:RECORD]
    assert EventLog(flash).records(3, 10) == b""
    assert [sector for sector, kept in flash.copy().items() if kept] == [2]  # not the witness'


def test_the_oldest_go():
    flash = FlashMemory(_SECTORS)
    _fill(flash, 256 * 6)
    assert _numbers(EventLog(flash)) == list(range(1, 1 + 256 * 6))
    assert flash.erases == [0] * _SECTORS
    _fill(flash, 1, 256 * 6 + 1)
    assert flash.erases == [0, 0, 1, 0, 0, 0, 0, 0]
    numbers = _numbers(EventLog(flash))
    assert numbers == list(range(257, 256 * 6 + 2))
    assert len(numbers) > _KEPT_LEAST
    _fill(flash, 256 * 7, 256 * 6 + 2)
    log = EventLog(flash)
    numbers = None  # a list like it follows
    numbers = _numbers(log)
    assert numbers[-1] == 256 * 13 + 1
    assert len(numbers) > _KEPT_LEAST
    numbers = None
    records = log.records(256 * 11, 3)
    for at in range(3):  # each in its place: the detail is the number
        assert records[at * RECORD : at * RECORD + 4] == records[at * RECORD + 5 : at * RECORD + 9]


def test_at_most_eight_of_a_kind():
    flash = FlashMemory(_SECTORS)
    seen = bytearray(LOG_KINDS)
    recorded = []
    for n in range(1, 1001):
        if EventLog(flash, seen).add(LOG_REPLAY, n):
            recorded.append(n)
    assert recorded == [1, 2, 4, 8, 16, 32, 64, 128]
    assert len(_numbers(EventLog(flash))) == 8
    assert EventLog(flash, seen).add(LOG_CRYPTOGRAM)  # another kind has its own
    for event in range(1, LOG_KINDS):
        for _ in range(300):
            EventLog(flash, seen).add(event)
    # Everything that can happen between two sessions: less than a sector
    assert len(_numbers(EventLog(flash))) <= 8 * (LOG_KINDS - 1) < 256


def test_a_restart_loop_is_one_record():
    flash = FlashMemory(_SECTORS)
    for _ in range(50):
        EventLog(flash).add(LOG_RESTART, 3)
    assert _numbers(EventLog(flash)) == [1]
    EventLog(flash).add(LOG_RESTART, 4)
    EventLog(flash).add(LOG_SESSION)
    EventLog(flash).add(LOG_RESTART, 4)
    assert _numbers(EventLog(flash)) == [1, 2, 3, 4]


def _check(log, count):
    """Nothing is read that was not written, and of the first `count` only the oldest may lack; the first that is there."""
    expected = None
    first = 1
    for record in _records(log):
        number = int.from_bytes(record[:4], "big")
        if record[4] == LOG_SESSION:
            if expected is None:
                first = number
            else:
                assert number == expected or (count == 256 * 6 and number <= 257)
            assert record[:4] == record[5:9]
            expected = number + 1
        elif record[4] == LOG_CRYPTOGRAM:
            assert record[5:] == h("A5A5A5A5 1A0C01173B3A")
            assert number > count
        else:
            assert record[4] == LOG_REPLAY
            assert number > count
    assert count == 0 or expected == count + 1
    return first


@cases((0,), (1,), (3,), (255,), (256,), (257,), (256 * 6 - 1,), (256 * 6,))
def test_cut(count):
    power = Power()
    flash = FlashMemory(_SECTORS, power)
    _fill(flash, count)
    kept = flash.copy()
    for shape in range(SHAPES):
        at = 1
        while True:
            flash.put_back(kept)
            power.cut(at, shape)
            try:
                EventLog(flash).add(LOG_CRYPTOGRAM, 0xA5A5A5A5, _TIME)
            except PowerCut:
                pass
            if not power.restore():
                break
            # All that were there, or all but those of the sector that was being erased; the new one, or not
            first = _check(EventLog(flash), count)
            assert first == 1 or (first <= 257 and count == 256 * 6)
            EventLog(flash).add(LOG_REPLAY, 7)
            last = EventLog(flash).records(count + 1, 9)[-RECORD:]
            assert last[4:9] == h("12 00000007")
            assert _check(EventLog(flash), count) in (1, 257)
            at += 1
        assert at > 1


def test_flash_fails():
    flash = FlashMemory(_SECTORS)
    log = _fill(flash, 3)
    flash.fails = True
    with raises(E_STORE):
        log.add(LOG_REPLAY)
    with raises(E_STORE):
        EventLog(flash).records(0, 1)
    flash.fails = False
    assert EventLog(flash).add(LOG_REPLAY)
