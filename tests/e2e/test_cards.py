"""Each card of the bench: the sale ends as its name says."""

from __future__ import annotations

from decimal import Decimal

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
from mpos.bench.mag_head import MagHead
from mpos.bench.radio import Pace, Radio
from mpos.bench.run import typist
from mpos.link.messages import Interface, State
from tests.e2e.conftest import approves, customer_sale, sale, state, world
from tests.e2e.shared import shared

PPSE, SELECT, GPO, READ = range(4)


@shared
@pytest.mark.parametrize("name", names("contactless"))
async def test_a_sale_ends_as_the_card_says(name, worlds):
    await a_tap_ends_as_the_card_says(name, worlds)


@shared
@pytest.mark.parametrize("name", ["approved", "insufficient-funds", "removed-mid-read", "tap-pin-demanded"])
async def test_with_each_aioble(name, aioble, worlds):
    await a_tap_ends_as_the_card_says(name, worlds, aioble=aioble)


async def a_tap_ends_as_the_card_says(name, worlds, **options):
    entry = CARDS[name]
    async with worlds.at_rest(typist(entry.pin), **options) as (there, reader):
        customer = Customer(there.field, there.slot, there.head, name)
        amount = int(Decimal(entry.amount) * 100)
        record = await customer_sale(there, reader, customer, amount, interfaces=Interface.CONTACTLESS)
        assert (record.outcome, record.response_code, record.error, record.torn) == (
            entry.outcome,
            entry.response_code,
            entry.error,
            entry.torn,
        ), record
        if entry.detail:
            assert record.error_detail == entry.detail, record
        if entry.outcome == "approved" and entry.cvm:
            assert record.cvm == entry.cvm
        if entry.balance:
            assert record.balance == entry.balance
        assert await state(reader) == State.IDLE
        if entry.outcome == "approved" and not entry.offline:
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


def bare_head() -> MagHead:
    return MagHead(asic=None)


@shared
@pytest.mark.parametrize(("name", "edges"), [*((name, False) for name in names("swipe")), *((n, True) for n in EDGES)])
async def test_a_swipe_ends_as_the_card_says(name, edges, worlds):
    entry = CARDS[name]
    async with worlds.at_rest(typist(entry.pin), head=bare_head if edges else MagHead) as (there, reader):
        customer = Customer(there.field, there.slot, there.head, name)
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
        assert not there.head.violations and there.output == ""


async def test_at_the_pace_of_a_real_radio():
    async with world(radio=Radio(pace=Pace())) as there, await there.connect() as reader:
        assert (await sale(there, reader)).outcome == "approved"


@shared
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
async def test_a_card_that_goes_wrong_at_each_command(at, what, errors, worlds):
    card = faulty(make_card("approved")[0], at, what)
    async with worlds.at_rest() as (there, reader):
        there.field.present(card)
        record = await sale(there, reader)
        assert record.outcome == "error"
        assert record.error in errors, record.error_text
        assert record.error_text
        await approves(there, reader)
