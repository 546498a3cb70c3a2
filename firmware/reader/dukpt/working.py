"""Master/session: working keys that the host sends when the reader signs in, under the terminal master key, and that all
packets until the next sign-in are under. No key is ever used for two things.

What the host sends (field 62 of the 0810 of UnionPay, 60 bytes): PIN key, MAC key, track key, each 16 bytes encrypted
under the master key (TDES, ECB) and 4 bytes of check value, which are the first of eight zero bytes encrypted under it. A
MAC key of the "ECB" MAC has 8 bytes; zeros, not encrypted, stand behind it.

Kept: the three keys, 48 bytes.
"""

from binascii import hexlify

from micropython import const

from reader.crypto.des import BLOCK, Des, Des3
from reader.dukpt.scheme import MASTER_SESSION
from reader.dukpt.tdes_keys import TdesKeys
from reader.errors import E_ISO_LENGTH, E_KEY_CHECK, E_NO_KEY, E_SIGN_IN, ReaderError
from reader.storage.sections import MASTER_KEY, WORKING_KEYS
from reader.util.wipe import wipe

# detail of E_KEY_CHECK: the PIN key, the MAC key, the track key; there is no track key
PIN = const(1)
MAC = const(2)
TRACK = const(3)
NO_TRACK_KEY = const(4)

_KEY = const(16)
_CHECK = const(4)
_SENT = const(20)  # one key with its check value
_SENT_ALL = const(60)
_SENT_WITHOUT_TRACK = const(40)
_KEPT = const(48)
_FIELD = const(62)


class WorkingKeys(TdesKeys):
    """Those of the packet with the trace number `stan`. `is_ecb`: the MAC is that of UnionPay (ecb_into), or X9.19.

    The track is encrypted from a value that the packet's number gives under the track key: that key lives for a day, and
    the same card is not to look the same twice."""

    def __init__(self, ring, is_ecb: bool, stan: int):
        kept = ring.load(WORKING_KEYS)
        if len(kept) != _KEPT:
            raise ReaderError(E_SIGN_IN)
        mac = kept[_KEY : 2 * _KEY]
        super().__init__(MASTER_SESSION, b"", kept[:_KEY], kept[2 * _KEY :], mac, mac)
        wipe(kept)
        self._is_ecb = is_ecb
        initial = bytearray(BLOCK)
        cipher = Des3(self.data)
        cipher.encrypt_into(stan.to_bytes(BLOCK, "big"), initial)
        cipher.wipe()
        self.initial = bytes(initial)

    def mac_into(self, data, out) -> None:
        if self._is_ecb:
            ecb_into(self.mac_request, data, out)
        else:
            super().mac_into(data, out)

    def mac_matches(self, data, mac) -> bool:
        if not self._is_ecb:
            return super().mac_matches(data, mac)
        expected = bytearray(BLOCK)
        ecb_into(self.mac_request, data, expected)
        difference = len(mac) ^ BLOCK
        for i in range(min(len(mac), BLOCK)):
            difference |= expected[i] ^ mac[i]
        return not difference


def check(ring) -> None:
    """Whether the reader can sign in. Raises E_NO_KEY, E_STORE."""
    if ring.size(MASTER_KEY) != _KEY:
        raise ReaderError(E_NO_KEY)


def are_there(ring) -> bool:
    """Whether it has signed in."""
    return ring.size(WORKING_KEYS) == _KEPT


def forget(ring) -> None:
    """The host does not have these keys any more, or somebody else has: no packet is made before the next sign-in."""
    if ring.size(WORKING_KEYS):
        ring.write([(WORKING_KEYS, None)])


def take(ring, sent, is_ecb: bool) -> None:
    """Store all the keys that the host has `sent`, or none. Raises E_KEY_CHECK with the key whose check value, length or
    value is wrong: no half of a key may be there twice. E_ISO_LENGTH; E_NO_KEY; E_STORE.

    Without a track key nothing is taken: no track leaves this reader in clear.
    """
    if len(sent) == _SENT_WITHOUT_TRACK:
        raise ReaderError(E_KEY_CHECK, NO_TRACK_KEY)
    if len(sent) != _SENT_ALL:
        raise ReaderError(E_ISO_LENGTH, _FIELD)
    check(ring)
    master = bytearray(_KEY)
    keys = bytearray(_KEPT)
    cipher = None
    try:
        ring.read_into(MASTER_KEY, master)
        cipher = Des3(master)
        for number in (PIN, MAC, TRACK):
            at = (number - 1) * _SENT
            end = number * _KEY
            key = memoryview(keys)[end - _KEY : end]
            if number == MAC and is_ecb:
                if bytes(sent[at + BLOCK : at + _KEY]) != bytes(BLOCK):
                    raise ReaderError(E_KEY_CHECK, number)
                key = key[:BLOCK]
            for i in range(0, len(key), BLOCK):
                cipher.decrypt_into(sent[at + i : at + i + BLOCK], key[i : i + BLOCK])
            if not _checks(key, sent[at + _KEY : at + _SENT]) or _is_again(keys, end - _KEY, len(key)):
                raise ReaderError(E_KEY_CHECK, number)
        ring.write([(WORKING_KEYS, keys)])
    finally:
        wipe(master)
        wipe(keys)
        if cipher is not None:
            cipher.wipe()


def ecb_into(key, data, out) -> None:
    """The "ECB" MAC of UnionPay's POS specification over `data` into the 8 bytes `out`; of `key` the first 8 bytes count.

    All blocks, the last filled up with zeros, exclusive-or; its 16 hexadecimal digits; the first 8 encrypted, exclusive-or
    the last 8; encrypted; of its digits the first 8.
    """
    block = bytearray(BLOCK)
    at = 0
    for byte in data:
        block[at] ^= byte
        at = (at + 1) % BLOCK
    digits = hexlify(block).upper()
    cipher = Des(memoryview(key)[:BLOCK])
    block[:] = digits[:BLOCK]
    cipher.encrypt_into(block, block)
    for i in range(BLOCK):
        block[i] ^= digits[BLOCK + i]
    cipher.encrypt_into(block, block)
    cipher.wipe()
    out[:] = hexlify(block).upper()[:BLOCK]


def _checks(key, value) -> bool:
    """Whether `value` (4 bytes) is the check value of `key` (8 or 16)."""
    block = bytearray(BLOCK)
    cipher = Des(key) if len(key) == BLOCK else Des3(key)
    cipher.encrypt_into(block, block)
    cipher.wipe()
    return bytes(block[:_CHECK]) == bytes(value)


def _is_again(keys, at: int, size: int) -> bool:
    """Whether a half of the key at `at` is also another half of it, or one of a key before it."""
    for half in range(at, at + size, BLOCK):
        for other in range(0, half, BLOCK):
            if keys[other : other + BLOCK] == keys[half : half + BLOCK]:
                return True
    return False
