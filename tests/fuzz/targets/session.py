"""Messages to a reader, in clear and secured, in whatever order: nothing is done but what a session's other side asked for."""

from __future__ import annotations

from tests.fuzz import device
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target

device.install()
from mpos.link.messages import Kind, Message, Opcode, Role, Tag
from mpos.link.session_keys import Channel, SessionKeys, context, cryptogram
from reader.app import commands
from reader.errors import E_LINK_SECURED, E_LINK_WAIT, ReaderError
from reader.link import protocol
from reader.link.pipe import Pipe
from reader.link.session import Session
from reader.storage import sections

_ROOT = bytes(range(16))
_BLOCK_KEY = bytes(range(32))
_ID = b"\xff\xff\x98\x76\x54\x32\x10\xe0"
_OF = context(Role.FIELD, _ID, bytes(16), bytes(16))
_KEYS = SessionKeys.derive(_ROOT, _OF)
_ALL_KEYS = b"".join((_KEYS.to_reader, _KEYS.to_reader_mac, _KEYS.from_reader, _KEYS.from_reader_mac, _KEYS.number))
_HEADER = 6
_MOST = 1024
_STEPS_MOST = 24
_IN_CLEAR = (protocol.GET_INFO, protocol.OPEN_SESSION, protocol.AUTHENTICATE)


def _framed(kind: int, opcode: int, number: int, body: bytes) -> bytes:
    """As a carrier hands it over: of a length that its header says."""
    body = body[: _MOST - _HEADER]
    return bytes((kind, opcode)) + number.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def _whole(message: bytes) -> bytes:
    message = message[:_MOST].ljust(_HEADER, b"\0")
    return message[:4] + (len(message) - _HEADER).to_bytes(2, "big") + message[_HEADER:]


def _changed(message: bytes, feed: Feed) -> bytes:
    """One byte another, or cut off, or longer."""
    at = feed.byte() % len(message)
    how = feed.below(3)
    if how == 0:
        return message[:at] + bytes([message[at] ^ (feed.byte() or 1)]) + message[at + 1 :]
    return _whole(message[:at]) if how == 1 else _whole(message + (feed.block() or b"\0"))


@target("session-open", longest=300, runs=300)
def open_in_place(data: bytes) -> None:
    """One session, and whatever comes: only what the other side sealed, each once and in order, is opened."""
    feed = Feed(data)
    session = Session()
    session.begin(protocol.ROLE_FIELD, _ALL_KEYS)
    phone = Channel(_KEYS)
    sealed: list[bytes] = []
    taken = 0  # counter of the last one
    for _ in range(_STEPS_MOST):
        if not feed.left:
            break
        choice = feed.below(5)
        if choice <= 1 or not sealed:
            inside = _framed(Kind.COMMAND, feed.byte(), feed.byte(), feed.block())
            sealed.append(phone.seal(inside))
            if choice == 0:
                continue  # lost on the way
            message, expected = sealed[-1], inside
        elif choice == 2:
            message, expected = sealed[feed.below(len(sealed))], None
        elif choice == 3:
            message, expected = _changed(sealed[-1], feed), None
        else:
            message, expected = _framed(protocol.SECURED, 0, int.from_bytes(_KEYS.number, "big"), feed.block()), None
        before = session._sent, session._heard, bytes(session._keys)
        buf = bytearray(message)
        count = int.from_bytes(message[6:10], "big")
        is_new = message in sealed and count > taken
        try:
            opened = bytes(session.open(memoryview(buf)))
        except ReaderError as error:
            assert error.code == E_LINK_SECURED and 1 <= error.detail <= 4
            assert not is_new
            assert (session._sent, session._heard, bytes(session._keys)) == before
            continue
        assert is_new
        assert expected is None or opened == expected
        taken = count
        assert session._heard == count


class _Link(Pipe):
    stack = "none"

    def __init__(self) -> None:
        super().__init__()
        self.said: list[bytes] = []

    async def _transmit(self, message) -> bool:
        assert len(message) <= _MOST
        self.said.append(bytes(message))
        return True


class _Ring:
    kept = {sections.READER_ID: _ID, sections.SESSION_ROOT: _ROOT, sections.BLOCK_KEY: _BLOCK_KEY}

    def read_into(self, section: int, out) -> int:
        data = self.kept[section]
        out[: len(data)] = data
        return len(data)


class _Part:
    """Board, clock and entropy; every nonce is another one."""

    name = "fuzzed"
    now_ms = drawn = 0

    def ticks_ms(self) -> int:
        return self.now_ms

    def fill(self, buf) -> None:
        self.drawn += 1
        buf[:] = self.drawn.to_bytes(len(buf), "big")


class _Reader:
    out_of_service = is_restarting = 0
    pass_through = upload = None
    left = 0

    def __init__(self, is_factory: bool) -> None:
        self.link = _Link()
        self.link.is_factory = is_factory
        self.board = self.clock = self.entropy = _Part()
        self.ring = _Ring()
        self.done: list[tuple[int, bool, int]] = []  # opcode, in clear, role

    def state(self) -> int:
        return protocol.STATE_IDLE

    def log(self, event: int, detail: int = 0) -> None:
        pass

    def key_was_shown(self) -> None:
        pass

    def gone(self) -> None:
        self.left += 1
        self.link.close()


