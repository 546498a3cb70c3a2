"""AES DUKPT against the vectors of ANSI X9.24-3:2017 (x9_24_3.py), its end, its update, and power cuts."""

import x9_24_3
from fakes import FixedEntropy
from ring_memory import RingMemory

from reader.crypto.aes import CBC, cipher
from reader.crypto.cmac import cmac
from reader.dukpt import aes
from reader.dukpt.scheme import AES_DUKPT, check, next_keys
from reader.errors import (
    E_ENTROPY,
    E_INTERNAL,
    E_KEY_EXHAUSTED,
    E_KEY_EXISTS,
    E_NO_KEY,
    E_STORE,
    E_TAG_FORMAT,
    ReaderError,
)
from testing import cases, h, raises

_SECTION = 2  # storage/sections.AES
_ID = h(x9_24_3.INITIAL_KEY_ID)
_SERIAL = _ID + bytes(4)
_KEY_128 = h(x9_24_3.INITIAL_KEY_128)
_KEY_256 = h(x9_24_3.INITIAL_KEY_256)
_KEY_192 = _KEY_256[:24]
_LENGTHS = {16: 572, 24: 836, 32: 1100}
_PIN = b"\x01\x02\x03\x04"
_DATA = b"4012345678909D987"


class _Watched(aes.AesDukpt):
    """Shows the current key of each packet."""

    current = b""

    def _keys(self, serial, key, entropy):
        self.current = bytes(key)
        return super()._keys(serial, key, entropy)


def _loaded(key=_KEY_128, **options):
    ring = RingMemory(**options)
    aes.AesDukpt(ring).load_initial_key(key, _SERIAL)
    return ring


def _state(ring):
    return ring.sections[_SECTION]


def _set_counter(ring, counter):
    state = _state(ring)
    ring.sections[_SECTION] = state[:8] + counter.to_bytes(4, "big") + state[12:]


def _forward(ring, counter):
    """Bring the registers to those of `counter` by taking the keys of its leading bits only."""
    prefix = 0
    for i in range(31, -1, -1):
        if counter >> i & 1:
            if prefix:
                _set_counter(ring, prefix)
                aes.AesDukpt(ring).next()
            prefix |= 1 << i
    _set_counter(ring, counter)


def _counter(keys):
    return int.from_bytes(keys.ksn[8:], "big")


def _rows(text):
    return [row.split() for row in text.strip().split("\n")]


def test_initial_sequence_128():
    ring = _loaded()
    dukpt = _Watched(ring)
    for counter, current, pin, mac, data, block in _rows(x9_24_3.SEQUENCE_128):
        keys = dukpt.next(FixedEntropy(h(x9_24_3.PIN_RANDOM)))
        assert (keys.scheme, keys.ksn, keys.pin_format, keys.block) == (AES_DUKPT, _ID + h(counter), 4, 16)
        assert dukpt.current == h(current)
        assert (keys.pin, keys.mac_request, keys.data) == (h(pin), h(mac), h(data))
        assert keys.pin_block(_PIN, h(x9_24_3.PIN_ACCOUNT)) == h(block)


def test_initial_sequence_256():
    dukpt = _Watched(_loaded(_KEY_256))
    short = _rows(x9_24_3.SEQUENCE_128_OF_256)
    for counter, current, pin, mac, data in _rows(x9_24_3.SEQUENCE_256):
        keys = dukpt.next()
        assert keys.ksn == _ID + h(counter) and dukpt.current == h(current)
        assert (keys.pin, keys.mac_request, keys.data) == (h(pin), h(mac), h(data))
        # AES-128 working keys from it
        row = short.pop(0)
        assert row[0] == counter
        for usage, key in zip((aes.PIN_ENCRYPTION, aes.MAC_GENERATION, aes.DATA_ENCRYPTION), row[1:]):
            assert _derived(dukpt.current, usage, aes.AES_128, keys.ksn, 16) == h(key)


def _derived(key, usage, algorithm, serial, n):
    out = bytearray(n)
    aes.derive_into(key, usage, algorithm, serial, out)
    return out


@cases((_KEY_128, 1), (_KEY_256, 2))
def test_rollover_sequence(key, column):
    rows = _rows(x9_24_3.ROLLOVER)
    ring = _loaded(key)
    _forward(ring, int(rows[0][0], 16))
    dukpt = _Watched(ring)
    for row in rows:
        assert dukpt.next().ksn == _ID + h(row[0])
        assert dukpt.current == h(row[column])


