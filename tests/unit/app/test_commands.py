"""The phone's commands beside what the transactions' tests send: how they come in, what is refused, how they are answered."""

from ring_memory import RingMemory

from reader.app import commands
from reader.app.version import RELEASE
from reader.crypto.cmac import cmac, derive_into
from reader.errors import (
    E_INTERNAL,
    E_LINK_CRYPTOGRAM,
    E_LINK_NO_SESSION,
    E_LINK_OPCODE,
    E_LINK_ROLE,
    E_LINK_SECURED,
    E_LINK_STATE,
    E_LINK_WAIT,
    E_NO_KEY,
    E_OUT_OF_SERVICE,
    E_PARAMETERS,
    E_STORE,
    ReaderError,
)
from reader.link import protocol
from reader.link.pipe import Pipe
from reader.link.session import MOST, USED_UP, Session
from reader.storage import log_events, sections
from testing import FakeClock, FixedEntropy, cases, h, raises

_ID = h("FFFF9876543210E0")
_ROOT = bytes(range(0x10, 0x20))
_BLOCK_KEY = bytes(range(0x40, 0x60))
_N_S = bytes(range(0xA0, 0xB0))
_FIELD = protocol.ROLE_FIELD
_FACTORY = protocol.ROLE_FACTORY


class _Link(Pipe):
    """What the reader says is kept, as it goes over the air."""

    stack = "none"

    def __init__(self):
        super().__init__()
        self.said = []

    async def _transmit(self, message):
        self.said.append(bytes(message))
        return True


class _Notices:
    fault: Exception = None

    def check(self):
        if self.fault:
            raise self.fault
        return 2


class _Board:
    name = "test"


class _Reader:
    image = bytes(range(32))

    """What commands.py asks of reader.py."""

    def __init__(self):
        self.board = _Board()
        self.link = _Link()
        self.notices = _Notices()
        self.clock = FakeClock()
        self.entropy = FixedEntropy(bytes(range(256)) * 2)
        self.ring = RingMemory({sections.READER_ID: _ID, sections.SESSION_ROOT: _ROOT, sections.BLOCK_KEY: _BLOCK_KEY})
        self.out_of_service = self.shown = self.left = 0
        self.pass_through = self.upload = None
        self.is_restarting = False
        self.last = b""
        self.last_number = 0
        self.events = []
        self.tests = 0

    def state(self):
        return protocol.STATE_OUT_OF_SERVICE if self.out_of_service else protocol.STATE_IDLE

    def heap(self):
        return 0

    def interfaces(self):
        return 7

    def tested_s(self):
        return 99

    def self_test(self):
        self.tests += 1

    def log(self, event, detail=0):
        self.events.append((event, detail))

    def key_was_shown(self):
        self.shown += 1

    def gone(self):
        self.left += 1
        self.link.close()


