"""The phone's commands: open the message, see whether it may be (access.py), ask the reader, answer the way it came. One
command, one answer, at once.

A START or CONTINUE that is sent again under its number is answered again and not done again: its answer was lost, its
effect was not. The other commands do no harm twice.
"""

from micropython import const

from ..errors import (
    E_AMOUNT,
    E_HOST_TIMEOUT,
    E_HOST_UNREACHABLE,
    E_INTERNAL,
    E_LINK_BODY,
    E_LINK_BUSY,
    E_LINK_OPCODE,
    E_LINK_ROLE,
    E_LINK_SECURED,
    E_LINK_STATE,
    E_OUT_OF_SERVICE,
    ReaderError,
)
from ..link import framing, protocol
from ..storage import log_events, sections
from ..util.modules import keep_only, loaded
from . import access
from .version import RELEASE, VERSION

_AMOUNT_MOST = const(999_999_999)  # 9,999,999.99: a small int on a 32-bit build
_TIMEOUT_MOST_S = const(120)
_TIMEOUT_S = const(30)
_ALL = const(7)  # protocol.INTERFACE_*
_NO_MEMORY = const(1)  # detail of E_INTERNAL
_READER_ID = const(8)
_RECORDS = const(60)  # of 15 bytes: what one message holds


async def answer(reader, message) -> None:
    """Do what `message` asks and send the response; a message that is none of the session's, or no command, is answered
    with a FAULT event."""
    link = reader.link
    if reader.is_restarting:
        return  # whoever comes in these moments would speak with the reader that it was
    try:
        message = link.received(message)
    except ReaderError as error:
        if error.code == E_LINK_SECURED:
            reader.log(log_events.LOG_REPLAY, error.detail)
        await link.fault(error)
        return
    kind = message[0]
    opcode = message[1]
    number = message[2] << 8 | message[3]
    if kind != protocol.COMMAND:
        await link.fault(ReaderError(E_LINK_OPCODE, opcode))
        return
    body = message[framing.HEADER :]
    failed = None
    try:
        _check_access(reader, opcode)
        if protocol.CARD_OPEN <= opcode <= protocol.CARD_CLOSE:
            write = await _card(reader, opcode, number, body)
        else:
            write = _do(reader, opcode, number, body)
    except (ReaderError, MemoryError) as error:
        failed = error if isinstance(error, ReaderError) else ReaderError(E_INTERNAL, _NO_MEMORY)

        def write(w):
            return w.error(failed)

    await link.send(lambda w: write(w.begin(protocol.RESPONSE, opcode, number)), link.in_clear)
    if opcode == protocol.CLOSE_SESSION and failed is None:
        reader.gone()


def _check_access(reader, opcode: int) -> None:
    """Raises E_LINK_NO_SESSION, E_LINK_ROLE, E_LINK_OPCODE, E_LINK_STATE, E_LINK_BUSY, E_OUT_OF_SERVICE."""
    link = reader.link
    how = access.FIELD
    if link.in_clear:
        how = access.LINE if link.is_factory else access.CLEAR
    elif link.session.role == protocol.ROLE_FACTORY:
        how = access.FACTORY
    state = access.IDLE
    if reader.out_of_service:
        state = access.OUT
    elif reader.pass_through is not None:
        state = access.CARD
    elif reader.state() == protocol.STATE_ONLINE:
        state = access.ONLINE
    elif reader.state() != protocol.STATE_IDLE:
        state = access.BUSY
    code = access.refusal(opcode, how, state)
    if code == E_LINK_ROLE:
        reader.log(log_events.LOG_ROLE, opcode)
    if code:
        raise ReaderError(code, reader.out_of_service if code == E_OUT_OF_SERVICE else opcode)


def _do(reader, opcode: int, number: int, body):
    """Carries the command out; returns the function that writes the response's body."""
    if opcode == protocol.GET_INFO:
        return _info(reader)
    if opcode == protocol.CLOSE_SESSION:
        return _done
    if opcode == protocol.START:
        return _start(reader, number, body)
    if opcode == protocol.SIGN_IN:
        return _began(reader.began if reader.repeats(number) else reader.sign_in(number))
    if opcode == protocol.ONLINE_RESULT:
        return _online_result(reader, body)
    if opcode == protocol.CONTINUE:
        reader.answer_prompt(
            number, protocol.need_int(body, protocol.TRANSACTION, 2), protocol.need_int(body, protocol.CHOICE, 1)
        )
        return _done
    if opcode == protocol.NOTICE:
        return _notice(reader, body)
    if opcode == protocol.CANCEL:
        reader.cancel()
        return _done
    if opcode == protocol.LAST_RESULT:
        if not reader.last:
            raise ReaderError(E_LINK_STATE)
        return lambda w: w.put_objects(reader.last)
    if opcode == protocol.ACKNOWLEDGE:
        if not reader.last or reader.last_number != protocol.need_int(body, protocol.TRANSACTION, 2):
            raise ReaderError(E_LINK_STATE)
        return _done
    if opcode == protocol.LOG:
        return _log(reader, body)
    if opcode == protocol.SELF_TEST:
        reader.self_test()
        return _done
    kept = loaded()
    try:
        if opcode <= protocol.AUTHENTICATE:
            from . import handshake

            return handshake.handle(reader, opcode, number, body)
        if opcode == protocol.KEY_LOAD:
            from . import key_load

            return key_load.handle(reader, opcode, number, body)
        if opcode == protocol.KEY_STATUS:
            from . import key_status

            return key_status.handle(reader, opcode, number, body)
        if opcode <= protocol.FACTORY_DONE:
            from . import factory

            return factory.handle(reader, opcode, number, body)
        from . import file_load

        return file_load.handle(reader, opcode, number, body)
    finally:
        keep_only(kept)


