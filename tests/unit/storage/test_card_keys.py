"""Keys of cards by slot: what goes in is used under its own kind, and the other slots stay what they are."""

from ring_memory import RingMemory

from reader.errors import E_CARD_KEY, E_STORE
from reader.storage.card_keys import SLOTS, CardKeys
from testing import cases, h, new_ring, raises

_A, _B = 1, 2
_SECTION = 7


def _key(ring, slot, kind):
    out = bytearray(6)
    CardKeys(ring).key_into(slot, kind, out)
    return bytes(out)


def test_each_slot_has_its_own():
    ring = new_ring()
    for slot in range(1, SLOTS + 1):
        CardKeys(ring).put(slot, _A + slot % 2, bytes((slot,)) * 6)
    for slot in range(1, SLOTS + 1):
        assert _key(ring, slot, _A + slot % 2) == bytes((slot,)) * 6


@cases((0,), (1,), (3,), (SLOTS + 1,), (255,))
def test_no_key_there(slot):
    ring = RingMemory()
    with raises(E_CARD_KEY, slot):
        _key(ring, slot, _A)
    CardKeys(ring).put(2, _A, h("A0A1A2A3A4A5"))
    with raises(E_CARD_KEY, slot):
        _key(ring, slot, _A)


def test_kind():
    ring = RingMemory()
    CardKeys(ring).put(2, _A, h("A0A1A2A3A4A5"))
    for kind in (0, _B, 3):
        with raises(E_CARD_KEY, 2):
            _key(ring, 2, kind)


@cases((0, "A0A1A2A3A4A5"), (SLOTS + 1, "A0A1A2A3A4A5"), (1, "A0A1A2A3A4"), (1, "A0A1A2A3A4A5A6"))
def test_put_refuses(slot, key):
    ring = RingMemory()
    with raises(E_CARD_KEY, slot):
        CardKeys(ring).put(slot, _A, h(key))
    assert not ring.writes


@cases((1,), (111,), (113,), (114,))
def test_of_another_size(n):
    ring = RingMemory({_SECTION: bytes(n)})
    with raises(E_STORE, 1):
        _key(ring, 1, _A)
    with raises(E_STORE, 1):
        CardKeys(ring).put(1, _A, h("A0A1A2A3A4A5"))
    assert not ring.writes


def test_what_is_written_with_it():
    ring = RingMemory()
    CardKeys(ring).put(2, _A, h("A0A1A2A3A4A5"), ((5, b"number"),))
    assert ring.writes == 1 and ring.sections[5] == b"number"
    assert not any(ring.buffers[0])  # wiped


@cases((False, "A0A1A2A3A4A5"), (True, "FFFFFFFFFFFF"))
def test_power_cut(keeps_new, key):
    ring = RingMemory(fail_at=2, keeps_new=keeps_new)
    CardKeys(ring).put(2, _A, h("A0A1A2A3A4A5"))
    with raises(E_STORE):
        CardKeys(ring).put(2, _A, h("FFFFFFFFFFFF"))
    assert _key(ring, 2, _A) == h(key)
