"""The supervisor with stand-ins for every part: what it refuses to run without, and that it is never half alive."""

import asyncio

import reader.emv.contactless.entry_point  # noqa: F401 - before what needs it: nested imports are deep in the stack
from reader.app.counters import Counters
from reader.app.notices import Notices
from reader.app.reader import Reader
from reader.app.transaction import Transaction
from reader.dukpt.tdes import TdesDukpt
from reader.errors import (
    E_CANCELLED,
    E_ENTROPY,
    E_INTERFACE,
    E_LINK_BUSY,
    E_LINK_STATE,
    E_NFC_SILENT,
    E_NO_KEY,
    E_PARAMETERS,
    E_STORE,
    ReaderError,
)
from reader.link import protocol
from reader.outcome import APPROVED, Outcome
from reader.storage import log_events, sections
from reader.storage.event_log import EventLog
from reader.storage.key_ring import KeyRing
from testing import FakeClock, FixedEntropy, MemoryStore, Power, cases, h, path, raises, ring_parts

HEAP_K = 192  # on the unix port the whole firmware's code lies in the heap
_TAP = protocol.INTERFACE_CONTACTLESS
_KEY = h("6AC292FAA1315B4D858AB3A3D7D5933A")  # ANSI X9.24-1:2009, A.4
_KSN = h("FFFF9876543210E00000")


class _Link:
    """Hears what the reader says; never brings a message."""

    stack = "none"
    closed = 0

    def __init__(self):
        self.said = []
        self.news = asyncio.Event()
        self.writer = protocol.Writer()

    async def serve(self, handle, gone):
        await asyncio.Event().wait()

    async def send(self, build):
        self.said.append(bytes(build(self.writer).message()))
        self.news.set()
        return True

    def close(self):
        self.closed += 1


class _Contactless:
    """A field without cards. `fault`: what `start` raises."""

    def __init__(self, clock, fault=0):
        self.clock = clock
        self.fault = fault
        self.on = False

    async def start(self):
        if self.fault:
            raise ReaderError(self.fault)

    async def look(self):
        self.on = True
        self.clock.advance(5)
        await asyncio.sleep_ms(1)

    async def stop(self):
        self.on = False


class _Board:
    name = "test"

    def __init__(self):
        self.clock = FakeClock()
        self.entropy = FixedEntropy(b"0123456789abcdef" * 4)
        self.contactless = _Contactless(self.clock)
        self.keys, self.journal, self.secret = ring_parts(Power())
        self.counter_store = MemoryStore()
        self.notice_store = MemoryStore()
        self.contact = self.head = None
        self.pin_pad = None
        self.emv_tables = ""
        self.parameters = path("boards/unix/parameters.json")
        self.phone = _Link()
        ring = KeyRing(self.keys, self.journal, self.secret)
        ring.create(FixedEntropy(bytes(range(64))))
        TdesDukpt(ring).load_initial_key(_KEY, _KSN)
        ring.write(((sections.IN_FIELD, b"\x01"),))
        Counters(self.counter_store).create()
        Notices(self.notice_store).create()

    def image(self):
        return None

    def link(self, version, in_factory):
        self.phone.is_factory = in_factory
        return self.phone


async def _started(board):
    reader = Reader(board)
    task = asyncio.create_task(reader.main())
    while reader.link is None:
        await asyncio.sleep_ms(0)
    return reader, task


def _unheard():
    """A reader that nobody has started."""
    reader = Reader(_Board())
    reader.link = _Link()
    reader._load_parameters()
    return reader


async def _heard(board, opcode):
    """The next message of this opcode that the reader sends."""
    while True:
        for message in board.phone.said:
            if message[1] == opcode:
                board.phone.said = []
                return message
        board.phone.news.clear()
        await board.phone.news.wait()


def _without_keys(board):
    board.keys, board.journal, board.secret = ring_parts(Power())


def _without_its_initial_key(board):
    _ring(board).write(((sections.TDES, None),))


def _in_the_factory(board):
    _ring(board).write(((sections.IN_FIELD, None),))


def _with_other_flash(board):
    board.keys, _, _ = ring_parts(Power())


def _ring(board):
    return KeyRing(board.keys, board.journal, board.secret)


def _without_counters(board):
    board.counter_store = MemoryStore()


