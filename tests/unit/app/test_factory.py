"""The first key and the end of the factory's work: by the factory's line, once, and whenever the power goes."""

import key_blocks

from reader.app import factory, key_load
from reader.app.counters import Counters
from reader.app.notices import Notices
from reader.errors import E_KEY_EXISTS, E_LINK_BODY, E_LINK_ROLE, E_NO_KEY
from reader.link import protocol
from reader.storage.key_ring import KeyRing
from testing import Power, PowerCut, cases, h, raises, ring_parts

# An operation that is cut is done, or half done; tests/unit/storage has the ring at all kinds of cuts
_SHAPES = (1, 2)

FILE_LIMIT_S = 120

_TDES, _AES, _ROOT, _BLOCK_KEY, _MASTER, _READER_ID, _IN_FIELD = 1, 2, 3, 4, 8, 11, 13
_KEY = bytes(range(32))
_ID = h("FFFF9876543210E0")
# ANSI X9.24-1:2009, A.4
_TDES_KEY = h("6AC292FAA1315B4D858AB3A3D7D5933A")
_LOG_KEY, _LOG_DONE = 9, 10


class Entropy:
    def fill(self, buf):
        for i in range(len(buf)):
            buf[i] = 7 * i + 1 & 0xFF


class Store:
    """reader.ports.Store on the power of the rest."""

    def __init__(self, power):
        self.data = None
        self._power = power

    def load(self):
        return None if self.data is None else bytearray(self.data)

    def save(self, data):
        cut = self._power.is_last()
        if not cut or self._power.shape & 1:
            self.data = bytes(data)
        if cut:
            raise PowerCut


class Link:
    is_factory = True


class Reader:
    def __init__(self, device):
        self.ring = KeyRing(*device.parts)
        self.counters = Counters(device.counter_store)
        self.notices = Notices(device.notice_store)
        self.entropy = Entropy()
        self.link = Link()
        self.events = []
        self.restarts = 0

    def log(self, event, detail=0):
        self.events.append((event, detail))

    def restart(self):
        self.restarts += 1


class Device:
    """What survives."""

    def __init__(self):
        self.power = Power()
        self.parts = ring_parts(self.power)
        self.counter_store = Store(self.power)
        self.notice_store = Store(self.power)

    def image(self):
        keys, journal, secret = self.parts
        return keys.copy(), journal.copy(), secret.data, self.counter_store.data, self.notice_store.data

    def put_back(self, image):
        keys, journal, secret = self.parts
        keys.put_back(image[0])
        journal.put_back(image[1])
        secret.data, self.counter_store.data, self.notice_store.data = image[2:]


def _ask(reader, opcode, *objects):
    writer = protocol.Writer().begin(protocol.COMMAND, opcode, 1)
    for tag, value in objects:
        writer.put(tag, value)
    message = bytearray(writer.message())
    write = factory.handle(reader, opcode, 1, memoryview(message)[6:])
    answer = write(protocol.Writer().begin(protocol.RESPONSE, opcode, 1)).body()
    assert protocol.need_int(answer, protocol.ERROR, 2) == 0
    return answer, message


def _first_key(reader, key=_KEY, reader_id=_ID):
    return _ask(reader, protocol.FACTORY_KEY, (protocol.KEY, key), (protocol.READER_ID, reader_id))


def _done(reader):
    _ask(reader, protocol.FACTORY_DONE)


def _load(reader, fields, key, serial, *optional):
    block = key_blocks.block(_KEY, fields, key, optional + (("20", f"{serial:08X}"),))
    body = protocol.Writer().begin(protocol.COMMAND, protocol.KEY_LOAD, 1).put(protocol.KEY_BLOCK, block).body()
    key_load.handle(reader, protocol.KEY_LOAD, 1, body)


def _section(reader, number):
    out = bytearray(reader.ring.size(number))
    reader.ring.read_into(number, out)
    return bytes(out)


# RFC 4493's algorithm by OpenSSL: the first 5 bytes of the CMAC of 16 zeros
@cases((_KEY, "377822C093"), (_KEY[:16], "BE7ED6AE78"))
def test_the_first_key(key, check):
    reader = Reader(Device())
    answer, message = _first_key(reader, key)
    assert protocol.need(answer, protocol.KEY_CHECK) == h(check)
    assert _section(reader, _BLOCK_KEY) == key
    assert _section(reader, _READER_ID) == _ID
    assert reader.events == [(_LOG_KEY, 0)]
    assert key not in bytes(message)  # it is wiped where it came
    assert not reader.ring.size(_IN_FIELD)


