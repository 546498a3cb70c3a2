"""The field in front of the PN532."""

from __future__ import annotations

import pytest

from mpos.bench.field import Field, Target, TargetRemoved


class Card:
    uid, atqa, sak, ats = b"\1\2\3\4", b"\0\4", 0x08, None

    def __init__(self, answer: bytes | None = b"\x0a"):
        self.answer = answer
        self.powered = 0

    def power_on(self) -> None:
        self.powered += 1

    def exchange(self, command: bytes) -> bytes | None:
        if self.answer == b"gone":
            raise TargetRemoved
        return self.answer


def test_cards_come_and_go() -> None:
    one, two = Card(), Card()
    field = Field(one)
    changes = []
    listener = lambda: changes.append(len(field.targets))  # noqa: E731
    field.listen(listener)
    field.present(two)
    field.remove(one)
    field.remove(one)
    field.clear()
    field.unlisten(listener)
    field.present(one)
    assert changes == [2, 1, 1, 0]
    with pytest.raises(ValueError, match="already"):
        field.present(one)


def test_without_carrier_nobody_answers() -> None:
    card = Card()
    field = Field(card)
    assert field.poll() == []
    assert field.exchange(card, b"\x30") is None
    assert card.powered == 0
    field.set_carrier(True)
    field.set_carrier(True)
    assert card.powered == 1
    assert field.poll() == [card]
    assert field.exchange(card, b"\x30") == b"\x0a"
    field.set_carrier(False)
    field.set_carrier(True)
    assert card.powered == 2


def test_hooks() -> None:
    card = Card()
    field = Field()
    field.set_carrier(True)

    def lay(n: int) -> None:
        if n == 2:
            field.present(card)

    def take(target: Target, command: bytes, n: int) -> None:
        if n == 1:
            field.remove(target)

    field.on_poll, field.before_exchange = lay, take
    assert [len(field.poll()) for _ in range(4)] == [0, 0, 1, 1]
    assert [field.exchange(card, b"\x30") for _ in range(3)] == [b"\x0a", None, None]
    assert (field.polls, field.exchanges) == (4, 3)


@pytest.mark.parametrize(("answer", "stays"), [(None, True), (b"gone", False)])
def test_a_card_that_does_not_answer(answer: bytes | None, stays: bool) -> None:
    card = Card(answer)
    field = Field(card, clock=lambda: 1.5)
    field.set_carrier(True)
    assert field.exchange(card, b"\x30") is None
    assert field.holds(card) == stays
    assert field.trace == [(">", b"\x30", 1.5)]
