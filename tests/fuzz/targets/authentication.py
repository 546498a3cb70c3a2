"""Certificates and signatures of a card: EMV 4.4 Book 2, chapters 5 to 7, with an issuer that signs anything."""

from __future__ import annotations

from tests.fuzz import device, keys
from tests.fuzz.cards import FeedCard
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target
from tests.fuzz.world import PAN, Application, Authority, Entropy, Tables, Transaction

device.install()
from reader.emv import certificates
from reader.emv.commands import Commands
from reader.emv.contact import offline_data_authentication as oda
from reader.emv.contact.session import Session
from reader.emv.data import DataStore

_AIP = bytes.fromhex("7D00")
_CDOL1 = bytes(range(32))
_RECORDS = bytes.fromhex("5F2403301231") + b"\x5a\x08" + PAN


def _changed(feed: Feed, block: bytes) -> bytes:
    """The block with a few bytes of the feed's in it."""
    changed = bytearray(block)
    for _ in range(feed.below(4)):
        changed[feed.byte() % len(changed)] = feed.byte()
    return bytes(changed)


def _signed(feed: Feed, key: keys.Key, block: bytes, *more: bytes) -> bytes:
    """What the feed makes of a good signature: as it is, changed before the hash or before the signing, or nothing
    but bytes."""
    match feed.below(8):
        case 0:
            return feed.block()
        case 1:
            return key.sign(_changed(feed, keys.hashed(block, *more)))
        case 2:
            return _changed(feed, key.sign(keys.hashed(block, *more)))
        case 3:
            return key.sign(feed.take(key.size))
        case 4:
            return key.sign(keys.hashed(block, *more))
    return key.sign(keys.hashed(_changed(feed, block), *more))


def _certificate(feed: Feed, head: str, key: keys.Key, signer: keys.Key, *more: bytes) -> tuple[bytes, bytes, bytes]:
    """Certificate, remainder, exponent."""
    body = bytes.fromhex(head) + bytes((key.size, 1))
    room = signer.size - 22 - len(body)
    exponent = b"\x03" if feed.byte() < 0xE0 else feed.take(feed.below(5))
    remainder = key.modulus[room:] if feed.byte() < 0xE0 else feed.block()
    block = keys.filled(body, signer, key.modulus[:room])
    return _signed(feed, signer, block, remainder, exponent, *more), remainder, exponent


def _put(feed: Feed, data: DataStore, tag: int, value: bytes) -> None:
    if value and feed.byte() != 0xFF:
        device.attempt(data.put_card, tag, value)


def _session(feed: Feed) -> Session:
    data = DataStore(2048)
    session = Session(Commands(FeedCard(feed).transmit), data, None, Tables(), None, Entropy(), Transaction)
    session.application = Application
    data.put(0x95, bytes(5))
    data.put(0x9B, bytes(2))
    data.put(0x9F33, bytes.fromhex("E0F8C8"))
    data.put(0x9F37, bytes.fromhex("01020304"))
    methods = feed.byte()
    data.put_card(0x82, bytes((methods, 0)))
    _put(feed, data, 0x5A, PAN)
    _put(feed, data, 0x8F, bytes((Authority.index,)))
    session.static_data = bytearray(_RECORDS if feed.byte() < 0xF0 else feed.block())
    static = bytes(session.static_data)
    if feed.byte() > 0xC0:
        _put(feed, data, 0x9F4A, b"\x82")
        static += data.need(0x82)
    head = "02 621234FF 1239 00ADDE 01 01"
    certificate, remainder, exponent = _certificate(feed, head, keys.ISSUER, keys.AUTHORITY)
    for tag, value in ((0x90, certificate), (0x92, remainder), (0x9F32, exponent)):
        _put(feed, data, tag, value)
    head = f"04 {PAN.hex()}FFFF 1239 000001 01 01"
    for tags, more in (((0x9F46, 0x9F48, 0x9F47), (static,)), ((0x9F2D, 0x9F2F, 0x9F2E), ())):
        for tag, value in zip(tags, _certificate(feed, head, keys.CARD, keys.ISSUER, *more), strict=True):
            _put(feed, data, tag, value)
    _put(feed, data, 0x93, _signed(feed, keys.ISSUER, keys.filled(bytes.fromhex("03 01 DAC0"), keys.ISSUER), static))
    if feed.byte() > 0xC0:
        _put(feed, data, 0x9F49, feed.block())
    return session


@target("certificates", longest=1024)
def certificate_chain(data: bytes) -> None:
    """SDA, DDA up to the card's answer, the key for PINs."""
    feed = Feed(data)
    session = _session(feed)
    device.attempt(oda.run, session)
    key = device.attempt(certificates.pin_encipherment_key, session)
    if key is not None:
        enciphered = device.attempt(certificates.encipher_pin, key, bytes(8), bytes(8), session.entropy)
        assert len(enciphered) == len(key.modulus)
    assert session.tvr[1:] == bytes(4)


@target("signatures", longest=512)
def dynamic_signatures(data: bytes) -> None:
    """The answers to INTERNAL AUTHENTICATE and GENERATE AC of a card with a good certificate."""
    feed = Feed(data)
    session = _session(Feed(bytes.fromhex("20") + b"\x00" * 5 + b"\x04" * 64))
    session.icc_key = certificates.Key(keys.CARD.modulus, keys.CARD.exponent)
    unpredictable = bytes(session.data.need(0x9F37))
    number = bytes.fromhex("05 03 010203")
    if feed.byte() & 1:
        block = keys.filled(bytes.fromhex("05 01") + bytes((len(number) - 1,)) + number[1:], keys.CARD)
        signed = _signed(feed, keys.CARD, block, unpredictable)
        form = feed.below(3)
        answer = bytes((0x80, len(signed) & 0x7F)) + signed
        if form == 1:
            answer = b"\x9f\x4b" + bytes((len(signed),)) + signed
            answer = bytes((0x77, len(answer) & 0x7F)) + answer
        elif form == 2:
            answer = feed.rest()
        answer = answer[:255]
        session.data.drop(0x82)
        session.data.put_card(0x82, b"\x20\x00")
        session.commands = Commands(FeedCard(Feed(bytes((0, len(answer))) + answer)).transmit)
        device.attempt(oda.run, session)
        return
    cid = feed.byte()
    objects = bytes.fromhex("9F2701") + bytes((cid,)) + bytes.fromhex("9F36020001")
    objects += feed.take(feed.below(16))
    digest = keys.sha1(_CDOL1 + objects).digest()
    inner = bytes.fromhex("03 010203") + bytes((cid,)) + b"\xac" * 8 + digest
    block = keys.filled(bytes.fromhex("05 01") + bytes((len(inner),)), keys.CARD, inner)
    signed = _signed(feed, keys.CARD, block, unpredictable)
    response = objects + b"\x9f\x4b" + bytes((len(signed),)) + signed if feed.byte() < 0xE0 else feed.rest()
    device.attempt(oda.verify_cda, session, _CDOL1, b"", response, cid)