def _do(reader, opcode: int, number: int, body):
    """In place of what commands do: that it would be done. The handshake is the real one."""
    link = reader.link
    reader.done.append((opcode, link.in_clear, link.session.role))
    if opcode in (protocol.OPEN_SESSION, protocol.AUTHENTICATE):
        from reader.app import handshake

        return handshake.handle(reader, opcode, number, body)
    return lambda w: w.put_int(protocol.ERROR, 0, 2)


async def _card(reader, opcode: int, number: int, body):
    return _do(reader, opcode, number, body)


class _Phone:
    """Who has the key; `channel` while its session is the reader's."""

    def __init__(self, reader: _Reader):
        self.reader = reader
        self.channel: Channel | None = None

    def handshake(self, in_clear: bool) -> None:
        """Unless the reader makes everybody wait."""
        theirs = bytes([len(self.reader.link.said) & 0xFF] * 16)
        offer = {Tag.ROLE: bytes([Role.FIELD]), Tag.NONCE: theirs}
        said = self._ask(Message(Kind.COMMAND, Opcode.OPEN_SESSION, 1, offer), in_clear)
        if said.number_of(Tag.ERROR):
            assert said.number_of(Tag.ERROR) == E_LINK_WAIT
            return
        of = context(Role.FIELD, _ID, theirs, said.body[Tag.NONCE])
        assert said.body[Tag.CRYPTOGRAM] == cryptogram(_ROOT, 1, of)
        following = Channel(SessionKeys.derive(_ROOT, of))
        answer = Message(Kind.COMMAND, Opcode.AUTHENTICATE, 2, {Tag.CRYPTOGRAM: cryptogram(_ROOT, 2, of)})
        left = self.reader.left
        data = answer.encode() if in_clear or self.channel is None else self.channel.seal(answer.encode())
        _come(self.reader, data)
        assert Message.decode(following.open(self.reader.link.said[-1])).number_of(Tag.ERROR) == 0
        # Within its session it is the same phone; in clear it takes over
        assert self.reader.left - left == (1 if in_clear or self.channel is None else 0)
        self.channel = following

    def _ask(self, message: Message, in_clear: bool) -> Message:
        channel = None if in_clear else self.channel
        _come(self.reader, message.encode() if channel is None else channel.seal(message.encode()))
        said = self.reader.link.said[-1]
        return Message.decode(said if channel is None else channel.open(said))


def _come(reader: _Reader, message: bytes) -> None:
    device.drive(commands.answer(reader, memoryview(bytearray(message))))


@target("session-commands", longest=300, runs=100)
def any_order(data: bytes) -> None:
    """Commands, handshakes, garbage: what is done was asked for in the session, or opens one."""
    real = commands._do, commands._card
    commands._do, commands._card = _do, _card
    try:
        _any_order(Feed(data))
    finally:
        commands._do, commands._card = real


def _any_order(feed: Feed) -> None:
    reader = _Reader(bool(feed.byte() & 1))
    phone = _Phone(reader)
    recorded: list[bytes] = []
    for _ in range(_STEPS_MOST):
        if not feed.left:
            break
        choice = feed.below(7)
        done, said, left = len(reader.done), len(reader.link.said), reader.left
        role = reader.link.session.role
        if choice == 0:
            phone.handshake(in_clear=bool(feed.byte() & 1))
            continue
        if choice == 1:
            reader.board.now_ms += feed.byte() << 8
            continue
        if choice == 2 and phone.channel is not None:
            opcode = feed.byte()
            message = phone.channel.seal(_framed(Kind.COMMAND, opcode, feed.byte(), feed.block()))
            recorded.append(message)
            _come(reader, message)
            for asked, in_clear, by in reader.done[done:]:
                assert (asked, in_clear, by) == (opcode, False, protocol.ROLE_FIELD)
            if not reader.link.session.role:
                assert opcode == protocol.CLOSE_SESSION
                phone.channel = None
            elif opcode == protocol.AUTHENTICATE:
                assert reader.left == left  # by nobody who does not have the key
            continue
        if choice == 3 and recorded:
            message = recorded[feed.below(len(recorded))]
        elif choice == 4 and recorded:
            message = _changed(recorded[-1], feed)
        elif choice == 5:
            message = _framed(Kind.COMMAND, feed.byte(), feed.byte(), feed.block())
        else:
            message = _framed(feed.byte(), feed.byte(), feed.byte(), feed.block())
        _come(reader, message)
        for asked, in_clear, _ in reader.done[done:]:
            assert in_clear and (asked in _IN_CLEAR or (reader.link.is_factory and asked == protocol.FACTORY_KEY))
        assert len(reader.link.said) == said + 1  # and it is answered, in clear
        assert reader.link.said[-1][0] in (protocol.RESPONSE, protocol.EVENT)
        assert reader.link.session.role == role and reader.left == left
