"""What the reader makes of the radio's pairing events: which links may carry messages, and which bonds are kept."""

import asyncio
import sys

from reader.errors import E_ENTROPY, E_STORE, ReaderError
from testing import cases

HEAP_K = 192

_CONNECT, _UPDATE, _GET, _SET, _PASSKEY = 1, 28, 29, 30, 31
_OURS, _THEIRS, _OWN_IRK = 1, 2, 10
_DISPLAY, _COMPARISON = 3, 4
_LOG_BOND, _LOG_PAIRING = 19, 20  # storage/log_events.py
_LINK = 5
_PHONE = bytes((1, 1, 0, 0x50, 0, 0, 0xC0))
_OTHER = bytes((1, 2, 0, 0x50, 0, 0, 0xC0))


class Radio:
    """aioble and aioble.core in one, as far as pairing goes."""

    def __init__(self):
        self.core = self.ble = self
        self.settings = {}
        self.said = []
        self.ended = []
        self.is_gone = False

    def register_irq_handler(self, handler, stop):
        self.event = handler

    def config(self, **settings):
        self.settings = settings

    def gap_passkey(self, link, action, number):
        if self.is_gone:
            raise OSError(107)
        self.said.append((link, action, number))

    def gap_disconnect(self, link):
        if self.is_gone:
            raise OSError(19)
        self.ended.append(link)


sys.modules["aioble"] = Radio()
from reader.link import pairing  # noqa: E402


class Display:
    has_keys = True

    def __init__(self, answer=True):
        self.answer = answer
        self.shown = []
        self.is_hidden = True

    def show_passkey(self, number):
        self.shown.append(number)
        self.is_hidden = False

    async def confirm(self, number):
        self.show_passkey(number)
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def hide(self):
        self.is_hidden = True


class Bonds:
    def __init__(self):
        self.kept = {}
        self.refusals = []
        self.paired = 0
        self.fails = False

    def find(self, kind, index, address):
        if self.fails:
            raise ReaderError(E_STORE)
        found = self.kept.get(address) if address else [self.kept[a] for a in sorted(self.kept)][index]
        return found and bytearray(found[kind - 1])

    def keep(self, address, ours, theirs):
        if self.fails:
            raise self.fails
        self.kept[address] = (bytes(ours), bytes(theirs))

    def log(self, event, detail):
        if event == _LOG_BOND:
            self.paired += 1
        else:
            assert event == _LOG_PAIRING
            self.refusals.append(detail)


class Entropy:
    value = 0
    fails = False

    def fill(self, buf):
        if self.fails:
            raise ReaderError(E_ENTROPY)
        Entropy.value += 1
        buf[:] = (Entropy.value * 7_654_321).to_bytes(len(buf), "big")


def _secret(rand=bytes(8), has_ltk=1, length=80):
    secret = bytearray(length)
    secret[7] = 16
    secret[16:24] = rand
    secret[24:40] = bytes(range(16))
    secret[40] = has_ltk
    return secret


class Scene:
    def __init__(self, display=None):
        self.radio = sys.modules["aioble"]
        self.radio.__init__()
        self.display = display or Display()
        self.bonds = Bonds()
        self.entropy = Entropy()
        self.pairing = pairing.Pairing(self.display, self.bonds, self.entropy)
        self.pairing.start()
        self.task = None

    async def connect(self):
        await self.leave()
        self.radio.event(_CONNECT, (_LINK, 1, b""))
        self.task = asyncio.create_task(self.pairing.run(self.bonds.log))
        await self.settle()

    async def leave(self):
        if self.task is not None:
            self.task.cancel()
            try:
                await self.task
            except asyncio.CancelledError:
                pass
        self.radio.ended.clear()

    async def settle(self):
        for _ in range(8):
            await asyncio.sleep_ms(1)

    def secrets(self, ours, theirs=None, phone=_PHONE):
        for kind, value in ((_OURS, ours), (_THEIRS, ours if theirs is None else theirs)):
            assert self.radio.event(_SET, (kind, memoryview(phone), memoryview(value))) is True

    async def update(self, encrypted=True, authenticated=True, bonded=True, size=16):
        self.radio.event(_UPDATE, (_LINK, encrypted, authenticated, bonded, size))
        await self.settle()

    def is_open(self):
        return self.pairing._open.is_set()


