"""A Session for the tests of the first steps: a scripted card, a few AIDs, a cardholder who has made up his mind."""

from reader.emv.commands import Commands
from reader.emv.contact.session import Session
from reader.emv.data import DataStore
from testing import FixedEntropy, ScriptedCard, h

VISA = h("A0000000031010")
ELECTRON = h("A0000000032010")
V_PAY = h("A0000000032020")
MASTERCARD = h("A0000000041010")
MAESTRO = h("A0000000043060")
# The reader's table in openemv emv-utils, tests/emv_build_candidate_list_test.c
AIDS = ((VISA, True), (ELECTRON, False), (V_PAY, False), (MASTERCARD, True), (MAESTRO, True))

PSE = "00A404000E 315041592E5359532E4444463031 00"
NOT_FOUND = "6A82"


def t(tag, *values):
    """One data object."""
    body = b""
    for value in values:
        body += h(value)
    n = len(body)
    return h(tag) + (bytes((n,)) if n < 128 else bytes((0x81, n))) + body


def ok(*parts):
    out = b""
    for part in parts:
        out += h(part)
    return out + h("9000")


def select(aid, next=False):
    return h("00A404") + bytes((2 if next else 0, len(aid))) + aid + b"\0"


class Terminal:
    id = "MPOS0001"
    merchant = "104110058120001"
    name = "MPOS TEST MERCHANT BEIJING"
    serial = "00000001"
    country = 156
    currency = 156
    exponent = 2
    type = 22
    capabilities = h("E0F8C8")
    additional_capabilities = h("6000F0A001")
    category = 5999


class Application:
    version = h("0030")
    floor_limit = 10000
    ec_limit = 100000

    def __init__(self, aid):
        self.aid = aid


class Tables:
    def __init__(self, aids=AIDS):
        self._aids = aids

    def aids(self):
        yield from self._aids

    def application(self, name):
        for aid, partial in self._aids:
            if name == aid or (partial and name[: len(aid)] == aid):
                return Application(aid)
        return None


class Cardholder:
    """Gives `answers` in order; `asked`: what it was asked."""

    has_pin_pad = True

    def __init__(self, *answers):
        self._answers = list(answers)
        self.asked = []

    async def choose(self, labels):
        self.asked.append(list(labels))
        return self._answers.pop(0)

    async def confirm(self, label):
        self.asked.append(label)
        return self._answers.pop(0)


class Tx:
    amount = 12345
    amount_other = 0
    currency = 156
    time = (2026, 3, 14, 15, 9, 26)
    sequence = 42
    transaction_type = 0


def session(script, cardholder=None, aids=AIDS, capacity=2560):
    """(session, card): call card.done() at the end."""
    card = ScriptedCard(script)
    s = Session(
        Commands(card.transmit),
        DataStore(capacity),
        Terminal(),
        Tables(aids),
        cardholder or Cardholder(),
        FixedEntropy(h("A1B2C3D4") * 4),
        Tx(),
    )
    return s, card
