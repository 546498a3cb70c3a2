"""The steps of a contact transaction, each against a card, a cardholder or an issuer that answers from the feed."""

from __future__ import annotations

from tests.fuzz import device, world
from tests.fuzz.cards import FeedCard
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target

device.install()
from reader.emv.commands import Commands
from reader.emv.contact import (
    application_selection,
    card_action_analysis,
    cardholder_verification,
    completion,
    initiate,
    online_processing,
    processing_restrictions,
    read_application_data,
    script_processing,
    terminal_action_analysis,
    terminal_risk_management,
)
from reader.emv.contact.candidates import CANDIDATES_MOST
from reader.emv.contact.session import STATIC_DATA_MOST, Session
from reader.emv.data import DataStore
from reader.outcome import APPROVED, END_APPLICATION, SELECT_NEXT

_SCRIPT_RESULT = 5


def _session(feed: Feed, **objects: str) -> Session:
    """One after the records were read; `objects` are the card's, t8E="..." by tag."""
    data = DataStore(2560)
    commands = Commands(FeedCard(feed).transmit)
    session = Session(
        commands, data, world.Terminal, world.Tables(), world.Cardholder(feed), world.Entropy(), world.Transaction
    )
    session.application = world.Application
    own = {
        0x95: 5,
        0x9B: 2,
        0x9F02: 6,
        0x9F03: 6,
        0x9F1A: 2,
        0x5F2A: 2,
        0x9A: 3,
        0x9C: 1,
        0x9F37: 4,
        0x9F33: 3,
        0x9F35: 1,
    }
    for tag, length in own.items():
        data.put(tag, bytes(length))
    for name, value in objects.items():
        data.put_card(int(name[1:], 16), bytes.fromhex(value))
    if "t5A" not in objects:
        data.put_card(0x5A, world.PAN)
    return session


def _check_results(session: Session) -> None:
    """Whatever happened: nothing outside the bits of the TVR and TSI that are in use (Book 3, Annex C5, C6)."""
    for used, byte in zip((0xFE, 0xF8, 0xFC, 0xF8, 0xF0), session.tvr, strict=True):
        assert not byte & ~used, bytes(session.tvr)
    assert not session.tsi[0] & 0x03 and not session.tsi[1]
    session.cardholder.check_wiped(session.pin)
    session.wipe()
    session.cardholder.check_wiped(None)


@target("cvm")
def cardholder_verification_method(data: bytes) -> None:
    """Any CVM list."""
    feed = Feed(data)
    rules = feed.block()[:252]
    session = _session(feed, t82="1000", t8E=rules.hex(), t9F42="0156")
    session.electronic_cash = feed.byte() > 0xF0
    if session.electronic_cash:
        session.data.put_card(0x9F79, bytes(6))
        session.data.put_card(0x9F6D, bytes(6))
    device.attempt(cardholder_verification.run, session)
    results = session.data.need(0x9F34)
    assert len(results) == 3 and results[2] <= 2
    _check_results(session)


@target("scripts")
def issuer_scripts(data: bytes) -> None:
    """Any field 55 of the host's answer, and what the card says to its commands."""
    feed = Feed(data)
    answer = feed.block()
    session = _session(feed, t82="0400", t8D="8A02910A9F3704")
    session.answer_code, session.answer_data = b"00", answer
    device.attempt(online_processing.run, session)
    for template in (0x71, 0x72):
        device.attempt(script_processing.run, session, template)
    assert len(session.script_results) % _SCRIPT_RESULT == 0
    assert len(session.script_results) <= 2 * 16 * _SCRIPT_RESULT
    assert all(result & 0x0F == 0 or result >> 4 == 1 for result in session.script_results[::_SCRIPT_RESULT])
    _check_results(session)


_LISTS = ("9F02069F03069F1A0295055F2A029A039C019F3704", "8A029F02069F03069F1A0295055F2A029A039C019F3704", "9814")


