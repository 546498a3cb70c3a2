"""TDES DUKPT, the originating side (ANSI X9.24-1:2009, Annex A): one new set of keys for every packet.

The device holds 21 future key registers, one for each bit of the counter; the register of the counter's lowest
one-bit is the current key. Taking it derives the registers of all lower bits from it and destroys it. The new state
is in the store before the caller sees a key, so no key serves twice, whenever the power goes. When it goes after the
state was written and before the key was used, that key is lost, which costs one of 1,048,575.

State, 384 bytes: version, key serial number (10), 21 registers of key (16) and check byte, and a check value over
all of that. A state that does not check is E_STORE, never a counter that starts again.
"""

from hashlib import sha256

import micropython
from micropython import const

from reader.crypto.des import Des, Des3
from reader.dukpt import ksn
from reader.dukpt.scheme import TDES_DUKPT
from reader.dukpt.tdes_keys import TdesKeys
from reader.errors import E_INTERNAL, E_KEY_EXHAUSTED, E_KEY_EXISTS, E_NO_KEY, E_STORE, ReaderError

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.ports import Store

    ptr8 = bytearray

_VERSION = const(1)
_KSN = const(1)
_REGISTERS = const(11)
_REGISTER = const(17)
_CHECK = const(368)
_LENGTH = const(384)

_KEY = const(16)
_FIRST_BIT = const(0x100000)  # of register 1; the lowest bit belongs to register 21

# A counter may have ten one-bits: X9.24-1:2009, A.1
_MOST_ONE_BITS = const(10)


class Keys(TdesKeys):
    """What the key serial number `serial` (10 bytes) gives out of its transaction key (16 bytes, wiped by the caller)."""

    def __init__(self, serial, key):
        # X9.24-1:2009, A.4.1: the data variant encrypts its own halves, so that this key does not lead back
        data = _variant(key, 5)
        cipher = Des3(data)
        cipher.encrypt_into(data, data)
        cipher.wipe()
        # X9.24-1:2009, table A-1: the variants differ in one byte of each half
        super().__init__(TDES_DUKPT, bytes(serial), _variant(key, 7), data, _variant(key, 6), _variant(key, 4))


