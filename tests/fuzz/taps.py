"""What stands around a card in a tap, for the targets: combinations, a transaction, the parts of a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fuzz import device
from tests.fuzz.cards import FeedCard
from tests.fuzz.feed import Feed
from tests.fuzz.world import Entropy, Tables, Terminal

device.install()
from reader.emv import terminal
from reader.emv.contactless import decision, entry_point, issuer_update
from reader.emv.contactless import session as sessions
from reader.emv.contactless.kernel3 import kernel as kernel3
from reader.emv.contactless.kernel7 import kernel as kernel7
from reader.emv.contactless.pre_processing import Preprocessed
from reader.emv.data import DataStore
from reader.errors import E_CARD_REMOVED, ReaderError
from reader.outcome import (
    APPROVED,
    DECLINED,
    END_APPLICATION,
    ONLINE_REQUEST,
    SELECT_NEXT,
    START_B,
    TRY_AGAIN,
    TRY_ANOTHER_INTERFACE,
    Outcome,
)


class _NoCollector:
    collect = staticmethod(lambda: None)


# On the device a module goes when it has run; here it would be instrumented anew for each input
entry_point.forget_each = sessions.forget_each = lambda *_names: None
sessions.gc = _NoCollector

DATA_MOST = 1536
_ROOM = 2048
_PRESENTMENTS_MOST = 4
_TIME = (2026, 3, 14, 15, 9, 26)
CUT = 0xEE  # a card leaves
_AMOUNTS = (1234, 0, 100, 30000, 99999, 10**12 - 1)
_TYPES = (0x00, 0x00, 0x00, 0x01, 0x09, 0x20)
_TTQS = ("37004080", "37804080", "37404080", "37C0C000")
_ENDS = (APPROVED, DECLINED, ONLINE_REQUEST, TRY_AGAIN, TRY_ANOTHER_INTERFACE, END_APPLICATION)


class Row:
    """One combination, as in boards/unix/parameters.json."""

    transaction_limit, cvm_limit, floor_limit = 1_000_000, 100_000, 20_000
    status_check = zero_amount = extended_selection = True
    application_version = bytes.fromhex("0030")

    def __init__(self, aid: str, kernel: int, ttq: str, pan_ranges: str | None):
        self.aid, self.kernel, self.ttq, self.pan_ranges = bytes.fromhex(aid), kernel, bytes.fromhex(ttq), pan_ranges


class Parameters:
    terminal = Terminal
    contactless = (
        Row("A000000333010101", 7, "37004080", "62,81"),
        Row("A000000333010102", 7, "37004080", None),
        Row("A000000333010103", 7, "37004080", None),
        Row("A0000000031010", 3, "3700C000", None),
    )


class Card(FeedCard):
    """One that may leave before it has answered."""

    async def transmit(self, c_apdu) -> memoryview:
        if self._feed.byte() == CUT:
            raise ReaderError(E_CARD_REMOVED)
        return await super().transmit(c_apdu)


def session(feed: Feed, number: int, tables: Tables | None = None) -> Any:
    """A session of that kernel, with the terminal's data; what else it has, the feed says."""
    choice = feed.byte()
    row = Parameters.contactless[3 if number == 3 else choice >> 7]
    tx = Preprocessed(_AMOUNTS[choice >> 2 & 1], 156, _TIME, 42, 1 if choice & 8 else 0, 1)
    tables = tables or (Tables() if choice & 0x10 else None)
    made = sessions.Session(None, DataStore(DATA_MOST), tables, Terminal, row, tx, bytearray(_ROOM))
    made.kernel = kernel3 if number == 3 else kernel7
    made.name = row.aid
    terminal.contactless_data_into(made.data, Terminal, row, bytes.fromhex(_TTQS[choice & 3]), tx, Entropy())
    return made


def check(outcome: Outcome, also: int = SELECT_NEXT) -> None:
    """Of the kind that there are, with a reason."""
    assert outcome.code in (*_ENDS, also), outcome
    assert (outcome.reason == 0) == (outcome.code in (APPROVED, ONLINE_REQUEST)), outcome
    assert 0 <= outcome.cvm <= 4 and 0 <= outcome.start <= 4


def transaction(feed: Feed, card: Callable[[], Any], host: Callable[[DataStore], bytes], tables: Any = None) -> list:
    """Presentments of the cards that `card()` makes, until one decides or the feed ends; what they came to. `host`: field
    55 of its answer. tables: others than the feed says."""
    choice = feed.byte()
    if tables is None and choice & 0x40:
        tables = Tables()
    room = bytearray(_ROOM)
    entry = entry_point.EntryPoint(Parameters, Entropy(), tables, choice >> 5 & 1 | 2, room)
    amount, kind = _AMOUNTS[choice % 6], _TYPES[feed.byte() % 6]
    tx = device.attempt(entry.pre_process, amount, 156, _TIME, 42, kind)
    if not isinstance(tx, Preprocessed):
        assert tx is not None and tx.code == TRY_ANOTHER_INTERFACE, tx
        return [tx]
    data = DataStore(DATA_MOST)
    ends = []
    for _ in range(_PRESENTMENTS_MOST):
        outcome = device.attempt(entry.run, card().transmit, tx, data)
        assert -1 <= entry.torn_atc <= 0xFFFF and (entry.is_torn or entry.torn_atc < 0)
        ends.append(outcome)
        if outcome is None:
            assert data.used == 0
        else:
            check(outcome, END_APPLICATION)
            assert outcome.ui is not None and (outcome.code != TRY_AGAIN or outcome.ui_restart is not None)
            if outcome.code in (APPROVED, ONLINE_REQUEST):
                said = data.need(0x9F27)[0] >> 6
                assert said == decision.TC if outcome.code == APPROVED else said != decision.AAC
                assert outcome.code != APPROVED or tables is not None
                assert entry.wants_update == (outcome.code == ONLINE_REQUEST and outcome.start == START_B)
                break
            assert data.used == 0
            if outcome.code == DECLINED:
                break
        if not feed.left:
            break
    if entry.wants_update:
        answer = host(data)
        updated = device.attempt(entry.update, card().transmit, tx, data, answer)
        ends.append(updated)
        assert updated is None or updated.code in (APPROVED, END_APPLICATION)
        assert len(entry.script_results) <= 160
        assert data.used == 0 or not issuer_update.is_wanted(answer)
    entry.wipe()
    assert not any(room)
    assert entry.torn_atc == -1
    return ends
