"""What a card sends by radio: what it says when it is activated, the directory, a kernel's data, its signature, and whole
presentments one after another."""

from __future__ import annotations

from tests.fuzz import device, keys, taps
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target
from tests.fuzz.targets.authentication import _certificate, _put, _signed
from tests.fuzz.world import PAN, Authority, Tables

device.install()
from reader.emv.commands import Commands
from reader.emv.contactless import combination_selection, decision
from reader.felica import polling
from reader.iso14443 import activation, type_b
from reader.iso14443.ats import Ats
from reader.outcome import APPROVED, ONLINE_REQUEST


@target("ats", longest=260)
def ats(data: bytes) -> None:
    parsed = device.attempt(Ats, data)
    if parsed is not None:
        assert 16 <= parsed.frame_size <= 256 and parsed.waiting_time <= 14 and parsed.guard_time <= 14
        assert len(parsed.historical) < len(data)


@target("activation", longest=262)
def listed(data: bytes) -> None:
    """What a coupler lists: cards of type A or B, FeliCa cards; and the ATQB and the answer to ATTRIB alone."""
    kind, data = data[:1], data[1:]
    if kind == b"A":
        for found in device.attempt(activation.targets, data) or ():
            assert len(found.uid) in (4, 7, 10) and found.technology == activation.TYPE_A
            assert found.is_isodep == (len(found.says) > 3) and found.is_isodep == bool(found.says[2] & 0x20)
    elif kind == b"B":
        for found in device.attempt(type_b.targets, data) or ():
            assert len(found.uid) == 4 and found.technology == activation.TYPE_B and len(found.says) == 11
    elif kind == b"F":
        for _, idm, says in device.attempt(polling.answers, data) or ():
            assert len(idm) == 8 and len(says) in (8, 10)
    else:
        atqb = device.attempt(type_b.Atqb, data)
        if atqb is not None:
            assert 16 <= atqb.frame_size <= 256 and atqb.waiting_time <= 14 and atqb.guard_time <= 14
            assert len(atqb.pupi) == 4 and atqb.rates & 0x88 == 0 and atqb.applications <= 15
        answer = device.attempt(type_b.AttribAnswer, data, 256)
        if answer is not None:
            assert answer.cid < 15 and answer.buffer_size in (0, *(256 << n for n in range(15)))


@target("directory")
def directory(data: bytes) -> None:
    rows = taps.Parameters.contactless
    found = device.attempt(combination_selection.candidates, data, rows, lambda _: True)
    for priority, index, name, extension in found or ():
        assert 1 <= priority <= 15 and name.startswith(rows[index].aid) and len(name) + len(extension) <= 16


def _kernel(data: bytes, number: int) -> None:
    """FCI, GET PROCESSING OPTIONS, READ RECORD, and what follows from them."""
    feed = Feed(data)
    session = taps.session(feed, number)
    session.fci = feed.block()
    session.commands = Commands(taps.Card(feed).transmit)
    _judge(device.attempt(session.kernel.run, session), session)


def _judge(outcome, session) -> None:
    if outcome is not None:
        taps.check(outcome)
        if outcome.code in (APPROVED, ONLINE_REQUEST):
            kind = session.data.need(0x9F27)[0] >> 6
            assert kind == decision.TC if outcome.code == APPROVED else kind != decision.AAC
            assert len(session.data.need(0x9F34)) == 3
            if outcome.code == APPROVED:
                # Nothing approves alone but a card that signed, where the reader had not asked for the issuer
                assert session.tables is not None and not session.ttq(2, 0x80)
    assert session.data.used <= taps.DATA_MOST
    session.wipe()
    assert not any(session._room)


@target("kernel7", longest=1024)
def kernel7(data: bytes) -> None:
    _kernel(data, 7)


@target("kernel3", longest=1024)
def kernel3(data: bytes) -> None:
    _kernel(data, 3)


@target("fdda", longest=1024)
def signature(data: bytes) -> None:
    """What a card has signed in its answer to GET PROCESSING OPTIONS, by an issuer that signs anything."""
    feed = Feed(data)
    number = 3 if feed.byte() & 1 else 7
    session = taps.session(feed, number, Tables())
    store = session.data
    for tag, value in ((0x82, "2000"), (0x9F36, "0007"), (0x9F26, "0011223344556677"), (0x5F24, "301231")):
        store.put_card(tag, bytes.fromhex(value))
    kind = 0x40 if feed.byte() < 0xC0 else 0x80
    iad = bytes.fromhex("0701010390000001" if kind == 0x40 else "07010103A0000001")
    for tag, value in ((0x57, PAN + bytes.fromhex("D301220100000000000F")), (0x5A, PAN), (0x9F10, iad)):
        store.put_card(tag, value)
    store.put_card(0x9F27, bytes((kind,)))
    _put(feed, store, 0x9F6C, feed.take(2))
    session.add_static_data(b"\x5a\x08" + PAN if feed.byte() < 0xF0 else feed.block())
    static = bytes(session.static_data)
    related = b""
    if feed.byte() < 0xC0:
        related = b"\x01" + feed.take(4).ljust(4, b"\x00") + bytes(store.get(0x9F6C) or bytes(2))
        related = related if feed.byte() < 0xE0 else feed.take(7)
        if device.attempt(store.put_card, 0x9F69, related) is None and store.get(0x9F69) is None:
            related = b""
    _put(feed, store, 0x8F, bytes((Authority.index,)))
    certificate, remainder, exponent = _certificate(feed, "02 621234FF 1239 00ADDE 01 01", keys.ISSUER, keys.AUTHORITY)
    for tag, value in ((0x90, certificate), (0x92, remainder), (0x9F32, exponent)):
        _put(feed, store, tag, value)
    head = f"04 {PAN.hex()}FFFF 1239 000001 01 01"
    certificate, remainder, exponent = _certificate(feed, head, keys.CARD, keys.ISSUER, static)
    for tag, value in ((0x9F46, certificate), (0x9F48, remainder), (0x9F47, exponent)):
        _put(feed, store, tag, value)
    signed = [0x9F37] if not related or not related[0] else [0x9F37, 0x9F02, 0x5F2A]
    more = b"".join(bytes(store.need(tag)) for tag in signed) + (related if len(signed) > 1 else b"")
    block = keys.filled(bytes.fromhex("05 01 03 02 0007"), keys.CARD)
    _put(feed, store, 0x9F4B, _signed(feed, keys.CARD, block, more))
    _judge(device.attempt(session.kernel.finish, session), session)


@target("tap", longest=3000)
def tap(data: bytes) -> None:
    """Presentments of one transaction: any card, one that was cut off, one that comes again for its issuer's answer."""
    feed = Feed(data)
    taps.transaction(feed, lambda: taps.Card(feed), lambda _: feed.block())