@cases((True, 1), (False, 0))
def test_what_the_radio_is_told(has_keys, io):
    display = Display()
    display.has_keys = has_keys
    assert Scene(display).radio.settings == {"bond": True, "mitm": True, "le_secure": True, "io": io}


async def test_a_new_phone_is_kept_before_its_link_is_open():
    scene = Scene()
    await scene.connect()
    scene.radio.event(_PASSKEY, (_LINK, _COMPARISON, 123456))
    await scene.settle()
    assert scene.display.shown == [123456]
    assert scene.radio.said == [(_LINK, _COMPARISON, 1)]
    assert scene.display.is_hidden and not scene.is_open()
    scene.secrets(_secret())
    opened_with = []
    keep = scene.bonds.keep
    scene.bonds.keep = lambda *bond: (opened_with.append(scene.is_open()), keep(*bond))
    await scene.update()
    assert scene.is_open() and opened_with == [False] and scene.bonds.paired == 1
    assert list(scene.bonds.kept) == [_PHONE]
    assert scene.radio.ended == [] and scene.bonds.refusals == []
    await scene.leave()
    assert not scene.is_open()


@cases(
    (pairing.REFUSED_UNAUTHENTICATED, {}, {"authenticated": False}),  # Just Works
    (pairing.REFUSED_UNAUTHENTICATED, {}, {"encrypted": False, "authenticated": False, "bonded": False, "size": 0}),
    (pairing.REFUSED_KEY_SIZE, {}, {"size": 7}),
    (pairing.REFUSED_LEGACY, {}, {"bonded": False}),
    (pairing.REFUSED_LEGACY, {"rand": b"\x00\x00\x00\x00\x00\x00\x00\x01"}, {}),
    (pairing.REFUSED_LEGACY, {"has_ltk": 0}, {}),  # legacy, and no key of ours was wanted
)
async def test_a_link_that_may_not_be(why, secret, update):
    scene = Scene()
    await scene.connect()
    scene.secrets(_secret(**secret))
    await scene.update(**update)
    assert not scene.is_open()
    assert scene.radio.ended == [_LINK]
    assert scene.bonds.refusals == [why]
    assert scene.bonds.kept == {}
    await scene.leave()


async def test_half_a_bond_is_none():
    scene = Scene()
    await scene.connect()
    scene.radio.event(_SET, (_OURS, memoryview(_PHONE), memoryview(_secret())))
    await scene.update()
    assert not scene.is_open() and scene.bonds.refusals == [pairing.REFUSED_LEGACY]
    await scene.leave()


async def test_a_bonded_phone_comes_back():
    scene = Scene()
    scene.bonds.kept[_PHONE] = (bytes(_secret()), bytes(_secret()))
    await scene.connect()
    given = scene.radio.event(_GET, (_OURS, 0, memoryview(_PHONE)))
    assert given == _secret()
    await scene.update()
    assert scene.is_open() and scene.display.shown == []
    await scene.leave()
    assert given == bytes(80)  # wiped: the stack has copied it


async def test_a_link_that_was_encrypted_with_no_key_of_ours():
    scene = Scene()
    scene.bonds.kept[_PHONE] = (bytes(_secret()), bytes(_secret()))
    await scene.connect()
    await scene.update()
    assert not scene.is_open() and scene.bonds.refusals == [pairing.REFUSED_LEGACY]
    await scene.leave()


async def test_what_is_known_of_one_link_is_not_of_the_next():
    scene = Scene()
    scene.bonds.kept[_PHONE] = (bytes(_secret()), bytes(_secret()))
    await scene.connect()
    scene.radio.event(_GET, (_OURS, 0, memoryview(_PHONE)))
    await scene.update()
    assert scene.is_open()
    await scene.connect()
    assert not scene.is_open()
    await scene.update()
    assert not scene.is_open()
    await scene.leave()


