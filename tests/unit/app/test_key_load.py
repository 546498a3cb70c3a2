"""Keys in key blocks: each lands in its place, once; what is refused changes nothing; the power may go at any instant."""

import key_blocks

from reader.app import key_load
from reader.dukpt import scheme
from reader.errors import E_KEY_BLOCK, E_KEY_EXISTS, E_KEY_REPLAY, E_LINK_BODY, E_NO_KEY, ReaderError
from reader.link import protocol
from reader.storage.key_ring import KeyRing
from reader.util import ber_tlv
from testing import Power, PowerCut, cases, h, raises, ring_parts

# An operation that is cut is not done, done, or half done; tests/unit/storage has the ring at all kinds of cuts
_SHAPES = (0, 1, 2)

FILE_LIMIT_S = 120

_TDES, _AES, _ROOT, _BLOCK_KEY, _SERIALS, _CARD_KEYS, _MASTER, _READER_ID, _BLOCK_TDES = 1, 2, 3, 4, 5, 7, 8, 11, 12
_LOG_LOADED, _LOG_REFUSED = 11, 12
_PROTECTION = bytes(range(32))
_PROTECTION_TDES = bytes(range(0x40, 0x50))

# ANSI X9.24-1:2009, A.4: initial key and key serial number of the standard's examples
_TDES_KEY = h("6AC292FAA1315B4D858AB3A3D7D5933A")
_KSN = ("KS", "FFFF9876543210E00000")
# ANSI X9.24-3:2017, test vectors, AES-128: initial key and its ID
_AES_KEY = h("1273671EA26AC29AFA4D1084127652A1")
_IK = ("IK", "1234567890123456")
# Made up. Check values of all are psec's (TDES) and OpenSSL's (CMAC)
_ROOT_KEY = h("C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF")
_CARD_KEY = h("A1B2C3D4E5F6")


class Entropy:
    def fill(self, buf):
        for i in range(len(buf)):
            buf[i] = 7 * i + 1 & 0xFF


class Reader:
    """What the command uses of the reader."""

    def __init__(self, parts):
        self.ring = KeyRing(*parts)
        self.events = []

    def log(self, event, detail=0):
        self.events.append((event, detail))


def _parts(power=None):
    parts = ring_parts(power)
    ring = KeyRing(*parts)
    ring.create(Entropy())
    ring.write([(_BLOCK_KEY, _PROTECTION), (_READER_ID, h("FFFF9876543210E0"))])
    return parts


def _reader():
    return Reader(_parts())


def _block(fields, key, *optional, protection=_PROTECTION, serial=1, **more):
    numbered = optional if serial is None else optional + (("20", f"{serial:08X}"),)
    return key_blocks.block(protection, fields, key, numbered, **more)


def _load(reader, block, under=0):
    """The check value of the answer."""
    body = bytearray(len(block) + 8)
    writer = ber_tlv.Writer(body)
    writer.put(protocol.KEY_BLOCK, block)
    if under:
        writer.put(protocol.SCHEME, bytes((under,)))
    answer = protocol.Writer()
    write = key_load.handle(reader, protocol.KEY_LOAD, 1, memoryview(body)[: writer.length])
    write(answer.begin(protocol.RESPONSE, protocol.KEY_LOAD, 1))
    assert protocol.need_int(answer.body(), protocol.ERROR, 2) == 0
    return bytes(protocol.find(answer.body(), protocol.KEY_CHECK) or b"")


def _section(reader, number):
    out = bytearray(reader.ring.size(number))
    reader.ring.read_into(number, out)
    return bytes(out)


def _image(parts):
    keys, journal, secret = parts
    return keys.copy(), journal.copy(), secret.data


def _put_back(parts, image):
    parts[0].put_back(image[0])
    parts[1].put_back(image[1])
    parts[2].data = image[2]


