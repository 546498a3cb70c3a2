"""The key store: what is written is read, and at any cut of the power it is the old state or the new one."""

from reader.errors import E_ENTROPY, E_INTERNAL, E_KEY_EXISTS, E_NO_KEY, E_STORE, ReaderError
from reader.storage.key_ring import CORRUPT, FAULT, FULL, LOST, ROLLED_BACK, SECTORS, KeyRing
from testing import SHAPES, FixedEntropy, Power, PowerCut, cases, new_ring, raises, ring_parts

HEAP_K = 512  # a dozen generations of a ring, kept for comparison
FILE_LIMIT_S = 600  # on the emulated board; the unix port takes half a minute

_SECTIONS = (1, 2, 3, 7, 9, 22)
_HEAD = 64
_ABANDONED = 0x44  # two numbers of the witness


def _pattern(n, seed=1):
    return bytes([(i * 7 + seed * 31 ^ i >> 5) & 0xFF for i in range(n)])


def _read(ring, section):
    out = bytearray(ring.size(section) + 3)
    n = ring.read_into(section, out)
    assert out[n:] == b"\0\0\0"
    return bytes(out[:n])


def _state(ring):
    return {section: data for section in _SECTIONS if (data := _read(ring, section))}


class _Device:
    """A ring with power that can go, and images of it."""

    def __init__(self, *changes):
        self.power = Power()
        self.parts = ring_parts(self.power)
        self.keys, self.journal, self.secret = self.parts
        self.ring = KeyRing(*self.parts)
        if changes:
            self.ring.create(FixedEntropy(_pattern(32, 99)))
            self.ring.write(changes)

    def image(self):
        return self.keys.copy(), self.journal.copy(), self.secret.data

    def put_back(self, image):
        self.keys.put_back(image[0])
        self.journal.put_back(image[1])
        self.secret.data = image[2]

    def run(self, at, shape, work):
        """`work` with a cut at operation `at`: whether there was one. The power is back afterwards, all objects are new."""
        self.power.cut(at, shape)
        try:
            work(KeyRing(*self.parts))
        except PowerCut:
            pass
        self.ring = KeyRing(*self.parts)
        return self.power.restore()

    def full_sectors(self):
        return [sector for sector, kept in self.keys.copy().items() if kept.strip(b"\xff")]


_OLD = ((1, _pattern(371)), (3, _pattern(16, 3)), (7, _pattern(112, 7)), (9, _pattern(260, 9)))


def test_what_is_written_is_read():
    ring = new_ring((1, _pattern(370)), (3, _pattern(16, 3)))
    assert _state(ring) == {1: _pattern(370), 3: _pattern(16, 3)}
    ring.write([(2, _pattern(700, 2)), (1, None)])
    assert _state(ring) == {2: _pattern(700, 2), 3: _pattern(16, 3)}
    ring.write(((3, b""), (22, bytearray(b"\x16"))))
    assert _state(ring) == {2: _pattern(700, 2), 22: b"\x16"}
    ring.write([])
    assert _state(ring) == {2: _pattern(700, 2), 22: b"\x16"}


def test_many_generations():
    ring = new_ring()
    for n in range(40):
        ring.write([(1 + n % 5, _pattern(n * 9, n))])
        for back in range(min(n, 4)):
            assert _read(ring, 1 + (n - back) % 5) == _pattern((n - back) * 9, n - back)
        assert not ring.check()


def test_another_opener_sees_the_same():
    device = _Device(*_OLD)
    other = KeyRing(*device.parts)
    device.ring.write([(9, _pattern(40))])
    assert _read(other, 9) == _pattern(40)
    other.write([(9, None)])
    assert device.ring.size(9) == 0


@cases((0, 256), (1, 255), (255, 1), (256, 256), (192, 64), (63, 1), (1, 4015), (4016, 0))
def test_sizes(first, second):
    device = _Device((1, _pattern(first)), (2, _pattern(second, 2)))
    for ring in (device.ring, KeyRing(*device.parts)):
        assert _read(ring, 1) == _pattern(first)
        assert _read(ring, 2) == _pattern(second, 2)
    device.ring.write([(1, None)])
    assert _read(device.ring, 2) == _pattern(second, 2)


def test_too_much():
    ring = new_ring((1, _pattern(4000)))
    with raises(E_STORE, FULL):
        ring.write([(2, _pattern(17))])
    assert _read(ring, 1) == _pattern(4000)
    ring.write([(2, _pattern(16))])
    assert _read(ring, 1) + _read(ring, 2) == _pattern(4000) + _pattern(16)


