"""DUKPT on the real key ring: whatever operation of the flash the power goes in, no key serves twice and none is left."""

from reader.dukpt.aes import AesDukpt
from reader.dukpt.tdes import TdesDukpt
from reader.errors import E_KEY_EXISTS, E_NO_KEY, ReaderError
from reader.storage.key_ring import KeyRing
from testing import FixedEntropy, Power, PowerCut, cases, h, ring_parts

HEAP_K = 256
FILE_LIMIT_S = 180  # on the emulated board, beside others

# X9.24-1:2009, A.4; X9.24-3:2017, test vectors
_TDES = (TdesDukpt, 1, h("6AC292FAA1315B4D858AB3A3D7D5933A"), h("FFFF9876543210E00000"))
_AES = (AesDukpt, 2, h("1273671EA26AC29AFA4D1084127652A1"), h("123456789012345600000000"))
_ANOTHER = bytes(range(16))
_SHAPES = (0, 1, 4)  # of the cut operation nothing is done, all of it, some bits; the ring's own tests have more


def _watched(kind):
    class Watched(kind):
        """Shows the current key of each packet, when it is made: given or not."""

        made = []

        def _keys(self, serial, key, entropy):
            self.made.append(bytes(key))
            return super()._keys(serial, key, entropy)

    return Watched


class _Device:
    def __init__(self, kind, section, key, serial):
        self.power = Power()
        self.parts = ring_parts(self.power)
        KeyRing(*self.parts).create(FixedEntropy(bytes(range(100, 132))))
        self.kind = _watched(kind)
        self.kind.made = []
        self.section = section
        self.key = key
        self.serial = serial
        self.given = []

    def work(self, until):
        """Load the initial key and take keys, as far as that goes."""
        ring = KeyRing(*self.parts)
        ring.check()
        dukpt = self.kind(ring)
        try:
            dukpt.check()
        except ReaderError as error:
            assert error.code == E_NO_KEY and not self.given
            dukpt.load_initial_key(self.key, self.serial)
        while len(self.given) < until:
            keys = dukpt.next()
            self.given.append((keys.ksn, bytes(keys.mac_request)))

    def check(self):
        serials = [serial for serial, _ in self.given]
        assert serials == sorted(set(serials))
        assert len({key for _, key in self.given}) == len(self.given)
        # A key that was made and not given is not given later
        ring = KeyRing(*self.parts)
        state = bytearray(ring.size(self.section))
        ring.read_into(self.section, state)
        images = [bytes(image) for part in self.parts[:2] for image in part.copy().values()] + [bytes(state)]
        for used in self.kind.made + [self.key] + [key for _, key in self.given]:
            for image in images:
                assert image.find(used) < 0 and image.find(used[:8]) < 0 and image.find(used[8:]) < 0


@cases(_TDES, _AES)
def test_power_cut_at_every_operation_of_the_first_key(kind, section, key, serial):
    at = 0
    while True:
        at += 1
        device = _Device(kind, section, key, serial)
        device.power.cut(at, _SHAPES[at % 3])
        try:
            device.work(0)
            break  # it has fewer operations
        except PowerCut:
            device.power.restore()
        device.work(1)
        device.check()
        assert device.given[0][0][-1] == 1
    assert at > 4  # it programs, steps the witness, erases


@cases(_TDES, _AES)
def test_power_cut_at_every_operation_of_a_packet(kind, section, key, serial):
    device = _Device(kind, section, key, serial)
    device.work(1)
    lost = cuts = 0
    for shape in _SHAPES:
        at = 0
        while True:
            at += 1
            n = len(device.given)
            device.power.cut(at, shape)
            try:
                device.work(n + 1)
                device.power.restore()
                break
            except PowerCut:
                device.power.restore()
            cuts += 1
            device.work(n + 1)
            missing = device.given[-1][0][-1] - device.given[-2][0][-1] - 1
            assert missing in (0, 1)
            lost += missing
        assert at > 4
        device.check()
    # At some the new state was whole, and that key was never given; at some the old one was
    assert 0 < lost < cuts


def test_power_cut_at_every_operation_of_an_update():
    kind, section, key, serial = _AES
    at = old = new = 0
    while True:
        at += 1
        device = _Device(kind, section, key, serial)
        device.work(2)
        before = {key for _, key in device.given}
        device.power.cut(at, _SHAPES[at % 3])
        try:
            _update(device)
            break  # it has fewer operations
        except PowerCut:
            device.power.restore()
        ring = KeyRing(*device.parts)
        ring.check()
        device.given = []
        if device.kind(ring).serial()[-1] == 1:  # only the new one can start from there
            new += 1
            try:
                _update(device)
                raise AssertionError
            except ReaderError as error:
                assert error.code == E_KEY_EXISTS
        else:
            old += 1
        device.work(2)
        device.check()
        assert not before & {key for _, key in device.given}
    assert old and new


def _update(device):
    device.kind(KeyRing(*device.parts)).update_initial_key(lambda update: (bytearray(_ANOTHER), device.serial))
