"""One transaction on the bench from nothing to nothing: build the world, lead the sale, take it all down."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

from mpos.acquirer import Acquirer
from mpos.acquirer.packet_keys import ECB, X919
from mpos.bench.cards import CARDS, make_card
from mpos.bench.customer import ANY, OF_NAME, Customer, script
from mpos.bench.device_qemu import BOARD
from mpos.bench.field import Field
from mpos.bench.icc_slot import IccSlot
from mpos.bench.keypad import Typist
from mpos.bench.mag_head import MagHead
from mpos.bench.radio import Pace, Radio
from mpos.bench.world import World
from mpos.phone.sale import Record, Sale, Story
from mpos.provision import firmware, toolchain

STAND_IN = "stand-in"
CARD_TIMEOUT_S = 3
MASTER_SESSION = "master-session"
NO_RADIO = "none: a serial link"


@dataclass
class Options:
    """card: None takes what `present` names. interface: the one that is open; None: all of the reader's. amount: None for
    the one of the card's story. present: a customer's script (customer.script). swipe: how a stripe is swiped.
    edges: the head has no ASIC. coupler: the slot is a TDA8029's. bus, irq: as of World. card_timeout_s: None: as long as
    the script takes. scheme: the key scheme; None: the parameters'. mac: of master-session."""

    card: str | None
    amount: int | None
    currency: int
    interface: str | None = None
    present: str | None = None
    swipe: dict[str, Any] = field(default_factory=dict)
    edges: bool = False
    coupler: bool = False
    bus: str = "hsu"
    irq: bool = False
    card_timeout_s: int | None = None
    acquirer: str | None = None
    fault: str | None = None
    state: Path | None = None
    pace: bool = False
    radio: str | None = None
    target: str = "unix"
    scheme: str | None = None
    mac: str | None = None


@dataclass
class Done:
    record: Record
    story: Story
    field: Field
    slot: IccSlot
    head: MagHead
    acquirer_log: list[tuple[float, str]]


async def run_sale(options: Options) -> Done:
    """Raises ValueError (unknown card or fault), RuntimeError (the firmware died, the set-up is incomplete)."""
    if options.acquirer and options.fault:
        raise ValueError("--fault is for the acquirer that this command starts; give it to the one that is running")
    if options.acquirer and options.state is None:
        raise ValueError(
            "an acquirer that goes on running remembers trace numbers, keys and cards: give --state FOLDER, "
            "so that the reader and the cards remember them too"
        )
    if options.target == "qemu":
        if options.bus != "hsu" or options.irq:
            raise ValueError("the emulated board's contactless chip is on its UART: leave --bus and --irq out")
        firmware.build(BOARD)
    if options.mac == ECB and options.scheme != MASTER_SESSION:
        raise ValueError("the ECB MAC is one of --scheme master-session")
    wear = _Wear(options.state)
    acts = script(options.present, options.card) if options.present else []
    name = options.card or next((act.card for act in acts if act.card), None)
    if name is None:
        raise ValueError("name a card (--card), or a script that presents one (--present tap@1s)")
    make_card(name)  # that there is one
    entry = CARDS[name]
    if not acts and options.interface not in (None, entry.interface):
        raise ValueError(f"{name!r} is a {entry.interface} card: leave --interface out, or take another card")
    antenna, slot, head = Field(), IccSlot(), MagHead(asic=None) if options.edges else MagHead()
    customer = Customer(antenna, slot, head, name, acts, options.swipe, wear.transactions(name))
    books = None if options.state is None else options.state / "acquirer.json"
    acquirer = options.acquirer or Acquirer(state=books, fault=options.fault or entry.fault, mac=options.mac or X919)
    story = Story()
    radio = Radio(pace=Pace() if options.pace else None, transport=options.radio)
    async with (
        World(
            antenna,
            slot=slot,
            head=head,
            coupler=options.coupler,
            bus=options.bus,
            irq=options.irq,
            typist=typist(entry.pin),
            state=options.state,
            acquirer=acquirer,
            radio=radio,
            target=options.target,
            scheme=options.scheme,
            mac=options.mac,
        ) as world,
        await world.connect() as reader,
    ):
        sale = Sale(
            reader,
            world.acquirer_address,
            story,
            on_event=customer.heard,
            interfaces=OF_NAME[options.interface] if options.interface else ANY,
            choice=entry.choice,
        )
        amount = options.amount if options.amount is not None else int(Decimal(entry.amount) * 100)
        timeout_s = options.card_timeout_s or max([CARD_TIMEOUT_S, *(ceil(act.at_s) + CARD_TIMEOUT_S for act in acts)])
        customer.before()
        record = await sale.run(amount, options.currency, timeout_s, world.state / "receipts")
        await customer.leave(reader)
    wear.used(name)
    if options.target == "qemu":
        record.aioble = NO_RADIO
    elif record.aioble != STAND_IN:
        # A copy that did not come from the package index does not know its own version; set-up has checked it
        record.aioble = toolchain.aioble()[1]
    return Done(record, story, antenna, slot, head, [] if isinstance(acquirer, str) else acquirer.log)


def typist(pin: str | None) -> Typist:
    """Who types what the card's entry says (`Entry.pin`)."""
    return Typist(pin if not pin else pin.split(","))


class _Wear:
    """How often each card has been used, so that the ATC of a kept world never goes back."""

    def __init__(self, state: Path | None):
        self._path = None if state is None else state / "cards.json"

    def _read(self) -> dict[str, int]:
        if self._path is None or not self._path.exists():
            return {}
        return json.loads(self._path.read_text())

    def transactions(self, card: str) -> int:
        return self._read().get(card, 0)

    def used(self, card: str) -> None:
        if self._path is not None:
            counts = self._read()
            # A card may be read several times in one run (present it again)
            counts[card] = counts.get(card, 0) + 10
            self._path.write_text(json.dumps(counts))