def test_out_too_short():
    ring = new_ring((1, _pattern(20)))
    with raises(E_INTERNAL):
        ring.read_into(1, bytearray(19))


def test_blank():
    device = _Device()
    assert device.ring.is_blank()
    for work in (device.ring.check, lambda: device.ring.size(1), lambda: device.ring.write([])):
        with raises(E_NO_KEY):
            work()
    assert device.power.operations == 0


def test_created_once():
    device = _Device(*_OLD)
    assert not device.ring.is_blank()
    kept = device.image()
    with raises(E_KEY_EXISTS):
        device.ring.create(FixedEntropy(_pattern(32)))
    assert device.image() == kept


def test_no_entropy():
    device = _Device()
    with raises(E_ENTROPY):
        device.ring.create(FixedEntropy(None))
    assert device.ring.is_blank()
    assert device.power.operations == 0


def test_the_same_state_is_never_encrypted_alike():
    # Nor are two states under one key stream: what one generation's cipher text is for zeros, another's is not
    device = _Device((1, bytes(64)))
    seen = []
    for _ in range(20):
        device.ring.write([(1, bytes(64))])
        (sector,) = device.full_sectors()
        body = bytes(device.keys.image(sector)[_HEAD : _HEAD + 64])
        for at in range(0, 64, 16):
            assert body[at : at + 16] not in seen
            seen.append(body[at : at + 16])


def test_put_back_and_changed_otherwise():
    # Who can put back both partitions gets the old state, but not two states under one key stream
    device = _Device((1, bytes(64)), (2, bytes(64)))
    kept = device.image()
    streams = []
    for changes in ([(1, bytes(32))], [(2, bytes(32))], [(1, None)], [(2, None), (1, bytes(64))], [(22, bytes(1))]):
        device.put_back(kept)
        device.ring.write(changes)
        (sector,) = device.full_sectors()
        streams.append(bytes(device.keys.image(sector)[_HEAD : _HEAD + 32]))
    assert len(set(streams)) == len(streams)


# --- power cuts


def _create(ring):
    if ring.is_blank():
        ring.create(FixedEntropy(_pattern(32, 98)))


def test_cut_create():
    device = _Device()
    blank = device.image()
    for shape in range(SHAPES):
        for before in (False, True):  # something lies in the flash, from before
            at = 1
            while True:
                device.put_back(blank)
                if before:
                    device.keys.image(3)[:] = _pattern(500)
                    device.journal.image(0)[:] = _pattern(40)
                    device.secret.data = bytes(33)
                if not device.run(at, shape, _create):
                    break
                made = not device.ring.is_blank()
                if made:
                    assert _state(device.ring) == {}
                else:
                    with raises(E_NO_KEY):
                        device.ring.check()
                    _create(device.ring)
                device.ring.check()
                device.ring.write(_OLD)
                assert _state(device.ring) == dict(_OLD)
                assert len(device.full_sectors()) == 1
                at += 1
            assert at > 10


_CHANGES = (
    ((2, _pattern(50, 2)),),  # new
    ((1, _pattern(900, 4)),),  # grown
    ((9, _pattern(12, 5)),),  # shrunk
    ((7, None),),  # removed
    ((3, _pattern(16, 6)),),  # another of the same size
    ((1, None), (2, _pattern(700, 8)), (3, _pattern(17, 8)), (22, b"\x01")),  # several
    tuple([(section, None) for section, _ in _OLD]),  # all
)


@cases(*[(changes,) for changes in _CHANGES])
def test_cut_write(changes):
    device = _Device(*_OLD)
    old = _state(device.ring)
    kept = device.image()
    device.ring.write(changes)
    new = _state(device.ring)
    assert old != new
    olds = news = 0
    for shape in range(SHAPES):
        at = 1
        while True:
            device.put_back(kept)
            if not device.run(at, shape, lambda ring: ring.write(changes)):
                break
            assert _state(device.ring) in (old, new)
            device.ring.check()
            state = _state(device.ring)
            assert not device.ring.check()
            assert len(device.full_sectors()) == 1
            if state == old:
                olds += 1
                device.ring.write(changes)
                assert _state(device.ring) == new
            else:
                news += 1
                assert state == new
            assert len(device.full_sectors()) == 1
            at += 1
        assert at > 6
    assert olds
    assert news


def test_write_after_a_cut_without_check():
    device = _Device(*_OLD)
    kept = device.image()
    for shape in range(SHAPES):
        at = 1
        while True:
            device.put_back(kept)
            if not device.run(at, shape, lambda ring: ring.write([(2, _pattern(50))])):
                break
            device.ring.write([(22, b"\x05")])
            state = _state(device.ring)
            assert state in (dict(_OLD + ((22, b"\x05"),)), dict(_OLD + ((22, b"\x05"), (2, _pattern(50)))))
            assert len(device.full_sectors()) == 1
            at += 1


