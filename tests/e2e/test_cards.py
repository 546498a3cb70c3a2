"""Each card of the bench: the sale ends as its name says."""

from __future__ import annotations

import pytest

from mpos.bench.cards import CARDS, faulty, make_card
from mpos.bench.cards.faults import (
    BAD_LENGTH,
    BAD_TAG,
    EMPTY,
    HALF_STATUS,
    MUTE,
    NO_DATA,
    REMOVED,
    TRUNCATED,
    status,
)
from mpos.bench.cards.registry import names
from mpos.bench.customer import Customer
from mpos.bench.field import Field
from mpos.bench.mag_head import MagHead
from mpos.bench.radio import Pace, Radio
from mpos.bench.run import typist
from mpos.bench.world import World
from mpos.link.messages import State
from tests.e2e.conftest import approves, customer_sale, sale, state, world

PPSE, SELECT, GPO, READ = range(4)


@pytest.mark.parametrize("name", names("contactless"))
async def test_a_sale_ends_as_the_card_says(name, aioble):
    entry = CARDS[name]
    async with world(name, aioble=aioble) as there, await there.connect() as reader:
        record = await sale(there, reader)
        assert (record.outcome, record.response_code) == (entry.outcome, entry.response_code), record
        if entry.error:
            assert record.error == entry.error
        assert await state(reader) == State.IDLE
        if entry.outcome == "approved":
            assert len(record.authorisation_code) == 6 and len(record.rrn) == 12


# Of the stripe cards those that differ for a head without an ASIC: each way of passing, each kind of track, each reason
EDGES = (
    "stripe-approved",
    "stripe-pin",
    "stripe-tracks-1-2-3",
    "stripe-track1-only",
    "stripe-licence",
    "stripe-backward",
    "stripe-fallback",
    "stripe-no-end",
    "stripe-bad-lrc",
    "stripe-all-ones",
    "stripe-half",
    "stripe-scratched",
    "stripe-worn",
)


@pytest.mark.parametrize(("name", "edges"), [*((name, False) for name in names("swipe")), *((n, True) for n in EDGES)])
async def test_a_swipe_ends_as_the_card_says(name, edges):
    entry = CARDS[name]
    head = MagHead(asic=None) if edges else MagHead()
    async with World(head=head, typist=typist(entry.pin)) as there, await there.connect() as reader:
        customer = Customer(there.field, there.slot, head, name)
        record = await customer_sale(there, reader, customer)
        assert (record.outcome, record.response_code, record.error) == (
            entry.outcome,
            entry.response_code,
            entry.error,
        ), record
        if entry.detail:
            assert record.error_detail == entry.detail, record
        if entry.cvm:
            assert record.cvm == entry.cvm
        if entry.outcome == "approved":
            assert record.interface == (entry.by or "swipe")
        assert await state(reader) == State.IDLE
        assert not head.violations and there.output == ""


async def test_at_the_pace_of_a_real_radio():
    async with world(radio=Radio(pace=Pace())) as there, await there.connect() as reader:
        assert (await sale(there, reader)).outcome == "approved"


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize(
    ("what", "errors"),
    [
        (REMOVED, {101}),
        (MUTE, {103}),
        (EMPTY, {102, 103, 203, 301}),
        (HALF_STATUS, {102, 103, 203, 301}),
        (NO_DATA, {105, 301, 303, 304}),
        (TRUNCATED, {301, 303}),
        (BAD_LENGTH, {301}),
        (BAD_TAG, {301}),
        (status(0x6A82), {105, 401}),
        (status(0x6985), {105, 401}),
        (status(0x6400), {105, 401}),
    ],
    ids=[
        "removed",
        "mute",
        "empty",
        "half status",
        "no data",
        "truncated",
        "bad length",
        "bad tag",
        "6A82",
        "6985",
        "6400",
    ],
)
async def test_a_card_that_goes_wrong_at_each_command(at, what, errors):
    card = faulty(make_card("approved")[0], at, what)
    async with World(Field(card)) as there, await there.connect() as reader:
        record = await sale(there, reader)
        assert record.outcome == "error"
        assert record.error in errors, record.error_text
        assert record.error_text
        await approves(there, reader)
