"""Bonds of phones on the key ring: four, the oldest goes, and the power may go at any operation."""

from reader.storage.bonds import Bonds
from reader.storage.key_ring import KeyRing
from testing import SHAPES, Power, PowerCut, cases, ring_parts

FILE_LIMIT_S = 240


class Entropy:
    def fill(self, buf):
        for i in range(len(buf)):
            buf[i] = 0x5A ^ i


def _address(n):
    return bytes((1, n, 0, 0, 0, 0, 0xC0))


def _secret(n, kind, length=80):
    return bytes((16 * n + kind,)) * length


class World:
    def __init__(self):
        self.power = Power()
        self.parts = ring_parts(self.power)
        self.ring = KeyRing(*self.parts)
        self.ring.create(Entropy())
        self.bonds = Bonds(self.ring)

    def keep(self, n, length=80):
        self.bonds.keep(_address(n), _secret(n, 1, length), _secret(n, 2, length))

    def known(self, most=9):
        """Which of the phones 1 to `most` have both secrets."""
        return [
            n
            for n in range(1, most + 1)
            if self.bonds.find(1, 0, _address(n)) == _secret(n, 1)
            and self.bonds.find(2, 0, _address(n)) == _secret(n, 2)
        ]


def test_none_at_first():
    world = World()
    assert world.known() == []
    assert world.bonds.find(1, 0, None) is None


def test_four_and_then_the_oldest_goes():
    world = World()
    for n in range(1, 7):
        world.keep(n)
    assert world.known() == [3, 4, 5, 6]
    assert [world.bonds.find(2, i, None) for i in range(5)] == [_secret(n, 2) for n in (6, 5, 4, 3)] + [None]


def test_a_phone_that_pairs_again_has_one_bond_and_is_the_newest():
    world = World()
    for n in (1, 2, 3, 4, 1, 5):
        world.keep(n)
    assert world.known() == [1, 3, 4, 5]


@cases((41,), (80,), (88,), (96,))
def test_secrets_of_every_stack_fit(length):
    world = World()
    for n in (1, 2, 3, 4):
        world.keep(n, length)
    assert [len(world.bonds.find(1, i, None)) for i in range(4)] == [length] * 4


def test_nothing_of_a_bond_is_readable_in_the_flash():
    world = World()
    world.keep(1)
    world.keep(2)
    for sector in range(16):
        image = world.parts[0].image(sector)
        for n in (1, 2):
            for kind in (1, 2):
                assert _secret(n, kind, 8) not in image
            assert _address(n) not in image


def test_the_power_goes_at_every_operation():
    """With four there, the fifth: the old four or the new four, never fewer."""
    seen = set()
    for shape in range(SHAPES):
        n = 0
        was_cut = True
        while was_cut:
            n += 1
            world = World()
            for phone in (1, 2, 3, 4):
                world.keep(phone)
            world.power.cut(n, shape)
            try:
                world.keep(5)
            except PowerCut:
                pass
            was_cut = world.power.restore()
            world.bonds = Bonds(KeyRing(*world.parts))
            KeyRing(*world.parts).check()
            known = world.known(5)
            assert known in ([1, 2, 3, 4], [2, 3, 4, 5]), (n, shape, known)
            seen.add(tuple(known))
            if was_cut:
                world.keep(5)
                assert world.known(5) == [2, 3, 4, 5]
        assert n > 3
    assert len(seen) == 2
