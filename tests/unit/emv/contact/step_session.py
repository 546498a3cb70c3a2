"""A session for one step of the contact kernel: a scripted card, and everything else as plain as it can be."""

from reader.emv.commands import Commands
from reader.emv.contact.session import Session
from reader.emv.data import DataStore
from testing import FixedEntropy, ScriptedCard, h


class Plain:
    """Attributes, and nothing else."""

    def __init__(self, **attributes):
        for name in attributes:
            setattr(self, name, attributes[name])


class Cardholder:
    """Gives what is in `answers` one after the other: digits as text, or an outcome.PIN_*; keeps what was asked."""

    def __init__(self, answers=(), has_pin_pad=True):
        self.has_pin_pad = has_pin_pad
        self.asked = []
        self.given = []
        self._answers = list(answers)

    async def pin(self, kind, tries_left):
        self.asked.append((kind, tries_left))
        answer = self._answers.pop(0)
        if isinstance(answer, str):
            answer = bytearray([int(digit) for digit in answer])
            self.given.append(answer)
        return answer

    def wiped(self) -> bool:
        return not any(any(digits) for digits in self.given)


class Tables:
    """An exception file of one card: (PAN as in 5A, sequence number), or None."""

    def __init__(self, excepted=None):
        self._excepted = excepted

    def is_excepted(self, pan, sequence) -> bool:
        return self._excepted == (bytes(pan), sequence)


TERMINAL = {
    "type": 22,
    "country": 156,
    "currency": 156,
    "exponent": 2,
    "capabilities": h("E0F8C8"),
    "additional_capabilities": h("6000F0A001"),
}
APPLICATION = {
    "aid": h("A000000333010101"),
    "version": h("0030"),
    "tac_default": bytes(5),
    "tac_online": bytes(5),
    "tac_denial": bytes(5),
    "floor_limit": 10000,
    "threshold": 0,
    "target": 0,
    "max_target": 0,
    "default_ddol": h("9F3704"),
    "default_tdol": b"",
    "online_pin": True,
    "ec_limit": 100000,
}
TX = {
    "amount": 5000,
    "amount_other": 0,
    "currency": 156,
    "time": (2025, 5, 11, 12, 0, 0),
    "sequence": 1,
    "transaction_type": 0,
}
DATA = {0x82: "7C00", 0x5A: "6212340000000018", 0x9F37: "01020304", 0x9F02: "000000005000", 0x5F24: "301231"}


def session(script=(), data=None, card=None, cardholder=None, tables=None, entropy=b"", **changes):
    """The session and its card. `data`: {tag: hex, or None for one of DATA to be left out}; `changes` are attributes of
    terminal, application or transaction."""
    card = card or ScriptedCard(script)
    parts = []
    for plain in (TERMINAL, APPLICATION, TX):
        attributes = dict(plain)
        for name in plain:
            if name in changes:
                value = changes.pop(name)
                attributes[name] = h(value) if isinstance(value, str) else value
        parts.append(Plain(**attributes))
    assert not changes, changes
    terminal, application, tx = parts
    store = DataStore(2048)
    s = Session(
        Commands(card.transmit),
        store,
        terminal,
        tables or Tables(),
        cardholder or Cardholder(),
        FixedEntropy(entropy),
        tx,
    )
    s.application = application
    store.set(0x95, bytes(5))
    store.set(0x9B, bytes(2))
    values = dict(DATA)
    values.update(data or {})
    for tag in values:
        if values[tag] is not None:
            store.set(tag, h(values[tag]))
    return s, card


def told(s) -> str:
    """TVR and TSI as the tests write them."""
    from testing import hexed

    return hexed(s.tvr) + " " + hexed(s.tsi)