def test_initial_key_of_tdes_dukpt():
    reader = _reader()
    assert _load(reader, _block("DB1TX00N", _TDES_KEY, _KSN)) == h("AF8C07")
    machine = scheme.machine(reader.ring, scheme.TDES_DUKPT)
    assert machine.serial() == h("FFFF9876543210E00001")
    assert machine.next().ksn == h("FFFF9876543210E00001")
    assert reader.events == [(_LOG_LOADED, _TDES)]


def test_initial_key_of_aes_dukpt():
    reader = _reader()
    assert _load(reader, _block("DB1AX00N", _AES_KEY, _IK)) == h("05EF4531EC")
    assert scheme.machine(reader.ring, scheme.AES_DUKPT).serial() == h("123456789012345600000001")
    assert reader.events == [(_LOG_LOADED, _AES)]


@cases(
    ("D10AX00N", _ROOT_KEY, _ROOT, "227DCE88F8"),
    ("DK0TD00N", _TDES_KEY, _MASTER, "AF8C07"),
    ("DK1AD00N", _ROOT_KEY, _BLOCK_KEY, "227DCE88F8"),
    ("DK1AD00N", _ROOT_KEY + _ROOT_KEY[:8], _BLOCK_KEY, "9B4A4193C6"),
    ("DK1TD00N", _PROTECTION_TDES, _BLOCK_TDES, "8BAF47"),
)
def test_a_key_that_replaces(fields, key, section, check):
    reader = _reader()
    assert _load(reader, _block(fields, key)) == h(check)
    assert _section(reader, section) == key
    assert reader.events == [(_LOG_LOADED, section)]
    if section != _BLOCK_KEY:  # then a new protection key would be wanted for the next one
        other = bytes(byte ^ 0x5A for byte in key)
        _load(reader, _block(fields, other, serial=2))
        assert _section(reader, section) == other


def test_the_new_protection_key_counts():
    reader = _reader()
    new = bytes(range(0x80, 0xA0))
    _load(reader, _block("DK1AD00N", new))
    with raises(E_KEY_BLOCK, 5):
        _load(reader, _block("D10AX00N", _ROOT_KEY, serial=2))
    _load(reader, _block("D10AX00N", _ROOT_KEY, serial=2, protection=new))
    assert _section(reader, _ROOT) == _ROOT_KEY


def test_version_b():
    reader = _reader()
    block = _block("BB1TX00N", _TDES_KEY, _KSN, protection=_PROTECTION_TDES, serial=2)
    with raises(E_NO_KEY, _BLOCK_TDES):
        _load(reader, block)
    _load(reader, _block("DK1TD00N", _PROTECTION_TDES))
    _load(reader, block)
    assert scheme.machine(reader.ring, scheme.TDES_DUKPT).serial() == h("FFFF9876543210E00001")


def test_keys_of_cards():
    from reader.storage.card_keys import CardKeys

    reader = _reader()
    assert _load(reader, _block("D110N00N", _CARD_KEY, ("10", "0102"))) == b""
    _load(reader, _block("D110N00N", b"\x11" * 6, ("10", "1003"), serial=2))
    out = bytearray(6)
    CardKeys(reader.ring).key_into(1, protocol.KEY_B, out)
    assert out == _CARD_KEY
    CardKeys(reader.ring).key_into(16, protocol.KEY_PASSWORD, out)
    assert out == b"\x11" * 6
    assert reader.events == [(_LOG_LOADED, _CARD_KEYS)] * 2


def test_informative_blocks():
    reader = _reader()
    _load(reader, _block("D10AX00N", _ROOT_KEY, ("LB", "any text"), ("TS", "20261201T000000Z")))
    assert _section(reader, _ROOT) == _ROOT_KEY


# What is refused

_S = ("20", "00000005")
_untouched = []  # the parts of one reader, which each refusal leaves as they are


