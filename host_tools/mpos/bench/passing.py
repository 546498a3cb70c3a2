"""One card of the bench that is not for payment, in front of a reader of the bench, opened for the phone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mpos.bench.cards import CARDS, make_card
from mpos.bench.cards.entry import CONTACTLESS
from mpos.bench.field import Field
from mpos.bench.world import World
from mpos.link.card import ANY, ANY_SYSTEM, PassedCard
from mpos.link.messages import Technology


@asynccontextmanager
async def passed(
    name: str, memory: Path | None = None, technologies: Technology = ANY, system_code: int = ANY_SYSTEM
) -> AsyncIterator[PassedCard]:
    """memory: file that keeps what the card keeps, from run to run. Raises ValueError (no such card, a file of another one), what
    World and PassedCard raise."""
    if name in CARDS and CARDS[name].interface != CONTACTLESS:
        raise ValueError(
            f"{name!r} is a {CARDS[name].interface} card: these commands are for cards that are held to the reader"
        )
    targets = make_card(name)
    keeper = _Memory(name, targets[0], memory)
    async with World(Field(*targets)) as world, await world.connect() as reader:
        try:
            async with PassedCard(reader, technologies, system_code) as card:
                yield card
        finally:
            keeper.keep()


class _Memory:
    def __init__(self, name: str, card: Any, path: Path | None):
        self._name, self._card, self._path = name, card, path
        if path is None:
            return
        if not hasattr(card, "contents"):
            raise ValueError(f"{name!r} is a card for payment, which keeps nothing here: leave --memory out")
        if path.exists():
            try:
                kept = json.loads(path.read_text())
                of, contents = kept["card"], kept["contents"]
                if of == name:
                    card.restore(contents)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise ValueError(f"{path} is no memory of a card: name another file, or delete it") from None
            if of != name:
                raise ValueError(f"{path} is the memory of {of!r}, not of {name!r}: name another file")

    def keep(self) -> None:
        """Also after a command that failed: what was written before it is on the card."""
        if self._path is not None:
            self._path.write_text(json.dumps({"card": self._name, "contents": self._card.contents()}, indent=1))
