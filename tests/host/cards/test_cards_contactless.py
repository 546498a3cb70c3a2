"""Every contactless payment card of the two kernels against a plain terminal and the acquirer: it ends as its entry says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mpos.acquirer import Acquirer
from mpos.bench.cards import registry_contactless
from mpos.bench.cards.contactless.personalities import ENTRIES
from tests.host.acquirer.pos_terminal import NOW, Terminal
from tests.host.cards.chip_objects import objects, one
from tests.host.cards.host_answer import Answer, answer_to
from tests.host.cards.tap_terminal import EndError, TapTerminal

PLAIN = [entry for entry in registry_contactless.ENTRIES if entry.kind == "payment"]
BY_NAME = {entry.name: entry for entry in (*PLAIN, *ENTRIES)}


def sale(name: str, acquirer: Acquirer | None = None, card=None) -> tuple[TapTerminal, str, int, int]:
    """The terminal, outcome, error and its detail."""
    entry = BY_NAME[name]
    host = acquirer or Acquirer(now=lambda: NOW)
    pos = Terminal()

    def ask(terminal: TapTerminal) -> Answer:
        frame = pos.tap({**terminal.known, **terminal.terminal}, terminal.amount, pin=terminal.pin)
        return answer_to(frame, host, pos)

    pins = entry.pin.split(",") if entry.pin is not None else []
    amount = int(Decimal(entry.amount) * 100)
    terminal = TapTerminal(card or entry.build(0)[0], ask, amount, pins, entry.returns)
    try:
        return terminal, terminal.run(), 0, 0
    except EndError as end:
        return terminal, end.outcome, end.error, end.detail


def left(terminal: TapTerminal) -> str:
    """What GET DATA says of the electronic cash."""
    answer, sw = terminal.send("80CA9F79")
    assert sw == 0x9000
    fen = int((one(objects(answer), "9F79") or b"").hex())
    return f"{fen // 100}.{fen % 100:02d}"


@pytest.mark.parametrize("name", BY_NAME)
def test_each_card_ends_as_its_entry_says(name):
    entry = BY_NAME[name]
    terminal, outcome, error, detail = sale(name)
    assert (outcome, error, terminal.code) == (entry.outcome, entry.error, entry.response_code)
    if entry.detail:
        assert detail == entry.detail
    if entry.outcome == "approved":
        assert terminal.cvm == (entry.cvm or terminal.cvm)
        assert (terminal.code == "") == entry.offline
    assert terminal.torn == entry.torn
    assert terminal.pins == []
    if entry.balance:
        assert left(terminal) == entry.balance
