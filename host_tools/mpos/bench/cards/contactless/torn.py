"""A contactless card that is taken away in the middle of a transaction, once."""

from __future__ import annotations

from typing import Any

from mpos.bench.cards.contactless.card import ContactlessCard
from mpos.bench.field import TargetRemoved


class Torn:
    """`card`, which leaves the field at its command `instruction`, number `nth` (from 0) of these.

    done: the card has heard it and done what it says; only the answer is lost.
    """

    def __init__(self, card: ContactlessCard, instruction: int, nth: int = 0, done: bool = False):
        self.card = card
        self.uid = card.uid
        self._instruction = instruction
        self._nth = nth
        self._done = done
        self._count = 0
        self._has_left = False

    def __getattr__(self, name: str) -> Any:
        """Whatever else its technology says of a card."""
        return getattr(self.card, name)

    def power_on(self) -> None:
        self._count = 0
        self.card.power_on()

    def exchange(self, command: bytes) -> bytes | None:
        if command[1:2] == bytes([self._instruction]) and not self._has_left:
            self._count += 1
            if self._count > self._nth:
                self._has_left = True
                if self._done:
                    self.card.exchange(command)
                raise TargetRemoved
        return self.card.exchange(command)
