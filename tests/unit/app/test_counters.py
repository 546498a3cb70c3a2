"""The STAN is stored before it is used, and an empty or changed store is a fault."""

from reader.app.counters import Counters
from reader.errors import E_STORE
from testing import MemoryStore, cases, raises


def test_counts_from_one():
    store = MemoryStore()
    counters = Counters(store)
    counters.create()
    assert [counters.next_stan() for _ in range(3)] == [1, 2, 3]
    assert Counters(store).next_stan() == 4


def test_round_again_after_the_last():
    store = MemoryStore()
    store.save((999_999).to_bytes(4, "big") + (999_999 ^ 0xFFFFFFFF).to_bytes(4, "big"))
    assert Counters(store).next_stan() == 1


def test_never_created():
    with raises(E_STORE):
        Counters(MemoryStore()).next_stan()


def test_created_twice_changes_nothing():
    store = MemoryStore()
    Counters(store).create()
    assert Counters(store).next_stan() == 1
    Counters(store).create()
    assert Counters(store).next_stan() == 2


@cases(
    (b"",),
    (bytes(7),),
    (bytes(8),),
    (b"\x00\x00\x00\x05\xff\xff\xff\xfb",),
    (b"\x00\x0f\x42\x40\xff\xf0\xbd\xbf",),  # 1,000,000
)
def test_not_to_be_trusted(kept):
    store = MemoryStore()
    store.save(kept)
    with raises(E_STORE):
        Counters(store).next_stan()