def _without_notices(board):
    board.notice_store = MemoryStore()


def _without_parameters(board):
    board.parameters = "none.json"


def _without_entropy(board):
    board.entropy = FixedEntropy(None)


def _without_chip(board):
    board.contactless = _Contactless(board.clock, E_NFC_SILENT)


@cases(
    (_without_keys, E_NO_KEY),
    (_without_its_initial_key, E_NO_KEY),
    (_in_the_factory, E_NO_KEY),
    (_with_other_flash, E_STORE),
    (_without_counters, E_STORE),
    (_without_notices, E_STORE),
    (_without_parameters, E_PARAMETERS),
    (_without_entropy, E_ENTROPY),
    (_without_chip, E_NFC_SILENT),
)
async def test_out_of_service(change, reason):
    board = _Board()
    change(board)
    reader, task = await _started(board)
    assert reader.out_of_service == reason
    assert reader.state() == protocol.STATE_OUT_OF_SERVICE
    assert board.phone.is_factory == (change in (_without_keys, _in_the_factory))
    task.cancel()


class _Stuck:
    """A generator that gives one draw, and then stands still."""

    drawn = 0

    def fill(self, buf):
        if self.drawn:
            raise ReaderError(E_ENTROPY)
        self.drawn = 1


class _Tapped(_Contactless):
    """With a card in the field that has got as far as GET PROCESSING OPTIONS."""

    is_isodep = True

    async def look(self, *_):
        return self

    async def transmit(self, c_apdu):
        name = bytes(c_apdu[5:-1])
        if name == b"2PAY.SYS.DDF01":
            return h("6F24 840E325041592E5359532E4444463031 A512 BF0C0F 610D 4F08A000000333010101 870101 9000")
        return h("6F1B 8408A000000333010101 A50F 9F380C9F66049F02069F37045F2A02 9000")

    async def release(self):
        pass


async def test_a_generator_that_stands_still_puts_the_reader_out_of_service():
    """Unpredictable numbers come from there, and from nowhere else."""
    board = _Board()
    board.entropy = _Stuck()
    board.contactless = _Tapped(board.clock)
    reader, task = await _started(board)
    assert reader.state() == protocol.STATE_IDLE
    reader.start(1, 100, 156, 1000, _TAP)
    result = await _heard(board, protocol.RESULT)
    assert protocol.need_int(result[6:], protocol.ERROR, 2) == E_ENTROPY
    assert reader.out_of_service == E_ENTROPY and reader.state() == protocol.STATE_OUT_OF_SERVICE
    task.cancel()


async def test_one_transaction_at_a_time_and_cancelled():
    board = _Board()
    reader, task = await _started(board)
    assert reader.state() == protocol.STATE_IDLE
    with raises(E_LINK_STATE):
        reader.cancel()
    assert reader.start(1, 100, 156, 1000, _TAP) == 1
    with raises(E_LINK_BUSY):
        reader.start(2, 100, 156, 1000, _TAP)
    await _heard(board, protocol.STATE)
    while not board.contactless.on:
        await asyncio.sleep_ms(0)
    reader.cancel()
    reader.cancel()  # again changes nothing
    result = await _heard(board, protocol.RESULT)
    assert protocol.need_int(result[6:], protocol.ERROR, 2) == E_CANCELLED
    assert not board.contactless.on
    assert reader.state() == protocol.STATE_IDLE
    assert reader.last == result[6:] and reader.last_number == 1
    assert reader.start(3, 100, 156, 1000, _TAP) == 2
    task.cancel()


async def _nothing():
    pass


async def test_what_has_ended_by_itself_is_not_cancelled():
    """Between the end of the task and the cleaning up: the card has approved, and a notice says so."""
    reader = _unheard()
    transaction = reader._transaction = Transaction(reader, None, 1, 100, 156, 1000, _TAP)
    reader._task = asyncio.create_task(_nothing())
    await reader._task
    transaction.result.end(Outcome(APPROVED))
    reader.gone()
    with raises(E_LINK_STATE):
        reader.cancel()
    result = await transaction.finish()
    assert (result.outcome, result.code) == (APPROVED, 0)


class _Cardholder:
    """Asked without end; keeps the answers."""

    def __init__(self):
        self.answers = []

    def answer(self, choice):
        self.answers.append(choice)
        return True


