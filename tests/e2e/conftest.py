"""The whole product on one machine: real firmware, real driver, real radio stack, and what stands around them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from mpos.acquirer import Acquirer
from mpos.bench.cards import CARDS, make_card
from mpos.bench.cards.entry import CONTACT
from mpos.bench.customer import ANY, Customer, script
from mpos.bench.field import Field
from mpos.bench.icc_faults import Faults
from mpos.bench.icc_slot import IccSlot
from mpos.bench.run import typist
from mpos.bench.world import World
from mpos.link.client import ReaderClient
from mpos.link.messages import Interface, Opcode, State, Tag
from mpos.phone.sale import Record, Sale
from mpos.provision import toolchain
from tests.e2e.shared import Worlds

CNY = 156
AMOUNT = 1234
CARD_TIMEOUT_S = 2
HEAP_READINGS = 8


@pytest.fixture(params=toolchain.aiobles(), ids=lambda found: found[1])
def aioble(request) -> Path:
    """Every aioble at hand: the stand-in always, the real one where set-up or the cache has it."""
    return request.param[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worlds():
    """Readers that the tests of a module share (shared.py)."""
    readers = Worlds()
    yield readers
    await readers.close()


def world(card: str = "approved", faults: Faults | None = None, **options) -> World:
    """A fresh world with the named card in the field, or in the slot, and its holder at the PIN pad."""
    entry = CARDS[card]
    if entry.interface != CONTACT:
        return World(Field(*make_card(card)), **options)
    options.setdefault("typist", typist(entry.pin))
    options.setdefault("acquirer", Acquirer(fault=entry.fault))
    return World(slot=IccSlot(make_card(card)[0], faults), **options)


async def insert_sale(there: World, reader: ReaderClient, card: str, is_asked_for: bool = False, **options) -> Record:
    """One sale by insert, with the amount and the answers of the named card's story. The card is in the slot, or is put
    there when the reader asks for it, if `is_asked_for`; it is taken out when the reader asks for that."""
    entry = CARDS[card]
    options = {"choice": entry.choice, "interfaces": Interface.CONTACT, **options}
    acts = script(f"insert:{card}@insert") if is_asked_for else ()
    customer = Customer(there.field, there.slot, there.head, acts=acts)
    return await customer_sale(there, reader, customer, int(Decimal(entry.amount) * 100), **options)


async def customer_sale(
    there: World,
    reader: ReaderClient,
    customer: Customer,
    amount: int = AMOUNT,
    timeout_s: int = CARD_TIMEOUT_S,
    on_event=None,
    **options,
) -> Record:
    """One sale to this customer, who has left when it returns. options: of Sale; without interfaces all are open."""

    async def heard(event):
        await customer.heard(event)
        if on_event is not None:
            await on_event(event)

    started = Sale(reader, there.acquirer_address, on_event=heard, **{"interfaces": ANY, **options})
    record = await started.run(amount, CNY, timeout_s)
    if record.outcome != "error" or record.error:  # else nobody is there any more to say that a card has gone
        await customer.leave(reader)
    return record


async def sale(there: World, reader: ReaderClient, amount: int = AMOUNT, **options) -> Record:
    """One sale to its end."""
    return await Sale(reader, there.acquirer_address, **options).run(amount, CNY, CARD_TIMEOUT_S)


async def state(reader: ReaderClient) -> State:
    """What the reader says it is doing."""
    return State((await reader.command(Opcode.GET_INFO)).number_of(Tag.READER_STATE))


async def heap(reader: ReaderClient) -> int:
    """Bytes in use at rest. The least of a few readings: MicroPython's collector keeps whatever a word on the stack
    looks like pointing at, and that differs from moment to moment."""
    return min([(await reader.command(Opcode.GET_INFO)).number_of(Tag.HEAP) for _ in range(HEAP_READINGS)])


async def until_idle(reader: ReaderClient) -> None:
    """Take events until the reader says that it is idle. Bounded: each event has its time-out."""
    while True:
        event = await reader.event(5)
        if event.opcode == Opcode.STATE and event.number_of(Tag.READER_STATE) == State.IDLE:
            return


async def approves(there: World, reader: ReaderClient) -> None:
    """The reader is whole: the field is off, and a good card in it gets its sale."""
    assert not there.field.carrier
    there.field.clear()
    used = sum(1 for direction, _, _ in there.field.trace if direction == ">")
    for target in make_card("approved", atc=used + 1):
        there.field.present(target)
    record = await sale(there, reader)
    assert record.outcome == "approved", record


def acquirer(fault: str | None = None) -> Acquirer:
    return Acquirer(fault=fault)
