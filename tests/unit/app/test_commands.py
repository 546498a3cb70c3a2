"""The phone's commands beside what the transactions' tests send: a command that fails is answered all the same."""

from reader.app import commands
from reader.errors import E_INTERNAL, E_STORE, ReaderError
from reader.link import protocol


class _Link:
    stack = "none"

    def __init__(self):
        self.writer = protocol.Writer()
        self.said = b""

    async def send(self, build):
        self.said = bytes(build(self.writer).message())
        return True


class _Notices:
    fault: Exception = ReaderError(E_STORE)

    def check(self):
        raise self.fault


class _Board:
    name = "test"


class _Reader:
    out_of_service = 0

    def __init__(self):
        self.board = _Board()
        self.link = _Link()
        self.notices = _Notices()

    def state(self):
        return protocol.STATE_IDLE

    def heap(self):
        return 0


async def test_a_store_that_breaks_while_the_reader_runs():
    reader = _Reader()
    await commands.answer(reader, bytes((protocol.COMMAND, protocol.GET_INFO, 0, 9, 0, 0)))
    assert reader.link.said[:4] == bytes((protocol.RESPONSE, protocol.GET_INFO, 0, 9))
    assert protocol.need_int(reader.link.said[6:], protocol.ERROR, 2) == E_STORE


async def test_no_memory_for_a_command():
    # The task that hears the phone must not end by it: the phone would go on talking to nobody
    reader = _Reader()
    reader.notices.fault = MemoryError()
    await commands.answer(reader, bytes((protocol.COMMAND, protocol.GET_INFO, 0, 9, 0, 0)))
    assert protocol.need_int(reader.link.said[6:], protocol.ERROR, 2) == E_INTERNAL
    assert protocol.need_int(reader.link.said[6:], protocol.DETAIL, 4) == 1
