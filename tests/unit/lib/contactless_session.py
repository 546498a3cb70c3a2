"""A session for one step of a contactless kernel: a scripted card, and everything else as plain as it can be."""

from reader.emv.commands import Commands
from reader.emv.contactless.kernel3 import kernel as kernel3
from reader.emv.contactless.kernel7 import kernel as kernel7
from reader.emv.contactless.session import Session
from reader.emv.data import DataStore
from testing import h

NAME = h("A000000333010101")
TODAY = (2026, 11, 23, 12, 34, 56)


class Combination:
    """A row of Parameters.contactless."""

    def __init__(self, aid=NAME, pan_ranges=None):
        self.aid = aid
        self.pan_ranges = pan_ranges


class Terminal:
    country = 156


class Transaction:
    def __init__(self, time=TODAY, transaction_type=0):
        self.time = time
        self.transaction_type = transaction_type


def session(
    card=None,
    data=None,
    tables=None,
    kernel=7,
    combination=None,
    time=TODAY,
    name=NAME,
    fci=b"",
    transaction_type=0,
) -> Session:
    """`card`: a ScriptedCard; `kernel`: 3 or 7."""
    commands = None if card is None else Commands(card.transmit)
    tx = Transaction(time, transaction_type)
    s = Session(commands, data or DataStore(1536), tables, Terminal, combination or Combination(), tx, None)
    s.kernel = kernel3 if kernel == 3 else kernel7
    s.name = name
    s.fci = memoryview(fci)
    return s
