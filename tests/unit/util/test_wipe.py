from reader.util.wipe import wipe


def test_a_buffer_is_zero_afterwards():
    buf = bytearray(b"secret")
    wipe(buf)
    assert buf == bytes(6)


def test_a_view_wipes_its_part_alone():
    buf = bytearray(b"keep secret keep")
    wipe(memoryview(buf)[5:11])
    assert buf == b"keep " + bytes(6) + b" keep"


def test_nothing_to_wipe():
    wipe(bytearray())


def test_every_length_and_nothing_beside_it():
    for n in range(100):
        buf = bytearray(b"\xaa" * (n + 2))
        wipe(memoryview(buf)[1 : n + 1])
        assert buf == b"\xaa" + bytes(n) + b"\xaa", n