async def _card(reader, opcode: int, number: int, body):
    """A card that is none for payment (pass_through.py): loaded when the phone opens one."""
    if reader.pass_through is None:
        if opcode == protocol.CARD_CLOSE:
            return _done
        if reader.upload is not None:
            raise ReaderError(E_LINK_BUSY)
        kept = loaded()
        from . import pass_through

        reader.pass_through = pass_through.PassThrough(reader, kept)
    return await reader.pass_through.handle(opcode, number, body)


async def attend(reader) -> None:
    """The task that watches over the card: here, in a module that stays, since asyncio may keep what a task has run."""
    await reader.pass_through.run()


def _done(w):
    return w.put_int(protocol.ERROR, 0, 2)


def _info(reader):
    notices = 0 if reader.out_of_service else reader.notices.check()
    identity = bytearray(_READER_ID)
    try:
        n = reader.ring.read_into(sections.READER_ID, identity)
    except ReaderError:
        n = 0  # then it has none, and is out of service for that

    def write(w):
        _done(w).put(protocol.VERSION, VERSION).put(protocol.BOARD, reader.board.name)
        if n:
            w.put(protocol.READER_ID, identity)
        if reader.image:
            w.put(protocol.IMAGE_HASH, reader.image)
        w.put_int(protocol.RELEASE, 1 if RELEASE else 0, 1).put_int(protocol.SELF_TESTED, reader.tested_s(), 4)
        w.put_int(protocol.READER_STATE, reader.state(), 1)
        w.put_int(protocol.DETAIL, reader.out_of_service, 4).put_int(protocol.HEAP, reader.heap(), 4)
        w.put_int(protocol.NOTICES, notices, 1).put_int(protocol.INTERFACES, reader.interfaces(), 1)
        return w.put(protocol.AIOBLE, reader.link.stack)

    return write


def _log(reader, body):
    """Records of the security log from LOG_NUMBER on."""
    kept = loaded()
    try:
        from ..storage import event_log

        records = event_log.EventLog(reader.board.journal).records(
            protocol.need_int(body, protocol.LOG_NUMBER, 4), _RECORDS
        )
    finally:
        keep_only(kept)
    return lambda w: _done(w).put(protocol.LOG_RECORDS, records)


def _start(reader, number: int, body):
    if reader.repeats(number):
        began = reader.began
    else:
        if protocol.need_int(body, protocol.TYPE, 1) != protocol.TYPE_SALE:
            raise ReaderError(E_AMOUNT)
        amount = protocol.need_bcd(body, protocol.AMOUNT, 6)
        currency = protocol.need_bcd(body, protocol.CURRENCY, 2)
        if not 0 < amount <= _AMOUNT_MOST or currency != reader.parameters.terminal.currency:
            raise ReaderError(E_AMOUNT)
        seconds = _TIMEOUT_S
        if protocol.find(body, protocol.TIMEOUT, 2) is not None:
            seconds = protocol.need_int(body, protocol.TIMEOUT, 2)
            if not 0 < seconds <= _TIMEOUT_MOST_S:
                raise ReaderError(E_LINK_BODY, protocol.TIMEOUT)
        interfaces = _ALL
        if protocol.find(body, protocol.INTERFACES, 1) is not None:
            interfaces = protocol.need_int(body, protocol.INTERFACES, 1)
            if not 0 < interfaces <= _ALL:
                raise ReaderError(E_LINK_BODY, protocol.INTERFACES)
        began = reader.start(number, amount, currency, seconds * 1000, interfaces)
    return _began(began)


def _began(number: int):
    """The answer to what has begun a transaction. Nothing is loaded for it here, which that one would keep for its own."""
    return lambda w: _done(w).put_int(protocol.TRANSACTION, number, 2)


def _notice(reader, body):
    """The oldest notice; before that, the one is forgotten whose number the phone says it has. Not while a transaction
    runs: the reversal that stands beside its packet is not due yet."""
    if reader.state() != protocol.STATE_IDLE:
        raise ReaderError(E_LINK_BUSY)
    if protocol.find(body, protocol.NOTICE_ID, 2) is not None:
        reader.notices.take(protocol.need_int(body, protocol.NOTICE_ID, 2))
    oldest = reader.notices.oldest()
    if oldest is None:
        return _done
    number, notice = oldest
    return lambda w: _done(w).put_int(protocol.NOTICE_ID, number, 2).put_objects(notice)


def _online_result(reader, body):
    transaction = protocol.need_int(body, protocol.TRANSACTION, 2)
    frame = protocol.find(body, protocol.PACKET)
    error = None
    if frame is None:
        code = protocol.need_int(body, protocol.ERROR, 2)
        if code not in (E_HOST_TIMEOUT, E_HOST_UNREACHABLE):
            raise ReaderError(E_LINK_BODY, protocol.ERROR)
        error = ReaderError(code)
    reader.online_result(transaction, frame, error)
    return _done
