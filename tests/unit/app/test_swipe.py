"""A swipe inside the reader: the tracks are wiped before anybody is asked for anything, whatever becomes of the card."""

from ring_memory import RingMemory

from reader import outcome
from reader.app import account
from reader.app.swipe import Swipe
from reader.crypto.des import Des3
from reader.dukpt.tdes import TdesDukpt
from reader.dukpt.tdes_keys import TdesKeys
from reader.errors import (
    E_CANCELLED,
    E_NO_PIN,
    E_NOT_PAYMENT,
    E_SERVICE_CODE,
    E_STRIPE,
    E_STRIPE_DATA,
    E_USE_CHIP,
    ReaderError,
)
from reader.link import protocol
from testing import cases, h, raises

_TRACK_1 = b"B6212340000005000^CARDHOLDER/TEST^4912101000000000"
_TRACK_2 = b"6212340000005000=4912101000000000"
_CHIP = b"6212340000005000=4912201000000000"
_PIN_NEEDED = b"6212340000005000=4912120000000000"
_PIN_ASKED = b"6212340000005000=4912126000000000"
_TEST_CARD = b"6212340000005000=4912901000000000"
_WRONG_DIGIT = b"6212340000005001=4912101000000000"
_TRACK_3 = b"996212340000005000=156156" + b"0" * 15 + b"3=2" + b"0" * 6 + b"49121==="
_EMPTY, _LRC = 1, 6
_BOTH = protocol.INTERFACE_SWIPE | protocol.INTERFACE_CONTACT


class _Tracks:
    """ports.Swipe."""

    is_backward = False

    def __init__(self, *tracks):
        self.buffers = [bytearray(track) if not isinstance(track, int) else bytearray() for track in tracks]
        self.reasons = [track if isinstance(track, int) else 0 for track in tracks]

    def track(self, number):
        return memoryview(self.buffers[number - 1])

    def reason(self, number):
        return self.reasons[number - 1]

    def wipe(self):
        for buffer in self.buffers:
            for i in range(len(buffer)):
                buffer[i] = 0

    @property
    def is_wiped(self):
        return not sum([sum(buffer) for buffer in self.buffers])


class _Parts:
    """Of a reader, what a swipe touches."""

    def __init__(self, tracks, interfaces=_BOTH, pin=0, has_pad=True):
        self.tracks = tracks
        self.pin = pin
        self.asked = 0
        self.board = self.head = self
        self.pin_pad = self if has_pad else None
        self.ring = RingMemory()
        TdesDukpt(self.ring).load_initial_key(h("6AC292FAA1315B4D858AB3A3D7D5933A"), h("FFFF9876543210E00000"))
        self.has = interfaces

    def interfaces(self):
        return self.has

    async def read(self):
        return self.tracks

    async def enter(self, kind, timeout_ms):
        assert kind == outcome.PIN_ONLINE
        assert self.tracks.is_wiped  # before anybody types
        self.asked += 1
        return self.pin if isinstance(self.pin, int) else bytearray(self.pin)


class _Result:
    is_fallback = False
    cvm = 0


class _Transaction:
    def __init__(self, parts):
        self.parts = parts
        self.result = _Result()
        self.data = self
        self.events = []

    def next_keys(self):
        return TdesDukpt(self.parts.ring).next()

    async def state(self, state):
        pass

    async def card(self, event, detail=0):
        self.events.append(event)

    async def emit(self, opcode, build):
        return True


class _Sale:
    is_fallback = False


async def _swiped(parts, is_fallback=False):
    t = _Transaction(parts)
    swipe = Swipe(t, is_fallback)
    final = await swipe.read(_Sale)
    return swipe, final, t


def _decrypted(swipe, ciphertext):
    out = bytearray(len(ciphertext))
    Des3(swipe.keys.data).cbc_decrypt_into(bytes(8), ciphertext, out)
    return bytes(out)


@cases(
    ((_EMPTY, _TRACK_2, _EMPTY), "6212340000005000D4912101000000000F80", None),
    ((_TRACK_1, _EMPTY, _EMPTY), "6212340000005000D4912101000000000F80", None),
    (
        (_TRACK_1, _TRACK_2, _TRACK_3),
        "6212340000005000D4912101000000000F80",
        "996212340000005000D156156" + "0" * 15 + "3D2" + "0" * 6 + "49121DDDF" + "80",
    ),
)
async def test_the_tracks_are_encrypted_and_gone(tracks, track2, track3):
    parts = _Parts(_Tracks(*tracks))
    swipe, final, t = await _swiped(parts)
    assert parts.tracks.is_wiped and not parts.asked
    assert (final.code, final.cvm) == (outcome.ONLINE_REQUEST, outcome.CVM_SIGNATURE)
    taken = swipe.account(swipe.keys)
    assert taken.masked == "621234******5000" and taken.pin_block == b""
    assert _decrypted(swipe, taken.track2)[: len(h(track2))] == h(track2)
    assert (len(taken.track3) > 0) == (track3 is not None)
    if track3:
        assert _decrypted(swipe, taken.track3)[: len(h(track3))] == h(track3)
    assert protocol.CARD_READ in t.events
    await swipe.stop()
    assert not sum(taken.number) and not sum(swipe.keys.data)


