"""The key store: what is written is read, and at any cut of the power it is the old state or the new one."""

from testing import new_ring


def _read(ring, section):
    out = bytearray(ring.size(section))
    assert ring.read_into(section, out) == len(out)
    return bytes(out)


def _pattern(n, seed=1):
    return bytes([(i * 7 + seed * 31 ^ i >> 5) & 0xFF for i in range(n)])


def test_what_is_written_is_read():
    ring = new_ring((1, _pattern(370)), (3, _pattern(16, 3)))
    assert _read(ring, 1) == _pattern(370)
    assert _read(ring, 3) == _pattern(16, 3)
    assert ring.size(2) == 0
    ring.write([(2, _pattern(700, 2)), (1, None)])
    assert _read(ring, 1) == b""
    assert _read(ring, 2) == _pattern(700, 2)
    assert _read(ring, 3) == _pattern(16, 3)


def test_many_generations():
    ring = new_ring()
    for n in range(40):
        ring.write([(1 + n % 5, _pattern(n * 9, n))])
        for back in range(min(n, 4)):
            assert _read(ring, 1 + (n - back) % 5) == _pattern((n - back) * 9, n - back)
        assert not ring.check()
