"""Working keys under the master key, and the packets under them: all of what the host sends, or nothing."""

from flash_memory import Counting
from ring_memory import RingMemory

from reader.crypto.des import Des, Des3
from reader.dukpt import scheme, working
from reader.errors import E_ISO_LENGTH, E_KEY_CHECK, E_NO_KEY, E_SIGN_IN, E_STORE
from reader.iso9564 import account_into
from reader.storage.key_ring import KeyRing
from reader.storage.sections import MASTER_KEY, WORKING_KEYS
from testing import SHAPES, Power, PowerCut, cases, h, raises, ring_parts

_MASTER = h("70F2A84CCBC2AE8625CBB0F2C22AB923")
_PIN = h("0123456789ABCDEFFEDCBA9876543210")
_MAC = h("6D504F532062656E636820626C6F6374")
_MAC_SINGLE = h("C24A8FB57AA20123")
_TRACK = h("79B56E20A1D3C4F842667F1098ECDA35")


def _des(key, data, way="encrypt_into"):
    out = bytearray(len(data))
    cipher = Des(key) if len(key) == 8 else Des3(key)
    for i in range(0, len(data), 8):
        getattr(cipher, way)(data[i : i + 8], memoryview(out)[i : i + 8])
    return bytes(out)


def _one(key, master=_MASTER):
    """As a host sends it."""
    return (_des(master, key) + bytes(8))[:16] + _des(key, bytes(8))[:4]


def _sent(pin=_PIN, mac=_MAC, track=_TRACK):
    return _one(pin) + _one(mac) + _one(track)


def _ring():
    return RingMemory({MASTER_KEY: _MASTER})


def _keys(is_ecb=False, stan=42):
    ring = _ring()
    working.take(ring, _sent(mac=_MAC_SINGLE if is_ecb else _MAC), is_ecb)
    return scheme.next_keys(ring, scheme.MASTER_SESSION, None, is_ecb, stan)


def test_what_a_host_sends():
    # A worked example of a UnionPay host's MAC key under its terminal master key, as published with a demonstration of
    # the ECB MAC (blog.csdn.net/zhu244912654, article 80005341): ciphertext and key
    assert _one(_MAC_SINGLE)[:16] == h("96D605EA176B7E9E 0000000000000000")
    ring = _ring()
    working.take(ring, _sent(mac=_MAC_SINGLE), True)
    assert ring.sections[WORKING_KEYS] == _PIN + _MAC_SINGLE + bytes(8) + _TRACK
    assert ring.writes == 1 and not any(ring.buffers[0])  # what was given to the ring is wiped


def test_ecb_mac():
    # A worked example with all its steps: solo123/pgate, test/integration/pos_mac_test.rb
    out = bytearray(8)
    working.ecb_into(h("2222222222222222"), h("1234567890ABCDEFABCDEF1234567890"), out)
    assert out == b"E267B6E2"
    # zeros fill up the last block
    working.ecb_into(h("2222222222222222"), h("1234567890ABCDEFABCDEF12345678"), out)
    short = bytes(out)
    working.ecb_into(h("2222222222222222"), h("1234567890ABCDEFABCDEF1234567800"), out)
    assert short == out != b"E267B6E2"


def test_what_the_ecb_mac_does_not_see():
    """The same bit in two blocks, at the same place: the MAC is that of the exclusive-or alone (docs/packet.md)."""
    message = bytearray(b"0210 declined 51 000000000042 000000000042")
    one, other = bytearray(8), bytearray(8)
    for is_ecb in (True, False):
        keys = _keys(is_ecb)
        keys.mac_into(message, one)
        for at in (3, 19):
            message[at] ^= 4
        keys.mac_into(message, other)
        assert (one == other) == is_ecb


@cases((False,), (True,))
def test_a_packet(is_ecb):
    keys = _keys(is_ecb)
    assert (keys.scheme, keys.ksn, keys.pin_format, keys.block) == (3, b"", 0, 8)
    mac = bytearray(8)
    keys.mac_into(b"0123456789", mac)
    assert keys.mac_matches(b"0123456789", mac)
    assert not keys.mac_matches(b"0123456788", mac)
    assert not keys.mac_matches(b"0123456789", mac[:7]) and not keys.mac_matches(b"0123456789", b"")
    for bit in range(64):
        mac[bit >> 3] ^= 1 << (bit & 7)
        assert not keys.mac_matches(b"0123456789", mac)
        mac[bit >> 3] ^= 1 << (bit & 7)
    if is_ecb:
        expected = bytearray(8)
        working.ecb_into(_MAC_SINGLE, b"0123456789", expected)
        assert mac == expected
    field = bytearray(8)
    account_into(h("6212340000000019"), 16, field)
    block = _des(_PIN, keys.pin_block(bytes((1, 2, 3, 4)), field), "decrypt_into")
    assert block == h("041217BFFFFFFFFE")
    keys.wipe()
    assert not any(keys.pin) and not any(keys.data) and not any(keys.mac_request)