async def test_an_answer_sent_twice_answers_one_question():
    reader = _unheard()
    transaction = reader._transaction = Transaction(reader, None, 7, 100, 156, 1000, _TAP)
    transaction.interface = transaction
    cardholder = transaction.cardholder = _Cardholder()
    reader.answer_prompt(1, 7, 2)
    reader.answer_prompt(1, 7, 2)
    assert cardholder.answers == [2]
    reader.answer_prompt(2, 7, 0)
    assert cardholder.answers == [2, 0]
    with raises(E_LINK_STATE):
        reader.answer_prompt(2, 6, 0)
    # the next transaction may be another phone's, which counts its commands anew
    reader._transaction = None
    number = reader.start(1, 100, 156, 1000, _TAP)
    transaction = reader._transaction
    transaction.interface = transaction
    transaction.cardholder = cardholder
    reader.answer_prompt(2, number, 1)
    assert cardholder.answers == [2, 0, 1]


async def test_an_interface_that_the_board_has_not():
    reader, task = await _started(_Board())
    with raises(E_INTERFACE):
        reader.start(1, 100, 156, 1000, protocol.INTERFACE_CONTACT)
    assert reader.state() == protocol.STATE_IDLE and reader.began == 0
    with raises(E_LINK_STATE):
        reader.answer_prompt(1, 1, 0)
    task.cancel()


async def test_it_is_never_half_alive():
    board = _Board()
    reader, task = await _started(board)

    def broken(*_):
        raise ValueError("a fault of the firmware")

    reader._keep = broken
    reader.start(1, 100, 156, 1, _TAP)
    try:
        await task
    except ValueError:
        return
    raise AssertionError("the supervisor died and the reader went on")


async def test_a_restart_comes_though_the_phone_has_left():
    board = _Board()
    restarts = []
    board.restart = lambda: restarts.append(1)
    reader, task = await _started(board)
    reader.restart()
    reader.gone()
    assert reader.is_restarting and not restarts  # the answer is to leave first
    await asyncio.sleep_ms(400)
    assert restarts == [1]
    task.cancel()


async def test_a_sale_that_has_ended_is_not_cancelled():
    reader, task = await _started(_Board())
    reader.start(1, 100, 156, 1000, _TAP)
    while reader._task is None:
        await asyncio.sleep_ms(0)
    reader._task.cancel()
    while not reader._task.done():
        await asyncio.sleep_ms(0)
    transaction = reader._transaction
    assert transaction is not None  # the supervisor has not put it away yet
    with raises(E_LINK_STATE):
        reader.cancel()
    reader.gone()
    assert not transaction.cancelled
    task.cancel()


async def test_the_daily_test_waits_for_what_is_under_way():
    board = _Board()
    reader, task = await _started(board)
    failing = FixedEntropy(None)
    reader.upload = True
    board.clock.advance(5000)
    assert reader.tested_s() == 5
    reader.entropy = failing
    daily = asyncio.create_task(reader._test_daily(1))
    for _ in range(5):
        await asyncio.sleep_ms(1)
    assert reader.tested_s() == 5 and not reader.out_of_service
    reader.upload = None
    state = await _heard(board, protocol.STATE)
    assert state[6:] == bytes((protocol.READER_STATE, 1, protocol.STATE_OUT_OF_SERVICE))
    assert reader.out_of_service == E_ENTROPY and reader.tested_s() == 0
    daily.cancel()
    task.cancel()


def test_what_happened_is_in_the_log():
    reader = _unheard()
    for _ in range(5):
        reader.log(log_events.LOG_ROLE, 0x40)
    records = EventLog(reader.board.journal).records(1, 60)
    assert len(records) == 3 * 15  # of a kind the 1st, 2nd, 4th
    assert bytes(records[4:15]) == h("11 00000040 1A030E0F091A")
    reader.key_was_shown()
    reader.log(log_events.LOG_ROLE, 0x40)
    assert len(EventLog(reader.board.journal).records(1, 60)) == 4 * 15


def test_a_log_that_cannot_be_written_stops_nothing():
    reader = _unheard()

    class Broken:
        def readblocks(self, block, buf, offset=0):
            raise OSError(5)

        writeblocks = ioctl = readblocks

    reader.board.journal = Broken()
    reader.log(log_events.LOG_ROLE)