@cases(
    (_block("DP0TE00N", _TDES_KEY), E_KEY_BLOCK, 10, "usage"),
    (_block("DB0TX00N", _TDES_KEY, _KSN), E_KEY_BLOCK, 10, "a base derivation key never comes here"),
    (_block("DB1DX00N", _TDES_KEY, _KSN), E_KEY_BLOCK, 11, "algorithm"),
    (_block("DK0AD00N", _TDES_KEY), E_KEY_BLOCK, 11, "an AES key for the TDES scheme"),
    (_block("D10TX00N", _ROOT_KEY), E_KEY_BLOCK, 11, "a TDES key for sessions"),
    (_block("DB1TE00N", _TDES_KEY, _KSN), E_KEY_BLOCK, 12, "mode of use"),
    (_block("DK1AB00N", _ROOT_KEY), E_KEY_BLOCK, 12, "also for wrapping"),
    (_block("DB1TX00E", _TDES_KEY, _KSN), E_KEY_BLOCK, 13, "exportable"),
    (_block("DB1TX00S", _TDES_KEY, _KSN), E_KEY_BLOCK, 13, "sensitive"),
    (_block("DB1TX01N", _TDES_KEY, _KSN), E_KEY_BLOCK, 14, "key version"),
    (_block("DB1TXc1N", _TDES_KEY, _KSN), E_KEY_BLOCK, 14, "a component"),
    (_block("DB1TX00N", _TDES_KEY, _KSN, tail="20"), E_KEY_BLOCK, 14, "context"),
    (_block("DB1TX00N", _TDES_KEY, _KSN, tail="01"), E_KEY_BLOCK, 14, "reserved"),
    (_block("DB1TX00N", _TDES_KEY + bytes(8), _KSN), E_KEY_BLOCK, 15, "three keys"),
    (_block("DB1TX00N", _TDES_KEY[:8], _KSN), E_KEY_BLOCK, 15, "single DES"),
    (_block("DB1AX00N", bytes(31), _IK), E_KEY_BLOCK, 15, "no length of AES"),
    (_block("D10AX00N", bytes(32)), E_KEY_BLOCK, 15, "a session root of AES-256"),
    (_block("DK1AD00N", bytes(8)), E_KEY_BLOCK, 15, "no protection key"),
    (_block("D110N00N", bytes(16), ("10", "0101")), E_KEY_BLOCK, 15, "a card's key"),
    (_block("D110N00N", bytes(7), ("10", "0101")), E_KEY_BLOCK, 15, "another length"),
    (_block("DB1TX00N", _TDES_KEY), E_KEY_BLOCK, 16, "no KSN"),
    (_block("DB1TX00N", _TDES_KEY, ("IK", "FFFF9876543210E00000")), E_KEY_BLOCK, 16, "the other kind's"),
    (_block("DB1TX00N", _TDES_KEY, ("KS", "FFFF9876543210E0000")), E_KEY_BLOCK, 16, "19 digits"),
    (_block("DB1TX00N", _TDES_KEY, ("KS", "FFFF9876543210E0000G")), E_KEY_BLOCK, 16, "no digit"),
    (_block("DB1TX00N", _TDES_KEY, ("KS", "ffff9876543210E00000")), E_KEY_BLOCK, 16, "lower case"),
    (_block("DB1TX00N", _TDES_KEY, ("KS", "FFFF9876543210E00001")), E_KEY_BLOCK, 16, "a counter"),
    (_block("DB1TX00N", _TDES_KEY, ("KS", "FFFF9876543210F00000")), E_KEY_BLOCK, 16, "its highest bit"),
    (_block("DB1AX00N", _AES_KEY, _KSN), E_KEY_BLOCK, 16, "no initial key ID"),
    (_block("DB1AX00N", _AES_KEY, ("IK", "123456789012345600000000")), E_KEY_BLOCK, 16, "with a counter"),
    (_block("D110N00N", _CARD_KEY), E_KEY_BLOCK, 17, "no slot"),
    (_block("D110N00N", _CARD_KEY, ("10", "0001")), E_KEY_BLOCK, 17, "slot 0"),
    (_block("D110N00N", _CARD_KEY, ("10", "1101")), E_KEY_BLOCK, 17, "slot 17"),
    (_block("D110N00N", _CARD_KEY, ("10", "0100")), E_KEY_BLOCK, 17, "kind 0"),
    (_block("D110N00N", _CARD_KEY, ("10", "0104")), E_KEY_BLOCK, 17, "kind 4"),
    (_block("D10AX00N", _ROOT_KEY, serial=None), E_KEY_BLOCK, 18, "no serial number"),
    (_block("D10AX00N", _ROOT_KEY, ("20", "0000001"), serial=None), E_KEY_BLOCK, 18, "7 digits"),
    (_block("D10AX00N", _ROOT_KEY, ("20", "0000000x"), serial=None), E_KEY_BLOCK, 18, "no digits"),
    (_block("D10AX00N", _ROOT_KEY, serial=0), E_KEY_REPLAY, 0, "serial number 0"),
    (_block("D10AX00N", _ROOT_KEY, ("30", "x")), E_KEY_BLOCK, 20, "an optional block of nobody's"),
    (_block("D10AX00N", _ROOT_KEY, ("KC", "0000BCEA")), E_KEY_BLOCK, 20, "one that nobody looks at"),
    (_block("D10AX00N", _ROOT_KEY, _S, _S, serial=None), E_KEY_BLOCK, 4, "two serial numbers"),
    (_block("D10AX00N", _ROOT_KEY, key_bits=127), E_KEY_BLOCK, 6, "127 bits"),
    (_block("D10AX00N", _ROOT_KEY, key_bits=8 * 31), E_KEY_BLOCK, 6, "more bits than there are"),
    (_block("D10AX00N", _ROOT_KEY, protection=bytes(32)), E_KEY_BLOCK, 5, "another reader's"),
    (_block("BB1TX00N", _TDES_KEY, _KSN, protection=_PROTECTION_TDES), E_NO_KEY, 12, "no such protection key"),
    (b"", E_KEY_BLOCK, 1, "nothing"),
)
def test_refused(block, code, detail, why):
    if not _untouched:
        _untouched.extend(_parts())
    before = _image(_untouched)
    reader = Reader(_untouched)
    with raises(code, detail):
        _load(reader, block)
    assert _image(_untouched) == before, why
    assert reader.events == [(_LOG_REFUSED, code << 16 | detail)]