class _Phone:
    """The far end, and the server behind it."""

    def __init__(self, reader):
        self.reader = reader
        self.session = None
        self._keys = self._buf = None

    async def ask(self, opcode, *objects, in_clear=False, number=9):
        """The answer's body; a FAULT's too."""
        writer = protocol.Writer().begin(protocol.COMMAND, opcode, number)
        for tag, value in objects:
            writer.put(tag, value)
        session = None if in_clear else self.session
        sent = memoryview(bytearray(writer.message(session)))
        await commands.answer(self.reader, sent)
        self.heard = said = memoryview(bytearray(self.reader.link.said[-1]))
        self.was_secured = said[0] == protocol.SECURED
        if self.was_secured:
            said = self.session.open(said)
        assert (said[0], said[1]) in ((protocol.RESPONSE, opcode), (protocol.EVENT, protocol.FAULT))
        return bytes(said[6:])

    async def open(self, role=_FIELD, in_clear=True, spoil=0):
        """The handshake, recomputed from the root; the error of its last answer."""
        body = await self.ask(
            protocol.OPEN_SESSION, (protocol.ROLE, bytes((role,))), (protocol.NONCE, _N_S), in_clear=in_clear
        )
        code = protocol.need_int(body, protocol.ERROR, 2)
        if code:
            return code
        assert self.was_secured != in_clear
        root = bytearray(_ROOT)
        if role == _FACTORY:
            derive_into(_BLOCK_KEY, b"mPOS factory", _ID, root)
        context = bytes((role,)) + _ID + _N_S + bytes(protocol.need(body, protocol.NONCE, 16))
        key = bytearray(16)
        derive_into(root, b"mPOS auth", context[:9], key)
        assert protocol.need(body, protocol.READER_ID) == _ID
        assert protocol.need(body, protocol.CRYPTOGRAM) == cmac(key, b"\x01", context)
        answer = cmac(key, b"\x02", context)
        answer[0] ^= spoil
        keys = bytearray(66)
        derive_into(root, b"mPOS session", context, keys)
        made = Session()
        made.begin(role, keys[32:64] + keys[:32] + keys[64:])
        old = self.session
        sent = protocol.Writer().begin(protocol.COMMAND, protocol.AUTHENTICATE, 10).put(protocol.CRYPTOGRAM, answer)
        await commands.answer(self.reader, memoryview(bytearray(sent.message(None if in_clear else old))))
        said = memoryview(bytearray(self.reader.link.said[-1]))
        if said[0] == protocol.SECURED:
            self.session = old if spoil else made
            said = self.session.open(said)
        else:
            assert spoil or protocol.need_int(said[6:], protocol.ERROR, 2)
        return protocol.need_int(said[6:], protocol.ERROR, 2)

    async def error(self, opcode, *objects, in_clear=False):
        return protocol.need_int(await self.ask(opcode, *objects, in_clear=in_clear), protocol.ERROR, 2)


async def _opened(role=_FIELD):
    reader = _Reader()
    reader.link.is_factory = role == _FACTORY
    phone = _Phone(reader)
    assert await phone.open(role) == 0
    return reader, phone


async def test_a_store_that_breaks_while_the_reader_runs():
    phone = _Phone(_Reader())
    phone.reader.notices.fault = ReaderError(E_STORE)
    assert await phone.error(protocol.GET_INFO) == E_STORE
    assert phone.heard[:4] == bytes((protocol.RESPONSE, protocol.GET_INFO, 0, 9))


async def test_no_memory_for_a_command():
    # The task that hears the phone must not end by it: the phone would go on talking to nobody
    phone = _Phone(_Reader())
    phone.reader.notices.fault = MemoryError()
    body = await phone.ask(protocol.GET_INFO)
    assert protocol.need_int(body, protocol.ERROR, 2) == E_INTERNAL
    assert protocol.need_int(body, protocol.DETAIL, 4) == 1


async def test_information_in_clear_and_in_a_session():
    _reader, phone = await _opened()
    for in_clear in (True, False):
        body = await phone.ask(protocol.GET_INFO, in_clear=in_clear)
        assert phone.was_secured != in_clear
        assert protocol.need(body, protocol.READER_ID) == _ID
        assert protocol.need_int(body, protocol.SELF_TESTED, 4) == 99
        assert protocol.need_int(body, protocol.RELEASE, 1) == (1 if RELEASE else 0)
        assert protocol.need_int(body, protocol.NOTICES, 1) == 2


async def test_a_reader_without_keys_says_so():
    reader = _Reader()
    reader.ring = RingMemory()
    reader.ring.read_into = _no_key
    reader.out_of_service = E_NO_KEY
    phone = _Phone(reader)
    body = await phone.ask(protocol.GET_INFO)
    assert protocol.find(body, protocol.READER_ID) is None
    assert protocol.need_int(body, protocol.DETAIL, 4) == E_NO_KEY
    assert await phone.open() == E_NO_KEY


def _no_key(section, out):
    raise ReaderError(E_NO_KEY)


async def test_nothing_without_a_session():
    phone = _Phone(_Reader())
    for opcode in (protocol.START, protocol.CANCEL, protocol.NOTICE, protocol.KEY_LOAD, protocol.CARD_OPEN, 0xEE):
        assert await phone.error(opcode) == E_LINK_NO_SESSION
        assert not phone.was_secured
    assert not phone.reader.events


