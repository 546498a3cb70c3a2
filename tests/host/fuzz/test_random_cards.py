"""Transactions by contact and by radio under MicroPython, 128 KB of heap, with cards that mutate a conversation they once had.

Each ends in an outcome or a ReaderError, within a bounded number of commands; afterwards no PIN is left, and the heap is
what it was.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import random_cards

_COUNT = 150  # transactions with each card; `python -m tests.fuzz.random_cards` does as many as you like
_SEEDS = Path(__file__).with_name("seeds.txt")
_COMMANDS_MOST = 700


def _broken(card: str, done: random_cards.Run) -> str:
    return f"{done.output}\npython -m tests.fuzz.random_cards --card {card} --count 1 --trace --first (the number after fail)"


@pytest.mark.parametrize("card", random_cards.cards())
def test_a_rogue_card_breaks_nothing(card: str) -> None:
    first = 1 + 1_000_000 * random_cards.cards().index(card)
    done = random_cards.run(card, first, _COUNT)
    assert done.code == 0 and done.counts, _broken(card, done)
    # It was no run against walls: cards got to every end, and broke off at many places
    counts = done.counts
    assert counts.get("approved", 0) + counts.get("declined", 0) + counts.get("online", 0) > 15
    assert counts["ended"] > 2
    assert len([name for name in counts if name.isdigit()]) >= 5  # codes of a ReaderError
    assert counts["commands"] <= _COMMANDS_MOST
    recorded = (random_cards.CONVERSATIONS / f"{card}.txt").read_text()
    if recorded.startswith("@ tap"):
        return  # its card is presented more than once, and ends more than once
    if "\n= " in recorded:
        assert counts["online"] > 7 and counts["declined"] > 2
    ends = [count for name, count in counts.items() if name not in ("online", "commands", "heap")]
    assert sum(ends) == _COUNT


def _seeds() -> list[tuple[str, int]]:
    rows = [line.split() for line in _SEEDS.read_text().splitlines() if line and not line.startswith("#")]
    return [(card, int(number)) for card, number, *_ in rows]


def test_what_once_broke_it_does_so_no_more() -> None:
    for card, number in _seeds():
        done = random_cards.run(card, number, 1)
        assert done.code == 0, _broken(card, done)


@pytest.mark.parametrize(("mode", "said"), [("crash", "TypeError"), ("leak", "fail heap")])
def test_misbehaviour_is_seen(mode: str, said: str) -> None:
    done = random_cards.run("chip", 1, 60, mode)
    assert done.code == 1 and said in done.output and "fail" in done.output
    assert not done.counts


def test_a_number_gives_the_same_transaction_again() -> None:
    once, again = (random_cards.run("cda", 77, 3, "trace") for _ in range(2))
    assert once.code == 0 and once.output.partition("done")[0] == again.output.partition("done")[0]
    assert {**once.counts, "heap": 0} == {**again.counts, "heap": 0}