def test_once():
    device = Device()
    reader = Reader(device)
    _first_key(reader)
    before = device.image()
    for key in (_KEY, bytes(16)):
        with raises(E_KEY_EXISTS):
            _first_key(reader, key)
        assert device.image() == before


def test_not_by_radio():
    device = Device()
    reader = Reader(device)
    reader.link.is_factory = False
    before = device.image()
    with raises(E_LINK_ROLE):
        _first_key(reader)
    with raises(E_LINK_ROLE):
        _done(reader)
    assert device.image() == before


@cases(
    (b"", _ID, protocol.KEY),
    (bytes(24), _ID, protocol.KEY),
    (bytes(33), _ID, protocol.KEY),
    (_KEY, _ID[:7], protocol.READER_ID),
)
def test_malformed(key, reader_id, tag):
    device = Device()
    before = device.image()
    with raises(E_LINK_BODY, tag):
        _first_key(Reader(device), key, reader_id)
    assert device.image() == before


@cases(
    ("DB1TX00N", _TDES_KEY, ("KS", "FFFF9876543210E00000")),
    ("DB1AX00N", bytes(range(16)), ("IK", "FFFF9876543210E0")),
    ("DK0TD00N", _TDES_KEY, None),
)
def test_what_is_needed(fields, key, optional):
    device = Device()
    reader = Reader(device)
    with raises(E_NO_KEY):
        _done(reader)
    _first_key(reader)
    with raises(E_NO_KEY, _ROOT):
        _done(reader)
    _load(reader, "D10AX00N", bytes(range(16)), 1)
    before = device.image()
    with raises(E_NO_KEY, _TDES):
        _done(reader)
    assert device.image() == before
    _load(reader, fields, key, 2, *((optional,) if optional else ()))
    reader.events = []
    assert reader.restarts == 0
    _done(reader)
    assert _section(reader, _IN_FIELD) == b"\x01"
    assert reader.counters.check() == 0 and reader.notices.check() == 0
    assert reader.restarts == 1
    assert reader.events == [(_LOG_DONE, 0)]
    before = device.image()
    with raises(E_KEY_EXISTS):
        _done(reader)
    with raises(E_KEY_EXISTS):
        _first_key(reader)
    assert device.image() == before


def test_counters_that_are_there_stay():
    device = Device()
    reader = Reader(device)
    _first_key(reader)
    _load(reader, "D10AX00N", bytes(range(16)), 1)
    _load(reader, "DK0TD00N", _TDES_KEY, 2)
    Counters(device.counter_store).create()
    Counters(device.counter_store).next_stan()
    _done(reader)
    assert reader.counters.check() == 1


def test_the_power_goes_at_the_first_key():
    device = Device()
    outcomes = set()
    before = device.image()
    for shape in _SHAPES:
        n = 0
        was_cut = True
        while was_cut:
            n += 1
            device.put_back(before)
            device.power.cut(n, shape)
            try:
                _first_key(Reader(device))
            except PowerCut:
                pass
            was_cut = device.power.restore()
            reader = Reader(device)
            is_there = not reader.ring.is_blank() and _section(reader, _BLOCK_KEY) == _KEY
            outcomes.add(is_there)
            if is_there:
                assert _section(reader, _READER_ID) == _ID
                with raises(E_KEY_EXISTS):
                    _first_key(reader)
            else:
                # The factory does it again
                _first_key(reader)
                assert _section(reader, _BLOCK_KEY) == _KEY and _section(reader, _READER_ID) == _ID
    assert outcomes == {False, True}
    assert n > 8


def test_the_power_goes_at_the_end():
    device = Device()
    reader = Reader(device)
    _first_key(reader)
    _load(reader, "D10AX00N", bytes(range(16)), 1)
    _load(reader, "DK0TD00N", _TDES_KEY, 2)
    before = device.image()
    outcomes = set()
    for shape in _SHAPES:
        n = 0
        was_cut = True
        while was_cut:
            n += 1
            device.put_back(before)
            device.power.cut(n, shape)
            try:
                _done(Reader(device))
            except PowerCut:
                pass
            was_cut = device.power.restore()
            reader = Reader(device)
            reader.ring.check()
            is_done = reader.ring.size(_IN_FIELD) == 1
            outcomes.add(is_done)
            if not is_done:
                _done(reader)
            # Whoever is in the field has its counters
            assert reader.counters.check() == 0 and reader.notices.check() == 0
            assert _section(reader, _ROOT) == bytes(range(16)) and _section(reader, _MASTER) == _TDES_KEY
    assert outcomes == {False, True}
    assert n > 6