def test_no_block():
    reader = _reader()
    with raises(E_LINK_BODY, protocol.KEY_BLOCK):
        key_load.handle(reader, protocol.KEY_LOAD, 1, b"")


def test_a_key_is_not_longer_than_the_one_it_comes_under():
    parts = _parts()
    reader = Reader(parts)
    reader.ring.write([(_BLOCK_KEY, _PROTECTION[:16]), (_BLOCK_TDES, _PROTECTION_TDES)])
    before = _image(parts)
    for block in (
        _block("DB1AX00N", bytes(32), _IK, protection=_PROTECTION[:16]),
        _block("DK1AD00N", bytes(32), protection=_PROTECTION[:16]),
        _block("B10AX00N", _ROOT_KEY, protection=_PROTECTION_TDES),
    ):
        with raises(E_KEY_BLOCK, 19):
            _load(reader, block)
        assert _image(parts) == before
    _load(reader, _block("DB1AX00N", _AES_KEY, _IK, protection=_PROTECTION[:16]))


def test_an_initial_key_is_loaded_once():
    parts = _parts()
    reader = Reader(parts)
    _load(reader, _block("DB1TX00N", _TDES_KEY, _KSN))
    _load(reader, _block("DB1AX00N", _AES_KEY, _IK, serial=2))
    before = _image(parts)
    for fields, key, name in (("DB1TX00N", _TDES_KEY, _KSN), ("DB1AX00N", _AES_KEY, _IK)):
        for again in (key, bytes(16)):
            with raises(E_KEY_EXISTS):
                _load(reader, _block(fields, again, name, serial=3))
            assert _image(parts) == before