def test_secrets_that_are_not_there():
    scene = Scene()
    scene.bonds.kept[_PHONE] = (bytes(_secret()), bytes(_secret(length=88)))
    event = scene.radio.event
    assert event(_GET, (_THEIRS, 0, None)) == _secret(length=88)
    assert event(_GET, (_OURS, 0, memoryview(_OTHER))) == b""  # None would ask aioble's own handler
    assert event(_GET, (_OWN_IRK, 0, memoryview(b"irk"))) == b""
    assert event(_SET, (_OWN_IRK, memoryview(b"irk"), memoryview(bytes(16)))) is False
    for length in (40, 97):
        assert event(_SET, (_OURS, memoryview(_PHONE), memoryview(bytes(length)))) is False
    scene.bonds.fails = True
    assert event(_GET, (_OURS, 0, memoryview(_PHONE))) == b""


async def test_who_pairs_under_a_phones_address_does_not_take_its_bond():
    scene = Scene(Display(False))
    scene.bonds.kept[_PHONE] = (bytes(_secret()), bytes(_secret()))
    await scene.connect()
    event = scene.radio.event
    for kind in (_OURS, _THEIRS):  # MicroPython's answer to a pairing that is repeated
        assert event(_SET, (kind, memoryview(_PHONE), None)) is True
        # The stack looks again until it is gone
        assert event(_GET, (kind, 0, memoryview(_PHONE))) == b""
    event(_PASSKEY, (_LINK, _COMPARISON, 1))
    await scene.settle()
    await scene.update(False, False, False, 0)
    assert scene.radio.ended == [_LINK]
    await scene.connect()
    assert event(_GET, (_OURS, 0, memoryview(_PHONE))) == _secret()
    await scene.update()
    assert scene.is_open()
    await scene.leave()


async def test_a_phone_that_pairs_again_gets_a_new_bond():
    scene = Scene()
    scene.bonds.kept[_PHONE] = (bytes(_secret()), bytes(_secret()))
    await scene.connect()
    for kind in (_OURS, _THEIRS):
        scene.radio.event(_SET, (kind, memoryview(_PHONE), None))
    new = _secret()
    new[24] = 99
    scene.secrets(new)
    assert scene.radio.event(_GET, (_THEIRS, 0, memoryview(_PHONE))) == new
    await scene.update()
    assert scene.is_open()
    assert scene.bonds.kept[_PHONE][0][24] == 99
    assert scene.radio.event(_GET, (_OURS, 0, memoryview(_PHONE)))[24] == 99
    await scene.leave()


def test_too_little_memory_is_no_reason_to_die():
    scene = Scene()

    def too_much(*_arguments):
        raise MemoryError

    scene.bonds.find = too_much
    assert scene.radio.event(_GET, (_OURS, 0, memoryview(_PHONE))) == b""
    scene.pairing._note = too_much
    assert scene.radio.event(_SET, (_OURS, memoryview(_PHONE), memoryview(_secret()))) is False
    scene.pairing._judge = too_much
    assert scene.radio.event(_UPDATE, (_LINK, True, True, True, 16)) is None


@cases((ReaderError(E_STORE),), (MemoryError(),))
async def test_a_bond_that_cannot_be_kept(error):
    scene = Scene()
    await scene.connect()
    scene.bonds.fails = error
    scene.secrets(_secret())
    await scene.update()
    assert not scene.is_open()
    assert scene.radio.ended == [_LINK] and scene.bonds.refusals == [pairing.REFUSED_STORE]
    await scene.leave()


@cases((False,), (OSError(19),))
async def test_a_person_says_no_or_the_screen_is_gone(answer):
    scene = Scene(Display(answer))
    await scene.connect()
    scene.radio.event(_PASSKEY, (_LINK, _COMPARISON, 7))
    await scene.settle()
    assert scene.radio.said == [(_LINK, _COMPARISON, 0)] and scene.display.is_hidden
    await scene.leave()


async def test_the_phone_gives_up_while_the_person_looks():
    scene = Scene(Display(None))
    await scene.connect()
    scene.radio.event(_PASSKEY, (_LINK, _COMPARISON, 7))
    await scene.settle()
    assert not scene.display.is_hidden
    scene.radio.is_gone = True
    await scene.update(False, False, False, 0)
    assert scene.display.is_hidden and scene.radio.said == []
    await scene.connect()
    scene.radio.event(_PASSKEY, (_LINK, _COMPARISON, 8))
    await scene.settle()
    await scene.leave()
    assert scene.display.is_hidden and scene.display.shown == [7, 8]