def test_the_same_track_never_looks_the_same():
    track = h("6212340000000019D30122010000000000")
    seen = []
    for stan in (1, 2, 999999):
        clear = bytearray(32)
        clear[: len(track)] = track
        out = _keys(stan=stan).encrypt_data(clear, len(track))
        # CBC from the encrypted trace number
        chain = _des(_TRACK, stan.to_bytes(8, "big"))
        for at in range(0, 24, 8):
            block = _des(_TRACK, out[at : at + 8], "decrypt_into")
            assert bytes([block[i] ^ chain[i] for i in range(8)]) == (track + h("80000000000000"))[at : at + 8]
            chain = out[at : at + 8]
        seen += [out[:8], out[8:16], out[16:]]
    assert len(set(seen)) == 9


def _changed(sent, at):
    out = bytearray(sent)
    out[at] ^= 2
    return bytes(out)


@cases(*[(is_ecb, at) for is_ecb in (False, True) for at in range(60)])
def test_a_bit_of_any_byte(is_ecb, at):
    ring = _ring()
    with raises(E_KEY_CHECK, at // 20 + 1):
        working.take(ring, _changed(_sent(mac=_MAC_SINGLE if is_ecb else _MAC), at), is_ecb)
    assert not ring.writes


@cases(
    ({"track": _PIN}, 3),
    ({"mac": _PIN}, 2),
    ({"mac": _PIN[8:] + _PIN[:8]}, 2),
    ({"track": _MAC[8:] + _TRACK[8:]}, 3),
    ({"pin": _PIN[:8] + _PIN[:8]}, 1),
    ({"track": _TRACK[:8] * 2}, 3),
)
def test_a_key_for_two_things(keys, which):
    ring = _ring()
    with raises(E_KEY_CHECK, which):
        working.take(ring, _sent(**keys), False)
    assert not ring.writes


def test_a_mac_key_of_the_other_length():
    with raises(E_KEY_CHECK, 2):
        working.take(_ring(), _sent(), True)
    with raises(E_KEY_CHECK, 2):
        working.take(_ring(), _sent(mac=_MAC_SINGLE), False)


def test_without_a_track_key():
    ring = _ring()
    with raises(E_KEY_CHECK, working.NO_TRACK_KEY):
        working.take(ring, _sent()[:40], False)
    assert not ring.writes


@cases(0, 1, 20, 39, 41, 59, 61, 80, 84)
def test_another_length(n):
    with raises(E_ISO_LENGTH, 62):
        working.take(_ring(), (_sent() + bytes(24))[:n], False)


@cases(({},), ({MASTER_KEY: bytes(8)},), ({MASTER_KEY: bytes(24)},))
def test_no_master_key(sections):
    with raises(E_NO_KEY):
        working.take(RingMemory(sections), _sent(), False)
    with raises(E_NO_KEY):
        scheme.check(RingMemory(sections), scheme.MASTER_SESSION)
    scheme.check(_ring(), scheme.MASTER_SESSION)


def test_keys_of_another_master():
    ring = RingMemory({MASTER_KEY: bytes(reversed(_MASTER))})
    with raises(E_KEY_CHECK, 1):
        working.take(ring, _sent(), False)


def test_not_signed_in():
    ring = _ring()
    assert not working.are_there(ring)
    with raises(E_SIGN_IN):
        scheme.next_keys(ring, scheme.MASTER_SESSION, None)
    working.take(ring, _sent(), False)
    assert working.are_there(ring)
    working.forget(ring)
    assert not working.are_there(ring) and MASTER_KEY in ring.sections
    with raises(E_SIGN_IN):
        scheme.next_keys(ring, scheme.MASTER_SESSION, None)
    writes = ring.writes
    working.forget(ring)
    assert ring.writes == writes


def test_a_ring_that_fails():
    ring = RingMemory({MASTER_KEY: _MASTER, WORKING_KEYS: bytes(48)}, fail_at=1)
    with raises(E_STORE):
        working.take(ring, _sent(), False)
    assert ring.sections[WORKING_KEYS] == bytes(48) and not any(ring.buffers[0])


def test_the_power_goes():
    """At every operation of the flash: all the old keys or all the new ones, and the master key."""
    old = bytes(range(48))
    new = _PIN + _MAC + _TRACK
    for shape in range(SHAPES):
        at = 0
        found = set()
        while True:
            at += 1
            power = Power()
            parts = ring_parts(power)
            ring = KeyRing(*parts)
            ring.create(Counting())
            ring.write([(MASTER_KEY, _MASTER), (WORKING_KEYS, old)])
            power.cut(at, shape)
            try:
                working.take(ring, _sent(), False)
                break
            except PowerCut:
                power.restore()
            ring = KeyRing(*parts)
            ring.check()
            kept = bytearray(48)
            assert ring.read_into(WORKING_KEYS, kept) == 48 and kept in (old, new)
            found.add(bytes(kept))
            assert ring.size(MASTER_KEY) == 16
        assert found == {old, new} and at > 3