def test_buffers_of_the_account_are_wiped():
    wiped = []

    def wipe(buffer):
        real(buffer)
        wiped.append(buffer)

    class Stripe:
        track3 = _TRACK_3

        def pack_into(self, number, out):
            digits = h("6212340000005000D49121010000000000") if number == 2 else h("99" + "00" * 51)
            out[: len(digits)] = digits
            return 2 * len(digits)

    keys = TdesKeys(1, b"", *[bytearray(h("0123456789ABCDEFFEDCBA9876543210")) for _ in range(4)])
    real, account.wipe = account.wipe, wipe
    try:
        account.take_stripe(Stripe(), keys)
    finally:
        account.wipe = real
    assert [len(buffer) for buffer in wiped] == [64, 64] and not sum([sum(buffer) for buffer in wiped])


@cases(
    ((_EMPTY, _LRC, _EMPTY), _BOTH, True, E_STRIPE, _LRC),
    ((_LRC, _EMPTY, _EMPTY), _BOTH, True, E_STRIPE, _LRC),
    ((_EMPTY, _EMPTY, _EMPTY), _BOTH, True, E_STRIPE, _EMPTY),
    ((_EMPTY, b"1234", _EMPTY), _BOTH, True, E_NOT_PAYMENT, 3),
    ((_EMPTY, _CHIP, _EMPTY), _BOTH, True, E_USE_CHIP, 0),
    ((_EMPTY, _TEST_CARD, _EMPTY), _BOTH, True, E_SERVICE_CODE, 1),
    ((_EMPTY, _PIN_NEEDED, _EMPTY), _BOTH, False, E_SERVICE_CODE, 5),
    ((_EMPTY, _WRONG_DIGIT, _EMPTY), _BOTH, True, E_STRIPE_DATA, 6),
)
async def test_a_card_that_will_not_do_is_gone_too(tracks, interfaces, has_pad, code, detail):
    parts = _Parts(_Tracks(*tracks), interfaces, has_pad=has_pad)
    before = dict(parts.ring.sections)
    with raises(code, detail):
        await _swiped(parts)
    assert parts.tracks.is_wiped and not parts.asked
    assert dict(parts.ring.sections) == before  # no key was used up


async def test_a_reader_without_a_slot_takes_the_stripe_of_a_chip_card():
    _, final, t = await _swiped(_Parts(_Tracks(_EMPTY, _CHIP, _EMPTY), protocol.INTERFACE_SWIPE))
    assert final.code == outcome.ONLINE_REQUEST and not t.result.is_fallback


@cases((_CHIP, True), (_TRACK_2, False))
async def test_a_fallback_is_one_of_a_chip_card_only(track, is_fallback):
    _, final, t = await _swiped(_Parts(_Tracks(_EMPTY, track, _EMPTY)), True)
    assert final.code == outcome.ONLINE_REQUEST and t.result.is_fallback == is_fallback


@cases(_PIN_NEEDED, _PIN_ASKED)
async def test_a_pin(track):
    parts = _Parts(_Tracks(_EMPTY, track, _EMPTY), pin=(1, 3, 5, 7))
    swipe, final, _ = await _swiped(parts)
    assert final.cvm == outcome.CVM_ONLINE_PIN and parts.asked == 1
    block = bytearray(8)
    Des3(swipe.keys.pin).decrypt_into(swipe.account(None).pin_block, block)
    # ISO 9564-1, 9.3.1: 04 13 57 FF FF FF FF FF, exclusive-or 00 00 and the twelve digits 234000000500
    assert block == h("041374BFFFFFFAFF"), block


@cases(
    (_PIN_NEEDED, outcome.PIN_CANCELLED, E_CANCELLED, 0),
    (_PIN_ASKED, outcome.PIN_CANCELLED, E_CANCELLED, 0),
    (_PIN_NEEDED, outcome.PIN_BYPASSED, E_NO_PIN, outcome.PIN_BYPASSED),
    (_PIN_NEEDED, outcome.PIN_TIMEOUT, E_NO_PIN, outcome.PIN_TIMEOUT),
    (_PIN_ASKED, outcome.PIN_TIMEOUT, E_NO_PIN, outcome.PIN_TIMEOUT),
    (_PIN_ASKED, outcome.PIN_PAD_FAILED, E_NO_PIN, outcome.PIN_PAD_FAILED),
)
async def test_no_pin(track, pin, code, detail):
    with raises(code, detail):
        await _swiped(_Parts(_Tracks(_EMPTY, track, _EMPTY), pin=pin))


async def test_a_pin_that_may_be_passed_over():
    swipe, final, _ = await _swiped(_Parts(_Tracks(_EMPTY, _PIN_ASKED, _EMPTY), pin=outcome.PIN_BYPASSED))
    assert final.cvm == outcome.CVM_SIGNATURE and swipe.account(None).pin_block == b""


async def test_a_head_that_fails():
    class Broken(_Parts):
        async def read(self):
            raise ReaderError(E_STRIPE, 2)

    with raises(E_STRIPE, 2):
        await _swiped(Broken(_Tracks(_EMPTY, _EMPTY, _EMPTY)))