async def test_who_leaves_before_the_verdict_has_tried_all_the_same():
    scene = Scene(Display(None))
    for judged in (False, True):
        await scene.connect()
        scene.radio.event(_PASSKEY, (_LINK, _COMPARISON, 7))
        await scene.settle()
        if judged:
            scene.radio.event(_UPDATE, (_LINK, False, False, False, 0))
        await scene.leave()
        assert scene.display.is_hidden
    assert scene.bonds.refusals == [pairing.REFUSED_UNAUTHENTICATED] * 2
    assert scene.pairing._failures == 2


async def test_who_leaves_as_soon_as_it_is_paired_is_paired():
    scene = Scene()
    await scene.connect()
    scene.radio.event(_PASSKEY, (_LINK, _COMPARISON, 7))
    await scene.settle()
    scene.secrets(_secret())
    scene.radio.event(_UPDATE, (_LINK, True, True, True, 16))
    await scene.leave()
    assert list(scene.bonds.kept) == [_PHONE] and scene.bonds.refusals == []


async def test_each_passkey_is_another():
    scene = Scene()
    for _ in range(3):
        await scene.connect()
        scene.radio.event(_PASSKEY, (_LINK, _DISPLAY, 0))
        await scene.settle()
        await scene.leave()
    assert len(set(scene.display.shown)) == 3
    assert scene.radio.said == [(_LINK, _DISPLAY, n) for n in scene.display.shown]
    assert all(0 <= n < 1_000_000 for n in scene.display.shown)


async def test_no_entropy_no_passkey():
    scene = Scene()
    scene.entropy.fails = True
    await scene.connect()
    scene.radio.event(_PASSKEY, (_LINK, _DISPLAY, 0))
    await scene.settle()
    assert scene.display.shown == [] and scene.radio.said == [] and scene.radio.ended == [_LINK]
    await scene.leave()


async def test_a_question_that_this_board_cannot_answer():
    scene = Scene()
    await scene.connect()
    scene.radio.event(_PASSKEY, (_LINK, 2, 0))  # the phone's number is to be typed here
    await scene.settle()
    assert scene.radio.said == [] and scene.radio.ended == [_LINK]
    await scene.leave()


async def test_after_five_wrong_ones_nobody_is_asked():
    scene = Scene()
    for _ in range(5):
        await scene.connect()
        scene.radio.event(_PASSKEY, (_LINK, _DISPLAY, 0))
        await scene.settle()
        await scene.update(False, False, False, 0)
    assert len(scene.display.shown) == 5
    await scene.connect()
    scene.radio.event(_PASSKEY, (_LINK, _DISPLAY, 0))
    await scene.settle()
    assert len(scene.display.shown) == 5 and scene.radio.ended == [_LINK]
    assert scene.bonds.refusals == [pairing.REFUSED_UNAUTHENTICATED] * 5 + [pairing.REFUSED_TRIES]
    # A phone that is paired comes in meanwhile
    scene.bonds.kept[_PHONE] = (bytes(_secret()), bytes(_secret()))
    await scene.connect()
    scene.radio.event(_GET, (_OURS, 0, memoryview(_PHONE)))
    await scene.update()
    assert scene.is_open()
    await scene.leave()


async def test_who_connects_and_does_not_pair_has_to_go():
    scene = Scene()
    wait_for_ms = asyncio.wait_for_ms
    waits = []

    async def hurried(work, ms):
        waits.append(ms)
        return await wait_for_ms(work, 1)

    asyncio.wait_for_ms = hurried
    try:
        await scene.connect()
        await asyncio.sleep_ms(20)
    finally:
        asyncio.wait_for_ms = wait_for_ms
    assert waits[0] == 35_000
    assert scene.radio.ended[0] == _LINK and scene.bonds.refusals[0] == pairing.REFUSED_LATE
    await scene.leave()
