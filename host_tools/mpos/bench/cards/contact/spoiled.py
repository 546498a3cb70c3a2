"""Contact cards that go wrong at a chosen command. What goes wrong: `mpos.bench.cards.faults`."""

from __future__ import annotations

from mpos.bench.cards.contact.card import ContactCard
from mpos.bench.cards.faults import Fault

SELECT, GET_OPTIONS, READ_RECORD, GET_DATA = 0xA4, 0xA8, 0xB2, 0xCA
VERIFY, GET_CHALLENGE, INTERNAL_AUTHENTICATE, EXTERNAL_AUTHENTICATE, GENERATE_AC = 0x20, 0x84, 0x88, 0x82, 0xAE


class Spoiled:
    """A contact card that behaves as another one except at the command `instruction`, its occurrence number `nth`
    (from 0) after each reset."""

    def __init__(self, card: ContactCard, instruction: int, what: Fault, nth: int = 0):
        self.card = card
        self.atr, self.warm_atr, self.protocol = card.atr, card.warm_atr, card.protocol
        self.applications = card.applications
        self._instruction = instruction
        self._what = what
        self._nth = nth
        self._count = 0

    def power_on(self) -> None:
        self._count = 0
        self.card.power_on()

    def exchange(self, command: bytes) -> bytes | None:
        answer = self.card.exchange(command)
        if command[1:2] != bytes([self._instruction]) or answer is None:
            return answer
        number = self._count
        self._count += 1
        return self._what(answer) if number == self._nth else answer


def damaged(answer: bytes) -> bytes | None:
    """One bit of the last data byte changed."""
    return answer[:-3] + bytes([answer[-3] ^ 0x01]) + answer[-2:]


def signature_damaged(answer: bytes) -> bytes | None:
    """One bit in the middle changed: in a long answer, of the signature."""
    middle = len(answer) // 2
    return answer[:middle] + bytes([answer[middle] ^ 0x01]) + answer[middle + 1 :]