@cases((_KEY_128, 1), (_KEY_192, 0), (_KEY_256, 2))
def test_exhaustion(key, column):
    # The last eighteen counters, of which the supplement has four
    rows = _rows(x9_24_3.LAST)
    ring = _loaded(key)
    _forward(ring, 0xFFFE0000)
    dukpt = _Watched(ring)
    for counter in [0xFFFE0000] + [0xFFFE0000 | 1 << i for i in range(17)]:
        assert _counter(dukpt.next()) == counter
        if column and counter >= int(rows[0][0], 16):
            assert dukpt.current == h(rows.pop(0)[column])
    assert not column or not rows
    for _ in range(2):
        with raises(E_KEY_EXHAUSTED):
            dukpt.next()
        with raises(E_KEY_EXHAUSTED):
            check(ring, AES_DUKPT)
        dukpt = _Watched(ring)
    assert dukpt.serial() == _SERIAL
    with raises(E_KEY_EXISTS):
        dukpt.load_initial_key(key, _SERIAL)
    # No register has a key, and none checks
    step = len(key) + 1
    for at in range(12, 12 + 32 * step, step):
        assert _state(ring)[at : at + step] == bytes(len(key)) + b"\x01"


def test_a_counter_that_no_device_uses():
    # The supplement's 0001FFFF, along its bits
    _, key_128, key_256 = _rows(x9_24_3.SEVENTEEN)[0]
    for key, expected in ((_KEY_128, key_128), (_KEY_256, key_256)):
        for i in range(16, -1, -1):
            serial = _ID + (0x20000 - (1 << i)).to_bytes(4, "big")
            key = _derived(key, aes.KEY_DERIVATION, len(key) // 8, serial, len(key))
        assert key == h(expected)


def test_other_working_keys():
    current = h(_rows(x9_24_3.SEQUENCE_128)[0][1])
    serial = _ID + h("00000001")
    usages = (aes.PIN_ENCRYPTION, aes.MAC_GENERATION, aes.DATA_ENCRYPTION)
    for algorithm, n, keys in ((aes.TDEA_2, 16, x9_24_3.TDEA_2), (aes.TDEA_3, 24, x9_24_3.TDEA_3)):
        for usage, key in zip(usages, keys.split()):
            assert _derived(current, usage, algorithm, serial, n) == h(key)
    key = _derived(current, aes.KEY_ENCRYPTION, aes.AES_128, serial, 16)
    assert key == h(x9_24_3.KEY_ENCRYPTION_1)
    # No vector is published for the other usages: they differ in the usage (6.3.2, table 3) and in nothing else
    seen = set()
    for usage in (0x0002, 0x1000, 0x2000, 0x2001, 0x2002, 0x3000, 0x3001, 0x3002, 0x8000):
        block = b"\x01\x01" + usage.to_bytes(2, "big") + h("0002 0080 90123456 00000001")
        key = bytes(_derived(current, usage, aes.AES_128, serial, 16))
        assert key == cipher(current, 1).encrypt(block)
        seen.add(key)
    assert len(seen) == 9
    for n in (16, 24, 32):
        block = b"\x01\x01\x20\x00\x00\x05" + (8 * n).to_bytes(2, "big") + serial[4:]
        key = _derived(_KEY_256, aes.MAC_GENERATION, aes.HMAC, serial, n)
        assert key[:16] == cipher(_KEY_256, 1).encrypt(block)
        assert key[16:] == cipher(_KEY_256, 1).encrypt(b"\x01\x02" + block[2:])[: n - 16]


# X9.24-3:2017, 6.1.3: no key is stronger than the one it comes from
@cases(
    (_KEY_128, aes.AES_192, 24),
    (_KEY_128, aes.AES_256, 32),
    (_KEY_192, aes.AES_256, 32),
    (_KEY_128, aes.HMAC, 32),
    (_KEY_128, aes.AES_128, 24),
    (_KEY_256, aes.AES_256, 16),
    (_KEY_256, aes.TDEA_2, 24),
    (_KEY_256, aes.TDEA_3, 16),
    (_KEY_256, aes.HMAC, 20),
)
def test_no_such_key(key, algorithm, n):
    with raises(E_INTERNAL):
        _derived(key, aes.MAC_GENERATION, algorithm, _SERIAL, n)


@cases(16, 24, 32)
def test_what_the_keys_do(n):
    key = _KEY_256[:n]
    ring = _loaded(key)
    assert len(_state(ring)) == _LENGTHS[n]
    keys = next_keys(ring, AES_DUKPT, FixedEntropy(bytes(range(16))))
    # Data: ISO/IEC 9797-1, padding method 2
    for length, padded in ((0, 16), (15, 16), (16, 32), (17, 32)):
        clear = bytearray(b"\xee" * 32)
        clear[:length] = bytes(range(length))
        secret = keys.encrypt_data(clear, length)
        back = bytearray(padded)
        cipher(keys.data, CBC, bytes(16)).decrypt(secret, back)
        assert back == bytes(range(length)) + b"\x80" + bytes(padded - length - 1)
    # PIN blocks: new random bytes in each
    account = h(x9_24_3.PIN_ACCOUNT)
    first, second = keys.pin_block(_PIN, account), keys.pin_block(_PIN, account)
    assert first != second
    for block, tail in ((first, bytes(range(8))), (second, bytes(range(8, 16)))):
        outer = cipher(keys.pin, 1).decrypt(block)
        inner = cipher(keys.pin, 1).decrypt(bytes([outer[i] ^ account[i] for i in range(16)]))
        assert inner == h("441234AAAAAAAAAA") + tail
    # MACs
    mac = bytearray(8)
    keys.mac_into(_DATA, mac)
    assert mac == cmac(keys.mac_request, _DATA)[:8]
    assert not keys.mac_matches(_DATA, mac)
    mac = cmac(keys.mac_response, _DATA)[:8]
    assert keys.mac_matches(_DATA, mac)
    for i in range(64):
        mac[i >> 3] ^= 1 << (i & 7)
        assert not keys.mac_matches(_DATA, mac)
        mac[i >> 3] ^= 1 << (i & 7)
    for wrong in (7, 9, 16):
        with raises(E_INTERNAL):
            keys.mac_into(_DATA, bytearray(wrong))
        assert not keys.mac_matches(_DATA, cmac(keys.mac_response, _DATA)[:wrong] if wrong != 9 else bytes(9))
    assert len({bytes(key) for key in (keys.pin, keys.data, keys.mac_request, keys.mac_response)}) == 4


def test_no_pin_and_no_entropy():
    keys = aes.AesDukpt(_loaded()).next(FixedEntropy(None))
    with raises(E_TAG_FORMAT):
        keys.pin_block(_PIN[:3], bytes(16))
    with raises(E_ENTROPY):
        keys.pin_block(_PIN, bytes(16))


@cases((16, _KEY_128), (24, _KEY_192), (32, _KEY_256))
def test_used_keys_are_gone(n, key):
    ring = _loaded(key)
    assert _state(ring).find(key[:16]) < 0
    dukpt = _Watched(ring)
    for _ in range(9):
        keys = dukpt.next()
        assert not any(ring.buffers[0])
        for part in (dukpt.current, keys.pin, keys.mac_request, keys.mac_response, keys.data):
            assert len(part) == n
            assert _state(ring).find(bytes(part[:16])) < 0 and _state(ring).find(bytes(part[-8:])) < 0
        keys.wipe()
        assert not any(any(part) for part in (keys.pin, keys.mac_request, keys.mac_response, keys.data))


class _Short(aes.AesDukpt):
    """The registers of a counter of 10 bits with at most four one-bits."""

    _bits = 10
    _most = 4


def test_every_key_of_a_short_counter():
    ring = RingMemory()
    dukpt = _Short(ring)
    dukpt.load_initial_key(_KEY_128, _SERIAL)
    expected = [n for n in range(1, 1 << 10) if sum([n >> i & 1 for i in range(10)]) <= 4]
    assert [_counter(dukpt.next()) for _ in expected] == expected
    for _ in range(3):
        with raises(E_KEY_EXHAUSTED):
            dukpt.next()
    with raises(E_KEY_EXHAUSTED):
        dukpt.check()


def test_register_that_does_not_check_is_skipped():
    ring = _loaded()
    state = bytearray(_state(ring))
    state[12 + 17 * 31] ^= 0x40  # of the lowest bit
    ring.sections[_SECTION] = bytes(state)
    dukpt = _Watched(ring)
    for row in _rows(x9_24_3.SEQUENCE_128)[1:4]:
        assert dukpt.next().ksn == _ID + h(row[0])
        assert dukpt.current == h(row[1])


def test_no_key():
    dukpt = aes.AesDukpt(RingMemory())
    for method in (dukpt.check, dukpt.next, dukpt.serial):
        with raises(E_NO_KEY):
            method()
    with raises(E_NO_KEY):
        dukpt.update_initial_key(None)


def test_injected_once_and_in_its_lengths():
    ring = _loaded()
    before = _state(ring)
    with raises(E_KEY_EXISTS):
        aes.AesDukpt(ring).load_initial_key(_KEY_256, _SERIAL)
    assert _state(ring) == before
    ring = RingMemory()
    for n, m in ((15, 12), (20, 12), (33, 12), (0, 12), (16, 10), (16, 13)):
        with raises(E_INTERNAL):
            aes.AesDukpt(ring).load_initial_key(bytes(n), bytes(m))
    assert not ring.sections


def test_state_of_another_layout():
    good = _state(_loaded())
    for data in (good[:-1], good + b"\0", good[:12], bytes(837)):
        dukpt = aes.AesDukpt(RingMemory({_SECTION: data}))
        for method in (dukpt.next, dukpt.check, dukpt.serial):
            with raises(E_STORE, 1):
                method()


@cases((_KEY_128, x9_24_3.UPDATE_128), (_KEY_256, x9_24_3.UPDATE_256))
def test_update_key(key, expected):
    ring = _loaded(key)
    seen = []

    def refuse(update):
        seen.append(bytes(update))
        raise ReaderError(E_TAG_FORMAT)

    before = _state(ring)
    with raises(E_TAG_FORMAT):
        aes.AesDukpt(ring).update_initial_key(refuse)
    assert seen == [h(expected)]
    assert _state(ring) == before and ring.writes == 1
    # It is never among the packets' keys, and stays as it is while they are drawn
    aes.AesDukpt(ring).next()
    assert _state(ring)[-len(key) :] == h(expected)


@cases((_KEY_128, x9_24_3.LAST_CURRENT_128), (_KEY_256, x9_24_3.LAST_CURRENT_256))
def test_other_update_keys(key, expected):
    size = len(key)
    for bit in range(32):
        serial = _ID + ((1 << 32) - (1 << 31 - bit)).to_bytes(4, "big")
        key = _derived(key, aes.KEY_DERIVATION, size // 8, serial, size)
    assert key == h(expected)
    others = [(aes.AES_128, 16, x9_24_3.UPDATE_128_OF_256)]
    if size == 16:
        others = [(aes.TDEA_2, 16, x9_24_3.UPDATE_TDEA_2_OF_128), (aes.TDEA_3, 24, x9_24_3.UPDATE_TDEA_3_OF_128)]
    for algorithm, n, update in others:
        assert _derived(key, aes.KEY_ENCRYPTION, algorithm, serial, n) == h(update)


def test_update():
    ring = _loaded()
    _forward(ring, 0xFFFF0000)
    dukpt = _Watched(ring)
    dukpt.next()
    with raises(E_KEY_EXHAUSTED):
        dukpt.check()
    came = bytearray(_KEY_256)
    views = []

    def unwrap(update):
        views.append(update)
        return came, _ID + b"\xaa\xbb\xcc\xdd"

    dukpt.update_initial_key(unwrap, [(5, b"7")])
    assert ring.sections[5] == b"7"
    assert not any(came) and not any(views[0]) and not any(ring.buffers[0])
    for row in _rows(x9_24_3.SEQUENCE_256)[:3]:
        assert dukpt.next().ksn == _ID + h(row[0])
        assert dukpt.current == h(row[1])


def test_the_same_initial_key_is_no_update():
    for key in (_KEY_128, _KEY_256):
        ring = _loaded(key)
        aes.AesDukpt(ring).next()
        before = _state(ring)
        # Also under another name of the base derivation key, which no key comes from
        for serial in (_SERIAL, b"\0\0\0\0" + _SERIAL[4:]):
            with raises(E_KEY_EXISTS):
                aes.AesDukpt(ring).update_initial_key(lambda update: (bytearray(key), serial))  # noqa: B023 - called here
        assert _state(ring) == before
        aes.AesDukpt(ring).update_initial_key(lambda update: (bytearray(range(len(key))), _SERIAL))  # noqa: B023 - the same
        assert _state(ring)[12:] != before[12:]


def test_update_in_its_lengths():
    ring = _loaded()
    before = _state(ring)
    for n, m in ((20, 12), (16, 8)):
        with raises(E_INTERNAL):
            aes.AesDukpt(ring).update_initial_key(lambda update: (bytearray(n), bytes(m)))  # noqa: B023 - called here
    assert _state(ring) == before


class _Cut(Exception):
    """The power goes."""


def test_power_cut_at_every_write():
    # 1 is the injection, 4 the update, which starts the counter anew
    for fail_at in range(1, 7):
        for keeps_new in (False, True):
            ring = RingMemory(fail_at=fail_at, keeps_new=keeps_new, error=_Cut())
            given = []
            updated = False
            cuts = 0
            for _ in range(9):
                dukpt = _Watched(ring)
                try:
                    if not ring.size(_SECTION):
                        dukpt.load_initial_key(_KEY_128, _SERIAL)
                    elif not updated and len(given) >= 2:
                        dukpt.update_initial_key(lambda update: (bytearray(_KEY_256[:16]), _SERIAL))
                        updated = True
                    else:
                        dukpt.next()
                        given.append(dukpt.current)
                except _Cut:
                    cuts += 1
                except ReaderError as error:
                    assert error.code == E_KEY_EXISTS and keeps_new  # the update was in when the power went
                    updated = True
            assert cuts == 1 and updated
            assert len(set(given)) == len(given) >= 5