@target("generate-ac")
def application_cryptograms(data: bytes) -> None:
    """Any CDOLs, any answers to the first and the second GENERATE AC."""
    feed = Feed(data)
    choice = feed.byte()
    lists = [_LISTS[choice % 3], _LISTS[choice // 3 % 3]]
    if choice > 0xC0:
        lists = [feed.block()[:252].hex(), feed.block()[:252].hex()]
    session = _session(feed, t82="0000", t8C=lists[0], t8D=lists[1])
    asked = feed.below(3)
    outcome = device.attempt(card_action_analysis.run, session, asked)
    # 9.3: never more than was asked for
    assert session.first_ac in ((-1, 0), (-1, 0, 1, 2), (-1, 0, 2))[asked]
    assert outcome is None or outcome.code != APPROVED or session.first_ac == 1
    if outcome is None and session.first_ac == 2:
        session.answer_code = b"00"
        session.data.set(0x8A, b"00")
        session.online_failed = feed.byte() > 0x80
        outcome = device.attempt(completion.run, session)
        if outcome is None or outcome.code != APPROVED:
            assert session.reversal or session.online_failed
        else:
            assert not session.reversal
    _check_results(session)


_DECIDING = (0x5F24, 0x5F25, 0x5F28, 0x9F07, 0x9F08, 0x9F0D, 0x9F0E, 0x9F0F, 0x9F14, 0x9F23, 0x5F34)


@target("decision")
def restrictions_risk_and_action_analysis(data: bytes) -> None:
    """Any dates, usage control, limits, counters and action codes."""
    feed = Feed(data)
    pan = feed.block()[:10].hex() if feed.byte() > 0xC0 else world.PAN.hex()
    session = _session(Feed(b""), t82="0000")
    session.data.drop(0x5A)
    if device.attempt(_put, session, 0x5A, bytes.fromhex(pan)) is None:
        session.data.put_card(0x5A, world.PAN)
    for tag in _DECIDING:
        device.attempt(_put, session, tag, feed.take(feed.below(6)))
    session.commands = Commands(FeedCard(feed).transmit)
    if device.attempt(_restricted, session):
        device.attempt(terminal_risk_management.run, session)
        assert terminal_action_analysis.decide(session) in (0, 1, 2)
    _check_results(session)


def _put(session: Session, tag: int, value: bytes) -> bool:
    return session.data.put_card(tag, value)


def _restricted(session: Session) -> bool:
    processing_restrictions.run(session)
    return True


@target("selection", longest=1024)
def selection_and_options(data: bytes) -> None:
    """Directory, FCIs, the cardholder's choice, GET PROCESSING OPTIONS: to the first application that starts."""
    feed = Feed(data)
    session = _session(feed)
    session.commands = Commands(FeedCard(feed).transmit)
    candidates = device.attempt(application_selection.build, session)
    assert candidates is None or len(candidates.list) <= CANDIDATES_MOST
    while candidates is not None and candidates.list:
        left = len(candidates.list)
        session.data.wipe()
        outcome = device.attempt(application_selection.select, session, candidates)
        assert len(candidates.list) < left or outcome is None or outcome.code == END_APPLICATION
        if session.application is None or (outcome is not None and outcome.code != SELECT_NEXT):
            break
        device.attempt(initiate.run, session)
    session.commands.wipe()


@target("records", longest=2048)
def application_data(data: bytes) -> None:
    """Any file locator, any records."""
    feed = Feed(data)
    locator = feed.block()[:252]
    session = _session(Feed(b""), t82="0000")
    session.data.drop(0x5A)
    if device.attempt(_put, session, 0x94, locator) is None:
        return
    session.commands = Commands(FeedCard(feed).transmit)
    outcome = device.attempt(_read, session)
    assert len(session.static_data) <= STATIC_DATA_MOST
    if outcome is True:
        # Book 3, 7.2: without these no transaction goes on
        assert all(session.data.get(tag) is not None for tag in (0x5A, 0x5F24, 0x8C, 0x8D))


async def _read(session: Session) -> bool:
    return await read_application_data.run(session) is None
