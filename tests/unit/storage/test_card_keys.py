"""Keys of cards by slot: what goes in is used under its own kind, and a store that was touched is not believed."""

from reader.errors import E_CARD_KEY, E_STORE
from reader.storage.card_keys import SLOTS, CardKeys
from testing import MemoryStore, cases, h, raises

_A, _B = 1, 2


def _key(store, slot, kind):
    out = bytearray(6)
    CardKeys(store).key_into(slot, kind, out)
    return bytes(out)


def test_each_slot_has_its_own():
    store = MemoryStore()
    for slot in range(1, SLOTS + 1):
        CardKeys(store).put(slot, _A + slot % 2, bytes((slot,)) * 6)
    for slot in range(1, SLOTS + 1):
        assert _key(store, slot, _A + slot % 2) == bytes((slot,)) * 6


@cases((0,), (1,), (3,), (SLOTS + 1,), (255,))
def test_no_key_there(slot):
    store = MemoryStore()
    with raises(E_CARD_KEY, slot):
        _key(store, slot, _A)
    CardKeys(store).put(2, _A, h("A0A1A2A3A4A5"))
    with raises(E_CARD_KEY, slot):
        _key(store, slot, _A)


def test_kind():
    store = MemoryStore()
    CardKeys(store).put(2, _A, h("A0A1A2A3A4A5"))
    for kind in (0, _B, 3):
        with raises(E_CARD_KEY, 2):
            _key(store, 2, kind)


@cases((0, "A0A1A2A3A4A5"), (SLOTS + 1, "A0A1A2A3A4A5"), (1, "A0A1A2A3A4"), (1, "A0A1A2A3A4A5A6"))
def test_put_refuses(slot, key):
    store = MemoryStore()
    with raises(E_CARD_KEY, slot):
        CardKeys(store).put(slot, _A, h(key))
    assert store.data is None


def test_touched():
    store = MemoryStore()
    CardKeys(store).put(2, _A, h("A0A1A2A3A4A5"))
    good = bytes(store.data)
    for bad in (good[:-1], good + b"\x00", good[:9] + bytes((good[9] ^ 1,)) + good[10:], b""):
        store.data = bytearray(bad)
        with raises(E_STORE):
            _key(store, 2, _A)
        with raises(E_STORE):
            CardKeys(store).put(1, _A, h("A0A1A2A3A4A5"))


@cases((False, "A0A1A2A3A4A5"), (True, "FFFFFFFFFFFF"))
def test_power_cut(keeps_new, key):
    store = MemoryStore(fail_at=2, keeps_new=keeps_new)
    CardKeys(store).put(2, _A, h("A0A1A2A3A4A5"))
    with raises(E_STORE):
        CardKeys(store).put(2, _A, h("FFFFFFFFFFFF"))
    assert _key(store, 2, _A) == h(key)
