"""A customer at the reader: does with cards what the reader asks for, or what a script says.

    customer = Customer(world.field, world.slot, world.head, "approved")
    sale = Sale(reader, address, on_event=customer.heard, interfaces=ANY)
    await sale.run(...)
    await customer.leave(reader)                  takes the cards away

A script is a list like "swipe:stripe-of-chip@1s, insert@use_chip": what is done, with which card, and when:
    @2.5s        so long after the reader has begun to wait
    @use_chip    when the reader says so, after what stands before it in the script (CardEvent, Prompt; wait: it has begun)
    @then        together with what stands before it
    @before      before the sale begins
The hand of a customer is not quick: between being asked to try again and trying is HAND_S.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mpos.bench.cards import CARDS, make_card
from mpos.bench.cards.entry import CONTACT, CONTACTLESS, SWIPE
from mpos.bench.field import Field
from mpos.bench.icc_slot import IccSlot
from mpos.bench.mag_head import MagHead
from mpos.link.client import ReaderClient
from mpos.link.messages import CardEvent, Interface, Message, Opcode, Prompt, State, Tag

ANY = Interface.CONTACT | Interface.CONTACTLESS | Interface.SWIPE
OF_NAME = {CONTACT: Interface.CONTACT, CONTACTLESS: Interface.CONTACTLESS, SWIPE: Interface.SWIPE}
HAND_S = 0.3
GONE_TIMEOUT_S = 5.0

TAP, INSERT, DRAW, AWAY, REMOVE = "tap", "insert", "swipe", "away", "remove"
WAIT, THEN, BEFORE = "wait", "then", "before"
EVENTS = (WAIT, THEN, BEFORE, *(name.lower() for name in (*CardEvent.__members__, *Prompt.__members__)))
_WAY = {TAP: CONTACTLESS, INSERT: CONTACT, DRAW: SWIPE}
_DEFAULT = {TAP: "approved", INSERT: "chip", DRAW: "stripe-approved"}
_ACT = re.compile(r"(tap|insert|swipe|away|remove)(?::([\w-]+))?@(?:(\d+(?:\.\d+)?)s?|([a-z_]+))")


@dataclass(frozen=True)
class Act:
    """`what`: tap, insert, swipe a card by name; away: take the cards out of the field; remove: out of the slot.
    at_s: when; or `on`: which of EVENTS."""

    what: str
    card: str
    at_s: float = 0
    on: str = ""


def script(text: str, card: str | None = None) -> list[Act]:
    """The acts of "tap@1s,swipe:NAME@3s"; one that names no card takes `card`, or the one before it, if it is made for that,
    else a plain one. Raises ValueError that says what is wrong."""
    acts = []
    for part in text.split(","):
        match = _ACT.fullmatch(part.strip())
        if match is None:
            raise ValueError(
                f"{part.strip()!r} is nothing a customer does: write tap, insert or swipe, a card after a colon if you like, "
                "and when: tap@1s, insert:chip@2.5s, away@1s, remove@4s, insert@use_chip"
            )
        what, name, seconds, event = match[1], match[2], float(match[3] or 0), match[4] or ""
        if event and event not in EVENTS:
            raise ValueError(f"{event!r} is nothing a reader says; write one of {', '.join(EVENTS)}")
        if what in _WAY:
            if name is None:
                name = card if card is not None and _fits(what, card) else _DEFAULT[what]
            if name not in CARDS or not _fits(what, name):
                raise ValueError(f"{name!r} is no card to {what}; `mpos card list --interface {_WAY[what]}` has them")
            card = name
        acts.append(Act(what, name or "", seconds, event))
    return acts


def _fits(what: str, card: str) -> bool:
    """A stripe's card may have a chip too."""
    way = CARDS[card].interface
    return way == _WAY[what] or (what == INSERT and way == SWIPE and make_card(card)[0].chip is not None)