def test_a_block_is_taken_once():
    parts = _parts()
    reader = Reader(parts)
    _load(reader, _block("D10AX00N", _ROOT_KEY, serial=0x100))
    before = _image(parts)
    for serial in (0x100, 0xFF, 1):
        with raises(E_KEY_REPLAY):
            _load(reader, _block("DK0TD00N", _TDES_KEY, serial=serial))
        assert _image(parts) == before
    _load(reader, _block("DK0TD00N", _TDES_KEY, serial=0xFFFFFFFF))
    with raises(E_KEY_REPLAY):
        _load(reader, _block("DK0TD00N", _TDES_KEY, serial=0xFFFFFFFF))


def test_one_step_of_the_ring():
    parts = _parts()
    reader = Reader(parts)
    steps = []
    write = reader.ring.write

    def counted(changes):
        steps.append([section for section, _ in changes])
        write(changes)

    reader.ring.write = counted
    _load(reader, _block("DB1TX00N", _TDES_KEY, _KSN))
    _load(reader, _block("D10AX00N", _ROOT_KEY, serial=2))
    _load(reader, _block("D110N00N", _CARD_KEY, ("10", "0102"), serial=3))
    assert [sorted(step) for step in steps] == [[_TDES, _SERIALS], [_ROOT, _SERIALS], [_SERIALS, _CARD_KEYS]]


# Another initial key of AES DUKPT

_OTHER = ("IK", "123456789ABCDEF0")


def _with_aes(power=None, key=_AES_KEY):
    """Parts with an initial key, and the update key that belongs to it."""
    parts = _parts(power)
    reader = Reader(parts)
    _load(reader, _block("DB1AX00N", key, _IK))
    return parts, _section(reader, _AES)[-len(key) :]


@cases((16, "F83E40F7A1"), (24, "5C67D1B9E4"), (32, "88310BCB62"))
def test_an_initial_key_is_updated(size, check):
    first = bytes(range(size))
    parts, update = _with_aes(key=first)
    reader = Reader(parts)
    machine = scheme.machine(reader.ring, scheme.AES_DUKPT)
    machine.next()
    new = bytes(range(0x30, 0x30 + size))
    assert _load(reader, _block("DB1AX00N", new, _OTHER, protection=update, serial=2), 2) == h(check)
    assert machine.serial() == h("123456789ABCDEF000000001")
    assert reader.events == [(_LOG_LOADED, _AES)]
    with raises(E_KEY_BLOCK, 5):  # the key it came under went with the old one
        _load(reader, _block("DB1AX00N", first, _IK, protection=update, serial=3), 2)


def test_updates_that_are_refused():
    parts, update = _with_aes()
    reader = Reader(parts)
    before = _image(parts)
    new = bytes(range(16))
    for block, under, code, detail in (
        (_block("DB1AX00N", new, _OTHER, serial=2), 2, E_KEY_BLOCK, 5),  # under the block protection key
        (_block("DB1AX00N", new, _OTHER, protection=update, serial=2), 0, E_KEY_BLOCK, 5),
        (_block("DB1AX00N", new, _OTHER, protection=update, serial=2), 1, E_LINK_BODY, protocol.SCHEME),
        (_block("DB1AX00N", new, _OTHER, protection=update, serial=2), 3, E_LINK_BODY, protocol.SCHEME),
        (_block("BB1TX00N", new, _KSN, protection=update, serial=2), 2, E_KEY_BLOCK, 2),
        (_block("D10AX00N", new, protection=update, serial=2), 2, E_KEY_BLOCK, 10),
        (_block("DB1TX00N", new, _KSN, protection=update, serial=2), 2, E_KEY_BLOCK, 10),
        (_block("DB1AX00N", bytes(32), _OTHER, protection=update, serial=2), 2, E_KEY_BLOCK, 19),
        (_block("DB1AX00N", new, protection=update, serial=2), 2, E_KEY_BLOCK, 16),
        (_block("DB1AX00N", new, _OTHER, protection=update), 2, E_KEY_REPLAY, 0),
        (_block("DB1AX00N", new, _OTHER, protection=update, serial=None), 2, E_KEY_BLOCK, 18),
        (_block("DB1AX00N", _AES_KEY, _IK, protection=update, serial=2), 2, E_KEY_EXISTS, 0),  # it would begin anew
        (b"", 2, E_KEY_BLOCK, 2),
    ):
        with raises(code, detail):
            _load(reader, block, under)
        assert _image(parts) == before
    parts = _parts()
    with raises(E_NO_KEY):
        _load(Reader(parts), _block("DB1AX00N", new, _OTHER, protection=update), 2)