class TdesDukpt:
    """`store` keeps the state: load() and save(data) as in reader.ports.Store."""

    def __init__(self, store: "Store"):
        self._store = store
        self._state: bytearray = None

    def check(self) -> None:
        """Raises what `next` would, and takes no key: E_NO_KEY, E_KEY_EXHAUSTED, E_STORE."""
        if not self._load():
            raise ReaderError(E_NO_KEY)
        if ksn.counter(memoryview(self._state)[_KSN:_REGISTERS]) == 0:
            raise ReaderError(E_KEY_EXHAUSTED)

    def load_initial_key(self, key, serial) -> None:
        """Inject the initial key (16 bytes) with its 10-byte serial number, whose counter is cleared.

        Once in the device's life: E_KEY_EXISTS the second time, also when all keys are used up. The caller wipes
        `key`. Raises E_INTERNAL on a wrong length; E_STORE.
        """
        if len(key) != _KEY or len(serial) != ksn.LENGTH:
            raise ReaderError(E_INTERNAL)
        if self._load():
            raise ReaderError(E_KEY_EXISTS)
        state = self._state = bytearray(_LENGTH)
        state[0] = _VERSION
        state[_KSN:_REGISTERS] = serial
        number = memoryview(state)[_KSN:_REGISTERS]
        ksn.set_counter(number, 0)
        # X9.24-1:2009, A.2, "Load Initial Key": every register from the initial key, which is not kept
        self._derive(key, _FIRST_BIT)
        ksn.set_counter(number, 1)
        self._save()

    def next(self) -> Keys:
        """The next keys. Their register is destroyed and the new state stored when they come back.

        Raises E_NO_KEY before an initial key was loaded, E_KEY_EXHAUSTED after the last, E_STORE. After an error of
        the store the state is read again, because nobody knows which of the two it holds.
        """
        self.check()
        state = self._state
        number = memoryview(state)[_KSN:_REGISTERS]
        # X9.24-1:2009, A.2, "Request PIN Entry 1": skip a register that does not check
        while True:
            counter = ksn.counter(number)
            if counter == 0:
                raise ReaderError(E_KEY_EXHAUSTED)
            bit = counter & -counter
            at = _register(bit)
            if _checks(state, at):
                break
            ksn.set_counter(number, counter + bit)
        key = bytearray(_KEY)
        key[:] = memoryview(state)[at : at + _KEY]
        keys = Keys(number, key)
        # "New Key": with ten one-bits there are no further keys below this one, and the counter passes over them
        if ksn.one_bits(counter) < _MOST_ONE_BITS:
            self._derive(key, bit >> 1)
            bit = 1
        _wipe(key, 0, _KEY)
        _wipe(state, at, at + _KEY)
        state[at + _KEY] = 1  # the check byte of sixteen zeros is 0
        ksn.set_counter(number, counter + bit)
        saved = False
        try:
            self._save()
            saved = True
        finally:
            if not saved:
                keys.wipe()
        return keys

    def _derive(self, key, bit: int) -> None:
        """Fill the registers of `bit` and of all lower bits from `key`, which is that of the stored counter.

        X9.24-1:2009, A.2, "New Key-3" with the non-reversible key generation process. Both keys of the process
        are the same for all registers, so each is scheduled once.
        """
        if not bit:
            return
        state = self._state
        key_b = bytearray(b"\xc0\xc0\xc0\xc0\0\0\0\0\xc0\xc0\xc0\xc0\0\0\0\0")
        _xor_into(key_b, 0, key, 0, key_b, 0, _KEY)
        cipher_a = Des(memoryview(key)[:8])
        cipher_b = Des(memoryview(key_b)[:8])
        block = bytearray(8)
        data = bytearray(8)
        data[:] = memoryview(state)[_KSN + 2 : _REGISTERS]
        low = data[5:]
        at = _register(bit)
        while bit:
            # The last 64 bits of the serial number, with the bit of this register set
            data[5] = low[0] | bit >> 16
            data[6] = low[1] | (bit >> 8) & 0xFF
            data[7] = low[2] | bit & 0xFF
            _xor_into(block, 0, data, 0, key_b, 8, 8)
            cipher_b.encrypt_into(block, block)
            _xor_into(state, at, block, 0, key_b, 8, 8)
            _xor_into(block, 0, data, 0, key, 8, 8)
            cipher_a.encrypt_into(block, block)
            _xor_into(state, at + 8, block, 0, key, 8, 8)
            state[at + _KEY] = _parity(state, at, _KEY)
            bit >>= 1
            at += _REGISTER
        _wipe(key_b, 0, _KEY)
        _wipe(block, 0, 8)
        cipher_a.wipe()
        cipher_b.wipe()

    def _load(self) -> bool:
        """State from the store if it is not here yet; False when there is none. Raises E_STORE."""
        if self._state is None:
            stored = self._store.load()
            if stored is None:
                return False
            if len(stored) != _LENGTH or stored[0] != _VERSION or _seal(stored) != bytes(stored[_CHECK:]):
                raise ReaderError(E_STORE)
            self._state = stored if isinstance(stored, bytearray) else bytearray(stored)
        return True

    def _save(self) -> None:
        state = self._state
        state[_CHECK:] = _seal(state)
        self._state = None
        try:
            self._store.save(state)
            self._state = state
        finally:
            if self._state is None:
                _wipe(state, 0, _LENGTH)


def _register(bit: int) -> int:
    """Where in the state the register of this counter bit starts."""
    at = _REGISTERS
    while bit <= _FIRST_BIT >> 4:
        bit <<= 4
        at += 4 * _REGISTER
    while bit < _FIRST_BIT:
        bit <<= 1
        at += _REGISTER
    return at


def _checks(state, at: int) -> bool:
    return _parity(state, at, _KEY) == state[at + _KEY]


def _seal(state) -> bytes:
    """Check value over everything before it: the first 16 bytes of SHA-256."""
    return sha256(memoryview(state)[:_CHECK]).digest()[: _LENGTH - _CHECK]


def _variant(key, byte: int) -> bytearray:
    result = bytearray(key)
    result[byte] ^= 0xFF
    result[8 + byte] ^= 0xFF
    return result


def _wipe(buf, start: int, end: int) -> None:
    buf[start:end] = bytes(end - start)  # as long as before, so in place


# The two loops below run up to eighty times for one key


@micropython.viper
def _xor_into(dst: ptr8, d: int, a: ptr8, i: int, b: ptr8, j: int, n: int):
    """dst[d:] = a[i:] ^ b[j:], n bytes. Every caller above has buffers of fixed lengths."""
    while n > 0:
        n -= 1
        dst[d + n] = a[i + n] ^ b[j + n]


@micropython.viper
def _parity(buf: ptr8, at: int, n: int) -> int:
    """Longitudinal redundancy check: all n bytes from `at` XORed together."""
    x = 0
    while n > 0:
        n -= 1
        x ^= buf[at + n]
    return x