async def test_nothing_in_clear_beside_a_session():
    reader, phone = await _opened()
    assert await phone.error(protocol.NOTICE, in_clear=True) == E_LINK_NO_SESSION
    assert await phone.error(protocol.CLOSE_SESSION, in_clear=True) == E_LINK_NO_SESSION
    assert reader.link.session.role == _FIELD and await phone.error(protocol.SELF_TEST) == 0


async def test_a_secured_message_without_a_session():
    phone = _Phone(_Reader())
    phone.session = Session()
    assert await phone.error(protocol.GET_INFO) == E_LINK_NO_SESSION
    assert phone.heard[:2] == bytes((protocol.EVENT, protocol.FAULT))


async def test_a_message_twice_is_done_once():
    reader, phone = await _opened()
    writer = protocol.Writer().begin(protocol.COMMAND, protocol.SELF_TEST, 3)
    sent = bytes(writer.message(phone.session))
    for count, answered in ((1, protocol.SECURED), (1, protocol.EVENT)):
        await commands.answer(reader, memoryview(bytearray(sent)))
        assert reader.tests == count and reader.link.said[-1][0] == answered
    fault = reader.link.said[-1][6:]
    assert protocol.need_int(fault, protocol.ERROR, 2) == E_LINK_SECURED
    assert reader.events == [(log_events.LOG_REPLAY, 3)]


@cases(
    (protocol.EVENT, protocol.STATE),
    (protocol.RESPONSE, protocol.START),
    (0, protocol.GET_INFO),
    (5, protocol.GET_INFO),
)
async def test_what_is_no_command(kind, opcode):
    reader, phone = await _opened()
    for session in (None, phone.session):
        message = protocol.Writer().begin(kind, opcode, 1).message(session)
        await commands.answer(reader, memoryview(bytearray(message)))
        assert reader.link.said[-1][:2] == bytes((protocol.EVENT, protocol.FAULT))
        assert protocol.need_int(reader.link.said[-1][6:], protocol.ERROR, 2) == E_LINK_OPCODE


async def test_an_unknown_command_in_a_session():
    _reader, phone = await _opened()
    for opcode in (0x00, 0x0F, 0x18, 0x37, 0x49, 0xFF):
        assert await phone.error(opcode) == E_LINK_OPCODE
        assert phone.was_secured


async def test_roles():
    reader, phone = await _opened()
    assert await phone.error(protocol.FACTORY_DONE) == E_LINK_ROLE
    assert reader.events == [(log_events.LOG_ROLE, protocol.FACTORY_DONE)]
    assert await phone.open(_FACTORY) == E_LINK_ROLE  # this is not the factory's line
    reader, phone = await _opened(_FACTORY)
    assert reader.events == [(log_events.LOG_SESSION, _FACTORY)]
    for opcode in (protocol.START, protocol.NOTICE, protocol.CARD_OPEN, protocol.FACTORY_KEY):
        assert await phone.error(opcode) == E_LINK_ROLE


async def test_out_of_service_it_still_opens_sessions_and_tells_its_log():
    reader, phone = await _opened()
    reader.out_of_service = E_PARAMETERS
    body = await phone.ask(protocol.START)
    assert protocol.need_int(body, protocol.ERROR, 2) == E_OUT_OF_SERVICE
    assert protocol.need_int(body, protocol.DETAIL, 4) == E_PARAMETERS
    assert await phone.open() == 0
    assert await phone.error(protocol.SELF_TEST) == 0 and reader.tests == 1


async def test_a_session_is_closed():
    reader, phone = await _opened()
    assert await phone.error(protocol.CLOSE_SESSION) == 0
    assert phone.was_secured and reader.left == 2 and not reader.link.session.role  # the first time: when it was opened
    assert not await reader.link.send(lambda w: w.begin(protocol.EVENT, protocol.STATE, 1))
    assert await phone.error(protocol.GET_INFO) == E_LINK_NO_SESSION