def test_the_power_goes_at_an_update():
    power = Power()
    parts, update = _with_aes(power)
    before = _image(parts)
    block = _block("DB1AX00N", bytes(range(16)), _OTHER, protection=update, serial=2)
    outcomes = set()
    for shape in _SHAPES:
        n = 0
        was_cut = True
        while was_cut:
            n += 1
            _put_back(parts, before)
            power.cut(n, shape)
            try:
                _load(Reader(parts), block, 2)
            except PowerCut:
                pass
            was_cut = power.restore()
            reader = Reader(parts)
            reader.ring.check()
            serial = scheme.machine(reader.ring, scheme.AES_DUKPT).serial()
            number = _section(reader, _SERIALS)[3]
            assert (serial, number) in (
                (h("123456789012345600000001"), 1),
                (h("123456789ABCDEF000000001"), 2),
            )
            outcomes.add(number)
    assert outcomes == {1, 2}


@cases(
    ("DB1TX00N", _TDES_KEY, (_KSN,), _TDES),
    ("D10AX00N", _ROOT_KEY, (), _ROOT),
    ("DK1AD00N", bytes(range(0x80, 0xA0)), (), _BLOCK_KEY),
    ("D110N00N", _CARD_KEY, (("10", "0102"),), _CARD_KEYS),
)
def test_the_power_goes(fields, key, optional, section):
    """At every program and erase of a load, in every way that one can be cut: both or neither, and nothing else changes."""
    power = Power()
    parts = _parts(power)
    # What is there before: another session root and a TMK
    reader = Reader(parts)
    _load(reader, _block("D10AX00N", bytes(range(0x20, 0x30))))
    _load(reader, _block("DK0TD00N", _TDES_KEY, serial=2))
    before = _image(parts)
    block = _block(fields, key, *optional, serial=3)
    sections = (_TDES, _ROOT, _BLOCK_KEY, _SERIALS, _CARD_KEYS, _MASTER, _READER_ID)
    old = [_section(reader, number) for number in sections]
    _load(reader, block)
    new = [_section(reader, number) for number in sections]
    assert old != new
    outcomes = set()
    for shape in _SHAPES:
        n = 0
        was_cut = True
        while was_cut:
            n += 1
            _put_back(parts, before)
            power.cut(n, shape)
            reader = Reader(parts)
            try:
                _load(reader, block)
            except PowerCut:
                pass
            was_cut = power.restore()
            reader = Reader(parts)
            reader.ring.check()
            found = [_section(reader, number) for number in sections]
            assert found in (old, new), (n, shape)
            outcomes.add(found == new)
            if shape == 2 and was_cut and found == old:
                _load(reader, block)  # and the same block is taken afterwards
                assert [_section(reader, number) for number in sections] == new
            for sector in range(16):
                image = bytes(parts[0].image(sector))
                assert key not in image and old[1] not in image and _PROTECTION not in image
    assert outcomes == {False, True}
    assert n > 5


def test_flash_that_fails():
    parts = _parts()
    reader = Reader(parts)
    block = _block("D10AX00N", _ROOT_KEY)
    parts[0].fails = True
    try:
        _load(reader, block)
        raise AssertionError("it was taken")
    except ReaderError as error:
        assert error.code == 506
    assert reader.events[0][0] == _LOG_REFUSED
