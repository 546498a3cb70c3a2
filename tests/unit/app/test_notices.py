"""Notices: kept until they are taken, refused when full, and a store that is not whole is none."""

import gc

from reader.app.notices import Notices
from reader.errors import E_NOTICES_FULL, E_STORE
from testing import MemoryStore, cases, raises


def made(store=None):
    notices = Notices(store or MemoryStore())
    notices.create()
    return notices


def test_first_in_first_out():
    store = MemoryStore()
    notices = made(store)
    assert notices.oldest() is None and notices.check() == 0
    assert [notices.add(body) for body in (b"one", b"", b"three")] == [1, 2, 3]
    # as after a power cut
    notices = Notices(store)
    assert notices.check() == 3
    assert notices.oldest() == (1, b"one")
    notices.take(1)
    notices.take(1)  # the phone's answer was lost: again changes nothing
    assert notices.oldest() == (2, b"")
    notices.take(3)
    assert notices.check() == 1
    notices.take(2)
    assert notices.oldest() is None
    assert notices.add(b"four") == 4  # no number comes again soon


def test_replaced():
    notices = made()
    for body in (b"one", b"two", b"three"):
        notices.add(body)
    notices.replace(2, b"another, and longer")
    assert notices.check() == 3 and notices.oldest() == (1, b"one")
    notices.take(1)
    assert notices.oldest() == (2, b"another, and longer")
    notices.replace(2, b"")
    assert notices.oldest() == (2, b"")
    with raises(E_STORE):
        notices.replace(9, b"none")
    with raises(E_NOTICES_FULL):
        notices.replace(2, bytes(3072))
    assert notices.oldest() == (2, b"")


def test_created_once():
    store = MemoryStore()
    made(store).add(b"kept")
    made(store)
    assert Notices(store).oldest() == (1, b"kept")


def test_full():
    notices = made()
    notices.need_room()
    count = 0
    while count < 100:
        try:
            notices.need_room()
        except Exception as error:
            assert error.code == E_NOTICES_FULL
            break
        notices.add(bytes(300))
        count += 1
    assert count == 4
    # what a transaction that was let in may leave still fits
    notices.take(1)
    notices.need_room()
    notices.add(bytes(84))
    notices.add(bytes(420))
    with raises(E_NOTICES_FULL):
        while True:
            notices.add(bytes(300))
    notices.take(2)
    assert notices.check()


def test_no_memory_is_needed():
    """The heap of a reader that has just sold is in small pieces."""
    store = MemoryStore()
    notices = made(store)
    for _ in range(12):
        notices.add(bytes(80))
    size = len(store.data)
    body = bytes(80)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    notices.check()
    notices.need_room()
    notices.take(3)
    notices.replace(4, body)
    notices.add(body)
    taken = gc.mem_alloc() - before
    gc.enable()
    # what this store keeps are copies of its own
    assert taken - 3 * size < 1024, taken


@cases((False, 1), (True, 2))
def test_power_cut_while_storing(keeps_new, count):
    store = MemoryStore(fail_at=3, keeps_new=keeps_new)
    notices = made(store)
    notices.add(b"one")
    with raises(E_STORE):
        notices.add(b"two")
    # what it says is what is stored, also when it goes on
    assert notices.check() == Notices(store).check() == count
    assert notices.add(b"three") == count + 1
    assert notices.check() == Notices(store).check() == count + 1
    assert notices.oldest() == (1, b"one")


@cases(
    (None, "empty"),
    (b"", "no byte"),
    (b"\x00\x00\x00", "too short"),
    (b"\x00\x00\x12\x34", "wrong checksum"),
)
def test_not_whole(data, why):
    with raises(E_STORE):
        Notices(MemoryStore(data)).check()


@cases((b"\x00\x01\x00",), (b"\x00\x01\x00\x01\x00\x05\x00",), (b"\x00\x01\x00\x01\xff\xff\x00",))
def test_rows_that_do_not_fit(data):
    from reader.util.edc import crc16

    with raises(E_STORE):
        Notices(MemoryStore(data + crc16(data).to_bytes(2, "big"))).check()
