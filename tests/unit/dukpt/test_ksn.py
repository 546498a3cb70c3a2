"""The 21 bits of the counter in the key serial number."""

from reader.dukpt import ksn
from testing import cases, h


# X9.24-1:2009, A.4: serial numbers of the examples
@cases(
    ("FFFF9876543210E00000", 0),
    ("FFFF9876543210E00001", 1),
    ("FFFF9876543210EFF800", 0xFF800),
    ("FFFF9876543210F00000", 0x100000),
    ("FFFF9876543210FFFFFF", 0x1FFFFF),
    ("FFFF9876543210DFFFFF", 0x1FFFFF),
)
def test_counter(serial, counter):
    assert ksn.counter(h(serial)) == counter


@cases(0, 1, 0xFF, 0x100, 0xFFFF, 0x10000, 0x100000, 0x1FFFFF)
def test_set_counter(counter):
    for base in ("FFFF9876543210E00000", "00000000000000000000", "FFFFFFFFFFFFFFFFFFFF"):
        serial = bytearray(h(base))
        ksn.set_counter(serial, counter)
        assert ksn.counter(serial) == counter
        assert serial[:7] == h(base)[:7] and serial[7] & 0xE0 == h(base)[7] & 0xE0


def test_set_counter_past_the_end():
    serial = bytearray(h("FFFF9876543210E00000"))
    ksn.set_counter(serial, 0x200000)
    assert serial == h("FFFF9876543210E00000")


@cases((0, 0), (1, 1), (0x100000, 1), (0x1FFFFF, 21), (0x0A5, 4), (0x1FF800, 10))
def test_one_bits(value, n):
    assert ksn.one_bits(value) == n
