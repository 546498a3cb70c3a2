"""Whole contact transactions: selection to completion, every answer of the card, the cardholder and the host the feed's."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz import device, world
from tests.fuzz.cards import FeedCard
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target

device.install()
from reader.emv.contact import kernel as contact
from reader.emv.data import DataStore
from reader.outcome import APPROVED, DECLINED, END_APPLICATION, ONLINE_REQUEST, TRY_ANOTHER_INTERFACE

# On the device a step's module goes when it has run; here it would be instrumented anew for each input
contact.keep_only = lambda _names: None

_CODES = (b"00", b"00", b"05", b"Z3")
_ENDS = (APPROVED, DECLINED, END_APPLICATION, TRY_ANOTHER_INTERFACE)


Host = Callable[[DataStore], tuple[bytes, bytes] | None]
_ACCOUNT = (0x57, 0x5A, 0x5F20)


def transaction(card, cardholder, host: Host, tables=None) -> None:
    """One transaction. `host` gives its response code and field 55, or None when there is no answer."""
    data = DataStore(2560)
    kernel = contact.Kernel(world.Terminal, tables or world.Tables(), cardholder, world.Entropy())
    outcome = device.attempt(kernel.run, card.transmit, world.Transaction, data)
    session = kernel.session
    if outcome is not None and outcome.code == ONLINE_REQUEST:
        assert session.first_ac == 2
        answer = host(data)
        # As app/insert.py does once the packet is made
        for tag in _ACCOUNT:
            data.drop(tag)
        if answer is None:
            outcome = device.attempt(kernel.complete_without, True)
            assert not session.reversal
        else:
            outcome = device.attempt(kernel.complete, *answer)
            approved = outcome is not None and outcome.code == APPROVED
            # The host and the reader agree, or the host is told
            assert session.reversal == (answer[0] == b"00" and not approved)
            assert answer[0] == b"00" or not approved
    if outcome is not None:
        assert outcome.code in _ENDS, outcome
        assert outcome.code != APPROVED or data.need(0x9F27)[0] >> 6 == 1
    assert data.used <= 2560 and len(session.script_results) <= 160
    pin = session.pin
    cardholder.check_wiped(pin)
    kernel.wipe()
    cardholder.check_wiped(None)


@target("kernel", longest=4096)
def kernel(data: bytes) -> None:
    feed = Feed(data)

    def host(_data: DataStore) -> tuple[bytes, bytes] | None:
        choice = feed.byte()
        return None if choice > 0xC0 else (_CODES[choice & 3], feed.block())

    transaction(FeedCard(feed), world.Cardholder(feed), host)