class Customer:
    """card: the one in the hand, by name, presented as it is made for as soon as the reader waits, and again when it could
    not be read. acts: instead of that. swipe: how it is swiped, over what the card's entry says.

    stays: a card in the slot is not taken out when the reader asks for it.
    told: card events and prompts that the reader gave. used: how many transactions the cards have behind them.
    """

    def __init__(
        self,
        field: Field,
        slot: IccSlot,
        head: MagHead,
        card: str | None = None,
        acts: Sequence[Act] = (),
        swipe: dict[str, Any] | None = None,
        used: int = 0,
        stays: bool = False,
    ):
        self.field = field
        self.slot = slot
        self.head = head
        self.card = card
        self.acts = list(acts)
        self.options = swipe or {}
        self.used = used
        self.stays = stays
        self.told: list[CardEvent | Prompt] = []
        self._events = [act for act in acts if act.on]
        self._waits = False
        self._removed = False
        self._inserted = False
        self._cards: dict[str, list[Any]] = {}
        self._timers: list[asyncio.TimerHandle] = []

    async def heard(self, event: Message) -> None:
        """An event of the reader (Sale's on_event)."""
        if event.opcode == Opcode.STATE and event.number_of(Tag.READER_STATE) == State.WAIT_CARD:
            self._told_event(WAIT)
            if not self._waits:
                self._waits = True
                self._begin()
        elif event.opcode == Opcode.CARD:
            what = CardEvent(event.number_of(Tag.CARD_EVENT))
            self.told.append(what)
            self._told_event(what.name.lower())
            if what in (CardEvent.TRY_AGAIN, CardEvent.EARLY):
                self._again()
            elif what == CardEvent.USE_CHIP:
                self._other(INSERT)
            elif what == CardEvent.REMOVED:
                self._back()
        elif event.opcode == Opcode.PROMPT:
            prompt = Prompt(event.number_of(Tag.PROMPT_CODE))
            self.told.append(prompt)
            self._told_event(prompt.name.lower())
            if prompt == Prompt.REMOVE and not self.stays:
                self._removed = self._removed or self.slot.chip is not None
                self.slot.remove()
            elif prompt == Prompt.SWIPE and self._inserted:
                self._other(DRAW)

    async def leave(self, reader: ReaderClient) -> None:
        """Nothing more is presented; a card that was taken out when the reader asked for it is seen to have gone."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._removed:
            self._removed = False
            while True:
                event = await reader.event(GONE_TIMEOUT_S)
                if event.opcode == Opcode.CARD and event.number_of(Tag.CARD_EVENT) == CardEvent.GONE:
                    return

    def act(self, act: Act) -> None:
        """Do it now."""
        if act.what == AWAY:
            self.field.clear()
        elif act.what == REMOVE:
            self.slot.remove()
        elif act.what == TAP:
            for target in self._card(act.card):
                self.field.present(target)
        elif act.what == INSERT:
            self._inserted = True
            if self.slot.chip is None:
                (card,) = self._card(act.card)
                self.slot.insert(card.chip if CARDS[act.card].interface == SWIPE else card)
        else:
            (card,) = self._card(act.card)
            self.head.swipe(card.stripe, **{**CARDS[act.card].swipe, **self.options})

    def before(self) -> None:
        """What the script does before the sale begins."""
        self._told_event(BEFORE)

    # Inside

    def _told_event(self, name: str) -> None:
        """The script's next act, if it waits for this, and those that go with it."""
        while self._events and self._events[0].on == name:
            self.act(self._events.pop(0))
            name = THEN

    def _card(self, name: str) -> list[Any]:
        """The same piece of plastic each time."""
        if name not in self._cards:
            self._cards[name] = make_card(name, self.used)
        return self._cards[name]

    def _begin(self) -> None:
        if self.acts:
            for act in self.acts:
                if not act.on:
                    self._later(act.at_s, act)
        elif self.card is not None:
            self.act(self._plain())

    def _plain(self) -> Act:
        assert self.card is not None
        way = CARDS[self.card].interface
        return Act(next(what for what, name in _WAY.items() if name == way), self.card, 0)

    def _again(self) -> None:
        """The card in the hand once more, the same way; one in the field lies there still."""
        if self.acts or self.card is None:
            return
        if self.slot.chip is not None:
            self.slot.remove()
            self._later(HAND_S, Act(INSERT, self.card, 0))
        elif CARDS[self.card].interface == SWIPE:
            self._later(HAND_S, self._plain())

    def _back(self) -> None:
        """A card that was taken out of the field too early is held there again, if that is its holder's way."""
        if self.acts or self.card is None or not CARDS[self.card].returns or self.field.targets:
            return
        self._later(HAND_S, self._plain())

    def _other(self, what: str) -> None:
        """The other side of the same card, if it has one."""
        if self.acts or self.card is None or CARDS[self.card].interface != SWIPE:
            return
        if what == DRAW:
            for timer in self._timers:
                timer.cancel()
        if what == DRAW or (CARDS[self.card].inserts and self._card(self.card)[0].chip is not None):
            self._later(HAND_S, Act(what, self.card, 0))

    def _later(self, seconds: float, act: Act) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, self.act, act))
