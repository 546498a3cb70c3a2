"""The heap of the whole firmware in the simulated world, on the 32-bit unix port: after boot, in a sale, after many.

`frozen`: MicroPython with the firmware frozen into it, as the readers' own builds have it (mpos.provision.frozen).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from mpos.bench.cards import CARDS, make_card
from mpos.bench.customer import ANY, Customer
from mpos.bench.field import Field
from mpos.bench.keypad import Typist
from mpos.bench.world import World
from mpos.link.client import ReaderClient
from mpos.link.messages import Interface, Opcode, Tag
from mpos.phone.sale import Sale

_CNY = 156
_CARD_TIMEOUT_S = 5
_AMOUNT = 1  # of each sale, so that the account lasts
_FEW = 3
_CONTACT_CARD = "dda-1984"
_STRIPE_CARD = "stripe-tracks-1-2-3"
INSERTED_MOST = 100


class SaleFailed(RuntimeError):
    """A sale of the bench was not approved."""


async def boot(frozen: Path) -> dict[str, float]:
    """heap.boot, heap.peak: one power-on and a few sales. The same from a ROM image: heap.boot_rom, heap.peak_rom."""
    found = {}
    for binary, suffix in ((frozen, ""), (None, "_rom")):
        async with (
            World(Field(), binary=binary, typist=Typist(CARDS[_STRIPE_CARD].pin)) as world,
            await world.connect() as reader,
        ):
            found["heap.boot" + suffix] = await _in_use(reader)
            found["heap.peak" + suffix] = max([await _sell(world, reader, i) for i in range(_FEW)])
            found["heap.peak_swipe" + suffix] = max([await _swipe(world, reader, i) for i in range(_FEW)])
            found["heap.peak_insert" + suffix] = max([await _insert(world, reader, i) for i in range(_FEW)])
    return found


async def many(frozen: Path, sales: int) -> dict[str, float]:
    """heap.after: what is in use after `sales` sales in a row, all of them approved."""
    async with World(Field(), binary=frozen) as world, await world.connect() as reader:
        for i in range(sales):
            await _sell(world, reader, i)
        return {"heap.after": await _in_use(reader)}


async def many_inserted(frozen: Path, sales: int) -> dict[str, float]:
    """heap.after_insert: the same by insert, INSERTED_MOST at most."""
    async with World(Field(), binary=frozen) as world, await world.connect() as reader:
        for i in range(min(sales, INSERTED_MOST)):
            await _insert(world, reader, i)
        return {"heap.after_insert": await _in_use(reader)}


async def _in_use(reader: ReaderClient) -> float:
    return (await reader.command(Opcode.GET_INFO)).number_of(Tag.HEAP)


async def _sell(world: World, reader: ReaderClient, number: int) -> float:
    """One sale; the most heap that was in use at a step of it."""
    world.field.clear()
    for target in make_card("approved", atc=number):
        world.field.present(target)
    return await _led(Sale(reader, world.acquirer_address), number)


async def _insert(world: World, reader: ReaderClient, number: int) -> float:
    """The same by insert; the card has 1,984-bit keys and signs (DDA). It is the same one, as it takes time to make."""
    world.slot.insert(_card())
    customer = Customer(world.field, world.slot, world.head)
    sale = Sale(reader, world.acquirer_address, on_event=customer.heard, interfaces=Interface.CONTACT)
    used = await _led(sale, number)
    await customer.leave(reader)
    return used


async def _swipe(world: World, reader: ReaderClient, number: int) -> float:
    """The same by swipe."""
    customer = Customer(world.field, world.slot, world.head, _STRIPE_CARD)
    sale = Sale(reader, world.acquirer_address, on_event=customer.heard, interfaces=ANY)
    used = await _led(sale, number)
    await customer.leave(reader)
    return used


@cache
def _card() -> Any:
    return make_card(_CONTACT_CARD)[0]


async def _led(sale: Sale, number: int) -> float:
    record = await sale.run(_AMOUNT, _CNY, _CARD_TIMEOUT_S)
    if record.outcome != "approved":
        raise SaleFailed(f"sale {number + 1} ended as {record.outcome}: {record.error_text or record.response_code}")
    return record.heap_peak