def test_cut_again_while_it_repairs():
    device = _Device(*_OLD)
    kept = device.image()
    old = _state(device.ring)
    device.ring.write(_CHANGES[5])
    new = _state(device.ring)
    cuts = 0
    for at in range(1, 15):
        shape = at % SHAPES
        device.put_back(kept)
        if not device.run(at, shape, lambda ring: ring.write(_CHANGES[5])):
            break
        cut = device.image()
        state = _state(device.ring)
        for again in range(SHAPES):
            second = 1
            while True:
                device.put_back(cut)
                if not device.run(second, again, lambda ring: ring.check()):
                    break
                assert _state(device.ring) == state
                device.ring.check()
                assert _state(device.ring) == state
                assert state in (old, new)
                assert len(device.full_sectors()) == 1
                second += 1
                cuts += 1
    assert cuts >= 25 * SHAPES


def test_twenty_cuts_in_a_row():
    device = _Device(*_OLD)
    for n in range(20):
        assert device.run(4, n % SHAPES, lambda ring: ring.write([(2, _pattern(50))]))
        assert _state(device.ring) == dict(_OLD)
    device.ring.write([(2, _pattern(50))])
    assert _state(device.ring) == dict(_OLD + ((2, _pattern(50)),))
    assert len(device.full_sectors()) == 1


def _fill_witness(device):
    """As if power cuts had used up the numbers of the witness' sector; which one that is."""
    (sector,) = [number for number in (0, 1) if number in device.journal.copy()]
    image = device.journal.image(sector)
    image.extend(bytes((_ABANDONED,)) * (4096 - len(image)))
    return sector


def test_the_witness_changes_sectors():
    device = _Device(*_OLD)
    for n in range(4):
        full = _fill_witness(device)
        device.ring.write([(2, _pattern(50 + n))])
        assert device.journal.erases[:2] == [2 + n, 2 + n]  # once each by `create`
        assert _state(device.ring) == dict(_OLD + ((2, _pattern(50 + n)),))
        assert list(device.journal.copy()) == [1 - full]
        assert not device.ring.check()


def test_cut_while_the_witness_changes_sectors():
    device = _Device(*_OLD)
    _fill_witness(device)
    kept = device.image()
    new = dict(_OLD + ((2, _pattern(50)),))
    for shape in range(SHAPES):
        at = 1
        while True:
            device.put_back(kept)
            if not device.run(at, shape, lambda ring: ring.write([(2, _pattern(50))])):
                break
            device.ring.check()
            assert _state(device.ring) in (dict(_OLD), new)
            device.ring.write([(2, _pattern(50))])
            assert _state(device.ring) == new
            assert len(device.full_sectors()) == 1
            at += 1
        # erase, head, erase of the witness; reserve, head, 4 pieces, CMAC, commit, erase, settle
        assert at == 3 + 10 + 1


# --- what is not the newest state


def test_put_back():
    device = _Device(*_OLD)
    rings = []
    for n in range(2 * SECTORS + 3):
        rings.append(device.keys.copy())
        device.ring.write([(2, _pattern(n))])
    for ring in rings:  # the last is one step back
        device.keys.put_back(ring)
        for work in (device.ring.check, lambda: device.ring.size(1), lambda: device.ring.write([])):
            with raises(E_STORE, ROLLED_BACK):
                work()


def test_put_back_beside_the_newest():
    device = _Device(*_OLD)
    old = device.keys.copy()
    device.ring.write([(1, None)])
    new = device.keys.copy()
    both = dict(new)
    both.update(old)
    device.keys.put_back(both)
    assert device.ring.size(1) == 0
    assert device.ring.check()
    assert device.ring.size(1) == 0
    assert device.keys.copy() == new


def test_a_generation_that_never_was_is_not_put_back():
    # The power goes before the witness said so; somebody copies that sector, and puts it back when the reader has done
    # something else in its stead
    device = _Device(*_OLD)
    at = 1
    while True:
        assert device.run(at, 0, lambda ring: ring.write([(2, _pattern(50))]))
        if len(device.full_sectors()) == 2:
            at += 1
        if at > 1 and device.ring.size(2):
            break
        copied = device.keys.copy()
        device.ring.check()
        device.ring.write([(9, None)])
        device.keys.put_back(copied)
        with raises(E_STORE):
            device.ring.check()
        device = _Device(*_OLD)
        at += 1
    assert at > 4


