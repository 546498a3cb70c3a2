"""The helpers that device tests are written with, tested by themselves."""

import os

from reader.errors import E_CARD_REMOVED, E_CARD_TIMEOUT, E_DOL, E_ENTROPY, E_STORE, E_TLV, ReaderError
from testing import Cases, FakeClock, FixedEntropy, MemoryStore, ScriptedCard, cases, h, hexed, path, raises


def fails(function, *arguments) -> str:
    """The message of the AssertionError that the call must end with."""
    try:
        function(*arguments)
    except AssertionError as error:
        return str(error)
    raise ValueError("no AssertionError")


async def fails_async(coroutine) -> str:
    try:
        await coroutine
    except AssertionError as error:
        return str(error)
    raise ValueError("no AssertionError")


def test_hex_ignores_blanks():
    assert h(" 9F02 06\n 0a") == b"\x9f\x02\x06\x0a"
    assert h("") == b""
    assert h(b"\x01") == b"\x01"


def test_hex_for_messages_is_cut():
    assert hexed(b"\x00\xab") == "00AB"
    assert hexed(bytes(48)) == "00" * 48
    assert hexed(bytes(49)) == "00" * 48 + "... (49 bytes)"


def test_a_path_leads_into_the_repository():
    os.stat(path("firmware/reader/errors.py"))


@cases((None,), (7,))
def test_raises_accepts_the_code(detail):
    with raises(E_DOL, detail) as caught:
        raise ReaderError(E_DOL, 7)
    assert caught.error.detail == 7


def test_raises_misses_the_error():
    def nothing():
        with raises(E_DOL):
            pass

    assert fails(nothing) == f"ReaderError({E_DOL}) was not raised"


@cases((ReaderError(E_TLV, 7),), (ReaderError(E_DOL, 8),), (ValueError("other"),))
def test_raises_passes_on_what_it_does_not_expect(error):
    try:
        with raises(E_DOL, 7):
            raise error
    except Exception as caught:
        assert caught is error
    else:
        raise AssertionError("swallowed")


def test_cases_make_tuples_of_single_values():
    @cases(1, (2, 3), [4])
    def function(*row):
        seen.append(row)

    seen = []
    assert isinstance(function, Cases)
    function()
    assert seen == [(1,), (2, 3), (4,)]


def test_cases_without_a_case():
    try:
        cases()
    except ValueError:
        return
    raise AssertionError("accepted")


async def test_card_plays_its_script():
    card = ScriptedCard([("00A4 0400", "6F00 9000"), (b"\x01", "6A82"), ("02", E_CARD_TIMEOUT), ("03", None)])
    first = await card.transmit(h("00A40400"))
    assert isinstance(first, memoryview)
    assert bytes(first) == h("6F009000")
    assert bytes(await card.transmit(memoryview(b"\x01"))) == h("6A82")
    assert bytes(first[2:]) == h("EEEE")  # no longer valid
    with raises(E_CARD_TIMEOUT):
        await card.transmit(b"\x02")
    with raises(E_CARD_REMOVED):
        await card.transmit(b"\x03")
    card.done()


async def test_card_refuses_another_command():
    card = ScriptedCard([("01", "9000")])
    assert await fails_async(card.transmit(b"\x02")) == "exchange 0: expected 01, got 02"
    # It stays refused, even if the code under test swallowed it.
    assert await fails_async(card.transmit(b"\x01")) == "exchange 0: expected 01, got 02"
    assert fails(card.done) == "exchange 0: expected 01, got 02"


async def test_card_refuses_more_than_its_script():
    card = ScriptedCard([])
    assert await fails_async(card.transmit(b"\x02")) == "command 02 after the end of the script"


async def test_card_refuses_commands_after_release():
    card = ScriptedCard([("01", "9000")])
    await card.release()
    assert await fails_async(card.transmit(b"\x01")) == "command 01 after release"


def test_card_whose_script_was_not_finished():
    card = ScriptedCard([("01", "9000")])
    assert fails(card.done) == "the script ended at exchange 0 of 1, before 01"


def test_clock_moves_by_hand_and_wraps():
    clock = FakeClock()
    before = clock.ticks_ms()
    assert clock.ticks_ms() == before
    clock.advance(1000)
    assert clock.ticks_ms() == 0
    clock.set((2027, 1, 1, 0, 0, 0))
    assert clock.now() == (2027, 1, 1, 0, 0, 0)


def test_entropy_comes_in_order_and_ends():
    entropy = FixedEntropy(b"abcdef")
    buf = bytearray(4)
    entropy.fill(buf)
    assert buf == b"abcd"
    assert fails(entropy.fill, buf) == "4 bytes of entropy asked for, 2 left"


def test_broken_entropy():
    with raises(E_ENTROPY):
        FixedEntropy(None).fill(bytearray(1))


def test_store_keeps_a_copy():
    store = MemoryStore()
    assert store.load() is None
    data = bytearray(b"one")
    store.save(data)
    data[0] = 0
    assert store.load() == b"one"


@cases((False, b"one"), (True, b"two"))
def test_store_loses_power(keeps_new, afterwards):
    store = MemoryStore(b"none", fail_at=2, keeps_new=keeps_new)
    store.save(b"one")
    with raises(E_STORE):
        store.save(b"two")
    assert store.load() == afterwards
    store.save(b"three")
    assert store.load() == b"three"


def test_store_fails_as_it_is_told():
    store = MemoryStore(fail_at=1, error=OSError(5))
    try:
        store.save(b"")
    except OSError as error:
        assert error.errno == 5
    else:
        raise AssertionError("saved")
