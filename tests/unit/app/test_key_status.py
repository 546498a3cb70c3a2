"""What keys there are is told, and none of them."""

from reader.app import key_status
from reader.dukpt import scheme
from reader.errors import E_NO_KEY
from reader.link import protocol
from reader.storage.key_ring import KeyRing
from testing import h, new_ring, raises, ring_parts

_RECORD = 24

# ANSI X9.24-1:2009, A.4; X9.24-3:2017, test vectors
_TDES_KEY = h("6AC292FAA1315B4D858AB3A3D7D5933A")
_TDES_KSN = h("FFFF9876543210E00000")
_AES_KEY = h("1273671EA26AC29AFA4D1084127652A1")
_AES_KSN = h("123456789012345600000000")
# Made up
_KEY = h("C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF")
_LONG = _KEY + _KEY


class Reader:
    def __init__(self, ring):
        self.ring = ring


def _records(ring):
    write = key_status.handle(Reader(ring), protocol.KEY_STATUS, 1, b"")
    answer = write(protocol.Writer().begin(protocol.RESPONSE, protocol.KEY_STATUS, 1)).body()
    assert protocol.need_int(answer, protocol.ERROR, 2) == 0
    info = bytes(protocol.need(answer, protocol.KEY_INFO))
    assert len(info) % _RECORD == 0
    return [info[at : at + _RECORD] for at in range(0, len(info), _RECORD)]


def test_an_empty_store():
    assert _records(new_ring()) == []


def test_no_store():
    with raises(E_NO_KEY):
        _records(KeyRing(*ring_parts()))


def test_each_section():
    # Check values: psec (TDES), OpenSSL's CMAC (AES)
    slots = bytearray(112)
    slots[0] = protocol.KEY_A
    slots[15 * 7] = protocol.KEY_PASSWORD
    slots[1:7] = slots[15 * 7 + 1 : 16 * 7] = b"secret"
    ring = new_ring(
        (3, _KEY),
        (4, _LONG),
        (5, bytes(range(12))),
        (7, slots),
        (8, _TDES_KEY),
        (9, bytes(48)),
        (10, bytes(200)),
        (11, h("FFFF9876543210E0")),
        (12, bytes(range(0x40, 0x50))),
        (13, b"\x01"),
    )
    assert _records(ring) == [
        h("03 41 0010 000000000000000000000000 227DCE88 00000000"),
        h("04 41 0020 000000000000000000000000 003912AE 00000000"),
        h("05 00 000C 000102030405060708090A0B 00000000 00000000"),
        h("07 00 0070 800100000000000000000000 00000000 00000000"),
        h("08 54 0010 000000000000000000000000 AF8C0700 00000000"),
        h("09 00 0030 000000000000000000000000 00000000 00000000"),
        h("0A 00 00C8 000000000000000000000000 00000000 00000000"),
        h("0B 00 0008 FFFF9876543210E000000000 00000000 00000000"),
        h("0C 54 0010 000000000000000000000000 8BAF4700 00000000"),
        h("0D 00 0001 000000000000000000000000 00000000 00000000"),
    ]


def test_tdes_dukpt():
    ring = new_ring()
    machine = scheme.machine(ring, scheme.TDES_DUKPT)
    machine.load_initial_key(_TDES_KEY, _TDES_KSN)
    (record,) = _records(ring)
    size = ring.size(1)
    assert record == h("01 54") + size.to_bytes(2, "big") + h("FFFF9876543210E00001 0000 00000000 000FFFFF")
    machine.next()
    assert _records(ring)[0][4:14] == h("FFFF9876543210E00002")
    # Whatever is in the registers, it is not in there
    state = bytearray(size)
    ring.read_into(1, state)
    for at in range(10, size, 17):
        assert bytes(state[at : at + 4]) not in record or not any(state[at : at + 4])


def test_aes_dukpt():
    ring = new_ring()
    scheme.machine(ring, scheme.AES_DUKPT).load_initial_key(_AES_KEY, _AES_KSN)
    (record,) = _records(ring)
    size = ring.size(2)
    assert record == h("02 41") + size.to_bytes(2, "big") + h("123456789012345600000001 00000000 7FFFFFFF")


def test_used_up():
    ring = new_ring()
    machine = scheme.machine(ring, scheme.TDES_DUKPT)
    machine.load_initial_key(_TDES_KEY, _TDES_KSN)
    state = bytearray(ring.size(1))
    ring.read_into(1, state)
    state[9] = 0  # the counter: 0 says that all keys are used up
    ring.write([(1, state)])
    assert _records(ring)[0][20:] == bytes(4)
