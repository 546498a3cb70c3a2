"""AES DUKPT, the originating side (ANSI X9.24-3:2017), on what registers.py does for both kinds.

A key serial number has 12 bytes: 8 name the device's initial key, 4 count its packets. A counter has at most sixteen
one-bits. The initial key has 16, 24 or 32 bytes, and so has everything here that comes from it.

Behind the registers the state has the DUKPT update key, under which a new initial key may come (6.5.3).
"""

from micropython import const

from reader.crypto.aes import CBC, ECB, cipher
from reader.crypto.cmac import cmac, matches
from reader.dukpt.registers import Dukpt, seal
from reader.dukpt.scheme import AES_DUKPT
from reader.errors import E_INTERNAL, E_KEY_EXISTS, ReaderError
from reader.iso9564 import format4_into
from reader.storage.sections import AES
from reader.util.wipe import wipe

# X9.24-3:2017, 6.3.2, table 3: what a key is derived for
KEY_ENCRYPTION = const(0x0002)
PIN_ENCRYPTION = const(0x1000)
MAC_GENERATION = const(0x2000)
MAC_VERIFICATION = const(0x2001)
MAC_BOTH = const(0x2002)
DATA_ENCRYPTION = const(0x3000)
DATA_DECRYPTION = const(0x3001)
DATA_BOTH = const(0x3002)
KEY_DERIVATION = const(0x8000)

# The same: the algorithm that it is used with. HMAC keys have 16, 24 or 32 bytes
TDEA_2 = const(0)
TDEA_3 = const(1)
AES_128 = const(2)
AES_192 = const(3)
AES_256 = const(4)
HMAC = const(5)

_BLOCK = const(16)
_SERIAL = const(12)
_ID = const(8)
_MAC = const(8)
_PADDING = const(0x80)
_LAST = b"\xff\xff\xff\xff"  # 6.5.2: the counter of the update key, which no packet has


def derive_into(key, usage: int, algorithm: int, serial, out) -> None:
    """A key for `usage` and `algorithm` into the bytearray `out`, whose length is the key's: X9.24-3:2017, 6.3.

    `key`: the current key of the 12 bytes `serial`, whose counter and last four bytes of the initial key's name go in.
    Raises E_INTERNAL when the length is not the algorithm's, or an AES or HMAC key would be longer than `key` (6.1.3).
    """
    size = len(out)
    least = _BLOCK
    if algorithm in (TDEA_3, AES_192):
        least = 24
    elif algorithm == AES_256:
        least = 32
    good = size in (16, 24, 32) if algorithm == HMAC else size == least
    if not good or (algorithm > TDEA_3 and size > len(key)):
        raise ReaderError(E_INTERNAL)
    data = bytearray(_BLOCK)
    data[0] = 1  # version
    data[2:4] = usage.to_bytes(2, "big")
    data[5] = algorithm
    data[6:8] = (8 * size).to_bytes(2, "big")
    data[8:] = memoryview(serial)[_SERIAL - 8 : _SERIAL]
    engine = cipher(key, ECB)
    _blocks_into(engine, data, bytearray(_BLOCK), out, 0, size)


def _blocks_into(engine, data, room, out, at: int, size: int) -> None:
    """6.3.1: `size` bytes of key at out[at:], from blocks of `data` that are numbered from 1 on."""
    for i in range(0, size, _BLOCK):
        data[1] = i // _BLOCK + 1
        engine.encrypt(data, room)
        n = min(_BLOCK, size - i)
        out[at + i : at + i + n] = memoryview(room)[:n]
    wipe(room)