async def test_a_session_within_the_session_renews_it():
    reader, phone = await _opened()
    old = phone.session
    assert reader.left == 1
    assert await phone.open(in_clear=False) == 0
    assert reader.left == 1 and reader.shown == 2  # what goes on in the reader goes on
    assert await phone.error(protocol.SELF_TEST) == 0
    phone.session = old
    writer = protocol.Writer().begin(protocol.COMMAND, protocol.SELF_TEST, 3)
    await commands.answer(reader, memoryview(bytearray(writer.message(old))))
    assert protocol.need_int(reader.link.said[-1][6:], protocol.ERROR, 2) == E_LINK_SECURED
    assert reader.tests == 1


async def test_a_session_in_clear_takes_over():
    reader, phone = await _opened()
    assert await phone.open() == 0
    assert reader.left == 2
    assert await phone.error(protocol.SELF_TEST) == 0


async def test_the_old_session_lives_until_the_new_one_is_there():
    reader, phone = await _opened()
    for in_clear in (True, False):
        assert await phone.open(in_clear=in_clear, spoil=1) == E_LINK_CRYPTOGRAM
        assert reader.left == 1
        assert await phone.error(protocol.SELF_TEST) == 0
    assert reader.events[0] == (log_events.LOG_CRYPTOGRAM, 1)


async def test_who_does_not_have_the_key_waits():
    phone = _Phone(_Reader())
    reader = phone.reader
    for _ in range(5):
        assert await phone.open(spoil=1) == E_LINK_CRYPTOGRAM
    assert await phone.open() == E_LINK_WAIT
    reader.gone()  # another connection changes nothing
    assert await phone.open() == E_LINK_WAIT
    reader.clock.advance(1000)
    assert await phone.open() == 0
    assert [event for event, _ in reader.events] == [log_events.LOG_CRYPTOGRAM] * 5


async def test_authenticate_without_a_challenge():
    phone = _Phone(_Reader())
    assert await phone.error(protocol.AUTHENTICATE, (protocol.CRYPTOGRAM, bytes(16))) == E_LINK_STATE
    await phone.ask(protocol.OPEN_SESSION, (protocol.ROLE, b"\x01"), (protocol.NONCE, _N_S))
    phone.reader.gone()  # the challenge was for one connection
    assert await phone.error(protocol.AUTHENTICATE, (protocol.CRYPTOGRAM, bytes(16))) == E_LINK_STATE
    assert not phone.reader.link.refusals


async def test_many_challenges_and_no_answer():
    phone = _Phone(_Reader())
    for _ in range(20):
        await phone.ask(protocol.OPEN_SESSION, (protocol.ROLE, b"\x01"), (protocol.NONCE, _N_S))
    assert await phone.open() == 0


async def test_the_reader_has_used_its_counters_up():
    reader, phone = await _opened()
    reader.link.session._sent = MOST
    body = await phone.ask(protocol.SELF_TEST)
    assert phone.heard[:2] == bytes((protocol.EVENT, protocol.FAULT))
    assert protocol.need_int(body, protocol.DETAIL, 4) == USED_UP
    assert await phone.open() == 0


async def test_a_generator_that_fails_opens_no_session():
    phone = _Phone(_Reader())
    phone.reader.entropy = FixedEntropy(None)
    assert await phone.open() != 0
    assert not phone.reader.link.challenge[0]


def test_closing_wipes_the_keys():
    link = _Link()
    link.session.begin(1, b"\x5a" * 66)
    link.challenge[0] = 1
    link.close()
    assert link.session._keys == bytes(66) and not link.challenge[0]
    with raises(E_LINK_NO_SESSION):
        link.received(memoryview(bytearray((protocol.SECURED, 0, 0, 0, 0, 0))))


async def test_nothing_is_done_before_a_restart():
    reader, _ = await _opened()
    reader.is_restarting = True
    said = len(reader.link.said)
    for message in ((protocol.COMMAND, protocol.GET_INFO, 0, 9, 0, 0), (4,)):
        await commands.answer(reader, bytearray(message))
    assert len(reader.link.said) == said
