"""The end of a transaction: what has been decided stands, whatever goes wrong when the parts are put away."""

from reader import outcome
from reader.app.transaction import Transaction
from reader.emv.data import DataStore
from reader.errors import E_CANCELLED, E_SLOT_SILENT, ReaderError
from reader.link.protocol import INTERFACE_CONTACT, INTERFACE_CONTACTLESS
from testing import cases


class _Parts:
    data = DataStore(100)


class _Interface:
    """Of which `what` goes wrong."""

    def __init__(self, what, fault):
        self.what = what
        self.fault = fault
        self.stopped = False

    def report(self, result) -> None:
        if self.what == "report":
            raise self.fault

    async def stop(self) -> None:
        self.stopped = True
        if self.what == "stop":
            raise self.fault


async def _finished(code, what, fault, error=0):
    t = Transaction(_Parts(), None, 1, 100, 156, 1000, INTERFACE_CONTACT)
    t.result.end(outcome.Outcome(code, reason=error))
    t.interface = interface = _Interface(what, fault)
    result = await t.finish()
    assert interface.stopped
    return result


@cases(
    (outcome.APPROVED, "stop", ReaderError(E_SLOT_SILENT)),
    (outcome.APPROVED, "report", ReaderError(E_SLOT_SILENT)),
    (outcome.APPROVED, "report", MemoryError()),
    (outcome.DECLINED, "stop", ReaderError(E_SLOT_SILENT)),
    (outcome.APPROVED, "stop", MemoryError()),
)
async def test_a_decision_stands(code, what, fault):
    result = await _finished(code, what, fault)
    assert result.outcome == code and not result.code


async def test_without_a_decision_it_is_the_reason():
    result = await _finished(outcome.END_APPLICATION, "stop", ReaderError(E_SLOT_SILENT))
    assert result.code == E_SLOT_SILENT
    result = await _finished(outcome.END_APPLICATION, "stop", ReaderError(E_SLOT_SILENT), E_CANCELLED)
    assert result.code == E_CANCELLED


@cases(outcome.APPROVED, outcome.DECLINED)
async def test_a_cancellation_too_late_changes_no_decision(code):
    t = Transaction(_Parts(), None, 1, 100, 156, 1000, INTERFACE_CONTACT)
    t.result.end(outcome.Outcome(code))
    t.cancelled = True
    result = await t.finish()
    assert result.outcome == code and not result.code


async def test_a_cancellation_that_got_lost_ends_it_before_the_packet():
    """MicroPython loses a cancellation that comes when what was awaited has just come: it counts all the same."""
    from reader.app import present

    class Presented:
        def __init__(self, transaction, interfaces):
            self.transaction = transaction

        def why(self, error):
            return error

        async def read(self, sale):
            self.transaction.cancelled = True
            return outcome.Outcome(outcome.ONLINE_REQUEST)

        async def stop(self):
            pass

    class Parts:
        data = DataStore(100)
        notices = counters = clock = None

        def need_room(self):
            pass

        def next_stan(self):
            return 1

        def now(self):
            return 2026, 11, 25, 12, 0, 0

    parts = Parts()
    parts.notices = parts.counters = parts.clock = parts
    real, present.Present = present.Present, Presented
    try:
        t = Transaction(parts, None, 1, 100, 156, 1000, INTERFACE_CONTACTLESS)
        await t.run()
    finally:
        present.Present = real
    assert t.result.code == E_CANCELLED and not t.packet_left