class AesKeys:
    """The keys of one packet under AES (ports.PacketKeys), out of the current key (wiped by the caller) of `serial`.

    The MACs are CMACs of which the first eight bytes count. `entropy` fills up PIN blocks.
    """

    scheme = AES_DUKPT
    pin_format = 4
    block = _BLOCK

    def __init__(self, serial, key, entropy):
        self.ksn = serial
        self._entropy = entropy
        algorithm = len(key) // 8  # 2, 3, 4
        # X9.24-3:2017, 6.2: named as the originator uses them: it generates the request's MAC and verifies the answer's
        self.pin = bytearray(len(key))
        derive_into(key, PIN_ENCRYPTION, algorithm, serial, self.pin)
        self.mac_request = bytearray(len(key))
        derive_into(key, MAC_GENERATION, algorithm, serial, self.mac_request)
        self.mac_response = bytearray(len(key))
        derive_into(key, MAC_VERIFICATION, algorithm, serial, self.mac_response)
        self.data = bytearray(len(key))
        derive_into(key, DATA_ENCRYPTION, algorithm, serial, self.data)

    def encrypt_data(self, clear, length: int) -> bytes:
        """The first `length` bytes of `clear` with padding method 2 of ISO/IEC 9797-1, for which it has room, in AES-CBC
        from zeros: the data key is used once for each piece. The caller wipes `clear`."""
        padded = memoryview(clear)[: (length // _BLOCK + 1) * _BLOCK]
        wipe(padded[length:])
        padded[length] = _PADDING
        out = bytearray(len(padded))
        cipher(self.data, CBC, bytes(_BLOCK)).encrypt(padded, out)
        return bytes(out)

    def pin_block(self, pin, account) -> bytes:
        """`pin` (one digit a byte) as an encrypted block of ISO 9564-1 format 4. `account`: what iso9564.account_into
        made in 16 bytes. The caller wipes both. Raises E_TAG_FORMAT for no PIN, E_ENTROPY."""
        out = bytearray(_BLOCK)
        room = bytearray(_BLOCK)
        try:
            format4_into(pin, self._entropy, out)
            engine = cipher(self.pin, ECB)
            engine.encrypt(out, room)
            for i in range(_BLOCK):
                room[i] ^= account[i]
            engine.encrypt(room, out)
            return bytes(out)
        finally:
            wipe(out)
            wipe(room)

    def mac_into(self, data, out) -> None:
        """The MAC of the request `data` into the 8 bytes `out`. Raises E_INTERNAL for another length."""
        if len(out) != _MAC:
            raise ReaderError(E_INTERNAL)
        out[:] = memoryview(cmac(self.mac_request, data))[:_MAC]

    def mac_matches(self, data, mac) -> bool:
        """Whether the 8 bytes `mac` are the MAC of the answer `data`."""
        return len(mac) == _MAC and matches(mac, cmac(self.mac_response, data))

    def wipe(self) -> None:
        """Overwrite the keys with zeros; the serial number stays."""
        for key in (self.pin, self.data, self.mac_request, self.mac_response):
            wipe(key)


class AesDukpt(Dukpt):
    """An initial key of 16, 24 or 32 bytes with a serial number of 12 (its counter is cleared), and AesKeys."""

    _section = AES
    _serial = _SERIAL
    _bits = 32
    _most = 16  # X9.24-3:2017, 6.5.2
    _lengths = (16, 24, 32)

    def update_initial_key(self, open_block, also=()) -> None:
        """Put another initial key in the place of this one, used up or not: X9.24-3:2017, 6.5.3.

        `open_block(key)` gets the DUKPT update key, which it must not keep, and gives (initial key, serial number), the
        former a bytearray, out of what came under it; it raises when that is not genuine, and nothing changes. Both keys are wiped here. `also` as
        for `load_initial_key`. Raises E_NO_KEY; E_KEY_EXISTS for the initial key that there is, whose counter would
        begin anew; E_INTERNAL on a wrong length; E_STORE.
        """
        state = self._read()
        fresh = key = bytearray()
        try:
            update = memoryview(state)[-self._size(state) :]
            key, serial = open_block(update)
            fresh = self._fresh(key, serial)
            # The same key for the same reader has the same update key, and only it has
            if len(fresh) == len(state) and matches(update, memoryview(fresh)[-len(update) :]):
                raise ReaderError(E_KEY_EXISTS)
            self._write(fresh, also)
        finally:
            for buf in (state, fresh, key):
                wipe(buf)

    def _fresh(self, key, serial):
        state = super()._fresh(key, serial)
        # 6.5.3: from the initial key along all bits of a counter that no packet can have
        size = len(key)
        update = bytearray(state[:_ID]) + _LAST
        number = bytearray(update)
        path = bytearray(key)
        child = bytearray(size)
        for bit in range(self._bits):
            number[_ID:] = ((1 << 32) - (1 << 31 - bit)).to_bytes(4, "big")
            derive_into(path, KEY_DERIVATION, size // 8, number, child)
            path[:] = child
        derive_into(path, KEY_ENCRYPTION, size // 8, update, child)
        state[-size:] = child
        wipe(path)
        wipe(child)
        return state

    def _length(self, size):
        return super()._length(size) + size

    def _keys(self, serial, key, entropy):
        return AesKeys(serial, key, entropy)

    def _derive(self, state, key, counter, bit):
        """X9.24-3:2017, B.6.3, "Update Derivation Keys": a register's key comes from the counter with its bit set."""
        if not bit:
            return
        size = len(key)
        data = bytearray(b"\x01\x00\x80\x00\x00\x00\x00\x00") + memoryview(state)[_SERIAL - 8 : _SERIAL]
        data[5] = size // 8
        data[6:8] = (8 * size).to_bytes(2, "big")
        engine = cipher(key, ECB)
        room = bytearray(_BLOCK)
        at = self._at(bit, size)
        while bit:
            data[12:] = (counter | bit).to_bytes(4, "big")
            _blocks_into(engine, data, room, state, at, size)
            seal(state, at, size)
            bit >>= 1
            at += size + 1
