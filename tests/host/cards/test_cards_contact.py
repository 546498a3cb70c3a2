"""Every contact card of the bench against a plain terminal and the acquirer: it ends as its entry says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mpos.acquirer import Acquirer
from mpos.bench.cards import CARDS, make_card
from mpos.bench.cards.registry import CONTACT, names
from mpos.bench.field import TargetRemoved
from tests.host.acquirer.pos_terminal import NOW, Terminal
from tests.host.cards.chip_objects import BrokenError
from tests.host.cards.chip_terminal import ChipTerminal
from tests.host.cards.host_answer import Answer, answer_to

# What ends before the first APDU, or in an answer to reset
NO_APDU = ("mute-card", "atr-wrong")


def sale(name: str, card=None, acquirer: Acquirer | None = None) -> tuple[ChipTerminal, str]:
    """Raises BrokenError, TargetRemoved."""
    entry = CARDS[name]
    host = acquirer or Acquirer(now=lambda: NOW)
    pos = Terminal()

    def ask(terminal: ChipTerminal) -> Answer | None:
        if entry.fault:
            return None
        frame = pos.insert({**terminal.known, **terminal.terminal}, terminal.amount, pin=terminal.pin)
        return answer_to(frame, host, pos)

    pins = entry.pin.split(",") if entry.pin is not None else []
    amount = int(Decimal(entry.amount) * 100)
    terminal = ChipTerminal(card or make_card(name)[0], ask, amount, pins, entry.choice)
    return terminal, terminal.run()


@pytest.mark.parametrize("name", [name for name in names(CONTACT) if name not in NO_APDU])
def test_each_card_ends_as_its_entry_says(name):
    entry = CARDS[name]
    if entry.outcome == "error" and not entry.fault:
        with pytest.raises((BrokenError, TargetRemoved)):
            sale(name)
        return
    terminal, outcome = sale(name)
    # A sale that is declined because the host was not there is an error for the reader
    expected = "declined" if entry.fault and entry.outcome == "error" else entry.outcome
    assert (outcome, terminal.code) == (expected, entry.response_code)
    assert terminal.tvr.hex().upper() == entry.tvr
    assert terminal.tsi.hex().upper() == entry.tsi
    assert not entry.cvm or terminal.cvm == entry.cvm
    assert terminal.reversal == (entry.error in (410, 411) and entry.response_code == "00")
    assert terminal.pins == []
