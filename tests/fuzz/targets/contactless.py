"""What a card sends by radio: ATS, directory, FCI, processing options, records."""

from __future__ import annotations

from tests.fuzz import device
from tests.fuzz.cards import FeedCard
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target

device.install()
from reader.emv.commands import Commands
from reader.emv.contactless import combination_selection
from reader.emv.contactless.kernel7.initiate import initiate
from reader.emv.contactless.kernel7.read_data import read_data
from reader.emv.data import DataStore
from reader.iso14443.ats import Ats


class _Combination:
    def __init__(self, aid: str, kernel: int):
        self.aid = bytes.fromhex(aid)
        self.kernel = kernel


_AID = bytes.fromhex("A000000333010102")
_COMBINATIONS = (_Combination("A000000333010102", 7), _Combination("A0000000031010", 3))


@target("ats", longest=260)
def ats(data: bytes) -> None:
    parsed = device.attempt(Ats, data)
    if parsed is not None:
        assert 16 <= parsed.frame_size <= 256 and parsed.waiting_time <= 14 and parsed.guard_time <= 14
        assert len(parsed.historical) < len(data)


@target("directory")
def directory(data: bytes) -> None:
    found = device.attempt(combination_selection.candidates, data, _COMBINATIONS, lambda _: True)
    for priority, index, name in found or ():
        assert 1 <= priority <= 15 and name.startswith(_COMBINATIONS[index].aid) and len(name) <= 16


@target("kernel7", longest=1024)
def kernel7(data: bytes) -> None:
    """FCI, GET PROCESSING OPTIONS and READ RECORD of kernel 7."""
    feed = Feed(data)
    fci = feed.block()
    commands = Commands(FeedCard(feed).transmit)
    store = DataStore(1024)
    store.put(0x9F66, bytes(4))
    device.attempt(initiate, commands, _AID, fci, store)
    device.attempt(read_data, commands, store)
    assert store.used <= 1024
