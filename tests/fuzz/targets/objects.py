"""Data objects: BER-TLV, data object lists, formats, the store."""

from __future__ import annotations

from tests.fuzz import device
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target

device.install()
from reader.emv import dol, file_locator, tag_formats, track2
from reader.emv.data import DataStore
from reader.errors import E_DATA_FULL, E_TAG_DUPLICATE, E_TAG_FORMAT, ReaderError
from reader.util import ber_tlv

_PATHS = ((0x70,), (0x6F, 0xA5), (0x6F, 0xA5, 0xBF0C), (0x77, 0x9F26), (0x61, 0x4F), (0x5A,))


def _all(data) -> list[tuple[int, bytes]]:
    return [(tag, bytes(value)) for tag, value in ber_tlv.objects(data)]


@target("tlv", longest=1024, runs=600)
def tlv(data: bytes) -> None:
    device.attempt(ber_tlv.check, data)
    for path in _PATHS:
        device.attempt(ber_tlv.find, data, *path)
        device.attempt(ber_tlv.only, data, path[0])
    place = device.attempt(ber_tlv.read, data)
    assert place is None or 2 <= place[1] <= place[2] <= len(data)
    found = device.attempt(_all, data)
    if found is None:
        return
    # What can be read can be written, and reads the same again
    out = bytearray(len(data) + 1)
    writer = ber_tlv.Writer(out)
    for tag, value in found:
        writer.put(tag, value)
    assert writer.length <= len(data)
    assert _all(out[: writer.length]) == found


def _store(feed: Feed) -> DataStore:
    """A store with up to 40 objects from the feed."""
    store = DataStore(512)
    for _ in range(min(feed.byte(), 40)):
        tag, value = feed.byte() << 8 | feed.byte(), feed.take(feed.byte() & 0x1F)
        device.attempt(store.put_card, tag, value)
    return store


@target("dol")
def data_object_list(data: bytes) -> None:
    feed = Feed(data)
    store = _store(feed)
    room = feed.byte()
    listed = feed.rest()
    length = device.attempt(dol.length_of, listed)
    device.attempt(dol.asks_for, listed, 0x9F37)
    out = bytearray(b"\xee" * (room + 1))
    written = device.attempt(dol.build_into, listed, store, memoryview(out)[:room])
    assert out[room] == 0xEE and len(out) == room + 1
    if length is None or length > room:
        assert written is None
    else:
        assert written == length
        assert all(byte == 0xEE for byte in out[length:])


@target("formats")
def formats(data: bytes) -> None:
    """Every object of the table against any value; a store never takes what the table forbids."""
    feed = Feed(data)
    store = DataStore(256)
    kept: dict[int, bytes] = {}
    while feed.left:
        tag = feed.byte()
        if tag & 0x1F == 0x1F:
            tag = tag << 8 | feed.byte()
        value = feed.block()
        try:
            if store.put_card(tag, value):
                assert tag not in kept
                kept[tag] = value
        except ReaderError as error:
            assert error.code in (E_TAG_FORMAT, E_TAG_DUPLICATE, E_DATA_FULL) and error.detail == tag
    assert store.used == sum(3 + len(value) for value in kept.values()) <= 256
    for tag, value in kept.items():
        got = store.get(tag)
        assert got is not None and bytes(got) == value
        tag_formats.check(tag, tag_formats.row(tag), value)
    store.wipe()
    assert not any(store._view)


@target("track2", longest=64)
def track_2(data: bytes) -> None:
    feed = Feed(data)
    pan = feed.block()
    track = feed.rest()
    device.attempt(track2.check, track)
    device.attempt(track2.check_same_pan, track, pan)


@target("afl", longest=252)
def application_file_locator(data: bytes) -> None:
    """One that passes asks for records that exist, and for no more than the bound."""
    try:
        file_locator.check(data)
    except device.ReaderError:
        return
    rows = [data[at : at + 4] for at in range(0, len(data), 4)]
    assert all(len(row) == 4 and 8 <= row[0] <= 240 and 1 <= row[1] <= row[2] for row in rows)
    assert sum(row[2] - row[1] + 1 for row in rows) <= file_locator.RECORDS_MOST
