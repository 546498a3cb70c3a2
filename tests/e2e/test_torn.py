"""A card taken away at each block that passes between it and the reader: no wrong outcome, nothing paid twice, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest

from mpos.bench.cards import make_card
from mpos.bench.field import ANSWER_PULLED, PULLED
from mpos.bench.world import World
from mpos.link.messages import CardEvent, Interface, Message, Opcode, Tag
from mpos.phone.sale import Record, Sale
from tests.e2e.conftest import AMOUNT, CNY
from tests.harness.requirements import requirement

LONGEST = 40  # blocks of a transaction
E_CANCELLED, E_TORN = 801, 417
TAKEN_AWAY = (CardEvent.REMOVED, CardEvent.TRY_AGAIN)


class Hand:
    """Holds a card to the reader, takes it away at a block, and then brings it back or has the phone cancel."""

    def __init__(self, there: World, card: Any, block: int, fate: str, comes_back: bool):
        self.there = there
        self.card = card
        self.comes_back = comes_back
        self.taken = False
        there.field.clear()
        there.field.on_air = {there.field.blocks + block: fate}

    async def sale(self, reader) -> Record:
        self.reader = reader
        self.there.field.present(self.card)
        address = self.there.acquirer_address
        record = await Sale(reader, address, on_event=self.heard, interfaces=Interface.CONTACTLESS).run(AMOUNT, CNY, 5)
        self.there.field.clear()
        return record

    async def heard(self, event: Message) -> None:
        if event.opcode == Opcode.CARD and event.number_of(Tag.CARD_EVENT) in TAKEN_AWAY:
            self.taken = True
            if not self.comes_back:
                await self.reader.command(Opcode.CANCEL)
            elif not self.there.field.holds(self.card):
                self.there.field.present(self.card)


async def each_block(there: World, name: str, fate: str, comes_back: bool):
    """(block, card, record) of a sale with a fresh card for each block that there is to be taken away at."""
    transactions = 0
    async with await there.connect() as reader:
        for block in range(LONGEST):
            (card,) = make_card(name, transactions)
            transactions += 10
            hand = Hand(there, card, block, fate, comes_back)
            record = await hand.sale(reader)
            if not hand.taken:
                assert block, "the card was never taken away"
                assert record.outcome == "approved", record
                return
            yield block, card, record
    raise AssertionError("a transaction without end")


@requirement("Book D", "10", "A card that is taken away at any block and comes back is sold to once.")
@requirement("PBOC 12", "F", "A card that has paid, and was taken away before it was heard, is not charged twice.")
@pytest.mark.parametrize("fate", [PULLED, ANSWER_PULLED])
@pytest.mark.parametrize("name", ["tap-cash", "visa"])
async def test_it_comes_back(name, fate):
    online = 0
    async with World() as there:
        async for block, card, record in each_block(there, name, fate, True):
            assert record.outcome == "approved", (block, record)
            assert paid(card) == (AMOUNT if name == "tap-cash" else 0), block
            online += record.response_code == "00"
        booked = [text for _, text in there.acquirer.log if text.startswith("approved")]
    # And once more, when the card was not taken away at last
    assert len(booked) == (online + 1 if online else 0)


@requirement("PBOC 12", "F", "A card that has paid, was taken away and does not come back: the record says so.")
@pytest.mark.parametrize("fate", [PULLED, ANSWER_PULLED])
async def test_it_does_not_come_back(fate):
    async with World() as there:
        async for block, card, record in each_block(there, "tap-cash", fate, False):
            # That the phone cancelled it comes second to that
            assert record.outcome == "error" and record.error in (E_CANCELLED, E_TORN), (block, record)
            assert (record.torn and record.error == E_TORN) or not paid(card), (block, record)
        booked = [text for _, text in there.acquirer.log if text.startswith("approved")]
    assert not booked


def paid(card: Any) -> int:
    """What electronic cash has lost; 0 without any."""
    (application,) = card.applications
    before = application.profile.cash
    return 0 if before is None else before - application.cash.balance
