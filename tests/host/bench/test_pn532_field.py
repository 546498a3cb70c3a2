"""The field in front of the PN532."""

from __future__ import annotations

import pytest

from mpos.bench.field import (
    ANSWER_GARBLED,
    ANSWER_LOST,
    ANSWER_PULLED,
    GARBLED,
    LOST,
    PULLED,
    Field,
    Nak,
    Target,
    TargetRemoved,
    modulation,
)


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


# What goes wrong on the air


@pytest.mark.parametrize(
    ("fate", "answer", "heard", "stays"),
    [
        (None, b"\x0a", 1, True),
        (LOST, None, 0, True),
        (PULLED, None, 0, False),
        (ANSWER_LOST, None, 1, True),
        (ANSWER_GARBLED, GARBLED, 1, True),
        (ANSWER_PULLED, None, 1, False),
    ],
)
def test_the_fate_of_a_block(fate: str | None, answer: bytes | None, heard: int, stays: bool) -> None:
    card = Card()
    field = Field(card)
    field.set_carrier(True)
    got: list[bytes] = []

    def receive(frame: bytes) -> bytes | None:
        got.append(frame)
        return b"\x0a"

    field.block(card, b"\x01", receive)
    if fate is not None:
        field.on_air[1] = fate
    assert field.block(card, b"\x02", receive) == answer
    assert got == [b"\x01", b"\x02"][: 1 + heard]
    assert field.holds(card) == stays
    assert field.blocks == 2


def test_a_nak_goes_through_the_air_like_an_answer() -> None:
    card = Card()
    field = Field(card)
    field.set_carrier(True)

    def refuse(frame: bytes) -> bytes | None:
        raise Nak(4)

    with pytest.raises(Nak) as refused:
        field.block(card, b"\x30", refuse)
    assert refused.value.code == 4
    field.on_air = {1: ANSWER_LOST, 2: ANSWER_GARBLED, 3: ANSWER_PULLED}
    assert [field.block(card, b"\x30", refuse) for _ in range(3)] == [None, GARBLED, None]


def test_block_hooks_may_take_the_card() -> None:
    card = Card()
    field = Field(card)
    field.set_carrier(True)
    field.after_block = lambda target, answer, n: field.clear() if n == 1 else None
    assert [field.block(card, b"\x30", lambda frame: b"\x0a") for _ in range(2)] == [b"\x0a", None]
    field.present(card)
    field.before_block = lambda target, block, n: field.clear()
    assert field.block(card, b"\x30", lambda frame: b"\x0a") is None


def test_after_an_exchange_nobody_has_its_answer_yet() -> None:
    card = Card()
    field = Field(card)
    field.set_carrier(True)
    seen: list[bytes | None] = []

    def take(target: Target, answer: bytes | None, n: int) -> None:
        seen.append(answer)
        field.clear()

    field.after_exchange = take
    assert field.exchange(card, b"\x30") is None
    assert seen == [b"\x0a"]
    assert [direction for direction, _, _ in field.trace] == [">"]


def test_steps_and_power() -> None:
    card = Card()
    field = Field(card)
    assert not field.step(card, "RATS"), "no carrier"
    field.set_carrier(True)
    assert field.power_ups(card) == 1
    steps: list[str] = []
    field.on_step = lambda target, name: steps.append(name)
    assert field.step(card, "RATS")
    field.power_up(card)
    field.set_carrier(True)
    assert field.power_ups(card) == card.powered == 2
    field.on_step = lambda target, name: field.remove(target)
    assert not field.step(card, "PPS")
    assert steps == ["RATS"]


def test_modulation() -> None:
    class CardF(Card):
        modulation = "F"

    assert (modulation(Card()), modulation(CardF())) == ("A", "F")
