"""Cards that are not for payment: what they answer, and what a phone asks of them, both the fuzzer's.

Whatever comes of it, nothing that pays gets through, no key comes back, and a block that the reader does not write is not written.
"""

from __future__ import annotations

from tests.fuzz import device
from tests.fuzz.device import Budget
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target

device.install()
from reader.app import card_services
from reader.errors import E_CARD_REMOVED, E_CARD_TIMEOUT, ReaderError
from reader.link import protocol
from reader.storage.card_keys import CardKeys

_KEY = bytes.fromhex("D1E2F3A4B5C6")
_PAYMENT = (b"1PAY.SYS.DDF01", b"2PAY.SYS.DDF01", bytes.fromhex("A000000333"), bytes.fromhex("A000000003"))
_SERVICES = (
    card_services.Isodep,
    card_services.Classic,
    card_services.Ultralight,
    card_services.Felica,
    card_services.Other,
)
_OPCODES = (
    protocol.CARD_APDU,
    protocol.CARD_AUTHENTICATE,
    protocol.CARD_FETCH,
    protocol.CARD_STORE,
    protocol.CARD_VALUE,
)
_STEPS = 12
_OPERATIONS = 400
_VERSIONS = (b"", bytes.fromhex("0004030101000E03"), bytes.fromhex("0004040201000F03"), bytes(8))


class _Ring:
    data: bytes = b""

    def load(self, _section: int) -> bytearray:
        return bytearray(self.data)

    def write(self, changes) -> None:
        ((_, data),) = changes
        self.data = bytes(data)


class _Owner:
    """The PassThrough, and its card: each answer is a block of the feed."""

    def __init__(self, feed: Feed):
        self._feed = feed
        self._budget = Budget(_OPERATIONS)
        self.card = self
        self.combinations = ()
        self.version = _VERSIONS[feed.below(len(_VERSIONS))]
        self.uid = feed.take(8).ljust(8, b"\x01")
        self.ring = _Ring()
        for slot, kind in ((1, protocol.KEY_A), (2, protocol.KEY_B), (3, protocol.KEY_PASSWORD)):
            CardKeys(self.ring).put(slot, kind, _KEY)
        self.sent: list[bytes] = []

    async def transmit(self, command) -> memoryview:
        self._budget.spend()
        self.sent.append(bytes(command))
        feed = self._feed
        kind = feed.byte() if feed.left else 0xFE
        if kind == 0xFF:
            raise ReaderError(E_CARD_REMOVED)
        if kind == 0xFE:
            raise ReaderError(E_CARD_TIMEOUT)
        if kind >= 0xC0 and len(command) > 9:  # FeliCa: something like the right answer
            data = bytes((command[1] + 1,)) + bytes(self.uid) + feed.block()
            return memoryview(bytes((len(data) + 1 & 0xFF,)) + data)
        if kind >= 0x80:
            return memoryview(feed.take(16).ljust(16, b"\x00"))
        return memoryview(feed.block()[:258])

    raw = transmit

    async def activate(self) -> None:
        self._budget.spend()
        if self._feed.byte() == 0xFF:
            raise ReaderError(E_CARD_REMOVED)


@target("pass-through", longest=1024)
def pass_through(data: bytes) -> None:
    feed = Feed(data)
    made = _SERVICES[feed.below(len(_SERVICES))]
    owner = _Owner(feed)
    service = made(owner)
    for _ in range(_STEPS):
        if not feed.left:
            return
        opcode = _OPCODES[feed.below(len(_OPCODES))]
        body = feed.block()
        del owner.sent[:]
        write = device.attempt(service.serve, opcode, body)
        for command in owner.sent:
            _check_command(made, opcode, command)
        if write is not None:
            writer = protocol.Writer()
            objects = bytes(write(writer.begin(protocol.RESPONSE, opcode, 1)).message())
            # What the card itself says is its own; of what was written with keys nothing comes back
            assert opcode != protocol.CARD_STORE or _KEY not in objects
            if made is card_services.Isodep:
                _check_response(objects[6:])


def _check_command(made, opcode: int, command: bytes) -> None:
    if made is card_services.Isodep:
        assert opcode == protocol.CARD_APDU
        assert command[1] not in (0xA8, 0xAE) and not command[0] & 0x03
        if command[1] == 0xA4 and command[2] == 0x04:
            name = command[5 : 5 + command[4]] if len(command) > 5 else b""
            for other in _PAYMENT:
                n = min(len(name), len(other))
                assert name[:n] != other[:n], command.hex()
    elif made is card_services.Classic and command[0] == 0xA0:
        assert command[1] and len(command) == 18
        trailer = command[1] % 4 == 3 if command[1] < 128 else command[1] % 16 == 15
        if trailer:
            access = command[8:11]
            assert command[2:8] == command[12:18] == _KEY
            assert access[0] ^ 0xFF == (access[2] & 15) << 4 | access[1] >> 4 and access[1] & 15 == access[2] >> 4 ^ 15
    elif made is card_services.Ultralight and command[0] == 0xA2:
        assert 4 <= command[1] <= 39 and len(command) == 6


def _check_response(objects: bytes) -> None:
    """Nothing of an account in a template that is all of the answer."""
    found = protocol.find(objects, protocol.APDU)
    assert found is not None
    answer = bytes(found)[:-2]
    if len(answer) > 4 and answer[0] == 0x70 and answer[1] == len(answer) - 2 < 0x80:
        assert not (answer[2] in (0x57, 0x5A) and answer[3] < len(answer) - 3), answer.hex()