def test_the_witness_is_gone():
    device = _Device(*_OLD)
    device.journal.put_back({})
    with raises(E_STORE, ROLLED_BACK):
        device.ring.check()
    assert not device.ring.is_blank()


def test_everything_but_the_secret_is_gone():
    device = _Device(*_OLD)
    device.journal.put_back({})
    device.keys.put_back({})
    with raises(E_STORE, LOST):
        device.ring.check()
    assert not device.ring.is_blank()


def test_the_ring_is_gone():
    device = _Device(*_OLD)
    device.keys.put_back({})
    with raises(E_STORE, LOST):
        device.ring.check()
    with raises(E_STORE, LOST):
        device.ring.size(1)


def test_the_secret_is_gone():
    device = _Device(*_OLD)
    device.secret.data = None
    for work in (device.ring.check, lambda: device.ring.size(1), lambda: device.ring.write([])):
        with raises(E_STORE, LOST):
            work()
    assert not device.ring.is_blank()
    device.keys.put_back({})
    with raises(E_STORE, LOST):
        device.ring.check()
    device.journal.put_back({})  # nothing tells this reader from a new one, and there is nothing in it
    with raises(E_NO_KEY):
        device.ring.check()


def test_another_secret():
    device = _Device(*_OLD)
    device.secret.data = _pattern(32, 5) + b"\x01"
    with raises(E_STORE, CORRUPT):
        device.ring.check()
    for data in (b"", _pattern(32), _pattern(34)):
        device.secret.data = data
        with raises(E_STORE, CORRUPT):
            device.ring.check()


def test_every_byte_counts():
    device = _Device((1, _pattern(30)), (3, _pattern(16, 3)))
    (sector,) = device.full_sectors()
    kept = device.keys.copy()
    size = len(kept[sector])
    assert size == _HEAD + 46 + 16
    for at in range(size):
        for bit in (1, 0x80):
            device.keys.image(sector)[at] ^= bit
            with raises(E_STORE, CORRUPT):
                device.ring.check()
            with raises(E_STORE, CORRUPT):
                device.ring.size(1)
            device.keys.put_back(kept)
    device.ring.check()


def test_authentic_in_another_sector():
    device = _Device(*_OLD)
    (sector,) = device.full_sectors()
    image = device.keys.copy()
    device.keys.put_back({(sector + 1) % SECTORS: image[sector]})
    with raises(E_STORE, ROLLED_BACK):
        device.ring.check()


def test_a_touched_head_of_the_witness_is_none():
    device = _Device(*_OLD)
    kept = device.journal.copy()
    (sector,) = kept
    for at in range(24):
        device.journal.image(sector)[at] ^= 0x10
        with raises(E_STORE, ROLLED_BACK):
            device.ring.check()
        device.journal.put_back(kept)
    device.ring.check()


def test_flash_fails():
    for part in (0, 1):
        device = _Device(*_OLD)
        device.parts[part].fails = True
        ring = device.ring
        with raises(E_STORE, FAULT):
            ring.check()
        with raises(E_STORE, FAULT):
            ring.size(1)
        with raises(E_STORE, FAULT):
            ring.write([(1, None)])
        device.parts[part].fails = False
        assert _state(device.ring) == dict(_OLD)


def test_something_lies_in_the_next_sector():
    for offset in (0, _HEAD + 5):  # seen before, or when it is read back
        device = _Device(*_OLD)
        (sector,) = device.full_sectors()
        device.keys.image((sector + 1) % SECTORS).extend(b"\xff" * offset + b"\x55")
        try:
            device.ring.write([(1, None)])
            assert offset == 0
        except ReaderError as error:
            assert (error.code, error.detail) == (E_STORE, FAULT)
            assert _state(device.ring) == dict(_OLD)
            device.ring.write([(1, None)])
        assert device.ring.size(1) == 0
        assert len(device.full_sectors()) == 1


@cases((0,), (1,))
def test_flash_that_does_not_program(part):
    device = _Device(*_OLD)
    flash = device.parts[part]
    flash.sticks = True
    with raises(E_STORE, FAULT):
        device.ring.write([(1, None)])
    flash.sticks = False
    assert _state(device.ring) == dict(_OLD)
    device.ring.write([(1, None)])
    assert device.ring.size(1) == 0


def test_wear():
    device = _Device(*_OLD)
    device.keys.erases = [0] * SECTORS
    for n in range(4 * SECTORS):
        device.ring.write([(2, _pattern(n))])
    assert device.keys.erases == [4] * SECTORS
    assert device.journal.erases[:2] == [1, 1]  # by `create`
